import test from 'ava';
import {
	answerTo,
	type Declare,
	declared,
	declareLocal,
	declareTarget,
	enum64Of,
	enumOf,
	ptr,
} from './support.js';

// What may stand for what: the member `m` of `s`.
const compatible = test.macro({
	exec(t, mine: Declare, theirs: Declare, expected: bigint) {
		const within =
			(declare: Declare): Declare =>
			types =>
				types.struct('s', 64, [['m', declare(types), 0]]);
		const local = declareLocal(within(mine), ['0:0']);
		t.is(answerTo(local, ['field_exists', '0:0'], declareTarget(within(theirs))), expected);
	},
	title: title => `fields: ${title ?? ''}`,
});

const u32: Declare = types => types.u32;
const pointer: Declare = types => ptr(types);
const aStruct: Declare = types => types.struct('a', 4, [['x', types.u32, 0]]);
const colour: Declare = types => enumOf(types, 'colour', {RED: 1});
test('numbers of any size and sign', compatible, u32, types => types.int('l', 8, true), 1n);
test('a number is no pointer', compatible, u32, pointer, 0n);
test('pointers to anything', compatible, pointer, types => ptr(types, types.u32), 1n);
test(
	'typedefs and qualifiers',
	compatible,
	u32,
	types => types.typedef('t', types.add({kind: 'const', name: '', typeId: types.u16})),
	1n,
);
test('structs and unions', compatible, aStruct, types => types.struct('b', 1, [], 'union'), 1n);
test('a struct is no number', compatible, aStruct, u32, 0n);
test('enums of one name', compatible, colour, types => enumOf(types, 'colour___x', {}), 1n);
test('enums of other names', compatible, colour, types => enumOf(types, 'size', {}), 0n);
test('an enum without a name', compatible, colour, types => enumOf(types, '', {}), 1n);
test('an enum of 64 bits', compatible, colour, types => enum64Of(types, 'colour', {}), 1n);
test('an enum is no number', compatible, colour, u32, 0n);
test(
	'arrays of what is compatible',
	compatible,
	types => types.array(types.u32, 4),
	types => types.array(types.u64, 9),
	1n,
);
test(
	'arrays of what is not',
	compatible,
	types => types.array(types.u32, 4),
	types => types.array(ptr(types), 4),
	0n,
);
test('an array is no number', compatible, types => types.array(types.u32, 4), u32, 0n);
test(
	'floating point of any size',
	compatible,
	types => types.add({kind: 'float', name: 'f', size: 4}),
	types => types.add({kind: 'float', name: 'd', size: 8}),
	1n,
);
test(
	'bit-fields of the old sort',
	compatible,
	u32,
	types =>
		types.add({
			kind: 'int',
			name: 'o',
			size: 4,
			bits: 3,
			bitOffset: 5,
			signed: false,
			char: false,
			bool: false,
		}),
	0n,
);
test(
	'declarations of one name',
	compatible,
	types => declared(types, 'x'),
	types => declared(types, 'x'),
	1n,
);
test(
	'declarations of other names',
	compatible,
	types => declared(types, 'x'),
	types => declared(types, 'y'),
	0n,
);
