import test from 'ava';
import {CodecError} from '../../../src/format/codec/codec-error.js';
import {createCodec} from '../../../src/format/codec/codec.js';
import type {FieldCodecs} from '../../../src/format/codec/layout.js';
import {fixtureTypes, idOf, Types} from '../btf/types.js';

const refused = test.macro({
	async exec(t, type: string, value: unknown, message: string, path: string) {
		const btf = await fixtureTypes();
		const codec = createCodec(btf, idOf(btf, type), {name: 'key'});
		const view = new DataView(new ArrayBuffer(codec.size));
		const error = t.throws(() => codec.encode(value, view, 0), {instanceOf: CodecError});
		t.is(error.message, `write field "${path}": ${message}`);
		t.is(error.path, path);
		t.is(error.code, 'ERR_CODEC');
	},
	title: (_, type: string, _value, message: string, path: string) =>
		`${type}: ${path}: ${message}`.slice(0, 120),
});

const integers = {a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0n, h: 0n};
const tuple = {
	...{saddr: 1, daddr: 2, proto: 0, direction: 0},
	word: {whole: 0},
};
const lists = {
	...{numbers: [1, 2, 3], name: [0, 0, 0, 0], none: []},
	grid: [
		[1, 2, 3],
		[4, 5, 6],
	],
	points: [
		{x: 1, y: 2},
		{x: 3, y: 4},
	],
};

test(refused, 'integers', 5, 'expected an object with a, b, c, d, e, f, g, h, got 5', 'key');
test(refused, 'integers', null, 'expected an object with a, b, c, d, e, f, g, h, got null', 'key');
test(
	refused,
	'integers',
	{...integers, a: 256},
	'expected a whole number from 0 to 255, got 256',
	'key.a',
);
test(
	refused,
	'integers',
	{...integers, a: -1n},
	'expected a whole number from 0 to 255, got -1n',
	'key.a',
);
test(
	refused,
	'integers',
	{...integers, a: '1'},
	'expected a whole number from 0 to 255, got "1"',
	'key.a',
);
test(
	refused,
	'integers',
	{...integers, b: 128},
	'expected a whole number from -128 to 127, got 128',
	'key.b',
);
test(
	refused,
	'integers',
	{...integers, c: 1.5},
	'expected a whole number from 0 to 65535, got 1.5',
	'key.c',
);
test(
	refused,
	'integers',
	{...integers, e: NaN},
	'expected a whole number from 0 to 4294967295, got NaN',
	'key.e',
);
test(
	refused,
	'integers',
	{...integers, f: 2n ** 70n},
	'expected a whole number from -2147483648 to 2147483647, got 1180591620717411303424n',
	'key.f',
);
test(
	refused,
	'integers',
	{...integers, g: -1},
	'expected a whole number from 0 to 18446744073709551615, got -1',
	'key.g',
);
test(
	refused,
	'integers',
	{...integers, g: 2n ** 64n},
	'expected a whole number from 0 to 18446744073709551615, got 18446744073709551616n',
	'key.g',
);
test(
	refused,
	'integers',
	{...integers, g: 2 ** 53},
	'expected a whole number from 0 to 18446744073709551615, got 9007199254740992',
	'key.g',
);
test(
	refused,
	'integers',
	{...integers, h: 2n ** 63n},
	'expected a whole number from -9223372036854775808 to 9223372036854775807, got 9223372036854775808n',
	'key.h',
);
test(refused, 'integers', {...integers, h: undefined}, 'it is missing', 'key.h');
test(refused, 'integers', {...integers, zebra: 1}, 'there is no field "zebra"', 'key');
test(
	refused,
	'tuple',
	{...tuple, sadr: 1},
	'there is no field "sadr"; did you mean "saddr"?',
	'key',
);
test(
	refused,
	'wide',
	{a: -1, b: 0},
	'expected a whole number from 0 to 340282366920938463463374607431768211455, got -1',
	'key.a',
);
test(
	refused,
	'enums',
	{color: 'GREE', sign: 2, yes: true},
	'there is no enumerator "GREE"; did you mean "GREEN"?',
	'key.color',
);
test(refused, 'enums', {color: 0, sign: 2, yes: 1}, 'expected true or false, got 1', 'key.yes');
test(refused, 'flags', {on: 1, off: true, color: 0}, 'expected true or false, got 1', 'key.on');
test(
	refused,
	'flags',
	{on: true, off: true, color: 8},
	'expected a whole number from 0 to 7, got 8',
	'key.color',
);
test(
	refused,
	'flags',
	{on: true, off: true, color: 'LAST'},
	'there is no enumerator "LAST"',
	'key.color',
);
test(
	refused,
	'floats',
	{single: 1e300, twice: 0},
	'expected a number that a float can hold, got 1e+300',
	'key.single',
);
test(refused, 'floats', {single: 1n, twice: 0}, 'expected a number, got 1n', 'key.single');
test(
	refused,
	'lists',
	{...lists, numbers: [1, 2]},
	'expected an array of 3, got an array of 2',
	'key.numbers',
);
test(
	refused,
	'lists',
	{...lists, numbers: 'abc'},
	'expected an array of 3, got "abc"',
	'key.numbers',
);
test(
	refused,
	'lists',
	{
		...lists,
		grid: [
			[1, 2, 3],
			[4, 500, 6],
		],
	},
	'expected a whole number from 0 to 255, got 500',
	'key.grid[1][1]',
);
test(
	refused,
	'lists',
	{...lists, points: [{x: 1, y: 2}, {x: 3}]},
	'it is missing',
	'key.points[1].y',
);
test(
	refused,
	'lists',
	{...lists, points: [{x: 1, y: 2}, 3]},
	'expected an object with x, y, got 3',
	'key.points[1]',
);
test(
	refused,
	'tuple',
	{...tuple, word: {}},
	'one of "whole", "halves", "bytes" is missing',
	'key.word',
);
test(refused, 'tuple', {...tuple, daddr: undefined}, 'it is missing', 'key.daddr');
test(
	refused,
	'tuple',
	{...tuple, saddr: undefined, daddr: undefined},
	'one of "saddr", "daddr", "both" is missing',
	'key',
);
test(
	refused,
	'tuple',
	{...tuple, both: 3n},
	'"saddr" has the same bytes and says otherwise',
	'key.both',
);
test(
	refused,
	'tuple',
	{...tuple, word: {whole: 1, halves: [1, 1]}},
	'"whole" has the same bytes and says otherwise',
	'key.word.halves',
);

