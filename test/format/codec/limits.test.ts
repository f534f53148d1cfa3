import test from 'ava';
import {bytesCodec, createCodec} from '../../../src/format/codec/codec.js';
import {CodecError} from '../../../src/format/codec/codec-error.js';
import {hexOf, Types, viewOfHex} from '../btf/types.js';

test('a type that claims gigabytes takes no memory when its value is not there', t => {
	const types = new Types();
	const bytes = types.array(types.u8, 0xff_ff_ff_00);
	const huge = types.struct('huge', 0xff_ff_ff_00, [['bytes', bytes, 0]]);
	const btf = types.parse();
	const before = process.memoryUsage().arrayBuffers;
	for (const id of [bytes, huge]) {
		const codec = createCodec(btf, id, {littleEndian: true});
		t.is(codec.size, 0xff_ff_ff_00);
		t.throws(() => codec.encode({bytes: []}, viewOfHex('00'), 0), {
			instanceOf: CodecError,
			message: 'write value: 4294967040 bytes at 0 are outside of the view',
		});
		t.throws(() => codec.toJson(viewOfHex('00'), 0), {instanceOf: RangeError});
		t.throws(() => codec.decode(viewOfHex('00'), 0), {instanceOf: RangeError});
	}

	t.true(process.memoryUsage().arrayBuffers - before < 1 << 24);
});

test('bytes beside a view are neither read nor written', t => {
	const around = viewOfHex('01020304');
	const view = new DataView(around.buffer, around.byteOffset, 2);
	const codec = bytesCodec(3);
	t.throws(() => codec.decode(view, 0), {instanceOf: RangeError});
	t.throws(() => codec.encode(Uint8Array.of(9, 9, 9), view, 0), {
		instanceOf: CodecError,
		message: 'write value: 3 bytes at 0 are outside of the view',
	});
	t.throws(() => codec.encode(Uint8Array.of(9, 9, 9), around, -1), {instanceOf: CodecError});
	t.is(hexOf(around), '01020304');
});

test('what every object has is no field that was given', t => {
	const types = new Types();
	const names = ['constructor', 'toString', '__proto__'] as const;
	const plain = types.struct(
		'plain',
		12,
		names.map((name, i) => [name, types.u32, i * 4]),
	);
	const union = types.struct(
		'either',
		4,
		[['a', types.u32, 0] as const, ...names.map(name => [name, types.u32, 0] as const)],
		'union',
	);
	const btf = types.parse();
	const [struct, either] = [plain, union].map(id => createCodec(btf, id, {littleEndian: true}));
	const view = viewOfHex('ff'.repeat(12));
	t.throws(() => struct?.encode({}, view, 0), {
		message: 'write field "constructor": it is missing',
	});
	either?.encode({a: 7}, view, 0);
	t.is(view.getUint32(0, true), 7);
	for (const name of names) {
		either?.encode(Object.fromEntries([[name, 9]]), view, 0);
		t.is(view.getUint32(0, true), 9);
		either?.encode(Object.assign(Object.create(null), {a: 3}), view, 0);
		t.is(view.getUint32(0, true), 3);
	}

	t.throws(() => either?.encode({}, view, 0), {
		message: 'write value: one of "a", "constructor", "toString", "__proto__" is missing',
	});
	for (const generate of [true, false]) {
		const source = viewOfHex('010000000200000003000000');
		const cursor = createCodec(btf, plain, {littleEndian: true, generate}).cursor();
		cursor.move(source, 0);
		struct?.encode(cursor.value, view, 0);
		t.is(hexOf(view), hexOf(source));
	}
});

test('an error shows no more than the beginning of a large number', t => {
	const types = new Types();
	const codec = createCodec(types.parse(), types.u64);
	const error = t.throws(() => codec.encode(1n << 100_000n, viewOfHex('00'.repeat(8)), 0));
	t.true(error.message.endsWith(', got a bigint of more than 256 bits'));
});

test('a million elements are read and written by a loop', t => {
	const types = new Types();
	const count = 1_000_000;
	const id = types.array(types.u16, count);
	const btf = types.parse();
	const view = new DataView(new ArrayBuffer(count * 2));
	for (let i = 0; i < count; i++) view.setUint16(i * 2, i & 0xff_ff, true);
	for (const generate of [true, false]) {
		const codec = createCodec(btf, id, {littleEndian: true, generate});
		const values = codec.decode(view, 0) as number[];
		t.is(values.length, count);
		t.is(values.at(-1), (count - 1) & 0xff_ff);
		const written = new DataView(new ArrayBuffer(count * 2));
		codec.encode(values, written, 0);
		t.is(Buffer.compare(Buffer.from(written.buffer), Buffer.from(view.buffer)), 0);
		t.is(codec.toJson(view, 0).length, JSON.stringify(values).length);
	}
});

const partial = test.macro({
	exec(t, bits: number, bitOffset: number, signed: boolean, hex: string, value: bigint) {
		const types = new Types();
		const int = {kind: 'int', name: 'part', size: 16, char: false, bool: false} as const;
		const id = types.add({...int, bits, bitOffset, signed});
		const btf = types.parse();
		for (const generate of [true, false]) {
			const codec = createCodec(btf, id, {littleEndian: true, generate});
			const view = viewOfHex(hex);
			t.is(codec.decode(view, 0), value);
			t.is(codec.toJson(view, 0), `${value}`);
			const written = viewOfHex('aa'.repeat(16));
			codec.encode(value, written, 0);
			t.is(hexOf(written), hex);
		}
	},
	title: (_, bits: number, bitOffset: number) =>
		`${bits} bits at ${bitOffset} of 16 bytes are read and written with all their digits`,
});

test(partial, 127, 0, false, `${'ff'.repeat(15)}7f`, 2n ** 127n - 1n);
test(partial, 120, 4, true, `${'00'.repeat(15)}08`, -(2n ** 119n));
test(partial, 65, 0, false, `${'00'.repeat(8)}01${'00'.repeat(7)}`, 2n ** 64n);
