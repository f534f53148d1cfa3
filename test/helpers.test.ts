import {existsSync, readFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import test from 'ava';
import {makeBpffs} from './helpers/bpffs.js';
import {makeCgroup} from './helpers/cgroup.js';
import {compile, fixtureObject} from './helpers/compile.js';
import {compareReleases, isUnsupported, kernelTest} from './helpers/kernel.js';
import {listMounts} from './helpers/mounts.js';
import {connect, connectHost, makeNamespace} from './helpers/netns.js';
import {assertNoResidue, takeSnapshot} from './helpers/residue.js';
import {run, start, until} from './helpers/run.js';
import {makeTempFolder} from './helpers/temp.js';

const onKernel = kernelTest({feature: 'namespaces, cgroup v2 and bpffs', since: '5.15'});
const onKernelAlone = kernelTest({feature: 'residue', since: '5.15', serial: true});

const reaches = test.macro({
	async exec(t, family: '4' | '6') {
		const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
		const [, far] = await connect(left, right);
		const address = family === '4' ? far.ipv4 : far.ipv6;

		const printed = await left.run('ping', `-${family}`, '-c1', '-W2', address);

		t.regex(printed, /1 received/);
	},
	title: (_, family) => `two namespaces joined by a veth pair reach each other over IPv${family}`,
});

onKernel(reaches, '4');
onKernel(reaches, '6');

const reachesHost = test.macro({
	async exec(t, family: '4' | '6') {
		const namespace = await makeNamespace(t);
		const [host, inside] = await connectHost(t, namespace);
		const address = family === '4' ? host.ipv4 : host.ipv6;

		const printed = await namespace.run('ping', `-${family}`, '-c1', '-W2', address);

		t.regex(printed, /1 received/);
		t.is(readFileSync(`/sys/class/net/${host.name}/ifindex`, 'utf8'), `${host.index}\n`);
		t.is(inside.name.slice(0, 6), 'uplink');
	},
	title: (_, family) => `a namespace reaches the test's own over IPv${family}`,
});

onKernel(reachesHost, '4');
onKernel(reachesHost, '6');

onKernel('three pairs between two namespaces do not share an address', async t => {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const pairs = [
		await connect(left, right, 0),
		await connect(left, right, 1),
		await connect(left, right, 2),
	].flat();

	t.is(new Set(pairs.flatMap(end => [end.ipv4, end.ipv6])).size, 12);
});

onKernel('a command that fails in a namespace rejects with what it printed', async t => {
	const namespace = await makeNamespace(t);

	const error = await t.throwsAsync(namespace.run('sh', '-c', 'echo no such luck >&2; exit 3'));

	t.regex(error.message, /no such luck/);
});

onKernel('a command wrapped by a cgroup runs inside it', async t => {
	const cgroup = await makeCgroup(t);

	const printed = await cgroup.run('cat', '/proc/self/cgroup');

	t.regex(printed, new RegExp(`^0::.*/${basename(cgroup.path)}$`, 'm'));
});

onKernel('a command runs inside a cgroup and a namespace at once', async t => {
	const [cgroup, namespace] = [await makeCgroup(t), await makeNamespace(t)];

	const printed = await cgroup.run(...namespace.wrap('sh', '-c', 'cat /proc/$$/cgroup; ip link'));

	t.regex(printed, new RegExp(`^0::.*/${basename(cgroup.path)}$`, 'm'));
	t.notRegex(printed, /eth0/);
});

onKernel('a bpffs is mounted', async t => {
	const folder = await makeBpffs(t);

	t.true(listMounts().some(mount => mount.path === folder && mount.type === 'bpf'));
});

onKernelAlone(
	'nothing is left of namespaces, cgroups and mounts when a test has ended',
	async t => {
		const before = await takeSnapshot();
		const teardowns: (() => unknown)[] = [];
		const inner = Object.create(t, {
			teardown: {value: (undo: () => unknown) => teardowns.unshift(undo)},
		}) as typeof t;

		const namespace = await makeNamespace(inner);
		await connectHost(inner, namespace);
		const cgroup = await makeCgroup(inner);
		const child = start(inner, ...cgroup.wrap('sleep', '100'));
		await until('child in its cgroup', async () =>
			(await readFile(join(cgroup.path, 'cgroup.procs'), 'utf8')).includes(String(child.pid)),
		);
		await makeBpffs(inner);
		// Programs and maps may be those of other processes.
		const kinds = ['cgroup', 'folder', 'interface', 'mount', 'namespace'];
		const made = [...(await takeSnapshot())].filter(
			line => !before.has(line) && kinds.includes(line.slice(0, line.indexOf(' '))),
		);
		for (const kind of kinds)
			t.true(
				made.some(line => line.startsWith(`${kind} `)),
				kind,
			);
		for (const undo of teardowns) await undo();
		const after = await takeSnapshot();
		t.deepEqual(
			made.filter(line => after.has(line)),
			[],
		);
	},
);

onKernelAlone('a pinned program that stays is named with its map', async t => {
	const folder = await makeBpffs(t);
	const before = await takeSnapshot();
	const pin = join(folder, 'left');
	await run('bpftool', 'prog', 'load', await fixtureObject('kernel/globals'), pin);
	const told = await t.throwsAsync(assertNoResidue(before, 0), {
		message: /left behind: .*program \d+ count_packets xdp.*map \d+ /,
	});
	const shown = await run('bpftool', '-j', 'prog', 'show', 'pinned', pin);
	const {id, map_ids: maps} = JSON.parse(shown) as {id: number; map_ids: number[]};
	const own = [`program ${id} `, ...maps.map(map => `map ${map} `)];
	for (const name of own) t.true(told.message.includes(name), name);
	await run('rm', pin);
	// What else there is may be that of other processes.
	await until('gone', async () =>
		[...(await takeSnapshot())].every(line => !own.some(name => line.startsWith(name))),
	);
});

test('a temp folder is empty', async t => {
	t.is(await run('ls', '-A', await makeTempFolder(t)), '');
});

test('the same source is compiled once', async t => {
	const source = 'int twice(int x) { return 2 * x; }\n';
	const [first, second] = await Promise.all([compile(source), compile(source)]);

	t.is(first, second);
	t.true(existsSync(first));
	t.not(await compile(source, ['-DOTHER']), first);
});

test('a source that does not compile rejects with the compiler’s words', async t => {
	await t.throwsAsync(compile('int f(void) { return y; }'), {
		message: /undeclared identifier 'y'/,
	});
});

const order = test.macro({
	exec(t, older: string, newer: string) {
		t.true(compareReleases(older, newer) < 0);
		t.true(compareReleases(newer, older) > 0);
		t.is(compareReleases(older, older), 0);
	},
	title: (_, older, newer) => `kernel ${older} is older than ${newer}`,
});

test(order, '5.15.0-91-generic', '6.6');
test(order, '6.6', '6.18.44-fc');
test(order, '6.9.0-rc1+', '6.10');

test('only refusals of the unknown count as unsupported', t => {
	const failure = (facts: object) => Object.assign(new Error('no'), facts);

	t.true(isUnsupported(failure({code: 'ERR_UNSUPPORTED'})));
	t.true(isUnsupported(failure({errno: 22})));
	t.true(isUnsupported(failure({errno: 524})));
	t.false(isUnsupported(failure({errno: 1, code: 'ERR_PERMISSION'})));
	t.false(isUnsupported(failure({})));
	t.false(isUnsupported('EINVAL'));
});
