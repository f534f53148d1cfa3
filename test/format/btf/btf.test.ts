import {existsSync, readFileSync} from 'node:fs';
import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import type {NewBtfType} from '../../../src/format/btf/builder.js';
import {BtfBuilder} from '../../../src/format/btf/builder.js';
import {fixtureTypes, Types} from './types.js';

const reference = (kind: 'ptr' | 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag') =>
	({kind, name: kind === 'typedef' || kind === 'type_tag' ? 'named' : '', typeId: 1}) as const;

/** One type of every kind, and every choice a kind has. */
const everyKind: readonly NewBtfType[] = [
	{
		kind: 'int',
		name: 'int',
		size: 4,
		bits: 32,
		bitOffset: 0,
		signed: true,
		char: false,
		bool: false,
	},
	{
		kind: 'int',
		name: 'char',
		size: 1,
		bits: 8,
		bitOffset: 0,
		signed: false,
		char: true,
		bool: false,
	},
	{
		kind: 'int',
		name: 'bool',
		size: 1,
		bits: 8,
		bitOffset: 0,
		signed: false,
		char: false,
		bool: true,
	},
	{
		kind: 'int',
		name: 'part',
		size: 4,
		bits: 5,
		bitOffset: 3,
		signed: false,
		char: false,
		bool: false,
	},
	reference('ptr'),
	{kind: 'array', name: '', elementTypeId: 1, indexTypeId: 1, length: 7},
	{
		kind: 'struct',
		name: 'bits',
		size: 8,
		members: [
			{name: 'a', typeId: 1, bitOffset: 0, bitfieldSize: 3},
			{name: 'b', typeId: 1, bitOffset: 3, bitfieldSize: 29},
			{name: 'c', typeId: 1, bitOffset: 32, bitfieldSize: 0},
		],
	},
	{
		kind: 'union',
		name: 'either',
		size: 4,
		members: [{name: 'a', typeId: 1, bitOffset: 0, bitfieldSize: 0}],
	},
	{
		kind: 'enum',
		name: 'signed',
		size: 4,
		signed: true,
		values: [
			{name: 'LOW', value: -2_147_483_648},
			{name: 'HIGH', value: 2_147_483_647},
		],
	},
	{
		kind: 'enum',
		name: 'unsigned',
		size: 1,
		signed: false,
		values: [{name: 'MAX', value: 0xff_ff_ff_ff}],
	},
	{kind: 'fwd', name: 'unknown', forwardKind: 'struct'},
	{kind: 'fwd', name: 'either', forwardKind: 'union'},
	reference('typedef'),
	reference('volatile'),
	reference('const'),
	reference('restrict'),
	{kind: 'func', name: 'run', typeId: 19, linkage: 'global'},
	{kind: 'func', name: 'hidden', typeId: 19, linkage: 'static'},
	{
		kind: 'func_proto',
		name: '',
		returnTypeId: 0,
		parameters: [
			{name: 'first', typeId: 1},
			{name: '', typeId: 0},
		],
	},
	{kind: 'var', name: 'count', typeId: 1, linkage: 'static'},
	{kind: 'datasec', name: '.data', size: 8, variables: [{typeId: 20, offset: 4, size: 4}]},
	{kind: 'float', name: 'double', size: 8},
	{kind: 'decl_tag', name: 'user', typeId: 7, componentIndex: -1},
	{kind: 'decl_tag', name: 'user', typeId: 7, componentIndex: 2, attribute: true},
	reference('type_tag'),
	{...reference('type_tag'), attribute: true},
	{
		kind: 'enum64',
		name: 'wide',
		size: 8,
		signed: true,
		values: [{name: 'LOW', value: -(2n ** 63n)}],
	},
	{
		kind: 'enum64',
		name: 'wider',
		size: 8,
		signed: false,
		values: [{name: 'MAX', value: 2n ** 64n - 1n}],
	},
];

const everyKindIn = test.macro({
	exec(t, littleEndian: boolean, shift: number) {
		const builder = new BtfBuilder({littleEndian});
		for (const type of everyKind) builder.add(type);
		const built = builder.build();
		// Not at the beginning of its buffer, as in a file.
		const bytes = new Uint8Array(built.length + shift).subarray(shift);
		bytes.set(built);
		const btf = Btf.parse(bytes);
		t.is(btf.littleEndian, littleEndian);
		t.is(btf.typeCount, everyKind.length + 1);
		t.is(btf.bytes, bytes);
		const readOnly = Btf.parse(bytes, {readOnly: true});
		t.deepEqual(readOnly.bytes, bytes);
		t.not(readOnly.bytes, bytes);
		for (const [index, type] of everyKind.entries()) {
			t.deepEqual(btf.type(index + 1), {...type, id: index + 1});
			t.is(btf.type(index + 1), btf.type(index + 1));
		}

		t.deepEqual(btf.type(0), {kind: 'void', id: 0, name: 'void'});
	},
	title: (_, littleEndian: boolean, shift: number) =>
		`every kind is read, ${littleEndian ? 'little' : 'big'} endian, at byte ${shift}`,
});

test(everyKindIn, true, 0);
test(everyKindIn, true, 1);
test(everyKindIn, false, 0);
test(everyKindIn, false, 3);

test('split BTF goes on where its base ends', t => {
	const base = new Types();
	const point = base.struct('point', 4, [['x', base.u16, 0]]);
	const below = base.parse();
	const builder = new BtfBuilder({base: below});
	const alias = builder.add({kind: 'typedef', name: 'place', typeId: point});
	const again = builder.add({kind: 'typedef', name: 'point', typeId: alias});
	const bytes = builder.build();
	const btf = Btf.parse(bytes, {base: below});
	t.is(alias, below.typeCount);
	t.is(btf.firstId, below.typeCount);
	t.is(btf.typeCount, below.typeCount + 2);
	t.is(btf.type(point), below.type(point));
	t.is(btf.resolve(again), below.type(point));
	t.is(btf.sizeOf(again), 4);
	t.is(btf.string(1), below.string(1));
	t.is(btf.find('place')?.id, alias);
	t.is(btf.find('u16')?.id, base.u16);
	t.deepEqual(btf.findAll('point'), [point, again]);
	t.throws(() => btf.type(btf.typeCount), {
		message: `read btf type ${btf.typeCount}: there is no such type`,
	});
	t.throws(() => Btf.parse(bytes), {instanceOf: BtfError});
	const other = Btf.parse(new Types({littleEndian: !below.littleEndian}).builder.build());
	t.throws(() => Btf.parse(bytes, {base: other}), {
		message: 'read btf: it is of the other byte order than its base',
	});
});

test('sizes are those of C', async t => {
	const btf = await fixtureTypes();
	const sizes = {
		integers: 32,
		padded: 24,
		packed: 15,
		bits: 16,
		lists: 24,
		flexible: 4,
		tuple: 16,
	};
	for (const [name, size] of Object.entries(sizes)) {
		t.is(btf.sizeOf(btf.find(name, 'struct')?.id ?? 0), size, name);
	}

	const types = new Types();
	const grid = types.array(types.array(types.u16, 3), 5);
	const pointer = types.add({kind: 'ptr', name: '', typeId: 0});
	const huge = types.array(types.array(types.u64, 0xff_ff_ff_ff), 0xff_ff_ff_ff);
	const none = types.array(huge, 0);
	const made = types.parse();
	t.is(made.sizeOf(grid), 30);
	t.is(made.sizeOf(pointer), 8);
	t.is(made.sizeOf(none), 0);
	t.throws(() => made.sizeOf(huge), {message: `read btf type ${huge}: it is larger than memory`});
	t.throws(() => made.sizeOf(0), {message: 'read btf type 0: a void has no size'});
});

const circle = test.macro({
	exec(t, add: (types: Types, first: number) => void, typeId: number) {
		const types = new Types();
		add(types, types.builder.nextId);
		const error = t.throws(() => types.parse(), {instanceOf: BtfError});
		t.is(error.message, `read btf type ${typeId}: it contains itself`);
		t.is(error.typeId, typeId);
	},
	title: (name = '') => `${name} is refused`,
});

test('a typedef of itself', circle, (types: Types, first: number) => types.typedef('a', first), 5);
test(
	'a circle of typedef and const',
	circle,
	(types: Types, first: number) => {
		types.typedef('a', first + 1);
		types.add({kind: 'const', name: '', typeId: first});
	},
	5,
);
test(
	'a struct that contains itself',
	circle,
	(types: Types, first: number) => types.struct('a', 8, [['inner', first, 0]]),
	5,
);
test(
	'an array of structs of that array',
	circle,
	(types: Types, first: number) => {
		types.array(first + 1, 2);
		types.struct('a', 8, [['all', first, 0]]);
	},
	5,
);

test('a struct that points to itself is what a list is made of', t => {
	const types = new Types();
	const next = types.add({kind: 'ptr', name: '', typeId: types.builder.nextId + 1});
	const node = types.struct('node', 8, [['next', next, 0]]);
	t.is(types.parse().sizeOf(node), 8);
});

test('typedefs may nest deep, but not without end', t => {
	const types = new Types();
	let id = types.u32;
	for (let depth = 0; depth < 256; depth++) id = types.typedef('t', id);
	const deepest = types.typedef('t', id);
	const btf = types.parse();
	t.is(btf.resolve(id).id, types.u32);
	t.throws(() => btf.resolve(deepest), {instanceOf: BtfError});
});

const damaged = test.macro({
	exec(
		t,
		change: (view: DataView, bytes: Uint8Array) => Uint8Array | undefined,
		message: string,
	) {
		const types = new Types({littleEndian: true});
		types.struct('pair', 8, [
			['a', types.u32, 0],
			['b', types.u32, 4],
		]);
		const bytes = types.builder.build();
		const changed = change(new DataView(bytes.buffer), bytes) ?? bytes;
		const error = t.throws(() => Btf.parse(changed), {instanceOf: BtfError});
		t.is(error.message, `read btf${message}`);
	},
	title: (what = 'refused', _change, message: string) =>
		`${what}: ${message.replace(/^:? ?/, '')}`,
});

const put = (at: number, value: number) => (view: DataView) => {
	view.setUint32(at, value, true);
	return undefined;
};
const record = 24 + 4 * 16;
test(damaged, (_, bytes) => bytes.subarray(0, 23), ': 23 bytes hold no header');
test(damaged, put(0, 1), ': it does not begin with the magic number');
test(damaged, put(0, 0x2_eb9f), ': version 2 is not known');
test(damaged, put(0, 0x1_01_eb9f), ': flags 1 are not known');
test(damaged, put(4, 23), ': a header of 23 bytes is not possible');
test(damaged, put(4, 1e6), ': a header of 1000000 bytes is not possible');
test(damaged, put(4, 28), ': the header has fields not known');
test(damaged, put(8, 2), ': types are not aligned');
test(damaged, put(12, 1e6), ': types reach beyond the end');
test(damaged, put(20, 1e6), ': strings reach beyond the end');
test(damaged, put(16, 4), ': types and strings share bytes');
test(damaged, put(20, 0), ': strings do not end with NUL');
test(damaged, put(12, 98), ' type 5: it reaches beyond the end of the types');
test(damaged, put(12, 8), ' type 1: it reaches beyond the end of the types');
test(damaged, put(record + 4, 20 << 24), ' type 5: kind 20 is not known');
test(damaged, put(record + 4, 0), ' type 5: kind 0 is not known');
test(damaged, put(record + 4, (4 << 24) | (1 << 16)), ' type 5: its flags are not known');
test(
	'too many members',
	damaged,
	put(record + 4, (4 << 24) | 3),
	' type 5: it reaches beyond the end of the types',
);
test(damaged, put(record, 99), ' type 5: there is no string at 99');
test('the name of a member', damaged, put(record + 12, 99), ' type 5: there is no string at 99');
test(damaged, put(record + 16, 6), ' type 5: it refers to type 6 of 6');
test(damaged, put(record + 20, 33 + 32), ' type 5: a member ends at bit 65 of 8 bytes');
test(damaged, put(24 + 12, 129), ' type 1: 129 bits at 0 do not fit 1 bytes');
test(damaged, put(24 + 8, 17), ' type 1: 8 bits at 0 do not fit 17 bytes');

test('a longer header is accepted when what it adds is zero', t => {
	const bytes = new Types().builder.build();
	const longer = new Uint8Array(bytes.length + 8);
	longer.set(bytes.subarray(0, 24));
	longer.set(bytes.subarray(24), 32);
	const {littleEndian} = Btf.parse(bytes);
	new DataView(longer.buffer).setUint32(4, 32, littleEndian);
	t.is(Btf.parse(longer).find('u32')?.id, Btf.parse(bytes).find('u32')?.id);
});

test('strings within strings cannot fill the memory', t => {
	const types = new Types();
	types.typedef('x'.repeat(100_000), types.u32);
	const btf = types.parse();
	const start = Buffer.from(btf.bytes).indexOf('xxx');
	const first = start - (btf.bytes.length - btf.stringEnd);
	t.throws(
		() => {
			for (let offset = first; offset < btf.stringEnd; offset++) btf.string(offset);
		},
		{message: 'read btf: its strings share more bytes than a compiler would let them'},
	);
});

const vmlinux = '/sys/kernel/btf/vmlinux';
(existsSync(vmlinux) ? test : test.skip)('the types of a kernel are found and followed', t => {
	const btf = Btf.parse(readFileSync(vmlinux));
	t.true(btf.typeCount > 10_000);
	const task = btf.find('task_struct', 'struct');
	const pid = task?.members.find(({name}) => name === 'pid');
	t.is(btf.resolve(pid?.typeId ?? 0).name, 'int');
	t.is(btf.find('bpf_map_type', 'enum')?.values[1]?.name, 'BPF_MAP_TYPE_HASH');
	t.is(btf.find('no_such_struct'), undefined);
	for (let id = 0; id < btf.typeCount; id += 7) btf.type(id);
});
