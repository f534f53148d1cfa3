import test from 'ava';
import fc from 'fast-check';
import {createCodec} from '../../../src/format/codec/codec.js';
import {generateWriter} from '../../../src/format/codec/generate-encode.js';
import {layoutOf} from '../../../src/format/codec/build-layout.js';
import {compile} from '../../../src/format/codec/generate.js';
import {compile as compileObject} from '../../helpers/compile.js';
import {readObject} from '../../../src/spec/read.js';

async function valueType(members: string) {
	const spec = await readObject(
		await compileObject(`
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			#include <stdbool.h>
			enum kind { TCP = 6, UDP = 17 };
			struct value { ${members} };
			struct value value = {};
			SEC("xdp") int look(struct xdp_md *ctx) { return *(volatile char *)&value; }
		`),
	);
	const btf = spec.types;
	const type = btf?.find('value', 'struct');
	if (btf === undefined || type === undefined) throw new Error('no type');
	return {btf, id: type.id};
}

const members =
	'__u64 a; __s64 b; __u32 c; __s32 d; __u16 e; __s16 f; __u8 g; __s8 h; bool i;' +
	'enum kind j; double k; float l; __u16 m[3]; struct { __u8 x; __u32 y; } n[2]; __u8 o; char p[8];' +
	'__u32 q : 3, r : 20; __s32 s : 7; bool t : 1; enum kind u : 5; struct { __u8 x : 2, : 3, y : 3; } w[2];' +
	'__u32 z : 32;';

/** What a field may be given: mostly what it takes, and all that it does not. */
const hostile = fc.oneof(
	{weight: 4, arbitrary: fc.integer({min: -130, max: 70_000})},
	fc.bigInt({min: -(2n ** 65n), max: 2n ** 65n}),
	fc.double(),
	fc.boolean(),
	fc.constantFrom(
		'TCP',
		'UDP',
		'ICMP',
		'x',
		undefined,
		null,
		-0,
		2 ** 32,
		2 ** 53,
		2 ** 31,
		-(2 ** 31),
	),
	fc.constant([]),
	fc.constant({}),
);
const u8 = fc.integer({min: 0, max: 255});
const friendly = {
	a: fc.bigInt({min: 0n, max: 2n ** 64n - 1n}),
	b: fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}),
	c: fc.integer({min: 0, max: 2 ** 32 - 1}),
	d: fc.integer(),
	e: fc.integer({min: 0, max: 65_535}),
	f: fc.integer({min: -32_768, max: 32_767}),
	g: u8,
	h: fc.integer({min: -128, max: 127}),
	i: fc.boolean(),
	j: fc.constantFrom('TCP', 'UDP', 3),
	k: fc.double(),
	l: fc.float(),
	m: fc.array(u8, {minLength: 3, maxLength: 3}),
	n: fc.array(fc.record({x: u8, y: u8}), {minLength: 2, maxLength: 2}),
	o: u8,
	p: fc.array(fc.integer({min: 0, max: 127}), {minLength: 8, maxLength: 8}),
	q: fc.nat(7),
	r: fc.nat(2 ** 20 - 1),
	s: fc.integer({min: -64, max: 63}),
	t: fc.boolean(),
	u: fc.constantFrom('TCP', 'UDP', 3),
	w: fc.array(fc.record({x: fc.nat(3), y: fc.nat(7)}), {minLength: 2, maxLength: 2}),
	z: fc.integer({min: 0, max: 2 ** 32 - 1}),
};
const mixed = fc.record(
	Object.fromEntries(
		Object.entries(friendly).map(([name, arbitrary]) => [
			name,
			fc.oneof({weight: 30, arbitrary: arbitrary as fc.Arbitrary<unknown>}, hostile),
		]),
	),
);

function outcome(write: (view: DataView) => void): unknown {
	const bytes = new Uint8Array(200).fill(0xee);
	try {
		write(new DataView(bytes.buffer, 8, 150));
		return bytes;
	} catch (error) {
		return {error: (error as Error).message, path: (error as {path?: string}).path};
	}
}

