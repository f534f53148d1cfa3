import test from 'ava';
import type {Types} from '../../format/btf/types.js';
import {
	answerTo,
	type Asked,
	type Declare,
	declared,
	declareLocal,
	declareTarget,
	enum64Of,
	enumOf,
	ptr,
} from './support.js';

type Member = readonly [name: string, type: number, bit: number, width?: number];

/** A struct whose members are placed by bits. */
function struct(types: Types, name: string, size: number, members: readonly Member[]): number {
	return types.add({
		kind: 'struct',
		name,
		size,
		members: members.map(([name, typeId, bitOffset, bitfieldSize = 0]) => ({
			...{name, typeId, bitOffset, bitfieldSize},
		})),
	});
}

const answers = test.macro({
	exec(
		t,
		asked: Asked,
		local: Declare,
		target: Declare | readonly Declare[],
		expected: bigint | string,
	) {
		const all = typeof target === 'function' ? [target] : target;
		t.is(answerTo(declareLocal(local, [asked[1]]), asked, declareTarget(...all)), expected);
	},
	title: (title, asked: Asked) => `${asked[0]}: ${title ?? ''}`,
});

// The field asked for is `b`, the second member, of a struct that begins with `a`.
const two: Declare = types =>
	types.struct('two', 8, [
		['a', types.u32, 0],
		['b', types.u32, 4],
	]);
const swapped: Declare = types =>
	types.struct('two', 24, [
		['b', types.u64, 16],
		['a', types.u32, 0],
	]);
const without: Declare = types => types.struct('two', 4, [['a', types.u32, 0]]);
const signed: Declare = types => types.struct('two', 4, [['b', types.int('int', 4, true), 0]]);

test('that of the target', answers, ['field_byte_offset', '0:1'], two, swapped, 16n);
test('that of the target', answers, ['field_byte_size', '0:1'], two, swapped, 8n);
test('1 where it is', answers, ['field_exists', '0:1'], two, swapped, 1n);
test('0 where it is not', answers, ['field_exists', '0:1'], two, without, 0n);
test('0 without its type', answers, ['field_exists', '0:1'], two, [], 0n);
test('0 for an unsigned field', answers, ['field_signed', '0:1'], two, swapped, 0n);
test('1 for a signed field', answers, ['field_signed', '0:1'], two, signed, 1n);
test('what a load of 8 bytes needs', answers, ['field_lshift_u64', '0:1'], two, swapped, 0n);
test('what a load of 4 bytes needs', answers, ['field_lshift_u64', '0:1'], two, signed, 32n);
test('the rest of 64 bits', answers, ['field_rshift_u64', '0:1'], two, signed, 32n);
test('an element of the type', answers, ['field_byte_offset', '3:1'], two, swapped, 88n);
test('the type itself', answers, ['field_byte_size', '0'], two, swapped, 24n);

for (const kind of [
	'field_byte_offset',
	'field_byte_size',
	'field_signed',
	'field_lshift_u64',
	'field_rshift_u64',
] as const) {
	test(
		'nothing without the field',
		answers,
		[kind, '0:1'],
		two,
		without,
		'struct two (type 5 of vmlinux): no member "b"',
	);
	test('nothing without the type', answers, [kind, '0:1'], two, [], 'vmlinux has no struct two');
}

test(
	'every candidate says why it is none',
	answers,
	['field_byte_offset', '0:1'],
	two,
	[without, types => types.struct('two', 8, [['b', ptr(types), 0]])],
	'struct two (type 5 of vmlinux): no member "b"; struct two (type 7 of vmlinux): its member "b" is of type void *, not u32',
);

// Bit-fields: `b` has 5 bits from bit 3 on, in a unit of 4 bytes.
const bits: Declare = types =>
	struct(types, 'bits', 4, [
		['a', types.u32, 0, 3],
		['b', types.u32, 3, 5],
	]);
const moved: Declare = types =>
	struct(types, 'bits', 16, [
		['a', types.u32, 0],
		['b', types.int('short', 2, true), 75, 9],
	]);
