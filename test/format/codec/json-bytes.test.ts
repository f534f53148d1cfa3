import test from 'ava';
import fc from 'fast-check';
import {
	writeI32,
	writeI64,
	writeText,
	writeU32,
	writeU64,
} from '../../../src/format/codec/json-bytes.js';

const bytes = Buffer.alloc(256);
const target = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const text = (end: number) => bytes.toString('utf8', 3, end);
const words = (number: bigint): [high: number, low: number] => [
	Number(BigInt.asIntN(32, number >> 32n)),
	Number(BigInt.asIntN(32, number)),
];

const whole = fc.oneof(
	fc.bigInt({min: -(1n << 63n), max: (1n << 64n) - 1n}),
	// Where the number of digits, or of words, changes.
	fc.constantFrom(...Array.from({length: 64}, (_, i) => 1n << BigInt(i))),
	fc.constantFrom(...Array.from({length: 20}, (_, i) => 10n ** BigInt(i))),
	fc.constantFrom(...Array.from({length: 20}, (_, i) => 10n ** BigInt(i) - 1n)),
);

test('numbers of 32 and 64 bits, with and without a sign, are written as their digits', t => {
	fc.assert(
		fc.property(whole, number => {
			const [high, low] = words(number);
			t.is(text(writeU32(target, 3, low)), String(low >>> 0));
			t.is(text(writeI32(target, 3, low)), String(low));
			t.is(text(writeU64(target, 3, high, low)), String(BigInt.asUintN(64, number)));
			t.is(text(writeI64(target, 3, high, low)), String(BigInt.asIntN(64, number)));
		}),
		{numRuns: 2000},
	);
});

test('text is written as UTF-8', t => {
	fc.assert(
		fc.property(fc.string({unit: 'grapheme', maxLength: 20}), each => {
			const end = writeText(bytes, 3, each.slice(0, 20));
			t.is(text(end), Buffer.from(each.slice(0, 20)).toString());
		}),
	);
});