test('what generated code writes and refuses is what the interpreter does', async t => {
	const {btf, id} = await valueType(members);
	t.truthy(generateWriter(layoutOf(btf, id, undefined), true, compile));
	for (const littleEndian of [true, false]) {
		const fast = createCodec(btf, id, {littleEndian});
		const slow = createCodec(btf, id, {littleEndian, generate: false});
		fc.assert(
			fc.property(fc.oneof(fc.record(friendly), mixed, hostile), value => {
				t.deepEqual(
					outcome(view => {
						fast.encode(value, view, 3);
					}),
					outcome(view => {
						slow.encode(value, view, 3);
					}),
				);
			}),
			{numRuns: 500},
		);
	}
});

test('padding is written as zero', async t => {
	const {btf, id} = await valueType('__u8 a; __u64 b; __u8 c; __u32 d; __u16 e;');
	const bytes = new Uint8Array(32).fill(255);
	createCodec(btf, id).encode({a: 1, b: 2n, c: 3, d: 4, e: 5}, new DataView(bytes.buffer), 0);
	t.deepEqual(
		[...bytes],
		[
			...[1, 0, 0, 0, 0, 0, 0, 0],
			...[2, 0, 0, 0, 0, 0, 0, 0],
			...[3, 0, 0, 0, 4, 0, 0, 0],
			...[5, 0, 0, 0, 0, 0, 0, 0],
		],
	);
});

const fields = test.macro({
	async exec(t, codec: string, size: number, good: unknown, bad: unknown) {
		const {btf, id} = await valueType(`__u8 before; __u8 a[${size}];`);
		const options = {fields: {a: codec as 'hex'}};
		const [fast, slow] = [true, false].map(generate =>
			createCodec(btf, id, {...options, generate}),
		);
		if (fast === undefined || slow === undefined) throw new Error('no codecs');
		for (const a of [good, bad, undefined]) {
			const write = (each: typeof fast) =>
				outcome(view => {
					each.encode({before: 7, a}, view, 1);
				});
			t.deepEqual(write(fast), write(slow));
		}
	},
	title: (_, codec) => `a ${codec} field is written alike by both writers`,
});

test(fields, 'be16', 2, 443, 65_536);
test(fields, 'be32', 4, 7n, -1);
test(fields, 'be64', 8, 2n ** 63n, 2n ** 64n);
test(fields, 'ipv4', 4, '192.0.2.1', '192.0.2');
test(fields, 'ipv6', 16, '2001:db8::1', ':');
test(fields, 'mac', 6, '02:00:00:00:00:01', '02');
test(fields, 'string', 8, 'abc', 'much too long');
test(fields, 'bytes', 3, Uint8Array.of(1, 2, 3), [1, 2, 3]);
test(fields, 'hex', 2, '0aFF', '0g');

test('unknown and missing fields are refused, in any order of keys', async t => {
	const {btf, id} = await valueType('__u32 a; __u32 b;');
	const codec = createCodec(btf, id);
	const view = new DataView(new ArrayBuffer(8));
	codec.encode({b: 2, a: 1}, view, 0);
	t.is(view.getUint8(0), 1);
	const refused = (value: unknown, message: RegExp) =>
		t.throws(
			() => {
				codec.encode(value, view, 0);
			},
			{code: 'ERR_CODEC', message},
		);
	refused({a: 1, b: 2, c: 3}, /there is no field "c"/);
	refused({a: 1, c: 3}, /there is no field "c"/);
	refused({a: 1}, /field "b": it is missing/);
	t.throws(
		() => {
			codec.encode({a: 1, b: 2}, view, 4);
		},
		{message: /outside of the view/},
	);
});

test('types that are larger than any element make no code', async t => {
	const {btf, id} = await valueType('__u8 a[1 << 20];');
	t.is(generateWriter(layoutOf(btf, id, undefined), true, compile), undefined);
});
