import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {UsageError} from '../../src/base/errors.js';
import {parseElf} from '../../src/format/elf/elf.js';
import {ElfError} from '../../src/format/elf/elf-error.js';
import {checkLoadable} from '../../src/spec/loadable.js';
import {parseObject, readObject} from '../../src/spec/read.js';
import {SpecError} from '../../src/spec/spec-error.js';
import {makeTempFolder} from '../helpers/temp.js';
import {bigEndian, object, objectOf} from './corpus.js';

const refused = test.macro({
	async exec(t, _what: string, source: string, message: string, facts: object = {}) {
		const bytes = await objectOf(source);
		const error = t.throws(() => parseObject(bytes), {instanceOf: SpecError});
		t.is(error.message, message);
		t.like(error, {code: 'ERR_SPEC', ...facts});
	},
	title: (_, what) => `${what} is refused by name`,
});

const entry = 'SEC("xdp") int entry(struct xdp_md *ctx)';

test(
	refused,
	'an extern that is neither setting nor symbol',
	`extern int absent; ${entry} { return absent; }`,
	'link program "entry": instruction 0 uses extern "absent", which nothing defines: neither __kconfig nor __ksym',
	{program: 'entry', symbol: 'absent', section: 'xdp'},
);
test(
	refused,
	'an extern in a subprogram',
	`extern int absent; __attribute__((noinline)) int sub(void) { return absent; } ${entry} { return sub(); }`,
	'link program "entry": instruction 0 of function "sub" uses extern "absent", which nothing defines: neither __kconfig nor __ksym',
	{program: 'entry', symbol: 'absent'},
);
test(
	refused,
	'a call of what is no function',
	`extern const int number __ksym; ${entry} { asm volatile("call number" ::: "r0", "r1", "r2", "r3", "r4", "r5"); return number; }`,
	'link program "entry": instruction 3 calls "number", which is no function',
	{program: 'entry', symbol: 'number'},
);
test(
	refused,
	'data in an unknown section',
	`int strange SEC("oddities") = 1; ${entry} { return strange; }`,
	'link program "entry": instruction 0 symbol "strange" is in section "oddities", which is neither code, data nor maps',
	{program: 'entry', symbol: 'strange'},
);
test(
	refused,
	'an address in data',
	`int a; int *pointer = &a; ${entry} { return *pointer; }`,
	'read object "object": section ".data" holds the address of "a" at byte 0: not supported',
	{section: '.data', symbol: 'a'},
);
test('a program in an unknown section is described, and refused when it is loaded', async t => {
	const {programs} = parseObject(await objectOf('SEC("xpd") int entry(void *ctx) { return 0; }'));
	const {entry} = programs;
	if (entry === undefined) throw new Error('missing');

	t.like(entry, {type: 'unspec', attachType: undefined, autoload: true});
	t.throws(() => checkLoadable(entry), {
		instanceOf: SpecError,
		message:
			'load program "entry": section "xpd" names no type of program: nearest is "xdp", "tp"',
	});
});

test('a program of the other byte order is described, and refused when it is loaded', async t => {
	const {programs} = parseObject(await object('linking', bigEndian));
	const program = programs['plain'];
	if (program === undefined) throw new Error('missing');

	t.is(program.byteOrder, 'big');
	t.throws(() => checkLoadable(program), {
		message: 'load program "plain": it is big-endian, this machine is not',
	});
});

test('a program that can be loaded passes', async t => {
	const {programs} = parseObject(await object('linking'));
	for (const program of Object.values(programs)) t.notThrows(() => checkLoadable(program));
});

/** Gives the symbol of `name` the name of `other`: a file no compiler makes. */
function rename(bytes: Uint8Array, name: string, other: string): void {
	const elf = parseElf(bytes);
	const table = elf.section('.symtab');
	const offsetOf = (wanted: string): number => {
		const index = elf.symbols.find(symbol => symbol.name === wanted)?.index ?? 0;
		return (table?.offset ?? 0) + index * 24;
	};
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
	view.setUint32(offsetOf(name), view.getUint32(offsetOf(other), true), true);
}