test('an error says what was expected and what was given', async t => {
	const btf = await fixtureTypes();
	const codec = createCodec(btf, idOf(btf, 'integers'));
	const view = new DataView(new ArrayBuffer(32));
	const error = t.throws(() => codec.encode({...integers, a: -1}, view, 0), {
		instanceOf: CodecError,
	});
	t.like(error, {path: 'a', expected: 'a whole number from 0 to 255', got: '-1'});
	t.throws(() => codec.encode(1, view, 0), {
		message: 'write value: expected an object with a, b, c, d, e, f, g, h, got 1',
	});
});

test('nothing is written outside of the view', async t => {
	const btf = await fixtureTypes();
	const codec = createCodec(btf, idOf(btf, 'integers'));
	const view = new DataView(new ArrayBuffer(64), 0, 40);
	t.throws(() => codec.encode(integers, view, 16), {
		message: 'write value: 32 bytes at 16 are outside of the view',
	});
});

const noCodec = test.macro({
	async exec(t, type: string, fields: unknown, message: string) {
		const btf = await fixtureTypes();
		const options = {name: 'value', fields: fields as FieldCodecs};
		t.throws(() => createCodec(btf, idOf(btf, type), options), {
			instanceOf: CodecError,
			message,
		});
	},
	title: (_, type: string, _fields, message: string) => `${type}: ${message}`.slice(0, 120),
});

