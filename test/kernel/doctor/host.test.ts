import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import type {Diagnosis} from '../../../src/kernel/doctor/examine.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {cliCommand, skep} from '../../helpers/cli.js';
import {compile, fixtureObject} from '../../helpers/compile.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'CAP_BPF', since: '5.15'});
const execute = promisify(execFile);
const least = fileURLToPath(new URL('least-child.js', import.meta.url));

const counter = `
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__type(key, __u32);
		__type(value, __u64);
	} packets SEC(".maps");
	SEC("xdp") int count(struct xdp_md *ctx)
	{
		__u32 key = 0;
		__u64 *value = bpf_map_lookup_elem(&packets, &key);
		if (value)
			__sync_fetch_and_add(value, 1);
		return XDP_PASS;
	}
	char _license[] SEC("license") = "Dual BSD/GPL";
`;

/** What `doctor` says of a process that is started so. */
async function doctorUnder(...wrapper: readonly string[]): Promise<Diagnosis & {exit: number}> {
	const [command = '', ...args] = [...wrapper, ...cliCommand('doctor', '-o', 'json')];
	const {exit, stdout} = await execute(command, args).then(
		({stdout}) => ({exit: 0, stdout}),
		(error: unknown) => {
			const {code, stdout} = error as {code: number; stdout: string};
			return {exit: code, stdout};
		},
	);
	return {...(JSON.parse(stdout) as Diagnosis), exit};
}

kernel('doctor finds nothing on this host', async t => {
	const {code, out} = await skep('doctor');
	t.is(code, 0);
	t.regex(out, /\nnothing stands in the way of loading programs\n$/);
});

const stops = test.macro({
	async exec(t, wrapper: readonly string[], check: string, detail: RegExp) {
		const {ok, cause, exit} = await doctorUnder(...wrapper);
		t.false(ok);
		t.is(exit, 1);
		t.is(cause?.check, check);
		t.regex(cause?.detail ?? '', detail);
		t.truthy(cause?.mend);
	},
	title: (_, wrapper: readonly string[]) => `doctor names what ${wrapper.join(' ')} takes away`,
});

kernel(stops, ['setpriv', '--bounding-set=-all'], 'capabilities', /CAP_BPF and CAP_NET_ADMIN/);
kernel(
	stops,
	['setpriv', '--bounding-set=-all,+bpf'],
	'capabilities',
	/^this process lacks CAP_NET_ADMIN$/,
);
kernel(stops, ['setpriv', '--bounding-set=-bpf,-sys_admin'], 'capabilities', /lacks CAP_BPF$/);
kernel(stops, ['unshare', '--user', '--map-root-user'], 'user namespace', /do not count for bpf/);

kernel('a small limit of locked memory is none on this kernel', async t => {
	const {ok, findings} = await doctorUnder('prlimit', '--memlock=4096:4096');
	t.true(ok);
	const memlock = findings.find(({check}) => check === 'memlock');
	t.like(memlock, {status: 'ok', detail: '4096; this kernel accounts to the cgroup'});
});

kernel('without a bpf filesystem pins are what cannot be had', async t => {
	const unmounted = 'findmnt -t bpf -n -o TARGET | xargs -r -n 1 umount; exec "$@"';
	const {ok, findings} = await doctorUnder('unshare', '--mount', 'sh', '-c', unmounted, 'sh');
	t.true(ok);
	const bpffs = findings.find(({check}) => check === 'bpffs');
	t.is(bpffs?.status, 'limits');
	t.regex(bpffs?.mend ?? '', /mount -t bpf/);
});

kernelTest({feature: 'bpf tokens', since: '6.9'})(
	'a bpf filesystem that lends tokens is seen',
	async t => {
		const mounted = 'mount -t bpf -o delegate_cmds=any skep /mnt; exec "$@"';
		const {findings} = await doctorUnder('unshare', '--mount', 'sh', '-c', mounted, 'sh');
		const token = findings.find(({check}) => check === 'token');
		t.is(token?.detail, 'a bpf filesystem lends them');
	},
);

kernel('CAP_PERFMON missing is said of tracing only', async t => {
	const {ok, findings} = await doctorUnder('setpriv', '--bounding-set=-all,+bpf,+net_admin');
	t.true(ok);
	const tracing = findings.find(({check}) => check === 'tracing');
	t.like(tracing, {status: 'limits', mend: 'grant CAP_PERFMON as well'});
});

const suffices = test.macro({
	async exec(t, capabilities: string) {
		const device = await makeDevice(t);
		const bpffs = await makeBpffs(t);
		const text = await run(
			...device.namespace.wrap(
				...['setpriv', `--bounding-set=-all,${capabilities}`],
				...[process.execPath, least, await compile(counter)],
				...[bpffs, device.name],
			),
		);
		t.deepEqual(JSON.parse(text), {attached: 'xdp', entries: 1, pinned: true, ran: 2});
	},
	title: (_, capabilities) => `${capabilities} are enough to load, attach, pin and dump`,
});

kernel(suffices, '+bpf,+net_admin');
kernel(suffices, '+bpf,+net_admin,+perfmon');

kernel('a refusal for want of CAP_PERFMON says so', async t => {
	const object = await fixtureObject('kernel/globals');
	const [command, ...args] = cliCommand('object', 'verify', object);
	const error = await t.throwsAsync<Error & {stdout: string; stderr: string}>(
		execute('setpriv', ['--bounding-set=-all,+bpf,+net_admin', command, ...args]),
	);
	t.regex(error.stdout + error.stderr, /programs that calculate with pointers need CAP_PERFMON/);
});

const byId = test.macro({
	async exec(t, words: readonly string[]) {
		const [command, ...args] = cliCommand(...words);
		const error = await t.throwsAsync<Error & {stderr: string}>(
			execute('setpriv', ['--bounding-set=-all,+bpf,+net_admin,+perfmon', command, ...args]),
		);
		t.regex(error.stderr, /^skep: .*\(EPERM\): objects by id need CAP_SYS_ADMIN\n$/);
	},
	title: (_, words: readonly string[]) =>
		`skep ${words.join(' ')} says which capability it lacks`,
});

kernel(byId, ['prog', 'list']);
kernel(byId, ['map', 'list']);
kernel(byId, ['map', 'show', '1']);
kernel(byId, ['link', 'list']);
