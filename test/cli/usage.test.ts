import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {open} from 'node:fs/promises';
import test from 'ava';
import {compile, fixtureObject} from '../helpers/compile.js';
import {cliCommand, skep} from '../helpers/cli.js';

test('help is printed where it is asked for', async t => {
	const {code, out, err} = await skep('object', 'load', '--help');
	t.is(code, 0);
	t.is(err, '');
	t.regex(out, /^Usage: skep object load /);
});

const refused = test.macro({
	async exec(t, words: readonly string[], code: number, message: string) {
		const result = await skep(...words);
		t.is(result.err, `skep: ${message}\n`);
		t.is(result.code, code);
		t.is(result.out, '');
	},
	title: (_, words: readonly string[]) =>
		`skep ${words.join(' ')}`.trim() + ' is refused in one line',
});

test(refused, ['objct'], 2, "unknown command 'objct'; did you mean object?");
test(refused, ['object', 'verfy', 'x.o'], 2, "unknown command 'verfy'; did you mean verify?");
test(refused, ['object', 'verify'], 2, "missing required argument 'file'");
test(refused, ['prog', 'list', '--al'], 2, "unknown option '--al'");
test(
	refused,
	['prog', 'list', '-o', 'xml'],
	2,
	"option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, json, yaml.",
);
test(
	refused,
	['prog', 'run', '1', '--data', 'xyz'],
	2,
	'read bytes "xyz": expected pairs of hexadecimal digits',
);
test(
	refused,
	['prog', 'run', '1', '--repeat', '0'],
	2,
	'read repeat "0": expected a whole number from 1 to 4294967295',
);
test(
	refused,
	['prog', 'show', '2147483647'],
	1,
	'open program "id 2147483647": there is no program with this id',
);
test(
	refused,
	['prog', 'run', '1', '--repeat', '4294967296'],
	2,
	'read repeat "4294967296": expected a whole number from 1 to 4294967295',
);
const port = 'expected a whole number from 0 to 65535';
test(refused, ['monitor', '--port', '65536'], 2, `read port "65536": ${port}`);
test(refused, ['ct', 'list', '--port', '65536'], 2, `read port "65536": ${port}`);
test(refused, ['sock', 'choose', '65536'], 2, `read port "65536": ${port}`);
test(
	refused,
	['monitor', '--ip', 'abc'],
	2,
	'parse prefix "abc": it is not of the form 192.0.2.0/24 or 2001:db8::/32',
);
test(
	refused,
	['policy', 'trace', '--src', 'abc', '--dst', '10.0.0.1'],
	2,
	'read end "abc": expected an address, endpoint:ID or identity:NUMBER',
);
test(
	refused,
	['monitor', '--pcap', '/no/such/file'],
	1,
	'write capture "/no/such/file": ENOENT: no such file or directory, open \'/no/such/file\'',
);
test(
	refused,
	['map', 'create', '/sys/fs/bpf/skep-none', '--type', 'hash', '--entries', '99999999999'],
	2,
	'read number of entries "99999999999": expected a whole number from 0 to 4294967295',
);
test(
	refused,
	['btf', 'find', 'sk_buff', '--kind', 'strukt', '--in', 'kernel'],
	2,
	'find type "sk_buff" of kind "strukt": there is no such type',
);
test(
	refused,
	['map', 'show', '2147483647'],
	1,
	'open map "id 2147483647": there is no map with this id',
);
test(
	refused,
	['link', 'show', '2147483647'],
	1,
	'open link 2147483647: there is no link with this id',
);
test(
	refused,
	['btf', 'show', '2147483647'],
	1,
	'open btf 2147483647: there is no BTF object with this id',
);
test(
	refused,
	['map', 'dump', '/no/such/pin'],
	1,
	'open pin "/no/such/pin": nothing is pinned there',
);
test(
	refused,
	['map', 'dump', '1', '--field', 'saddr=ipv4'],
	2,
	'read field "saddr=ipv4": expected key.FIELD=CODEC or value.FIELD=CODEC',
);
test(
	refused,
	['net', '--netns', '/run/netns/skep-none'],
	1,
	'list hooks: no network namespace at "/run/netns/skep-none"',
);
test(
	refused,
	['object', 'build', '/no/such/file.bpf.c'],
	1,
	'compile "/no/such/file.bpf.c": no such file',
);
test(
	refused,
	['object', 'load', '/dev/null', '/tmp', '--on-mismatch', 'maybe'],
	2,
	'read policy "maybe": expected fail, reuse, recreate, migrate',
);

