import {execFile} from 'node:child_process';
import {cp, mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

import type {ExecutionContext} from 'ava';

import {makeBpffs} from '../helpers/bpffs.js';
import {makeCgroup} from '../helpers/cgroup.js';
import {compile} from '../helpers/compile.js';
import {makeDevice} from '../helpers/device.js';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6'});
const project = fileURLToPath(new URL('../../..', import.meta.url));
const parts = [
	...['package.json', 'build/Release/skep.node', 'dist/src', 'dist/test/least/user-child.js'],
	'node_modules/yaml',
];

const source = `
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct pair { __u32 frames; __u32 packets; };
	struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 100);
		__uint(pinning, LIBBPF_PIN_BY_NAME);
		__type(key, __u32);
		__type(value, struct pair);
	} counts SEC(".maps");
	struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 4096);
	} events SEC(".maps");
	SEC("xdp") int see_frame(struct xdp_md *ctx)
	{
		__u32 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
		if (event) {
			*event = 1;
			bpf_ringbuf_submit(event, 0);
		}
		return XDP_PASS;
	}
	SEC("tcx/ingress") int see_packet(struct __sk_buff *skb)
	{
		__u32 key = 1;
		struct pair *pair = bpf_map_lookup_elem(&counts, &key);
		if (pair)
			pair->packets++;
		return -1;
	}
	SEC("cgroup/connect4") int see_socket(struct bpf_sock_addr *ctx) { return 1; }
	char _license[] SEC("license") = "Dual BSD/GPL";
`;

/** What the user runs, where anybody may read: the project's own folder may be root's alone. */
async function installed(t: ExecutionContext, object: string) {
	const folder = await makeTempFolder(t);
	for (const part of parts) {
		const place = join(folder, part);
		await mkdir(join(place, '..'), {recursive: true});
		await cp(join(project, part), place, {recursive: true});
	}
	const copy = join(folder, 'user.bpf.o');
	await cp(object, copy);
	await run('chmod', '-R', 'a+rX', folder);
	return {child: join(folder, 'dist/test/least/user-child.js'), object: copy};
}

kernel(
	'a user with CAP_BPF and CAP_NET_ADMIN alone loads, pins, attaches, upgrades, reads',
	async t => {
		const [device, cgroup, bpffs] = [
			await makeDevice(t),
			await makeCgroup(t),
			await makeBpffs(t),
		];
		const {child, object} = await installed(t, await compile(source));
		const user = '65534';
		await run('chown', user, bpffs);
		await run('chmod', 'a+rx', cgroup.path);
		const capabilities = '+bpf,+net_admin';
		const {stdout} = await promisify(execFile)('nsenter', [
			`--net=${device.namespace.path}`,
			...['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'],
			...[`--inh-caps=-all,${capabilities}`, `--ambient-caps=-all,${capabilities}`],
			`--bounding-set=-all,${capabilities}`,
			...[process.execPath, child, object, bpffs, device.name, cgroup.path, device.peer.path],
		]);
		t.like(JSON.parse(stdout), {
			uid: Number(user),
			attached: ['xdp', 'tcx', 'cgroup'],
			pins: ['opened'],
			ran: 2,
			entries: 50,
			value: {frames: 10, packets: 0},
			bytes: 50,
			events: 1,
			refused: {
				list: 'prog_get_next_id: operation not permitted (EPERM): objects by id need CAP_SYS_ADMIN',
				byId: 'open map "id 1": map_get_fd_by_id: operation not permitted (EPERM): objects by id need CAP_SYS_ADMIN',
				netns: 'attach program "see_frame" to xdp of "lo": enter network namespace: operation not permitted (EPERM): network namespaces need CAP_SYS_ADMIN',
				statistics:
					'enable_stats: operation not permitted (EPERM): statistics of programs need CAP_SYS_ADMIN',
			},
		});
		t.regex(
			(JSON.parse(stdout) as {refused: {migrate: string}}).refused.migrate,
			/its value has 8 bytes, the new one's 16, and reading the types to copy by needs CAP_SYS_ADMIN$/,
		);
	},
);
