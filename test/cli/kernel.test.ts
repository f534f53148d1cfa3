import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {attachTcx} from '../../src/object/link/attach-tcx.js';
import {attachXdp} from '../../src/object/link/attach-xdp.js';
import {createMap} from '../../src/object/map/create-map.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';
import {connect, makeNamespace} from '../helpers/netns.js';
import {until} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});
const tcx = kernelTest({feature: 'tcx links', since: '6.6'});

async function ok(...args: readonly string[]): Promise<string> {
	const {code, out, err} = await skep(...args);
	if (code !== 0 || err !== '') throw new Error(`skep ${args.join(' ')}: ${code}: ${err}`);
	return out;
}

kernel("an object of one's own goes from source to a pinned program and back", async t => {
	const folder = await makeTempFolder(t);
	const bpffs = await makeBpffs(t);
	const source = fileURLToPath(
		new URL('../../../test/fixtures/kernel/globals.bpf.c', import.meta.url),
	);
	copyFileSync(source, `${folder}/own.bpf.c`);
	const object = `${folder}/own.bpf.o`;
	t.is(await ok('object', 'build', `${folder}/own.bpf.c`), `${object}\n`);
	t.deepEqual(readdirSync(folder).sort(), ['own.bpf.c', 'own.bpf.o']);

	t.regex(
		await ok('object', 'verify', object),
		/count_packets +\d+ +\d+ +\d+\/\d+ +[\d+]+ +[\d.]+ +ok/,
	);
	const set = [
		'--set',
		'verdict=1',
		'--set',
		'limits={"kind":1,"pad":[0,0,0],"rate":2,"burst":3}',
	];
	const loaded = await ok('object', 'load', object, `${bpffs}/own`, ...set, '-o', 'json');
	const [program] = loaded
		.trim()
		.split('\n')
		.map(line => JSON.parse(line) as {id: number; pin: string});
	t.is(program?.pin, `${bpffs}/own/count_packets`);

	t.regex(
		await ok('prog', 'run', `${bpffs}/own/count_packets`),
		/^drop \(1\), \d+ ns a run\n0000 /,
	);
	t.regex(
		await ok('prog', 'run', `${object}:count_packets`, '--data', '00'.repeat(20)),
		/^pass \(2\)/,
	);
	t.regex(await ok('prog', 'run', object, '--data', '00'.repeat(20)), /^pass \(2\)/);
	t.regex(
		await ok('prog', 'show', String(program?.id)),
		new RegExp(`pins +${bpffs}/own/count_packets`),
	);
	t.regex(await ok('prog', 'list'), new RegExp(`${program?.id} +xdp +count_packets`));
	t.regex(
		await ok('prog', 'dump', String(program?.id)),
		/count_packets:\n; .*\n +0: \([\da-f]{2}\) /,
	);
	t.regex(await ok('prog', 'dump', String(program?.id), '--raw'), /^[\da-f]+\n$/);
});

kernel('of an object with several programs one is named to be run', async t => {
	const object = await fixtureObject('kernel/tc');
	const {code, err} = await skep('prog', 'run', object);
	t.is(code, 2);
	t.regex(err, /^skep: run program of ".*\.o": name one by .*\.o:NAME; it has \w+, \w+/);
});

