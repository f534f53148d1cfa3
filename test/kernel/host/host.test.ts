import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {isBpffs, prepareBpffs} from '../../../src/kernel/host/bpffs.js';
import {cgroupRoot} from '../../../src/kernel/host/cgroup.js';
import {findHolders} from '../../../src/kernel/host/holders.js';
import {kernelBtf} from '../../../src/kernel/host/kernel-btf.js';
import {kernelAtLeast, kernelRelease} from '../../../src/kernel/host/kernel-version.js';
import {mountsOf} from '../../../src/kernel/host/mounts.js';
import {
	explainPermission,
	hasCapability,
	permissionReason,
	type Capability,
} from '../../../src/kernel/host/permission.js';
import {mapInfo, programInfo} from '../../../src/kernel/sys/info.js';
import {rawTracepointOpen} from '../../../src/kernel/sys/link.js';
import {linkInfo} from '../../../src/kernel/sys/link-info.js';
import {programLoad} from '../../../src/kernel/sys/program.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {listMounts} from '../../helpers/mounts.js';
import {makeTempFolder} from '../../helpers/temp.js';
import {addon, makeMap} from '../../native/support.js';

const kernel = kernelTest({feature: 'maps and bpffs', since: '5.15'});

const atLeast = test.macro({
	exec(t, running: string, version: string, expected: boolean) {
		t.is(kernelAtLeast(version, running), expected);
	},
	title: (_, running, version, expected) =>
		`kernel ${running} is ${expected ? 'at least' : 'older than'} ${version}`,
});

test(atLeast, '6.1.0-18-amd64', '6.1', true);
test(atLeast, '6.1.0-18-amd64', '6.2', false);
test(atLeast, '6.10.3', '6.9', true);
test(atLeast, '5.15.0-91-generic', '5.15', true);
test(atLeast, '5.4.0', '5.11', false);
test(atLeast, '7.0-rc1', '6.18', true);
test(atLeast, '10.0', '6.6', true);
test(atLeast, 'unknown', '4.4', false);

test('the running kernel is at least itself', t => {
	t.true(kernelAtLeast(kernelRelease));
});

const none = '0000000000000000';
const all = '000001ffffffffff';
const only = (...bits: number[]) =>
	bits
		.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)
		.toString(16)
		.padStart(16, '0');

const explains = test.macro({
	exec(
		t,
		facts: {
			effective?: string;
			limit?: string;
			lockdown?: string;
			release?: string;
			seccomp?: number;
			userNamespace?: string;
		},
		needed: readonly Capability[],
		expected: RegExp,
	) {
		const {effective = all, limit = '8388608', lockdown = '', release = '6.6.0'} = facts;
		const {seccomp = 0, userNamespace = 'user:[4026531837]'} = facts;
		const status = `Name:\tnode\nCapPrm:\t${all}\nCapEff:\t${effective}\nCapBnd:\t${all}\nSeccomp:\t${seccomp}\n`;
		const limits = `Max locked memory         ${limit}              ${limit}              bytes\n`;
		t.regex(
			permissionReason({status, limits, lockdown, release, userNamespace}, needed),
			expected,
		);
	},
	title: title => `EPERM is explained by ${title ?? ''}`,
});

test(
	'a user namespace',
	explains,
	{userNamespace: 'user:[4026532201]', seccomp: 2},
	['bpf'],
	/^this process is in a user namespace, .*bpf token/,
);
test('a seccomp filter', explains, {seccomp: 2}, ['bpf'], /^a seccomp filter of this process may/);
test(
	'a missing capability',
	explains,
	{effective: none},
	['bpf', 'net_admin'],
	/^this process lacks CAP_BPF, CAP_NET_ADMIN; /,
);
test(
	'the one that is missing',
	explains,
	{effective: only(39)},
	['bpf', 'net_admin'],
	/^this process lacks CAP_NET_ADMIN;/,
);
test(
	'nothing of capabilities where sys_admin stands for them',
	explains,
	{effective: only(21)},
	['bpf', 'perfmon', 'net_admin'],
	/^capabilities, lockdown and locked memory allow it/,
);
test(
	'lockdown',
	explains,
	{lockdown: 'none integrity [confidentiality]\n'},
	['bpf'],
	/locked down \(confidentiality\)/,
);
test(
	'nothing of a lockdown that is off',
	explains,
	{lockdown: '[none] integrity confidentiality\n'},
	['bpf'],
	/^capabilities, lockdown/,
);
test(
	'locked memory before 5.11',
	explains,
	{release: '5.10.0', limit: '65536'},
	['bpf'],
	/^locked memory is limited to 65536 bytes/,
);
test(
	'nothing of locked memory without a limit',
	explains,
	{release: '5.10.0', limit: 'unlimited'},
	[],
	/^capabilities, lockdown/,
);
test(
	'nothing of locked memory since 5.11',
	explains,
	{release: '5.11.0', limit: '65536'},
	[],
	/^capabilities, lockdown/,
);
test(
	'a capability before lockdown',
	explains,
	{effective: none, lockdown: '[confidentiality]'},
	['bpf'],
	/CAP_BPF/,
);

test('no status, no capability', t => {
	const facts = {status: '', limits: '', lockdown: '', release: '5.4.0'};
	t.regex(permissionReason(facts, ['bpf']), /lacks CAP_BPF/);
	t.regex(permissionReason(facts, []), /an unknown number of bytes/);
});