test('two programs of one name are refused', async t => {
	const bytes = Uint8Array.from(await object('linking'));
	rename(bytes, 'plain', 'loops');
	t.throws(() => parseObject(bytes), {
		instanceOf: SpecError,
		message: 'read object "object": two programs are called "loops"',
	});
});

test('two static variables of one name are told apart', async t => {
	const bytes = Uint8Array.from(
		await objectOf(
			`
		static int first = 1, other = 2;
		SEC("xdp") int entry(struct xdp_md *ctx) { return first++ + other++; }
	`,
			['-g0'],
		),
	);
	rename(bytes, 'other', 'first');
	const {variables} = parseObject(bytes);
	t.deepEqual(Object.keys(variables).sort(), ['first@.data+0', 'first@.data+4']);
	t.is(variables['first@.data+4']?.name, 'first@.data+4');
});

test('functions that share instructions are refused', async t => {
	const bytes = Uint8Array.from(await object('linking'));
	const elf = parseElf(bytes);
	const left = elf.symbols.find(({name}) => name === 'left');
	const at = (elf.section('.symtab')?.offset ?? 0) + (left?.index ?? 0) * 24 + 16;
	new DataView(bytes.buffer).setUint32(at, (left?.size ?? 0) + 8, true);
	t.throws(() => parseObject(bytes), {
		instanceOf: SpecError,
		message: /^read object "object": function "\w+" in "\.text" starts at \d+, inside "left"$/,
	});
});

test('a relocation that fits no instruction is refused', async t => {
	const bytes = Uint8Array.from(await object('linking'));
	const elf = parseElf(bytes);
	const at = elf.section('.reltc')?.offset ?? 0;
	new DataView(bytes.buffer).setUint32(at, 0, true);
	const error = t.throws(() => parseObject(bytes), {instanceOf: SpecError});
	t.is(
		error.message,
		'link program "diamond": instruction 0 has a relocation (type 10, byte 0 of the section) that fits no load or call',
	);
});

test('the same code many times over is refused before memory is gone', async t => {
	const calls = Array.from({length: 300}, (_, index) => index);
	const source = `
		#define SIX(x) x x x x x x
		__attribute__((noinline)) int big(int a) { ${'asm volatile("r1 = r1");'.repeat(4000)} return a; }
		${calls.map(index => `SEC("xdp") int p${index}(void *ctx) { return big(${index}); }`).join('\n')}
	`;
	const bytes = await objectOf(source, ['-g0']);
	t.throws(() => parseObject(bytes, {name: 'huge'}), {
		instanceOf: SpecError,
		message:
			/^link program "p\d+": all programs of "huge" together are too large, each with its copy of the functions it calls$/,
	});
});

test('reading a file names the file, whatever is wrong', async t => {
	const folder = await makeTempFolder(t);
	const path = join(folder, 'lb.bpf.o');
	const missing = await t.throwsAsync(readObject(path), {instanceOf: SpecError});
	t.regex(missing.message, /^read object ".*\/lb\.bpf\.o": ENOENT/);
	t.is(missing.file, path);

	await writeFile(path, 'no object');
	const damaged = await t.throwsAsync(readObject(path), {instanceOf: SpecError});
	t.is(damaged.message, `read object "${path}": read ELF: 9 bytes are less than an ELF header`);
	t.true(damaged.cause instanceof ElfError);

	await writeFile(path, await objectOf('struct { __uint(type, 1); } m SEC(".maps");', ['-g0']));
	await t.throwsAsync(readObject(path), {
		message: `read object "${path}": section ".maps" has no types: compile with -g`,
	});

	await writeFile(path, await object('variables'));
	const spec = await readObject(path);
	t.is(spec.name, 'lb');
	t.is(spec.maps['.rodata']?.name, 'lb.rodata');
});

test('an unknown option is refused', t => {
	t.throws(() => parseObject(new Uint8Array(), {nme: 'x'} as object), {
		instanceOf: UsageError,
		message: 'parse object: unknown option "nme"',
	});
});
