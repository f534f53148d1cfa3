import test from 'ava';
import {bytesCodec, createCodec, type Cursor} from '../../../src/format/codec/codec.js';
import {fixtureTypes, hexOf, idOf, Types, viewOfHex} from '../btf/types.js';

/** Bytes as a little-endian machine has them, and the value they are. */
const both = test.macro({
	async exec(t, type: string, hex: string, value: unknown, json?: string) {
		const btf = await fixtureTypes();
		for (const generate of [true, false]) {
			const codec = createCodec(btf, idOf(btf, type), {littleEndian: true, generate});
			// Not at the beginning of the buffer, and not aligned.
			const view = viewOfHex(`aabbcc${hex.replaceAll(' ', '')}dd`);
			t.is(codec.size, view.byteLength - 4);
			t.deepEqual(codec.decode(view, 3), value);
			const written = viewOfHex('77'.repeat(view.byteLength));
			codec.encode(value, written, 3);
			t.is(hexOf(written), `777777${hex.replaceAll(' ', '')}77`);
			if (json !== undefined) t.is(codec.toJson(view, 3), json);
		}
	},
	title: (_, type: string, hex: string) => `${type} of ${hex.slice(0, 24)} is read and written`,
});

test(
	both,
	'integers',
	'01 ff 0200 feff 0000 03000000 fdffffff 0400000000000080 fcffffffffffffff',
	{a: 1, b: -1, c: 2, d: -2, e: 3, f: -3, g: 0x8000000000000004n, h: -4n},
	'{"a":1,"b":-1,"c":2,"d":-2,"e":3,"f":-3,"g":9223372036854775812,"h":-4}',
);
test(
	both,
	'wide',
	'01000000000000000200000000000000 ffffffffffffffffffffffffffffffff',
	{a: (2n << 64n) | 1n, b: -1n},
	'{"a":36893488147419103233,"b":-1}',
);
test(both, 'padded', '01 000000 02000000 0300 000000000000 0400000000000000', {
	a: 1,
	b: 2,
	c: 3,
	d: 4n,
});
test(both, 'packed', '01 02000000 0300 0400000000000000', {a: 1, b: 2, c: 3, d: 4n});
// low 5, sign -3 (11101), across 0x1234, gap, top 0x55: 0x55 << 25 | 0x1234 << 8 | 0x1d << 3 | 5.
test(both, 'bits', 'ed3412aa 00000000 efbeadde01000080', {
	low: 5,
	sign: -3,
	across: 0x1234,
	top: 0x55,
	most: 0x1deadbeefn,
	rest: -1_073_741_824,
});
test(
	both,
	'flags',
	'16000000',
	{on: false, off: true, color: 'GREEN'},
	'{"on":false,"off":true,"color":"GREEN"}',
);
test(both, 'flags', '09000000', {on: true, off: false, color: 2});
test(
	both,
	'enums',
	'05000000 feffffff 01 000000',
	{color: 'GREEN', sign: 'MINUS', yes: true},
	'{"color":"GREEN","sign":"MINUS","yes":true}',
);
test(both, 'enums', '07000000 02000000 00 000000', {color: 7, sign: 'PLUS', yes: false});
test(both, 'word', '01020304', {
	whole: 0x04030201,
	halves: [0x0201, 0x0403],
	bytes: [1, 2, 3, 4],
});
test(both, 'tuple', '01000000 02000000 04030201 06 11 0000', {
	saddr: 1,
	daddr: 2,
	both: 0x200000001n,
	word: {whole: 0x01020304, halves: [0x0304, 0x0102], bytes: [4, 3, 2, 1]},
	proto: 6,
	direction: 17,
});
test(
	both,
	'lists',
	'010002000300 010203040506 ffff0100 02000300 61620000',
	{
		numbers: [1, 2, 3],
		grid: [
			[1, 2, 3],
			[4, 5, 6],
		],
		points: [
			{x: -1, y: 1},
			{x: 2, y: 3},
		],
		name: [0x61, 0x62, 0, 0],
		none: [],
	},
	'{"numbers":[1,2,3],"grid":[[1,2,3],[4,5,6]],"points":[{"x":-1,"y":1},{"x":2,"y":3}],' +
		'"name":[97,98,0,0],"none":[]}',
);
test(both, 'pointers', '0100000000000000 00000000000000c0 ffffffffffffffff', {
	any: 1n,
	text: 0xc000000000000000n,
	call: 0xffffffffffffffffn,
});
test(
	both,
	'floats',
	'0000c03f 00000000 000000000000f8bf',
	{single: 1.5, twice: -1.5},
	'{"single":1.5,"twice":-1.5}',
);
test(both, 'chain', '0200000000000000 03000000 00000000', {next: 2n, value: 3});
test(both, 'flexible', '02000000', {count: 2, elements: []});