/** From bit 28 to 36: in no 4 bytes that are aligned. */
const across: Declare = types => struct(types, 'bits', 8, [['b', types.u32, 28, 8]]);
/** From bit 60 to 68: in no 8 bytes that are aligned. */
const tooFar: Declare = types => struct(types, 'bits', 16, [['b', types.u64, 60, 8]]);
const tooFarReason =
	'struct bits (type 5 of vmlinux): no load of at most 8 bytes has all of the bit-field';

test('of the unit', answers, ['field_byte_offset', '0:1'], bits, moved, 8n);
test('of the unit', answers, ['field_byte_size', '0:1'], bits, moved, 4n);
test('of the bit-field', answers, ['field_signed', '0:1'], bits, moved, 1n);
test('above the bit-field', answers, ['field_lshift_u64', '0:1'], bits, moved, 44n);
test('beside the bit-field', answers, ['field_rshift_u64', '0:1'], bits, moved, 55n);
test('a bit-field is one', answers, ['field_exists', '0:1'], bits, moved, 1n);
test('of a unit twice as large', answers, ['field_byte_size', '0:1'], bits, across, 8n);
test('in a larger unit', answers, ['field_lshift_u64', '0:1'], bits, across, 28n);
test('a unit that is too large', answers, ['field_byte_size', '0:1'], bits, tooFar, tooFarReason);
test(
	'no bit-field any more',
	answers,
	['field_byte_offset', '0:1'],
	bits,
	types => types.struct('bits', 8, [['b', types.u16, 6]]),
	6n,
);

// Ways to a field.
const inner: Declare = types => {
	const deep = types.struct('deep', 8, [['x', types.array(types.u16, 4), 0]]);
	return types.struct('outer', 16, [
		['first', types.u64, 0],
		['list', types.array(deep, 1), 8],
	]);
};

const unnamed: Declare = types => {
	const deep = types.struct('other', 32, [['x', types.array(types.u32, 8), 0]]);
	const union = types.struct(
		'',
		72,
		[
			['y', types.u8, 0],
			['list', types.array(deep, 2), 8],
		],
		'union',
	);
	return types.struct('outer', 80, [['', union, 8]]);
};

test(
	'through unnamed members and arrays',
	answers,
	['field_byte_offset', '0:1:0:0:3'],
	inner,
	unnamed,
	28n,
);
test('of an element', answers, ['field_byte_size', '0:1:0:0:3'], inner, unnamed, 4n);
test('of an array', answers, ['field_byte_size', '0:1:0:0'], inner, unnamed, 32n);
test(
	'an element that is not there',
	answers,
	['field_byte_offset', '0:1:0:0:3'],
	inner,
	types => {
		const deep = types.struct('deep', 8, [['x', types.array(types.u16, 2), 0]]);
		return types.struct('outer', 16, [['list', types.array(deep, 1), 8]]);
	},
	'struct outer (type 8 of vmlinux): its array has 2 elements, none with the number 3',
);
test(
	'a member of a member that is not there',
	answers,
	['field_byte_offset', '0:1:0:0:3'],
	inner,
	types => {
		const deep = types.struct('deep', 8, []);
		return types.struct('outer', 16, [['list', types.array(deep, 1), 8]]);
	},
	'struct outer (type 7 of vmlinux): no member "x" in struct deep',
);

const flexible: Declare = types =>
	types.struct('list', 4, [
		['count', types.u32, 0],
		['items', types.array(types.u32, 0), 4],
	]);
const notLast: Declare = types =>
	types.struct('list', 8, [
		['items', types.array(types.u32, 0), 4],
		['count', types.u32, 4],
	]);
test('in an array without end', answers, ['field_byte_offset', '0:1:5'], flexible, flexible, 24n);
test('in an array of no elements', answers, ['field_exists', '0:1:5'], flexible, notLast, 0n);

// Types.
const alias: Declare = types => types.typedef('two', types.u32);
const proto = (types: Types, parameters: readonly number[]): number => {
	const list = parameters.map(typeId => ({name: '', typeId}));
	const typeId = types.add({kind: 'func_proto', name: '', returnTypeId: 0, parameters: list});
	return types.typedef('callback', ptr(types, typeId));
};