test(
	noCodec,
	'addresses',
	{v4: 'ipv5'},
	'lay out field "value.v4": there is no codec "ipv5"; did you mean "ipv4"?',
);
test(
	noCodec,
	'addresses',
	{v4: 'constructor'},
	'lay out field "value.v4": there is no codec "constructor"',
);
test(
	noCodec,
	'addresses',
	{port: 'ipv4'},
	'lay out field "value.port": codec ipv4 reads 4 bytes, u16 has 2',
);
test(
	noCodec,
	'addresses',
	{v4_byte: 'ipv4'},
	'lay out field "value": struct addresses has no field "v4_byte"; did you mean "v4_bytes"?',
);
test(
	noCodec,
	'addresses',
	{__proto__: null, constructor: 'ipv4'},
	'lay out field "value": struct addresses has no field "constructor"',
);
test(
	noCodec,
	'addresses',
	{v4: {a: 'ipv4'}},
	'lay out field "value.v4": u32 has no fields, got an object',
);
test(noCodec, 'addresses', {v4: null}, 'lay out field "value.v4": u32 has no fields, got null');
test(
	noCodec,
	'addresses',
	7,
	'lay out field "value": struct addresses wants codecs as {field: codec}, got 7',
);
test(
	noCodec,
	'addresses',
	{backends: {port: 'be16'}},
	'lay out field "value.backends": struct {…}[2] wants codecs as [codecs of an element], got an object',
);
test(
	noCodec,
	'addresses',
	{backends: [{address: 'be16'}]},
	'lay out field "value.backends[].address": codec be16 reads 2 bytes, u32 has 4',
);
test(
	noCodec,
	'bits',
	{low: 'hex'},
	'lay out field "value.low": a bit-field has no codec to choose',
);

test('what has no value has no codec', async t => {
	const btf = await fixtureTypes();
	const of = (name: string): number => btf.find(name)?.id ?? 0;
	t.throws(() => createCodec(btf, 0), {message: 'lay out value: void has no value'});
	t.throws(() => createCodec(btf, of('program')), {
		message: 'lay out value: int program(void *context) has no value',
	});
	t.throws(() => createCodec(btf, of('hidden')), {code: 'ERR_CODEC'});
	const forward = btf.findAll('hidden').find(id => btf.type(id).kind === 'fwd') ?? 0;
	t.throws(() => createCodec(btf, forward), {
		message: 'lay out value: struct hidden is declared and not defined',
	});
});

test('two fields of one name are refused: one would hide the other', t => {
	const types = new Types();
	const inner = types.struct('', 4, [['a', types.u32, 0]]);
	const id = types.struct('twice', 8, [
		['a', types.u32, 0],
		['', inner, 4],
	]);
	t.throws(() => createCodec(types.parse(), id), {
		message: 'lay out field "a": two fields have this name',
	});
});

test('fields that share bytes outside of a union can be read, not written', t => {
	const types = new Types();
	const id = types.struct('shared', 4, [
		['a', types.u32, 0],
		['b', types.u16, 2],
	]);
	const codec = createCodec(types.parse(), id, {littleEndian: true});
	const view = new DataView(new ArrayBuffer(4));
	t.deepEqual(codec.decode(view, 0), {a: 0, b: 0});
	t.throws(() => codec.encode({a: 0, b: 0}, view, 0), {
		message: 'write field "b": it shares byte 2 with another field',
	});
});

test('a type that would take for ever to read is refused at once', t => {
	const types = new Types();
	const nothing = types.struct('nothing', 0, []);
	const many = types.array(types.array(nothing, 0xffff), 0xffff);
	t.throws(() => createCodec(types.parse(), many), {
		message: 'lay out value: the type has too many parts for its size',
	});

	const wide = new Types();
	const bytes = wide.array(wide.u8, 1 << 20);
	const members = Array.from({length: 1000}, (_, i) => [`m${i}`, bytes, 0] as const);
	const union = wide.struct('wide', 1 << 20, members, 'union');
	t.throws(() => createCodec(wide.parse(), union), {
		message: 'lay out value: the type has too many parts for its size',
	});

	const deep = new Types();
	let id = deep.struct('', 0, []);
	for (let depth = 0; depth < 12; depth++) {
		id = deep.struct(
			'',
			0,
			Array.from({length: 20}, () => ['', id, 0] as const),
		);
	}

	t.throws(() => createCodec(deep.parse(), id), {
		message: 'lay out value: the type has too many parts',
	});
});
