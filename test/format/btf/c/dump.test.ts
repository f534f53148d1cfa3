import {readFile, writeFile} from 'node:fs/promises';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {Btf} from '../../../../src/format/btf/btf.js';
import {BtfError} from '../../../../src/format/btf/btf-error.js';
import {dumpC, type DumpOptions} from '../../../../src/format/btf/c/dump.js';
import {parseElf} from '../../../../src/format/elf/elf.js';
import {kernelBtf} from '../../../../src/kernel/host/kernel-btf.js';
import {kernelTest} from '../../../helpers/kernel.js';
import {run} from '../../../helpers/run.js';
import {makeTempFolder} from '../../../helpers/temp.js';
import {ShapeBuilder, shapes} from '../../codec/random-types.js';
import {fixtureTypes, Types} from '../types.js';
import {compositesOf, placesOf} from './layouts.js';

const kernel = kernelTest({feature: 'BTF of the kernel', since: '5.4'});

/** What clang, warnings being errors, makes of a header and of what follows it. */
async function compiled(t: ExecutionContext, header: string, source: string): Promise<Btf> {
	const folder = await makeTempFolder(t);
	await writeFile(`${folder}/vmlinux.h`, header);
	await writeFile(`${folder}/x.c`, `#include "vmlinux.h"\n#include "vmlinux.h"\n${source}`);
	const flags = '-g -O1 -target bpf -Wall -Wextra -Werror -Wno-zero-length-bitfield'.split(' ');
	flags.push('-Wno-unknown-warning-option', '-c', `${folder}/x.c`, '-o', `${folder}/x.o`);
	await run('clang', ...flags);
	const section = parseElf(await readFile(`${folder}/x.o`)).section('.BTF');
	if (section === undefined) throw new Error('no .BTF');
	return Btf.parse(section.data);
}

function header(btf: Btf, options: DumpOptions = {}): string {
	return [...dumpC(btf, options)].join('');
}

/** The part that is about types. */
function body(btf: Btf): string {
	const text = header(btf, {accessIndex: false});
	return text.slice(text.lastIndexOf('#endif', text.length - 10) + 7, -7).trim();
}

/** Compiles a use of each type and compares where its fields are. */
async function comeBack(
	t: ExecutionContext,
	btf: Btf,
	names: readonly string[],
	shown = (place: string): string => place,
): Promise<void> {
	const original = compositesOf(btf);
	const uses = names.map((name, index) => `${original.get(name)?.kind} ${name} use_${index};`);
	const result = await compiled(t, header(btf), uses.join('\n'));
	const after = compositesOf(result);
	for (const name of names) {
		const [before, now] = [original.get(name), after.get(name)];
		if (before === undefined || now === undefined) return t.fail(`${name} is missing`);
		t.deepEqual(placesOf(result, now).map(shown), placesOf(btf, before).map(shown), name);
	}
}

kernel('clang lays out the dumped types of the kernel as the kernel does', async t => {
	const btf = kernelBtf();
	const all = [...compositesOf(btf).values()].filter(
		({size, members, name}) => size > 0 && members.length > 0 && !name.includes('___'),
	);
	// Every sixteenth, and some that are known to be hard.
	const hard = ['task_struct', 'sk_buff', 'sock', 'tcphdr', 'iphdr', 'desc_struct', 'inode'];
	const names = new Set(all.filter((_, index) => index % 16 === 0).map(({name}) => name));
	for (const name of hard) if (all.some(each => each.name === name)) names.add(name);

	t.true(names.size > 300);
	await comeBack(t, btf, [...names]);
});

