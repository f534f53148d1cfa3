import test from 'ava';
import fc from 'fast-check';
import {createCodec, type Codec, type Cursor} from '../../../src/format/codec/codec.js';
import {ShapeBuilder, shapes, type Shape} from './random-types.js';
import {hexOf, Types} from '../btf/types.js';

interface Pair {
	readonly generated: Codec;
	readonly closures: Codec;
	readonly view: DataView;
}

/** Both codecs of a random type, and a random value of it. */
function pair(shape: Shape, littleEndian: boolean, seed: number): Pair | undefined {
	const builder = new ShapeBuilder(littleEndian);
	const {id, size} = builder.build(shape);
	if (size > 4096) return undefined;
	const btf = builder.types.parse();
	const view = new DataView(new ArrayBuffer(size + 3), 2);
	let state = seed >>> 0;
	for (let i = 0; i < size; i++) {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		// Small numbers are met more often than they would be by chance.
		view.setUint8(i, state >>> 31 === 1 ? state >>> 24 : (state >>> 24) & 3);
	}

	return {
		generated: createCodec(btf, id, {littleEndian}),
		closures: createCodec(btf, id, {littleEndian, generate: false}),
		view,
	};
}

/** The value that a cursor reads, with the fields of `like`. */
function copy(value: unknown, like: unknown): unknown {
	if (Array.isArray(like) || typeof like !== 'object' || like === null) return value;
	const entries = Object.entries(like).map(([name, each]) => {
		return [name, copy((value as Record<string, unknown>)[name], each)] as const;
	});
	return Object.fromEntries(entries);
}

test('generated code and closures read the same, and write what they read', t => {
	let checked = 0;
	fc.assert(
		fc.property(shapes, fc.boolean(), fc.nat(), (shape, littleEndian, seed) => {
			const made = pair(shape, littleEndian, seed);
			if (made === undefined) return;
			const {generated, closures, view} = made;
			const value = generated.decode(view, 0);
			t.deepEqual(closures.decode(view, 0), value);
			const json = generated.toJson(view, 0);
			t.is(closures.toJson(view, 0), json);
			JSON.parse(json);
			for (const codec of [generated, closures]) {
				const cursor: Cursor<unknown> = codec.cursor();
				cursor.move(view, 0);
				t.deepEqual(copy(cursor.value, value), value);
			}

			const written = new DataView(new ArrayBuffer(generated.size + 2), 1);
			generated.encode(value, written, 0);
			t.deepEqual(closures.decode(written, 0), value);
			const again = new DataView(new ArrayBuffer(generated.size + 2), 1);
			new Uint8Array(again.buffer).fill(0xaa);
			closures.encode(value, again, 0);
			const [first, second] = [hexOf(written), hexOf(again)];
			t.is(second.slice(0, generated.size * 2), first.slice(0, generated.size * 2));
			t.is(second.slice(generated.size * 2), 'aa');
			checked++;
		}),
		{numRuns: 1500},
	);
	t.true(checked > 1000);
});

const hostile = [
	'"]);process.exit(1)//',
	"'];process.exit(1)//",
	'__proto__',
	'constructor',
	'prototype',
	'}};process.exit(1);({',
	'`$' + '{process.exit(1)}`',
	'a\nb\u2028c',
	'#v',
	'',
];

test('hostile names of fields and enumerators are only names', t => {
	const types = new Types();
	const values = hostile.slice(0, -1).map((name, i) => ({name, value: i}));
	const choice = types.add({
		kind: 'enum',
		name: hostile[0] ?? '',
		size: 4,
		signed: false,
		values,
	});
	const inner = types.struct('__proto__', 8, [
		['__proto__', types.u32, 0],
		['constructor', choice, 4],
	]);
	const names = hostile.slice(0, -1);
	const id = types.struct(
		hostile[0] ?? '',
		names.length * 8,
		names.map((name, i) => [name, inner, i * 8]),
	);
	const btf = types.parse();
	for (const generate of [true, false]) {
		const codec = createCodec(btf, id, {littleEndian: true, generate});
		const view = new DataView(new ArrayBuffer(codec.size));
		for (let i = 0; i < codec.size; i += 8) view.setUint32(i + 4, i / 8, true);
		const value = codec.decode(view, 0) as Record<string, unknown>;
		t.deepEqual(Object.keys(value), names);
		t.is(Object.getPrototypeOf(value), Object.prototype);
		t.deepEqual(Object.keys(JSON.parse(codec.toJson(view, 0)) as object), names);
		const cursor = codec.cursor() as Cursor<Record<string, Record<string, unknown>>>;
		cursor.move(view, 0);
		for (const name of names) t.is(cursor.value[name]?.['constructor'], name);
		const written = new DataView(new ArrayBuffer(codec.size));
		codec.encode(value, written, 0);
		t.is(hexOf(written), hexOf(view));
	}
});

test('a type too large for generated code is read by closures', t => {
	const types = new Types();
	const members = Array.from({length: 6000}, (_, i) => [`m${i}`, types.u16, i * 2] as const);
	const id = types.struct('large', 12_000, members);
	const codec = createCodec(types.parse(), id, {littleEndian: true});
	const view = new DataView(new ArrayBuffer(12_000));
	view.setUint16(11_998, 7, true);
	t.is((codec.decode(view, 0) as Record<string, number>)['m5999'], 7);
	t.true(codec.toJson(view, 0).endsWith('"m5999":7}'));
});
