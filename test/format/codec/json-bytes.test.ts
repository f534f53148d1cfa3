import test from 'ava';
import fc from 'fast-check';
import {createCodec} from '../../../src/format/codec/codec.js';
import {
	writeI32,
	writeI64,
	writeText,
	writeU32,
	writeU64,
} from '../../../src/format/codec/json-bytes.js';
import {Types} from '../btf/types.js';

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

test('addresses and bytes are written as they are read', t => {
	const sizes = {
		ipv4: 4,
		ipv6: 16,
		mac: 6,
		hex: 11,
		bytes: 5,
		string: 12,
		be16: 2,
		be32: 4,
		be64: 8,
	};
	const types = new Types();
	const names = Object.keys(sizes) as (keyof typeof sizes)[];
	let end = 0;
	const members = names.map(name => {
		end += sizes[name];
		return [`the_${name}`, types.array(types.u8, sizes[name]), end - sizes[name]] as const;
	});
	const id = types.struct('addresses', end, members);
	const btf = types.parse();
	const fields = Object.fromEntries(names.map(name => [`the_${name}`, name]));
	const [generated, closures] = [true, false].map(generate =>
		createCodec(btf, id, {fields, littleEndian: true, generate}),
	);
	fc.assert(
		fc.property(fc.uint8Array({minLength: end, maxLength: end}), value => {
			const view = new DataView(value.buffer, value.byteOffset, end);
			t.is(generated?.toJson(view, 0), closures?.toJson(view, 0));
		}),
		{numRuns: 1000},
	);
});

test('names of any length and alphabet label their fields', t => {
	fc.assert(
		fc.property(fc.array(fc.string({unit: 'binary', minLength: 1}), {maxLength: 6}), given => {
			const names = [
				...new Set(given.map(name => Buffer.from(name.replaceAll('\0', '')).toString())),
			];
			const types = new Types();
			const members = names
				.filter(name => name !== '')
				.map((name, i) => [name, types.u8, i] as const);
			const id = types.struct('labels', members.length, members);
			const codec = createCodec(types.parse(), id, {littleEndian: true});
			const view = new DataView(new Uint8Array(members.map((_, i) => 255 - i)).buffer);
			const parts = members.map(([name], i) => `${JSON.stringify(name)}:${255 - i}`);
			t.is(codec.toJson(view, 0), `{${parts.join(',')}}`);
		}),
		{numRuns: 1000},
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