const unwritten = test.macro({
	async exec(t, words: readonly string[]) {
		const full = await open('/dev/full', 'w');
		t.teardown(async () => full.close());
		const [command, ...args] = cliCommand(...words);
		const child = spawn(command, args, {stdio: ['ignore', full.fd, 'pipe']});
		const closed = once(child, 'close') as Promise<[number | null, string | null]>;
		const pieces = ((await child.stderr?.toArray()) ?? []) as Buffer[];
		t.is(
			Buffer.concat(pieces).toString(),
			'skep: write standard output: ENOSPC: no space left on device, write\n',
		);
		t.deepEqual(await closed, [1, null]);
	},
	title: (_, words: readonly string[]) =>
		`skep ${words.join(' ')} says in one line that it cannot be written`,
});

test(unwritten, ['map', '--help']);
test(unwritten, ['--version']);
test(unwritten, ['completion', 'bash']);

test('a noun alone prints its help', async t => {
	const {code, err} = await skep('object');
	t.is(code, 2);
	t.regex(err, /Usage: skep object/);
});

test('a file that is no object says what is wrong with it', async t => {
	const {code, err} = await skep('object', 'inspect', '/etc/passwd');
	t.is(code, 1);
	t.regex(err, /^skep: read object "\/etc\/passwd": .+\n$/);
});

test('inspecting an object shows programs, maps and variables', async t => {
	const {code, out, err} = await skep('object', 'inspect', await fixtureObject('kernel/globals'));
	t.is(err, '');
	t.is(code, 0);
	t.regex(out, /little-endian, license Dual BSD\/GPL/);
	t.regex(out, /count_packets +xdp +xdp +xdp +\d+ +1/);
	t.regex(out, /\.rodata +array +4 +\d+ +1 +0x\d+ +none/);
	t.regex(out, /initial_mode +\.data +enum mode +4 +MODE_ON/);
	t.regex(out, /limits +\.rodata +const volatile struct limits/);
});

test('inspecting shows what an object wants of the kernel', async t => {
	const {code, out} = await skep('object', 'inspect', await fixtureObject('kernel/externs'));
	t.is(code, 0);
	t.regex(out, /CONFIG_HZ +setting +no/);
	t.regex(out, /bpf_of_no_kernel +function +yes/);
	t.regex(out, /_stext +address +no/);
});

test('inspecting an object counts its CO-RE relocations', async t => {
	const object = await fixtureObject('core/relocations');
	const {out} = await skep('object', 'inspect', object, '-o', 'json');
	const {programs} = JSON.parse(out) as {programs: {program: string; relocations: number}[]};
	t.is(programs.find(({program}) => program === 'calls')?.relocations, 1);
});

test('inspecting as JSON gives one document', async t => {
	const {out} = await skep('object', 'inspect', await fixtureObject('kernel/maps'), '-o', 'json');
	const object = JSON.parse(out) as {maps: {map: string; types: string}[]; byteOrder: string};
	t.is(object.byteOrder, 'little');
	t.is(object.maps.find(({map}) => map === 'a_hash')?.types, 'struct endpoint → struct counters');
});

test('a build leaves the object beside its source and prints where', async t => {
	const object = await compile('int unused;');
	t.truthy(object);
	const {code, err} = await skep('object', 'build', '--clang', '/no/clang', '/dev/null');
	t.is(code, 1);
	t.regex(err, /^skep: .*\/no\/clang.*\n$/);
});