kernel('a privileged process has every capability', t => {
	for (const capability of ['bpf', 'perfmon', 'net_admin', 'sys_admin'] as const) {
		t.true(hasCapability(capability), capability);
	}

	t.notRegex(explainPermission('bpf', 'net_admin'), /lacks/);
});

const mountinfo = String.raw`21 28 0:20 / /proc rw,nosuid shared:13 - proc proc rw
30 22 0:27 / /sys/fs/bpf rw,relatime shared:9 - bpf bpf rw,mode=700
31 22 0:28 /sub /with\040blank\011tab rw - bpf skep rw
32 22 0:29 / /back\134040slash rw master:1 propagate_from:2 - bpf none rw
33 22 0:30 / /dash rw - ext4 /dev/bpf rw
34 22 0:31 / /last rw - bpf
`;

test('mounts of a type are told with their paths as they are', t => {
	t.deepEqual(
		mountsOf('bpf', mountinfo).map(({path}) => path),
		['/sys/fs/bpf', '/with blank\ttab', '/back\\040slash', '/last'],
	);
	t.deepEqual(mountsOf('bpf', ''), []);
	t.deepEqual(mountsOf('bpf', 'no such line\n - \n'), []);
});

test('mounts are those that the kernel lists', t => {
	const proc = listMounts().filter(({type}) => type === 'proc');
	t.deepEqual(
		mountsOf('proc').map(({path}) => path),
		proc.map(({path}) => path),
	);
	t.true(proc.length > 0);
});

kernel('the cgroup root is the first cgroup2 mount', t => {
	const mounted = listMounts().find(({type}) => type === 'cgroup2');
	if (mounted === undefined) t.throws(() => cgroupRoot(), {code: 'ERR_CGROUP'});
	else t.is(cgroupRoot(), mounted.path);
});

kernel('a pin path on bpffs is prepared: its folders are made', async t => {
	const root = await makeBpffs(t);
	t.true(isBpffs(root));

	prepareBpffs(join(root, 'a/b/pin'));
	prepareBpffs(join(root, 'a/b/pin'));
	prepareBpffs(`${root}/./a/../a/pin`);

	t.true(isBpffs(join(root, 'a/b')));
	t.false(isBpffs(join(root, 'a/b/pin')));
});

const refusesPath = test.macro({
	async exec(t, tail: string, message: RegExp) {
		const root = await makeBpffs(t);
		const path = `${root}/${tail}`;
		const error = t.throws(() => prepareBpffs(path), {code: 'ERR_BPFFS'});
		t.regex(error.message, message);
		t.false(isBpffs(join(root, 'new')), 'nothing is made');
	},
	title: (_, tail) => `a pin path with ${JSON.stringify(tail)} is refused`,
});

kernel(refusesPath, 'with.dot', /the kernel refuses names with a dot: "with\.dot"$/);
kernel(refusesPath, 'new.d/pin', /the kernel refuses names with a dot: "new\.d"$/);
kernel(refusesPath, 'new/x.y/pin', /the kernel refuses names with a dot: "x\.y"$/);
kernel(refusesPath, 'new\0/pin', /has a NUL inside$/);
kernel(refusesPath, 'pin\0', /has a NUL inside$/);

kernel('a pin path elsewhere is refused, with the way out', async t => {
	const folder = await makeTempFolder(t);
	mkdirSync(join(folder, 'there'));
	const error = t.throws(() => prepareBpffs(join(folder, 'there/new/pin')), {code: 'ERR_BPFFS'});
	t.true(error.message.includes(`"${folder}/there" is not on a bpf filesystem; mount one`));
	t.false(isBpffs(folder));
});

kernel('holders of a map are the processes that have it open', t => {
	const fd = makeMap(t);
	const {id} = mapInfo(fd);
	const holder = findHolders('map').get(id);
	t.deepEqual(
		holder?.map(({pid}) => pid),
		[process.pid],
	);
	t.is(typeof holder?.[0]?.command, 'string');
});

kernel('who holds a link is not taken for a holder of its program', t => {
	const {result: program} = programLoad({
		...{type: 17, license: 'GPL', name: '', flags: 0, attachType: 0, logLevel: 0},
		instructions: Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0),
	});
	const link = rawTracepointOpen(program, 'cpuhp_enter');
	t.teardown(() => addon.closeFd(link));
	const {id} = programInfo(program);
	t.true(findHolders('prog').has(id));

	addon.closeFd(program);

	t.false(findHolders('prog').has(id));
	t.true(findHolders('link').has(linkInfo(link).id));
});

test('the kernel has a task_struct', t => {
	const btf = kernelBtf();
	t.is(btf.find('task_struct', 'struct')?.kind, 'struct');
	t.is(kernelBtf(), btf);
});

test('kernel types of another path are read from there', async t => {
	const folder = await makeTempFolder(t);
	kernelBtf();
	t.throws(() => kernelBtf(join(folder, 'none')), {code: 'ERR_KERNEL_BTF'});
	writeFileSync(join(folder, 'broken'), 'broken');
	t.throws(() => kernelBtf(join(folder, 'broken')), {code: 'ERR_BTF'});
});
