import {constants} from 'node:os';
import test from 'ava';

import {tableByHand} from '../datapath/services/maglev-by-hand.js';
import {addon, detach, guarded, resizable} from './support.js';

const invalid = -constants.errno.EINVAL;
const sizes = [251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521, 131_071];
const seed = 0x9747_b28c;

/** Length of the name, id, weight. */
type Words = readonly [length: number, id: number, weight: number];

function recordsOf(list: readonly Words[]): Uint8Array {
	return new Uint8Array(Uint32Array.from(list.flat()).buffer);
}

async function build(
	size: number,
	names: Uint8Array,
	records: Uint8Array,
): Promise<Uint32Array | number> {
	const built = await addon.maglevTable(size, seed, names, records);
	return typeof built === 'number' ? built : new Uint32Array(built);
}

test('tables of every size are full, of one backend and of more than there are places', async t => {
	for (const size of sizes) {
		const one = await build(size, Buffer.from('a'), recordsOf([[1, 7, 1]]));
		t.deepEqual(one, new Uint32Array(size).fill(7));
	}

	const many = Array.from({length: 1000}, (_, id): Words => [2, id, id % 2 === 0 ? 1 : 0xffff]);
	const names = Buffer.alloc(2000);
	for (let i = 0; i < many.length; i++) names.writeUInt16LE(i, i * 2);
	const table = await build(251, names, recordsOf(many));
	if (typeof table === 'number') return t.fail(String(table));
	t.is(table.length, 251);
	t.true(table.every(id => id < 1000));
});

test('names of every length are read to their end and no further', async t => {
	for (let length = 0; length <= 48; length++) {
		const name = 'n'.repeat(length);
		const names = Uint8Array.from(Buffer.from(`${name}other`));
		const table = await build(
			251,
			names,
			recordsOf([
				[length, 1, 100],
				[5, 2, 100],
			]),
		);
		const members = [
			{name, id: 1, weight: 100},
			{name: 'other', id: 2, weight: 100},
		];
		t.deepEqual([...(table as Uint32Array)], tableByHand(members, 251, seed), `${length}`);
	}
});

test('bytes are taken from where they lie, and none beside them', async t => {
	const names = guarded(3);
	const records = guarded(24 + 1);
	names.bytes.set(Buffer.from('abc'));
	// At an odd address.
	const at = records.bytes.subarray(1);
	at.set(
		recordsOf([
			[1, 1, 1],
			[2, 2, 1],
		]),
	);
	const table = await build(251, names.bytes, at);
	t.deepEqual(
		[...(table as Uint32Array)],
		tableByHand(
			[
				{name: 'a', id: 1, weight: 1},
				{name: 'bc', id: 2, weight: 1},
			],
			251,
			seed,
		),
	);
	t.true(names.intact() && records.intact());
});

const refused = test.macro({
	async exec(t, _what: string, size: number, name: string, records: Uint8Array) {
		t.is(await build(size, Buffer.from(name), records), invalid);
	},
	title: (_, what) => `refused: ${what}`,
});

const good = recordsOf([[1, 1, 1]]);
for (const size of [0, 1, 2, 250, 252, 131_072, 2 ** 31, 2 ** 32 - 1]) {
	test(refused, `a table of ${size}`, size, 'a', good);
}

test(refused, 'no names', 251, '', good);
test(refused, 'names that no record has', 251, 'ab', good);
test(refused, 'no records', 251, 'a', new Uint8Array());
test(refused, 'a record that is too short', 251, 'a', good.subarray(1));
test(refused, 'a byte behind the records', 251, 'a', Uint8Array.of(...good, 0));
test(refused, 'a name that ends behind the names', 251, 'a', recordsOf([[2, 1, 1]]));
test(refused, 'the longest name', 251, 'a', recordsOf([[2 ** 32 - 1, 1, 1]]));
const wrapped: Words[] = [
	[2, 1, 1],
	[2 ** 32 - 1, 2, 1],
];
test(refused, 'lengths whose sum is right in 32 bits', 251, 'a', recordsOf(wrapped));
test(refused, 'a weight of 0', 251, 'a', recordsOf([[1, 1, 0]]));
test(refused, 'a weight of 65536', 251, 'a', recordsOf([[1, 1, 0x1_0000]]));
test(refused, 'the id that marks an empty place', 251, 'a', recordsOf([[1, 2 ** 32 - 1, 1]]));

test('numbers that are none of 32 bits, and what is no bytes, are refused', t => {
	const call = addon.maglevTable as (...given: unknown[]) => unknown;
	for (const size of [-1, 0.5, NaN, Infinity, 2 ** 32, 2 ** 53, '251', 251n, undefined]) {
		t.throws(() => call(size, seed, Buffer.from('a'), good), undefined, String(size));
		t.throws(() => call(251, size, Buffer.from('a'), good), undefined, String(size));
	}

	for (const bytes of [null, 'a', [1], new Uint32Array(3), undefined]) {
		t.throws(() => call(251, seed, bytes, good));
		t.throws(() => call(251, seed, Buffer.from('a'), bytes));
	}
});

test('buffers may be overwritten, detached and shrunk while tables are made', async t => {
	const given = ['ab', 'cd', 'ef'];
	const list = given.map((name, id): Words => [name.length, id, 1 + id * 1000]);
	const expected = tableByHand(
		given.map((name, id) => ({name, id, weight: 1 + id * 1000})),
		1021,
		seed,
	);
	const spoil = [
		(bytes: Uint8Array) => bytes.fill(0xff),
		(bytes: Uint8Array) => {
			detach(bytes);
		},
	];
	for (const change of spoil) {
		const names = Uint8Array.from(Buffer.from(given.join('')));
		const records = recordsOf(list);
		const building = build(1021, names, records);
		change(names);
		change(records);
		t.deepEqual([...((await building) as Uint32Array)], expected);
	}

	const {bytes, shrink} = resizable(36);
	bytes.set(recordsOf(list));
	const building = build(1021, Buffer.from(given.join('')), bytes);
	shrink(0);
	t.deepEqual([...((await building) as Uint32Array)], expected);
	t.is(await build(1021, Buffer.from(given.join('')), bytes), invalid);
});