test('values of the other byte order are read and written', t => {
	const types = new Types({littleEndian: false});
	const int = types.int('int', 4, true);
	const id = types.add({
		kind: 'struct',
		name: 'order',
		size: 16,
		members: [
			{name: 'word', typeId: types.u16, bitOffset: 0, bitfieldSize: 0},
			{name: 'first', typeId: types.u32, bitOffset: 16, bitfieldSize: 3},
			{name: 'second', typeId: int, bitOffset: 19, bitfieldSize: 13},
			{name: 'far', typeId: types.u64, bitOffset: 32, bitfieldSize: 33},
			{name: 'last', typeId: types.u32, bitOffset: 96, bitfieldSize: 0},
		],
	});
	const btf = types.parse();
	t.false(btf.littleEndian);
	// 101 and 1111111111110: 5 and -2.
	const text = '0102bffe80000000800000000a0b0c0d';
	const value = {word: 0x102, first: 5, second: -2, far: 0x100000001n, last: 0x0a0b0c0d};
	for (const generate of [true, false]) {
		const codec = createCodec(btf, id, {littleEndian: false, generate});
		t.deepEqual(codec.decode(viewOfHex(text), 0), value);
		const view = viewOfHex('ff'.repeat(16));
		codec.encode(value, view, 0);
		t.is(hexOf(view), text);
	}
});

test('a data section is read as its variables, and those that share a name apart', t => {
	const types = new Types();
	const variable = (name: string, typeId: number): number =>
		types.add({kind: 'var', name, typeId, linkage: 'static'});
	const [count, one, two] = [
		variable('count', types.u32),
		variable('local', types.u16),
		variable('local', types.u16),
	];
	const id = types.add({
		kind: 'datasec',
		name: '.bss',
		size: 8,
		variables: [
			{typeId: count, offset: 0, size: 4},
			{typeId: one, offset: 4, size: 2},
			{typeId: two, offset: 6, size: 2},
		],
	});
	const codec = createCodec(types.parse(), id, {
		littleEndian: true,
		fields: {count: 'be32', 'local@.bss+4': 'be16'},
	});
	t.is(
		codec.toJson(viewOfHex('0000000100020300'), 0),
		'{"count":1,"local@.bss+4":2,"local@.bss+6":3}',
	);
});

test('an enum wider than its compiler knew has numbers, not wrong names', t => {
	const types = new Types();
	const values = [{name: 'CUT', value: 1}];
	const id = types.add({kind: 'enum', name: 'e', size: 8, signed: false, values});
	const codec = createCodec(types.parse(), id, {littleEndian: true});
	t.is(codec.decode(viewOfHex('0100000000000000'), 0), 1n);
});

test('a negative value of an enum that a compiler calls unsigned keeps its name when packed', t => {
	const types = new Types();
	const values = [
		{name: 'MINUS', value: 0xff_ff_ff_fe},
		{name: 'TOO_WIDE', value: 0x101},
	];
	const id = types.add({kind: 'enum', name: 'e', size: 1, signed: false, values});
	const codec = createCodec(types.parse(), id, {littleEndian: true});
	t.is(codec.decode(viewOfHex('fe'), 0), 'MINUS');
	t.is(codec.decode(viewOfHex('01'), 0), 1);
	const view = viewOfHex('00');
	codec.encode('MINUS', view, 0);
	t.is(hexOf(view), 'fe');
});