const nasty = `
struct packed { char a; long b; short c; } __attribute__((packed));
struct inner_packed { char a; struct packed p; int z; };
struct cacheline { int a; int b __attribute__((aligned(64))); char c; } __attribute__((aligned(128)));
struct holds { char x; struct cacheline line; char y; };
struct bits { int a : 3; unsigned : 5; int b : 7; long c : 33; char d; short e : 9, f : 9; _Bool g : 1; };
struct bits_packed { char x; int a : 5; long b : 40; int c : 31; } __attribute__((packed));
enum small { S_A = 1, S_B } __attribute__((packed));
enum negative { N_A = -5, N_B = 2147483647, N_C = -2147483647 - 1 };
enum wide { W_A = 0x7fffffffffffffffULL, W_B = 1 };
struct enums { enum small s; enum negative n; enum wide w; enum { ONE = 1, TWO } in; enum small bit : 4; };
typedef struct { int a; struct self *next; } anonymous_t;
struct self { anonymous_t *back; struct self *own; int (*call)(struct self *, anonymous_t *, ...); };
typedef int (*handler_t)(const struct later *, int (*)(void));
struct later { handler_t handlers[3]; const char *const *volatile names; int (*matrix)[4][5]; };
union either { struct { int a, b; }; long c; struct { char d; union { int e; float f; }; } g; double h; };
union odd { char bytes[5]; short number; } __attribute__((aligned(16)));
struct flexible { int count; struct packed list[]; };
struct empty {};
struct holder { struct empty nothing; int *restrict pointer; __int128 big; unsigned __int128 most; };
typedef unsigned long long u64_low __attribute__((aligned(4)));
struct low { int a; u64_low b; int c; };
struct big_gap { char a; char b __attribute__((aligned(4096))); };
`;
const nastyNames = [...nasty.matchAll(/^(?:struct|union) (\w+) \{/gm)].map(([, name = '']) => name);

test('fields of types that compilers treat in special ways come back where they were', async t => {
	const uses = nastyNames.map((name, index) => {
		const word = nasty.includes(`union ${name} {`) ? 'union' : 'struct';
		return `${word} ${name} use_${index};`;
	});
	const folder = await makeTempFolder(t);
	await writeFile(`${folder}/x.c`, nasty + uses.join('\n'));
	await run('clang', '-g', '-target', 'bpf', '-w', '-c', `${folder}/x.c`, '-o', `${folder}/x.o`);
	const bytes = parseElf(await readFile(`${folder}/x.o`)).section('.BTF')?.data;
	t.true(nastyNames.length === 16);
	await comeBack(t, Btf.parse(bytes ?? new Uint8Array()), nastyNames);
});

test('random types come back where they were', async t => {
	const samples = fc.sample(shapes, {numRuns: 60, seed: 7});
	const builder = new ShapeBuilder(true);
	const names = samples.map((shape, index) => {
		const name = `random_${index}`;
		const {id, size} = builder.build(shape);
		builder.types.struct(name, size, [['x', id, 0]]);
		return name;
	});
	// Some of their fields have names that C does not know.
	await comeBack(t, builder.types.parse(), names, place => place.replace(/^.* (?=\d+ \d+ )/, ''));
});

test('a type stands after those it needs, declared before where it needs itself', t => {
	const types = new Types();
	const {builder} = types;
	const pointer = builder.nextId;
	types.add({kind: 'ptr', name: '', typeId: pointer + 1});
	types.typedef('node_t', pointer + 2);
	types.struct('node', 16, [
		['next', pointer, 0],
		['value', types.u32, 8],
	]);
	t.is(
		body(Btf.parse(builder.build())),
		`struct node;

typedef struct node node_t;

typedef unsigned int u32;

struct node {
	node_t *next;
	u32 value;
};`,
	);
});

test('names that C could not tell apart become flavours', async t => {
	const types = new Types();
	types.struct('same', 4, [['a', types.u32, 0]]);
	types.struct('same', 8, [['b', types.u64, 0]]);
	types.add({kind: 'union', name: 'same', size: 2, members: []});
	types.typedef('word', types.u32);
	types.typedef('word', types.u64);
	const values = [{name: 'word', value: 1}];
	types.add({kind: 'enum', name: 'same', size: 4, signed: false, values});
	types.add({kind: 'fwd', name: 'same', forwardKind: 'struct'});
	types.struct('odd', 8, [
		['int', types.u32, 0],
		['a<b>', types.u32, 4],
	]);
	const btf = Btf.parse(types.builder.build());
	const text = body(btf);

	for (const line of [
		'struct same {',
		'struct same___2 {',
		'union same___3 {',
		'typedef u32 word;',
		'typedef u64 word___2;',
		'enum same___4 {',
		'\tword___3 = 1,',
		'\tu32 int_;',
		'\tu32 a_b_;',
	]) {
		t.true(text.includes(line), line);
	}

	await compiled(t, header(btf), 'struct same a; struct same___2 b; word c; word___2 d;');
});

test('tags of pointers and enumerators of any size are kept', async t => {
	const types = new Types();
	const kptr = types.add({kind: 'type_tag', name: 'kptr', typeId: types.u32});
	types.struct('tagged', 8, [['field', types.add({kind: 'ptr', name: '', typeId: kptr}), 0]]);
	const wide = [
		{name: 'BIG', value: 0xffff_ffff_ffff_ffffn},
		{name: 'SMALL', value: 1n},
	];
	types.add({kind: 'enum64', name: 'wide', size: 8, signed: false, values: wide});
	const low = [{name: 'LOW', value: -(1n << 63n)}];
	types.add({kind: 'enum64', name: 'low', size: 8, signed: true, values: low});
	const btf = Btf.parse(types.builder.build());
	t.true(body(btf).includes('\t__btf_type_tag("kptr") u32 *field;'), body(btf));
	const source = `struct tagged use;
_Static_assert(BIG == 18446744073709551615ULL && sizeof(enum wide) == 8, "");
_Static_assert(LOW < -9223372036854775807LL, "");`;
	const result = await compiled(t, header(btf), source);
	t.is(result.find('kptr')?.kind, 'type_tag');
});

test('only what is asked for is written, with what it needs', async t => {
	const btf = await fixtureTypes();
	const [id = 0] = btf.findAll('padded');
	const text = header(btf, {types: [id], guard: 'KEY_H', accessIndex: false});
	t.regex(text, /^#ifndef KEY_H\n#define KEY_H\n/);
	t.false(text.includes('preserve_access_index'));
	t.true(text.includes('struct padded {'));
	t.true(header(btf).length > text.length);
});

test('kernel functions that programs may call are declared on demand', async t => {
	const types = new Types();
	const proto = types.add({
		kind: 'func_proto',
		name: '',
		returnTypeId: types.u32,
		parameters: [{name: 'u64', typeId: types.u64}],
	});
	const func = types.add({kind: 'func', name: 'bpf_it', typeId: proto, linkage: 'static'});
	const tag = {kind: 'decl_tag', name: 'bpf_kfunc', typeId: func, componentIndex: -1} as const;
	types.add(tag);
	const btf = Btf.parse(types.builder.build());
	t.false(header(btf).includes('bpf_it'));
	const text = header(btf, {kfuncs: true});
	t.true(text.includes('extern u32 bpf_it(u64 u64_) '), text);
	await compiled(t, text, 'u32 use(void) { return bpf_it(1); }');
});

test('what no C can say is an error and not a hang', t => {
	const types = new Types();
	const {builder} = types;
	const first = builder.nextId;
	for (let i = 1; i < 3000; i++) types.struct(`s${i}`, 4, [['inner', first + i, 0]]);
	types.struct('end', 4, []);
	const deep = Btf.parse(builder.build());
	t.throws(() => header(deep, {types: [first]}), {instanceOf: BtfError});
});
