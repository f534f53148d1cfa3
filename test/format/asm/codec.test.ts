import test from 'ava';
import fc from 'fast-check';
import {hex} from '../../../src/base/bytes.js';
import {AsmError} from '../../../src/format/asm/asm-error.js';
import {add, exit, load, loadNumber, mov} from '../../../src/format/asm/build.js';
import {
	decodeInstruction,
	decodeInstructions,
	encodeInstructions,
} from '../../../src/format/asm/codec.js';
import {
	type Instruction,
	slotCount,
	wideImmediate,
	wideLoad,
} from '../../../src/format/asm/instruction.js';

const i32 = fc.integer({min: -(2 ** 31), max: 2 ** 31 - 1});
const fields = {
	dst: fc.nat(15),
	src: fc.nat(15),
	offset: fc.integer({min: -0x8000, max: 0x7fff}),
	imm: i32,
};
const instructions: fc.Arbitrary<Instruction[]> = fc.array(
	fc.oneof(
		fc.record({opcode: fc.nat(255).filter(opcode => opcode !== wideLoad), ...fields}),
		fc.record({opcode: fc.constant(wideLoad), ...fields, high: i32}),
	),
);

test('what is encoded decodes to the same, in either byte order', t => {
	fc.assert(
		fc.property(instructions, fc.boolean(), (program, little) => {
			t.deepEqual(decodeInstructions(encodeInstructions(program, little), little), program);
		}),
	);
});

test('random bytes decode and encode back to themselves, or are refused as ERR_ASM', t => {
	let refused = 0;
	fc.assert(
		fc.property(
			fc.array(fc.oneof(fc.constant(wideLoad), fc.nat(255)), {maxLength: 64}),
			fc.boolean(),
			(list, little) => {
				const bytes = Uint8Array.from(list);
				try {
					t.deepEqual(
						encodeInstructions(decodeInstructions(bytes, little), little),
						bytes,
					);
				} catch (error) {
					if (!(error instanceof AsmError)) throw error;
					refused++;
				}
			},
		),
		{numRuns: 500},
	);
	t.true(refused > 0);
});

test('the two byte orders differ in registers, offset and immediate', t => {
	const program = [load('r1', 'u32', 'r6', -8), mov('r0', 0x01020304), loadNumber('r2', 5n)];
	t.is(
		hex(encodeInstructions(program, true)),
		'61 61 f8 ff 00 00 00 00 b7 00 00 00 04 03 02 01 18 02 00 00 05 00 00 00 00 00 00 00 00 00 00 00',
	);
	t.is(
		hex(encodeInstructions(program, false)),
		'61 16 ff f8 00 00 00 00 b7 00 00 00 01 02 03 04 18 20 00 00 00 00 00 05 00 00 00 00 00 00 00 00',
	);
});

test('a 16-byte load is one instruction in two slots', t => {
	const value = 0xfedc_ba98_7654_3210n;
	const bytes = encodeInstructions([loadNumber('r1', value), exit()]);
	const [first, second, ...rest] = decodeInstructions(bytes);
	t.is(bytes.length, 24);
	t.deepEqual(rest, []);
	t.is(first && slotCount(first), 2);
	t.is(first && wideImmediate(first), value);
	t.deepEqual(second, exit());
	t.deepEqual(decodeInstruction(bytes, 2), exit());
});

test('a part of a larger buffer is decoded from its own start', t => {
	const bytes = new Uint8Array(24);
	bytes.set(encodeInstructions([add('r1', 5)]), 12);
	t.deepEqual(decodeInstructions(bytes.subarray(12, 20)), [add('r1', 5)]);
});

const undecodable = test.macro({
	exec(t, bytes: string, message: string, slot?: number) {
		const error = t.throws(() => decodeInstructions(Buffer.from(bytes, 'hex'), true), {
			instanceOf: AsmError,
			code: 'ERR_ASM',
			message,
		});
		t.is(error.slot, slot);
	},
	title: (_, bytes, message) => `refuses to ${message}: ${bytes}`,
});

const wide = '1801000000000000';
test(undecodable, 'b7', 'decode instructions: 1 bytes are no multiple of 8');
test(undecodable, wide, 'decode instruction 0: the second half is missing', 0);
test(undecodable, '9500000000000000' + wide, 'decode instruction 1: the second half is missing', 1);
test(undecodable, wide + '0100000000000000', 'decode instruction 0: malformed second half', 0);
test(undecodable, wide + '0001000000000000', 'decode instruction 0: malformed second half', 0);
test(undecodable, wide + '0000010000000000', 'decode instruction 0: malformed second half', 0);

for (const slot of [-1, 0.5, 2, Number.NaN]) {
	test(`there is no instruction at slot ${slot} of two`, t => {
		const bytes = encodeInstructions([exit(), exit()]);
		t.throws(() => decodeInstruction(bytes, slot), {instanceOf: AsmError});
	});
}

const unencodable = test.macro({
	exec(t, fields: Partial<Instruction>, message: string) {
		t.throws(() => encodeInstructions([exit(), {...exit(), ...fields}]), {
			instanceOf: AsmError,
			message: `encode instruction 1: ${message}`,
		});
	},
	title: (_, _fields, message) => `refuses to encode: ${message}`,
});

test(unencodable, {opcode: 256}, 'opcode 256 is outside 0..255');
test(unencodable, {dst: 16}, 'destination register 16 is outside 0..15');
test(unencodable, {src: -1}, 'source register -1 is outside 0..15');
test(unencodable, {offset: 32768}, 'offset 32768 is outside -32768..32767');
test(unencodable, {imm: 2 ** 31}, 'immediate 2147483648 is outside -2147483648..2147483647');
test(unencodable, {imm: 1.5}, 'immediate 1.5 is outside -2147483648..2147483647');
test(unencodable, {high: 1}, 'only a 16-byte load has two halves');