kernel('a load that cannot pin leaves nothing', async t => {
	const bpffs = await makeBpffs(t);
	const object = await fixtureObject('kernel/calls');
	await ok('object', 'load', object, `${bpffs}/calls`, '--program', 'misses');
	const before = readdirSync(bpffs, {recursive: true}).sort();
	const {code, err} = await skep(
		'object',
		'load',
		object,
		`${bpffs}/calls`,
		'--pin-root',
		`${bpffs}/other`,
	);
	t.is(code, 1);
	t.regex(err, /misses": something is pinned there already\n$/);
	t.deepEqual(readdirSync(bpffs, {recursive: true}).sort(), [...before, 'other'].sort());
});

kernel('a refused program is explained, with its whole log in a file', async t => {
	const folder = await makeTempFolder(t);
	const object = await fixtureObject('kernel/refused/null_check');
	const log = `${folder}/verifier.log`;
	const {code, out, err} = await skep('object', 'verify', object, '--log', log);
	t.is(code, 1);
	t.regex(out, /refused\n$/);
	const lines = err.split('\n');
	t.regex(
		lines[0] ?? '',
		/^skep: load program "\w+": permission denied: R\d invalid mem access 'map_value_or_null' at .*:\d+$/,
	);
	t.regex(err, /\n {4}.*invalid mem access/);
	t.regex(err, /\nhint: /);
	t.regex(readFileSync(log, 'utf8'), /^== \w+\n[^]*invalid mem access/);
	const told = await skep('object', 'verify', object, '--explain');
	t.is(told.code, 1);
	t.regex(told.err, /\nknown:\n {4}R\d: a value of map \w+ \(\d+ bytes\), or NULL\nthe way:\n/);
	t.regex(told.err, /\n {2}> +\d+ {2}.*\nhint: compare the pointer with NULL/);
});

kernel('an object is relocated for the types of a file where one is given', async t => {
	const object = await fixtureObject('core/missing');
	const other = ['object', 'verify', object, '--program', 'field', '--btf'];
	// The object has what it asks for itself, but under the name of its flavour.
	t.regex(await ok(...other, object), /field +10 .* ok\n$/);
	const {code, err} = await skep(...other, '/none');
	t.is(code, 1);
	t.regex(err, /^skep: open btf "\/none": ENOENT/);
	const bpffs = await makeBpffs(t);
	const load = ['object', 'load', object, `${bpffs}/x`, '--program', 'field'];
	t.regex(await ok(...load, '--btf', object), /field/);
	const refused = await skep(...load);
	t.is(refused.code, 1);
	t.regex(
		refused.err,
		/CO-RE relocation field_byte_offset of struct task_struct___wrong\.missing/,
	);
});

kernel('elements are set, read, dumped and deleted by their types', async t => {
	const bpffs = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/maps');
	const path = `${bpffs}/hash`;
	collection.map('a_hash').pin(path);
	const key = '{"address":"192.0.2.1","port":443,"protocol":6,"pad":0}';
	const value =
		'{"packets":18446744073709551615,"bytes":2,"balance":-3,"window":4,"flags":5,"pad":0}';
	const fields = ['--field', 'key.address=ipv4', '--field', 'key.port=be16'];
	t.is(await ok('map', 'set', path, key, value, ...fields), '');
	t.regex(await ok('map', 'get', path, key, ...fields), /packets +18446744073709551615\n/);
	t.is(
		await ok('map', 'dump', path, ...fields, '-o', 'json'),
		`{"key":${key},"value":${value}}\n`,
	);
	const table = await ok('map', 'dump', path, ...fields);
	t.regex(table, /^KEY\.ADDRESS +KEY\.PORT +KEY\.PROTOCOL/);
	t.regex(table, /192\.0\.2\.1 +443 +6 +0 +18446744073709551615 +2 +-3/);
	t.regex(
		await ok('map', 'dump', path, '-o', 'yaml', ...fields),
		/- key:\n {4}address: 192\.0\.2\.1\n/,
	);
	t.is(
		await ok('map', 'get', path, 'hex:c000020101bb0600', '--raw'),
		`"${'ff'.repeat(8)}0200000000000000fdffffff04000500"\n`,
	);

	const exists = await skep('map', 'set', path, key, value, ...fields, '--mode', 'noexist');
	t.is(exists.err, 'skep: write map "a_hash": the key exists\n');
	t.is(exists.code, 1);
	const wrong = await skep('map', 'set', path, key, '{"packet":1}', ...fields);
	t.is(wrong.err, 'skep: write value: there is no field "packet"; did you mean "packets"?\n');
	t.is(await ok('map', 'delete', path, key, ...fields), '');
	t.deepEqual(await skep('map', 'get', path, key, ...fields), {
		code: 1,
		out: '',
		err: 'skep: read map "a_hash": no such key\n',
	});
	t.regex(await ok('map', 'show', path), /key +8 bytes, struct endpoint\n/);
	t.regex(await ok('map', 'list'), new RegExp(`hash +a_hash +8 +24 +128 +\\d+ +${path}`));
});

tcx('net shows what is attached where, in which order, by whom', async t => {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, {name}] = await connect(left, right);
	const bpffs = await makeBpffs(t);
	const globals = await loadFixture(t, 'kernel/globals');
	const tc = await loadFixture(t, 'kernel/tc');
	const netns = right.path;
	using xdp = attachXdp(globals.program('count_packets'), name, {netns});
	using one = attachTcx(tc.program('ingress_one'), name, {netns});
	using two = attachTcx(tc.program('ingress_two'), name, {netns, anchor: 'first'});
	xdp.pin(`${bpffs}/xdp`);
	const lines = (await ok('net', '--netns', netns)).split('\n');
	t.regex(lines[0] ?? '', /^TARGET +HOOK +ORDER +PROGRAM +ID +LINK +BY$/);
	t.regex(
		lines[1] ?? '',
		new RegExp(`${name} +xdp native +1 +count_packets +\\d+ +${xdp.info().id} +${bpffs}/xdp`),
	);
	t.regex(
		lines[2] ?? '',
		new RegExp(
			`${name} +tcx_ingress +1 +ingress_two +\\d+ +${two.info().id} +\\w+\\(${process.pid}\\)`,
		),
	);
	t.regex(
		lines[3] ?? '',
		new RegExp(`${name} +tcx_ingress +2 +ingress_one +\\d+ +${one.info().id}`),
	);

	t.regex(await ok('link', 'show', `${bpffs}/xdp`), /type +xdp\n/);
	t.regex(
		await ok('link', 'list'),
		new RegExp(`${xdp.info().id} +xdp +\\d+ +xdp +ifindex \\d+ +${bpffs}/xdp`),
	);
	t.is(await ok('link', 'detach', `${bpffs}/xdp`), '');
	t.notRegex(await ok('net', '--netns', netns), /xdp/);
});

