import {fork} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {readObject} from '../../../src/spec/read.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {connect, makeNamespace} from '../../helpers/netns.js';
import {until} from '../../helpers/run.js';
import {load} from './objects.js';

const kernel = kernelTest({feature: 'programs that add to elements', since: '5.19'});
const port = 4789;

/**
 * Counts each datagram under its number, and all of them together; `control` maps, which both
 * versions share, say what ought to have been counted.
 */
async function counter(version: 1 | 2) {
	const value =
		version === 1
			? '__u64 packets; __u32 bytes; __u32 pad;'
			: '__u32 flags; __u32 pad2; __u64 bytes; __u64 packets;';
	const map = (name: string, type: string, key: string, of: string, entries: number) => `
		struct {
			__uint(type, BPF_MAP_TYPE_${type});
			__uint(max_entries, ${entries});
			__uint(pinning, LIBBPF_PIN_BY_NAME);
			__type(key, ${key});
			__type(value, ${of});
		} ${name} SEC(".maps");`;
	return readObject(
		await compile(`
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			#include <bpf/bpf_endian.h>
			struct flow { ${value} };
			${map('flows', 'HASH', '__u32', 'struct flow', 1 << 19)}
			${map('totals', 'ARRAY', '__u32', 'struct flow', 2)}
			${map('shares', 'PERCPU_HASH', '__u32', 'struct flow', 4)}
			${map('control', 'HASH', '__u32', '__u32', 1 << 19)}
			${map('control_total', 'ARRAY', '__u32', '__u64', 1)}
			static void add(struct flow *flow)
			{
				__sync_fetch_and_add(&flow->packets, 1);
				__sync_fetch_and_add(&flow->bytes, 64);
			}
			SEC("xdp") int count(struct xdp_md *ctx)
			{
				unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
				struct flow zero = {}, *flow;
				__u32 offset = 42, number, family = 0;
				__u64 *total;

				if (data + 62 + 4 > end)
					return XDP_PASS;
				if (data[12] == 0x86 && data[13] == 0xdd) {
					offset = 62;
					family = 1;
				} else if (data[12] != 8 || data[13] != 0) {
					return XDP_PASS;
				}
				if (data[family ? 20 : 23] != 17)
					return XDP_PASS;
				__builtin_memcpy(&number, data + offset, 4);
				zero.packets = 1;
				zero.bytes = 64;
				bpf_map_update_elem(&flows, &number, &zero, BPF_ANY);
				bpf_map_update_elem(&control, &number, &number, BPF_ANY);
				flow = bpf_map_lookup_elem(&totals, &family);
				if (flow)
					add(flow);
				flow = bpf_map_lookup_elem(&shares, &family);
				if (flow)
					add(flow);
				else
					bpf_map_update_elem(&shares, &family, &zero, BPF_NOEXIST);
				family = 0;
				total = bpf_map_lookup_elem(&control_total, &family);
				if (total)
					__sync_fetch_and_add(total, 1);
				return XDP_DROP;
			}
			char _license[] SEC("license") = "GPL";
		`),
	);
}

interface Flow {
	readonly packets: bigint;
	readonly bytes: bigint;
}

kernel('a migration under load loses no entry and no count, of IPv4 and IPv6', async t => {
	const pinRoot = await makeBpffs(t);
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, device] = await connect(left, right);
	await right.run(
		'ip',
		'neigh',
		'add',
		'192.0.2.1',
		'lladdr',
		'02:00:00:00:00:01',
		'dev',
		device.name,
	);
	const mac = JSON.parse(await right.run('ip', '-j', 'link', 'show', device.name)) as [
		{address: string},
	];
	for (const address of [device.ipv4, device.ipv6]) {
		await left.run(
			'ip',
			'neigh',
			'replace',
			address,
			'lladdr',
			mac[0].address,
			'dev',
			device.name,
		);
	}

	const old = load(t, await counter(1), {pinRoot});
	using link = attachXdp(old.program('count'), device.name, {netns: right.path});
	const [command, ...args] = left.wrap(
		process.execPath,
		fileURLToPath(new URL('send-child.js', import.meta.url)),
		String(port),
		device.ipv4,
		device.ipv6,
	);
	const sender = fork(args.at(-4) ?? '', args.slice(-3), {
		execPath: command,
		execArgv: args.slice(0, -4),
	});
	t.teardown(() => sender.kill('SIGKILL'));
	const total = old.map('control_total');
	const seen = (): bigint => total.get(0) as bigint;
	await until('packets are counted', () => seen() > 2000n);

	const counters = {counters: ['packets', 'bytes']};
	const made = load(t, await counter(2), {
		pinRoot,
		onMismatch: 'migrate',
		migrate: {totals: counters, shares: counters},
	});
	const share = made.map('control_total');
	const atCopy = seen();
	await until('more packets come meanwhile', () => seen() > atCopy + 2000n);
	const atSwitch = seen();
	link.update(made.program('count'));
	old.close();
	const [flows, ...others] = await made.commit();
	const now = (): bigint => share.get(0) as bigint;
	const atEnd = now();
	await until('the new program counts', () => now() > atEnd + 1000n);
	sender.send('stop');
	await once(sender, 'message');
	let last = -1n;
	await until('the last packets are through', () => {
		const before = last;
		last = now();
		return before === last;
	});

	const counted = now();
	const wanted = new Set(made.map('control').keys() as Iterable<number>);
	const found = new Map(made.map('flows').entries() as Iterable<[number, Flow]>);
	t.deepEqual(
		[...wanted].filter(key => !found.has(key)),
		[],
	);
	t.is(found.size, wanted.size);
	t.true([...found.values()].every(flow => flow.packets === 1n && flow.bytes === 64n));
	t.true((flows?.copied ?? 0) >= Number(atSwitch));
	t.true(others.every(report => report.summed > 0 && report.kept === 0));

	const sum = (flows: Iterable<Flow>, field: keyof Flow): bigint =>
		[...flows].reduce((all, flow) => all + flow[field], 0n);
	const totals = [...made.map('totals').values()] as Flow[];
	t.is(sum(totals, 'packets'), counted);
	t.is(sum(totals, 'bytes'), counted * 64n);
	t.true(totals.every(flow => flow.packets > 0n));
	const shares = ([...made.map('shares').values()] as Flow[][]).flat();
	t.is(shares.length, 2 * possibleCpus());
	t.is(sum(shares, 'packets'), counted);
	t.is(sum(shares, 'bytes'), counted * 64n);
});