test('of the target', answers, ['type_id_target', '0'], two, swapped, 5n);
test('0 where there is none', answers, ['type_id_target', '0'], two, [], 0n);
test('the own, whatever the target has', answers, ['type_id_local', '0'], two, [], 5n);
test('1 where it is', answers, ['type_exists', '0'], two, swapped, 1n);
test('0 where it is not', answers, ['type_exists', '0'], two, [], 0n);
test('a typedef is no struct', answers, ['type_exists', '0'], two, alias, 0n);
test(
	'a declaration is no struct',
	answers,
	['type_exists', '0'],
	two,
	types => declared(types, 'two'),
	0n,
);
test(
	'a union is no struct',
	answers,
	['type_exists', '0'],
	two,
	types => types.struct('two', 4, [], 'union'),
	0n,
);
test(
	'a typedef of the same kind',
	answers,
	['type_exists', '0'],
	alias,
	types => types.typedef('two', types.u64),
	1n,
);
test(
	'a typedef of another kind',
	answers,
	['type_exists', '0'],
	alias,
	types => types.typedef('two', ptr(types)),
	0n,
);
test(
	'a function of as many parameters',
	answers,
	['type_exists', '0'],
	types => proto(types, [types.u32]),
	types => proto(types, [types.u64]),
	1n,
);
test(
	'a function of more parameters',
	answers,
	['type_exists', '0'],
	types => proto(types, [types.u32]),
	types => proto(types, [types.u32, types.u32]),
	0n,
);
test(
	'a function of other parameters',
	answers,
	['type_exists', '0'],
	types => proto(types, [types.u32]),
	types => proto(types, [ptr(types)]),
	0n,
);
test('of the target', answers, ['type_size', '0'], two, swapped, 24n);
test('0 where there is none', answers, ['type_size', '0'], two, [], 0n);

// Enumerators.
const colours: Declare = types => enumOf(types, 'colour', {RED: 1, BLUE___x: 5});
const changed: Declare = types => enumOf(types, 'colour___y', {BLUE: -7});
const large: Declare = types => enum64Of(types, 'colour', {BLUE___z: 0xffff_ffff_ffff_fff0n});
const blue = '1';
test('1 where it is', answers, ['enumval_exists', blue], colours, changed, 1n);
test('0 where it is not', answers, ['enumval_exists', '0'], colours, changed, 0n);
test('0 without the enum', answers, ['enumval_exists', '0'], colours, [], 0n);
test('of the target', answers, ['enumval_value', blue], colours, changed, -7n);
test('of 64 bits', answers, ['enumval_value', blue], colours, large, -16n);
test(
	'none',
	answers,
	['enumval_value', '0'],
	colours,
	changed,
	'enum colour___y (type 5 of vmlinux): no enumerator "RED"',
);
test(
	'without the enum',
	answers,
	['enumval_value', '0'],
	colours,
	[],
	'vmlinux has no enum colour',
);

// Flavours.
const flavour: Declare = types => types.struct('two___mine', 4, [['b', types.u32, 0]]);
const theirFlavour: Declare = types => types.struct('two___theirs', 12, [['b', types.u32, 8]]);
test('a flavour means the type itself', answers, ['field_byte_offset', '0:0'], flavour, two, 4n);
test(
	'the target may have flavours',
	answers,
	['field_byte_offset', '0:0'],
	flavour,
	theirFlavour,
	8n,
);
test(
	'four underscores are a name',
	answers,
	['type_exists', '0'],
	two,
	types => types.struct('two____x', 4, []),
	0n,
);
test(
	'a name may begin alike',
	answers,
	['type_exists', '0'],
	two,
	types => types.struct('two_x___y', 4, []),
	0n,
);

test('a relocation of a big-endian program', t => {
	const asked: Asked = ['field_lshift_u64', '0:0'];
	const declare: Declare = types => struct(types, 'bits', 4, [['b', types.u32, 3, 5]]);
	const local = declareLocal(declare, [asked[1]], false);
	t.is(answerTo(local, asked, local.types), 35n);
	t.is(answerTo(local, ['field_byte_offset', '0:0'], local.types), 0n);
});