kernel('types of the kernel are found by name', async t => {
	const text = await ok('btf', 'show', 'kernel', '--name', 'list_head');
	t.is(
		text,
		'struct list_head {  /* 16 bytes */\n\tstruct list_head *next;  /* 0 */\n\tstruct list_head *prev;  /* 8 */\n};\n',
	);
	t.regex(await ok('btf', 'list'), /vmlinux +\d+ +kernel/);
	t.regex(
		await ok('btf', 'dump', await fixtureObject('kernel/maps')),
		/\[\d+\] struct struct counters, 24 bytes/,
	);
});

function bigMap(entries: number) {
	const map = createMap<Uint8Array, Uint8Array>({
		name: 'big',
		type: 'hash',
		keySize: 4,
		valueSize: 4,
		maxEntries: entries,
	});
	const key = (n: number) => new Uint8Array(new Uint32Array([n]).buffer);
	map.setMany(Array.from({length: entries}, (_, n) => [key(n), key(n)] as const));
	return map;
}

kernel('a reader that goes away ends a dump quietly', async t => {
	using map = bigMap(100_000);
	const [command, ...args] = cliCommand('map', 'dump', String(map.info.id), '-o', 'json');
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	let errors = '';
	child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
	await once(child.stdout, 'data');
	child.stdout.destroy();
	const [code] = (await once(child, 'exit')) as [number | null];
	t.is(code, 0);
	t.is(errors, '');
});

kernel('a dump has every element, each on a line', async t => {
	using map = bigMap(50_000);
	const out = await ok('map', 'dump', String(map.info.id), '-o', 'json');
	t.is(new Set(out.trim().split('\n')).size, 50_000);
});

kernel('Ctrl-C during a build leaves no half-written object', async t => {
	const folder = await makeTempFolder(t);
	writeFileSync(`${folder}/slow.bpf.c`, 'int x;\n');
	// Stands for a clang that takes its time.
	writeFileSync(
		`${folder}/clang`,
		'#!/bin/sh\ncase "$*" in *--version*) echo "clang version 14.0.6"; exit;; esac\necho started >&2; exec sleep 60\n',
		{mode: 0o755},
	);
	const [command, ...args] = cliCommand(
		'object',
		'build',
		'--clang',
		`${folder}/clang`,
		`${folder}/slow.bpf.c`,
	);
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	let errors = '';
	child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
	const isCompiling = () => readdirSync(folder).length > 2;
	while (!isCompiling()) await new Promise(resolve => setTimeout(resolve, 5));
	child.kill('SIGINT');
	const [code] = (await once(child, 'close')) as [number | null];
	t.is(code, 130);
	t.is(errors, 'skep: interrupted by SIGINT; nothing is left half done\n');
	t.deepEqual(readdirSync(folder).sort(), ['clang', 'slow.bpf.c']);
	t.false(existsSync(`${folder}/slow.bpf.o`));
});

// Verified for a second or so, and accepted.
const slowProgram = `
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__type(key, __u32);
		__type(value, __u64);
	} pinned SEC(".maps");
	SEC("xdp") int slow(struct xdp_md *ctx)
	{
		__u32 zero = 0;
		__u64 sum = 0, *value = bpf_map_lookup_elem(&pinned, &zero);
		#pragma clang loop unroll(disable)
		for (int turn = 0; turn < 110000; turn++)
			sum = sum * 3 + (turn ^ bpf_get_prandom_u32());
		if (value)
			*value = sum;
		return XDP_PASS;
	}
	char _license[] SEC("license") = "GPL";
`;

kernel('Ctrl-C during a load leaves no pin', async t => {
	const bpffs = await makeBpffs(t);
	const object = await compile(slowProgram);
	const [command, ...args] = cliCommand('object', 'load', object, `${bpffs}/slow`);
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	let errors = '';
	child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
	await until('the map is pinned', () => existsSync(`${bpffs}/slow/maps/pinned`));
	child.kill('SIGINT');
	const [code] = (await once(child, 'close')) as [number | null];
	t.is(errors, 'skep: interrupted by SIGINT; nothing is left half done\n');
	t.is(code, 130);
	const pins = readdirSync(bpffs, {recursive: true, withFileTypes: true});
	t.deepEqual(
		pins.filter(entry => entry.isFile() && !entry.name.endsWith('.debug')),
		[],
	);
	t.regex(await ok('object', 'load', object, `${bpffs}/slow`), /program +slow/);
});

test('the tests speak of commands that exist', async t => {
	t.regex(await ok('--version'), /^\d+\.\d+\.\d+\n$/);
});
