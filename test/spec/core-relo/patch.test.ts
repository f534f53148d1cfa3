import test from 'ava';
import {decodeInstructions} from '../../../src/format/asm/codec.js';
import {
	add,
	atomic,
	call,
	exit,
	load,
	loadMapFd,
	loadNumber,
	loadSigned,
	mov,
	store,
} from '../../../src/format/asm/build.js';
import type {Instruction} from '../../../src/format/asm/instruction.js';
import {poisonCall} from '../../../src/format/log/failed-relocation.js';
import type {Types} from '../../format/btf/types.js';
import {type Asked, type Declare, declareLocal, declareTarget, relocateOne} from './support.js';

/** A struct whose second member is of this type. */
const second =
	(declare: Declare, offset: number): Declare =>
	types => {
		const typeId = declare(types);
		return types.struct('s', 1 << 20, [
			['a', types.u32, 0],
			['b', typeId, offset],
		]);
	};
const u8: Declare = types => types.u8;
const u32: Declare = types => types.u32;
const u64: Declare = types => types.u64;
const int: Declare = types => types.int('int', 4, true);
const long: Declare = types => types.int('long', 8, true);
const pointer: Declare = types => types.add({kind: 'ptr', name: '', typeId: 0});
const aStruct =
	(size: number): Declare =>
	types =>
		types.struct('inner', size, []);
const listOf =
	(declare: Declare, length: number): Declare =>
	types =>
		types.array(declare(types), length);
const oddNumber: Declare = types => types.int('odd', 3);

interface Sides {
	readonly local?: Declare;
	readonly target?: Declare;
	readonly offset?: number;
	readonly asked?: Asked;
	/** Of a kernel of 32 bits. */
	readonly narrow?: boolean;
}

/** The member is at byte 4 of the local struct and at `offset`, 12 unless given, of the target's. */
function relocated(instruction: Instruction, sides: Sides) {
	const {local = u32, target = local, offset = 12, asked = ['field_byte_offset', '0:1']} = sides;
	const own = declareLocal(second(local, 4), [asked[1]]);
	const width = (types: Types): number =>
		types.int('long unsigned int', sides.narrow === true ? 4 : 8);
	return relocateOne(own, asked, declareTarget(width, second(target, offset)), instruction);
}

const patched = test.macro({
	exec(t, before: Instruction, sides: Sides, after: Instruction) {
		const {instructions, failures} = relocated(before, sides);
		t.deepEqual(failures, []);
		t.deepEqual(decodeInstructions(instructions, true), [after]);
	},
	title: title => `patched: ${title ?? ''}`,
});

test('an operand of 64 bits', patched, add('r1', 4), {}, add('r1', 12));
test('an operand of 32 bits', patched, mov('w1', 4), {}, mov('w1', 12));
test('a load', patched, load('r1', 'u32', 'r2', 4), {}, load('r1', 'u32', 'r2', 12));
test(
	'a store of a register',
	patched,
	store('u32', 'r1', 4, 'r2'),
	{},
	store('u32', 'r1', 12, 'r2'),
);
test('a store of a number', patched, store('u32', 'r1', 4, 9), {}, store('u32', 'r1', 12, 9));
test('a number of 64 bits', patched, loadNumber('r1', 4n), {}, loadNumber('r1', 12n));
test(
	'an atomic operation',
	patched,
	atomic('add', 'u32', 'r1', 4, 'r2'),
	{},
	atomic('add', 'u32', 'r1', 12, 'r2'),
);
test(
	'a load that extends the sign',
	patched,
	loadSigned('r1', 's32', 'r2', 4),
	{local: int},
	loadSigned('r1', 's32', 'r2', 12),
);
test(
	'the farthest load',
	patched,
	load('r1', 'u32', 'r2', 4),
	{offset: 32767},
	load('r1', 'u32', 'r2', 32767),
);
test(
	'a wider number',
	patched,
	load('r1', 'u32', 'r2', 4),
	{target: u64},
	load('r1', 'u64', 'r2', 12),
);
test(
	'a narrower number',
	patched,
	load('r1', 'u32', 'r2', 4),
	{target: u8},
	load('r1', 'u8', 'r2', 12),
);
test(
	'a wider store',
	patched,
	store('u32', 'r1', 4, 'r2'),
	{target: u64},
	store('u64', 'r1', 12, 'r2'),
);
test(
	'a narrower pointer',
	patched,
	load('r1', 'u64', 'r2', 4),
	{local: pointer, narrow: true},
	load('r1', 'u32', 'r2', 12),
);
test(
	'a number of another sign',
	patched,
	load('r1', 'u32', 'r2', 4),
	{target: int},
	load('r1', 'u32', 'r2', 12),
);
test(
	'elements of other size',
	patched,
	load('r1', 'u32', 'r2', 4),
	{local: listOf(u32, 4), target: listOf(u64, 4)},
	load('r1', 'u64', 'r2', 12),
);
test(
	'an array of other length',
	patched,
	load('r1', 'u8', 'r2', 4),
	{local: listOf(u8, 4), target: listOf(u8, 9)},
	load('r1', 'u8', 'r2', 12),
);
test(
	'an operand, whatever the size',
	patched,
	add('r1', 4),
	{local: int, target: long},
	add('r1', 12),
);
test('the largest operand', patched, mov('w1', 4), {offset: 0xf_fff0}, mov('w1', 0xf_fff0));

