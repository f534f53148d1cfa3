import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {createMap} from '../../src/object/map/create-map.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {start, until} from '../helpers/run.js';

const onKernel = kernelTest({feature: 'ring buffers in maps', since: '5.11'});

/** What a command says that does what it is asked. */
async function out(t: ExecutionContext, ...words: readonly string[]): Promise<string> {
	const {code, out: text, err} = await skep(...words);
	t.is(code, 0, err);
	t.is(err, '');
	return text;
}

const json = async (t: ExecutionContext, ...words: readonly string[]): Promise<unknown[]> =>
	(await out(t, ...words, '-o', 'json'))
		.split('\n')
		.filter(line => line !== '')
		.map(line => JSON.parse(line) as unknown);

/** Fails in one line that matches. */
async function fails(
	t: ExecutionContext,
	words: readonly string[],
	code: number,
	message: RegExp,
): Promise<void> {
	const result = await skep(...words);
	t.is(result.code, code, words.join(' '));
	t.regex(result.err, message);
	t.regex(result.err, /^skep: [^\n]+\n$/);
	t.is(result.out, '');
}

onKernel('a datapath is brought up, described and taken down', async t => {
	const root = join(await makeBpffs(t), 'skep');
	const at = ['--root', root];
	const down = await skep('datapath', 'status', ...at);
	t.is(down.code, 1);
	t.regex(down.out, /^state +down\n/);
	t.is(down.err, `skep: the datapath is down; "skep datapath up --root ${root}" brings it up\n`);
	await fails(t, ['datapath', 'upgrade', ...at], 1, /"skep datapath up" brings one up first/);

	const small = ['--ct-tcp', '1024', '--ct-any', '1024', '--map-ratio', '0.001'];
	const up = ['--gateway', '10.9.0.1', '--gateway', 'fd09::1', ...small];
	t.regex(await out(t, 'datapath', 'up', ...at, ...up), /^state +up\nroot .*\nprograms +from_e/);
	const [before] = (await json(t, 'datapath', 'status', ...at)) as {programs: {id: number}[]}[];
	for (const [words, code, message] of [
		[['--device', 'skep-none'], 1, /^skep: bring up datapath: no interface "skep-none"\n/],
		[['--cgroup', '/tmp'], 1, /"\/tmp": it is not a directory of a cgroup v2 hierarchy\n/],
		[['--cgroup', '/skep-none'], 1, /no cgroup at "\/skep-none"\n/],
		[['--mtu', '67'], 2, /an MTU is 68 to 65535 bytes, got 67\n/],
		[['--native-routing', 'abc'], 2, /"abc"/],
	] as const) {
		await fails(t, ['datapath', 'up', ...at, ...words], code, message);
		t.deepEqual(await json(t, 'datapath', 'status', ...at), [before], 'all is as it was');
	}

	await fails(t, ['prefilter', 'list', ...at], 1, /XDP was never on: "skep datapath up --xdp/);
	for (const words of [['direct'], ['chosen'], ['choose', '80']]) {
		await fails(t, ['sock', ...words, ...at], 1, /: connections were never direct: "skep d/);
	}

	const other = ['--gateway', '10.9.0.2', '--nat-address', '192.0.2.1', '--masquerade'];
	const [after] = (await json(t, 'datapath', 'upgrade', ...at, ...other)) as (typeof before)[];
	t.is(after?.programs.length, 4);
	t.notDeepEqual(after?.programs, before?.programs);
	t.like(after, {
		settings: {
			gateway: {ipv4: '10.9.0.2', ipv6: 'fd09::1'},
			masquerade: {ipv4: true, ipv6: false},
		},
	});
	t.regex(
		await out(t, 'datapath', 'upgrade', ...at, '--no-masquerade'),
		/\nsettings +gateway\.ipv4=10\.9\.0\.2 .*nat\.ipv4=192\.0\.2\.1 masquerade\.ipv4=false/,
	);

	const hosts = await out(t, 'endpoint', 'list', ...at);
	t.regex(hosts, /^IP ADDRESS +ID +SEC_ID +POLICY +IFINDEX +MAC\n/);
	t.regex(hosts, /\n10\.9\.0\.2 +0 +1 +disabled +0 +\(localhost\)\n/);
	t.notRegex(hosts, /\n10\.9\.0\.1 /);
	t.regex(hosts, /\nfd09::1 +0 +1 +disabled +0 +\(localhost\)\n/);
	t.is(await out(t, 'datapath', 'down', ...at), '');
	t.is((await skep('datapath', 'status', ...at)).code, 1);
	t.is(await out(t, 'datapath', 'down', ...at), '');
});

onKernel('endpoints are added, listed, found and deleted', async t => {
	const {red, blue, node, root, added} = await makeDatapathLab(t);
	const at = ['--root', root];
	const [ipv4, ipv6] = addressesOf(red);
	const [first] = added;
	t.is(await out(t, 'endpoint', 'delete', ipv4, ...at), '');
	await fails(t, ['endpoint', 'get', '1', ...at], 1, /there is no such endpoint/);

	const words = ['endpoint', 'add', node.interfaces[0]?.name ?? '', '--mac', first?.mac ?? ''];
	const addresses = ['--ipv4', ipv4, '--ipv6', ipv6, '--netns', node.netns, '--id', '7'];
	const table = await out(t, ...words, ...addresses, '--label', 'app=red', ...at);
	t.regex(
		table,
		new RegExp(`\n${ipv4.replaceAll('.', '\\.')} +7 +256 +disabled +\\d+ +[\\da-f:]+\n`),
	);
	t.deepEqual(await json(t, 'endpoint', 'get', '7', ...at), [{...first, id: 7, identity: 256}]);
	t.deepEqual(
		await json(t, 'endpoint', 'get', ipv6, ...at),
		await json(t, 'endpoint', 'get', '7', ...at),
	);
	const listed = (await json(t, 'endpoint', 'list', ...at)) as {id: number}[];
	t.deepEqual(
		listed.map(({id}) => id),
		[0, 2, 7],
	);
	for (const line of (await out(t, 'endpoint', 'list', ...at)).split('\n')) {
		t.true(line.length <= 80, line);
	}

	t.regex(
		await out(t, 'datapath', 'status', ...at),
		/\nendpoint +7 +to_endpoint +\d+ +current\n/,
	);
	t.not(await blue.ping(ipv4), undefined);
	await fails(t, ['endpoint', 'add', 'lo', '--mac', '02::', ...at], 2, /--identity or --label/);
	await fails(t, ['identity', 'release', '256', ...at], 1, /endpoint 7 has it/);
});

onKernel('identities are allocated, listed, found and released', async t => {
	const root = join(await makeBpffs(t), 'skep');
	const at = ['--root', root];
	await out(
		t,
		'datapath',
		'up',
		...at,
		'--ct-tcp',
		'1024',
		'--ct-any',
		'1024',
		'--map-ratio',
		'0.001',
	);
	t.regex(await out(t, 'identity', 'list', ...at), /^ID +LABELS \(SOURCE:KEY\[=VALUE\]\)\n/);
	const labels = ['k8s:app=web', 'k8s:tier=front'];
	const web = {id: 256, labels, scope: 'cluster'};
	t.deepEqual(await json(t, 'identity', 'allocate', ...labels, ...at), [web]);
	t.deepEqual(await json(t, 'identity', 'allocate', labels.join(','), ...at), [web]);
	t.deepEqual(await json(t, 'identity', 'get', '256', ...at), [web]);
	t.deepEqual(await json(t, 'identity', 'get', ...labels.toReversed(), ...at), [web]);
	t.regex(await out(t, 'identity', 'list', ...at), /\n *256 +k8s:app=web k8s:tier=front\n/);
	t.deepEqual(await json(t, 'identity', 'get', 'reserved:world', ...at), [
		{id: 2, labels: ['reserved:world'], scope: 'reserved'},
	]);
	t.is(await out(t, 'identity', 'release', '256', ...at), '');
	await fails(t, ['identity', 'get', '256', ...at], 1, /get identity "256": nobody allocated it/);
	await fails(t, ['identity', 'release', '256', ...at], 1, /nobody allocated it/);
});

onKernel('the ipcache is written, matched and watched', async t => {
	const root = join(await makeBpffs(t), 'skep');
	const at = ['--root', root];
	await out(
		t,
		'datapath',
		'up',
		...at,
		'--netns',
		'/proc/self/ns/net',
		'--ct-tcp',
		'1024',
		'--ct-any',
		'1024',
		'--map-ratio',
		'0.001',
	);
	const more = ['--tunnel-endpoint', '192.0.2.1', '--encrypt-key', '3'];
	await out(t, 'ipcache', 'upsert', '10.1.0.0/16', '256', ...at, ...more);
	await out(t, 'ipcache', 'upsert', '10.1.2.3', '300', ...at);
	await out(
		t,
		'ipcache',
		'upsert',
		'fd01::/64',
		'257',
		...at,
		'--tunnel-endpoint',
		'2001:db8::1',
	);
	t.is(
		await out(t, 'ipcache', 'list', ...at),
		[
			'IP PREFIX/ADDRESS  IDENTITY  ENCRYPTKEY  TUNNELENDPOINT',
			'10.1.0.0/16             256           3  192.0.2.1',
			'10.1.2.3/32             300           0  -',
			'fd01::/64               257           0  2001:db8::1',
			'',
		].join('\n'),
	);
	const wide = {prefix: '10.1.0.0/16', identity: 256, tunnelEndpoint: '192.0.2.1', encryptKey: 3};
	t.deepEqual(await json(t, 'ipcache', 'get', '10.1.9.9', ...at), [wide]);
	t.deepEqual(await json(t, 'ipcache', 'match', '10.1.0.0/16', ...at), [wide]);
	await fails(
		t,
		['ipcache', 'match', '10.1.9.9', ...at],
		1,
		/match ipcache "10.1.9.9": no prefix/,
	);
	await fails(t, ['ipcache', 'get', 'fd02::1', ...at], 1, /no prefix covers it/);
	await fails(t, ['ipcache', 'get', '10.1.', ...at], 2, /get ipcache "10\.1\."/);

	const [command, ...words] = cliCommand('ipcache', 'list', ...at, '--watch', '--interval', '10');
	const watch = start(t, command, ...words);
	let seen = '';
	watch.stdout?.on('data', (piece: Buffer) => (seen += piece.toString()));
	await until('the list', () => seen.includes('fd01::/64'));
	await out(t, 'ipcache', 'delete', '10.1.2.3', ...at);
	await until('a deletion', () => seen.includes('\n- 10.1.2.3/32 identity=300'));
	await out(t, 'ipcache', 'upsert', '10.1.0.0/16', '999', ...at);
	await until('a change', () => seen.includes('\n~ 10.1.0.0/16 identity=999'));
	await fails(t, ['ipcache', 'delete', '10.1.2.3', ...at], 1, /there is no such prefix/);
});

const bytes = (length: number, start: readonly number[]): Uint8Array => {
	const all = new Uint8Array(length);
	all.set(start);
	return all;
};

function pin(
	root: string,
	name: string,
	type: 'hash' | 'lpm_trie',
	key: Uint8Array,
	value: Uint8Array,
): void {
	const sizes = {keySize: key.length, valueSize: value.length, maxEntries: 16};
	const flags = type === 'lpm_trie' ? 1 : 0;
	using map = createMap({type, name: name.slice(0, 15), flags, ...sizes}, {raw: true});
	map.raw.set(key, value);
	map.pin(join(root, name));
}

onKernel("a Cilium node's maps are read, with what is not sure of them", async t => {
	const root = await makeBpffs(t);
	const at = ['--root', root, '--prefix', 'cilium_'];
	pin(
		root,
		'cilium_lxc',
		'hash',
		bytes(20, [10, 0, 0, 5, ...new Array<number>(12).fill(0), 1]),
		bytes(48, [12, 0, 0, 0, 0, 0, 123]),
	);
	pin(
		root,
		'cilium_ipcache_v2',
		'lpm_trie',
		bytes(24, [32 + 16, 0, 0, 0, 0, 0, 0, 1, 10, 1]),
		bytes(24, [7]),
	);

	const guess = await skep('ipcache', 'list', ...at);
	t.regex(
		guess.err,
		/^skep: warning: the layout of cilium_ipcache_v2 is guessed, 1\.19-skep; --l.*\n$/,
	);
	t.regex(guess.out, /\n10\.1\.0\.0\/16 +7 +0 +-\nlayout 1\.19-skep by guess\n$/);
	t.is(guess.code, 0);

	const version = ['--layout-version', '1.18'];
	t.deepEqual(await json(t, 'ipcache', 'list', ...at, ...version), [
		{
			prefix: '10.1.0.0/16',
			identity: 7,
			tunnelEndpoint: null,
			encryptKey: 0,
			layout: '1.18 by version',
		},
	]);
	t.regex(
		await out(t, 'endpoint', 'list', ...at, ...version),
		/\n +10\.0\.0\.5 +123 +0 .*\nlayout 1\.17-skep by /,
	);
	await fails(
		t,
		['ipcache', 'upsert', '10.2.0.0/16', '9', ...at],
		2,
		/kept by another datapath's agent; --force/,
	);
	const empty = await makeBpffs(t);
	await fails(
		t,
		['endpoint', 'list', '--root', empty],
		1,
		new RegExp(`"skep datapath up --root ${empty}" brings one up`),
	);
	await fails(
		t,
		['endpoint', 'list', '--root', '/none'],
		1,
		/no such directory; "skep datapath up/,
	);
});

onKernel('a layout that nobody knows is shown as bytes', async t => {
	const root = await makeBpffs(t);
	pin(root, 'lxc', 'hash', bytes(20, [1]), bytes(52, [2]));
	const {code, out: text, err} = await skep('endpoint', 'list', '--root', root);
	t.is(code, 0);
	t.regex(err, /^skep: warning: no known version has a map lxc of type hash .*shown as bytes\n$/);
	t.is(text.split('\n')[1], `01${'00'.repeat(19)}  02${'00'.repeat(51)}`);
	t.regex(text, /\nlayout unknown\n$/);
});

onKernel('how services go on to other nodes is said when a datapath is brought up', async t => {
	const at = ['--root', join(await makeBpffs(t), 'skep')];
	const small = ['--ct-tcp', '1024', '--ct-any', '1024', '--map-ratio', '0.001'];
	const wishes = ['--forwarding', 'hybrid', '--dsr-dispatch', 'ipip', '--nat-46x64'];
	const up = ['datapath', 'up', ...at, ...small, ...wishes];
	await fails(t, up, 2, /it needs nodePort/);
	await out(t, ...up, '--node-port', '--trace-sockets');
	const [status] = await json(t, 'datapath', 'status', ...at);
	t.like(status, {
		settings: {
			services: {nodePort: true, forwarding: 'hybrid', dsrDispatch: 'ipip', nat46x64: true},
			traceSockets: true,
		},
	});
	await out(t, 'datapath', 'down', ...at);
});