test('64-bit enumerators have names and bigints', t => {
	const types = new Types();
	const values = [
		{name: 'LOW', value: -(2n ** 63n)},
		{name: 'HIGH', value: 2n ** 40n},
	];
	const id = types.add({kind: 'enum64', name: 'e', size: 8, signed: true, values});
	for (const generate of [true, false]) {
		const codec = createCodec(types.parse(), id, {littleEndian: true, generate});
		t.is(codec.decode(viewOfHex('0000000000000080'), 0), 'LOW');
		t.is(codec.decode(viewOfHex('0000000000010000'), 0), 'HIGH');
		t.is(codec.decode(viewOfHex('ffffffffffffffff'), 0), -1n);
		const view = viewOfHex('0000000000000000');
		for (const value of ['HIGH', 2n ** 40n, 2 ** 40]) {
			codec.encode(value, view, 0);
			t.is(hexOf(view), '0000000000010000');
		}

		t.is(codec.toJson(view, 0), '"HIGH"');
	}
});

test('numbers stand for bigints and bigints for numbers', async t => {
	const btf = await fixtureTypes();
	const codec = createCodec(btf, idOf(btf, 'integers'), {littleEndian: true});
	const view = new DataView(new ArrayBuffer(32));
	const value = {a: 1n, b: -1n, c: 2n, d: -2n, e: 3n, f: -3n, g: 2 ** 53 - 1, h: -(2 ** 40)};
	codec.encode(value, view, 0);
	t.deepEqual(codec.decode(view, 0), {
		...{a: 1, b: -1, c: 2, d: -2, e: 3, f: -3},
		...{g: 2n ** 53n - 1n, h: -(2n ** 40n)},
	});
});

test('a cursor reads where it was moved to, into one object', async t => {
	const btf = await fixtureTypes();
	for (const generate of [true, false]) {
		const codec = createCodec(btf, idOf(btf, 'tuple'), {littleEndian: true, generate});
		const view = viewOfHex('01000000 02000000 04030201 06 11 0000'.repeat(2));
		view.setUint32(16, 7, true);
		const cursor = codec.cursor() as Cursor<{saddr: number; word: {bytes: number[]}}>;
		cursor.move(view, 0);
		const {value} = cursor;
		t.is(value.saddr, 1);
		t.deepEqual(value.word.bytes, [4, 3, 2, 1]);
		const {word} = value;
		cursor.move(view, 16);
		t.is(cursor.value, value);
		t.is(value.saddr, 7);
		t.is(value.word, word);
		const written = new DataView(new ArrayBuffer(16));
		codec.encode(value, written, 0);
		t.deepEqual(codec.decode(written, 0), codec.decode(view, 16));
	}
});

test('a cursor of a number gives the number', t => {
	const types = new Types();
	const cursor = createCodec(types.parse(), types.u16, {littleEndian: true}).cursor();
	t.throws(() => cursor.value, {code: 'ERR_CODEC'});
	cursor.move(viewOfHex('0100'), 0);
	t.is(cursor.value, 1);
});

test('bytes without a type are copied in and out', t => {
	const codec = bytesCodec(3);
	const view = viewOfHex('00010203ff');
	const bytes = codec.decode(view, 1);
	t.deepEqual([...bytes], [1, 2, 3]);
	t.not(bytes.buffer, view.buffer);
	t.is(codec.toJson(view, 1), '"010203"');
	codec.encode(Uint8Array.of(9, 9, 9), view, 0);
	t.is(hexOf(view), '09090903ff');
	t.throws(() => codec.encode(Uint8Array.of(1), view, 0), {
		message: 'write value: expected a Uint8Array of 3 bytes, got 1 bytes',
	});
});