const poisoned = test.macro({
	exec(t, before: Instruction, sides: Sides, reason: string) {
		const {instructions, failures} = relocated(before, sides);
		const after = decodeInstructions(instructions, true);
		t.is(after.length, before.high === undefined ? 1 : 2);
		for (const each of after) t.deepEqual(each, call(poisonCall));
		t.is(failures.length, 1);
		t.is(failures[0]?.candidates[0]?.reason, reason);
		t.is(failures[0]?.candidates[0]?.type, 'struct s');
	},
	title: title => `poisoned: ${title ?? ''}`,
});

const sized = (to: number, from = 4): string =>
	`it has ${to} bytes, not ${from}, and is neither a pointer nor an unsigned integer`;
test(
	'a signed number of other size',
	poisoned,
	load('r1', 'u32', 'r2', 4),
	{local: int, target: long},
	sized(8),
);
test(
	'a number that got a sign and size',
	poisoned,
	load('r1', 'u32', 'r2', 4),
	{target: long},
	sized(8),
);
test(
	'a struct of other size',
	poisoned,
	load('r1', 'u32', 'r2', 4),
	{local: aStruct(4), target: aStruct(8)},
	sized(8),
);
test(
	'a load of a part',
	poisoned,
	load('r1', 'u8', 'r2', 4),
	{target: u64},
	'it has 8 bytes, not 4, and this instruction moves 1',
);
test(
	'a load that extends the sign',
	poisoned,
	loadSigned('r1', 's32', 'r2', 4),
	{target: u64},
	'it has 8 bytes, not 4, and this instruction moves 4',
);
test(
	'a size that no load has',
	poisoned,
	load('r1', 'u32', 'r2', 4),
	{target: oddNumber},
	'it has 3 bytes, not 4, and this instruction moves 4',
);
test(
	'a load too far',
	poisoned,
	load('r1', 'u32', 'r2', 4),
	{offset: 32768},
	'32768 does not fit an offset of 16 bits',
);
test(
	'a number of 64 bits',
	poisoned,
	loadNumber('r1', 4n),
	{target: pointer},
	'its member "b" is of type void *, not u32',
);

/** Enumerators of 64 bits in an operand: compilers do not, but nothing forbids it. */
const enumerator =
	(value: bigint): Declare =>
	types =>
		types.add({
			kind: 'enum64',
			name: 'e',
			size: 8,
			signed: false,
			values: [{name: 'V', value}],
		});

const operand = test.macro({
	exec(t, before: Instruction, value: bigint, after: Instruction | undefined) {
		const local = declareLocal(enumerator(4n), ['0']);
		const target = declareTarget(enumerator(value));
		const {instructions, failures} = relocateOne(local, ['enumval_value', '0'], target, before);
		t.is(failures.length, after === undefined ? 1 : 0);
		const reason = `${value} does not fit an operand of 32 bits`;
		if (after === undefined) t.is(failures[0]?.candidates[0]?.reason, reason);
		t.deepEqual(decodeInstructions(instructions, true), [after ?? call(poisonCall)]);
	},
	title: (title, _: unknown, value: bigint) => `${value} in an operand of ${title ?? ''}`,
});

test('32 bits', operand, mov('w1', 4), 0xffff_ffffn, mov('w1', -1));
test('32 bits', operand, mov('w1', 4), 0x1_0000_0000n, undefined);
test('64 bits', operand, mov('r1', 4), 0x7fff_ffffn, mov('r1', 0x7fff_ffff));
test('64 bits', operand, mov('r1', 4), 0x8000_0000n, undefined);

const damaged = test.macro({
	exec(t, before: Instruction, detail: string) {
		t.throws(() => relocated(before, {}), {
			code: 'ERR_CORE_RELOCATION',
			message: new RegExp(`^relocate program "test": instruction 0( .*)?: ${detail}$`),
		});
	},
	title: title => `refused: ${title ?? ''}`,
});

test('a jump', damaged, exit(), 'opcode 0x95 takes no relocation');
test('a call', damaged, call(1), 'opcode 0x85 takes no relocation');
test('a register', damaged, add('r1', 'r2'), 'its operand is a register, no number');
test('a map', damaged, loadMapFd('r1', 1), 'it loads no plain number');
test('another operand', damaged, add('r1', 5), 'its operand is 5, not 4');
test('another offset', damaged, load('r1', 'u32', 'r2', 8), 'its offset is 8, not 4');
test('another number', damaged, loadNumber('r1', 5n), 'it loads 5, not 4');
