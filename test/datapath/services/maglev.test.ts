import fc from 'fast-check';
import test from 'ava';

import {
	maglevDiff,
	maglevShares,
	maglevSizes,
	maglevTable,
	readMaglevSeed,
	type MaglevBackend,
} from '../../../src/datapath/index.js';
import {buildMaglevTable} from '../../../src/kernel/sys/maglev.js';
import {murmur3, tableByHand} from './maglev-by-hand.js';

const seed = 0x24b7ef82;

test('the hash by hand is the published one', t => {
	const hex = (text: string, from = 0): string =>
		murmur3(text, from)
			.map(half => half.toString(16).padStart(16, '0'))
			.join(' ');
	t.is(hex(''), '0000000000000000 0000000000000000');
	t.is(hex('The quick brown fox jumps over the lazy dog'), 'e34bbc7bbc071b6c 7a433ca9c49a9347');
});

test('the seed is taken apart as Cilium does', t => {
	t.deepEqual(readMaglevSeed(), {murmur: seed, jhash4: 0x71dcda46, jhash6: 0x92505688});
	t.throws(() => readMaglevSeed('JLfvgnHc2kaSUFa='), {code: 'ERR_USAGE'});
});

const hosts = (count: number, family: 4 | 6): MaglevBackend[] =>
	Array.from({length: count}, (_, i) => ({
		address: family === 4 ? `10.1.${i >> 8}.${i & 255}` : `fd00:1::${(i + 1).toString(16)}`,
		port: 8080,
	}));

const nameOf = ({address, port, protocol = 'tcp'}: MaglevBackend): string => {
	const host = address.includes(':') ? `[${address}]` : address;
	return `[${host}:${port}/${String(protocol).toUpperCase()},State:active]`;
};

const sameTable = test.macro({
	async exec(t, backends: readonly MaglevBackend[], size: number) {
		const {ids} = await maglevTable(backends, {size});
		const expected = tableByHand(
			backends.map((each, i) => ({
				...{name: nameOf(each), id: each.id ?? i + 1, weight: each.weight ?? 100},
			})),
			size,
			seed,
		);
		t.deepEqual([...ids], expected);
	},
	title: (name = '', backends: readonly MaglevBackend[], size: number) =>
		`${name}${backends.length} backends in ${size} places`,
});

for (const family of [4, 6] as const) {
	for (const size of maglevSizes.slice(0, 5)) {
		test(`IPv${family}: `, sameTable, hosts(10, family), size);
	}

	test(`one of IPv${family}: `, sameTable, hosts(1, family), 251);
	test(
		`IPv${family}, UDP: `,
		sameTable,
		hosts(3, family).map(b => ({...b, protocol: 'udp'})),
		251,
	);
	const weights = [1, 2, 3, 1000, 65535];
	const weighted = hosts(5, family).map((each, i) => ({...each, weight: weights[i] ?? 1}));
	test(`IPv${family}, with weights: `, sameTable, weighted, 1021);
	const light = hosts(4, family).map((each, i) => ({...each, weight: i === 0 ? 2 : 1}));
	test(`IPv${family}, with weights that are too small to count: `, sameTable, light, 251);
}

test('more than places: ', sameTable, hosts(300, 4), 251);
test('Cilium’s usual size: ', sameTable, hosts(20, 4), 16_381);

test('any backends make the table that is made by hand, in any order', async t => {
	const backend = fc.record({
		name: fc.string({maxLength: 70, unit: 'grapheme'}),
		weight: fc.integer({min: 1, max: 65_535}),
	});
	await fc.assert(
		fc.asyncProperty(
			fc.uniqueArray(backend, {minLength: 1, maxLength: 20, selector: each => each.name}),
			fc.integer({min: 0, max: 0xffff_ffff}),
			async (list, anySeed) => {
				const members = list.map((each, id) => ({...each, id}));
				const sorted = members.toSorted((a, b) =>
					Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
				);
				const ids = await buildMaglevTable(251, anySeed, sorted);
				t.deepEqual([...ids], tableByHand(members, 251, anySeed));
			},
		),
		{numRuns: 40},
	);
});

test('order of the list does not matter, ids do', async t => {
	const list = hosts(30, 6).map((each, i) => ({...each, id: i + 100}));
	const [a, b] = await Promise.all([maglevTable(list), maglevTable(list.toReversed())]);
	t.deepEqual(a.ids, b.ids);
});

for (const family of [4, 6] as const) {
	test(`one of 100 backends of IPv${family} moves few flows beyond those it has to`, async t => {
		const list = hosts(100, family);
		const before = await maglevTable(list);
		const other = {address: family === 4 ? '10.9.9.9' : 'fd09::9', port: 1};
		const cases = [
			[list.toSpliced(42, 1), 0.02],
			[[...list, other], 0.02],
			// One goes and one comes.
			[list.with(17, other), 0.04],
		] as const;
		for (const [after, most] of cases) {
			const change = maglevDiff(before, await maglevTable(after));
			t.true(change.moved >= change.ideal && change.ideal > 0);
			t.true(change.excess <= most, JSON.stringify(change));
		}

		t.like(maglevDiff(before, before), {moved: 0, ideal: 0, excess: 0});
	});
}

test('shares follow weights', async t => {
	const list = hosts(3, 4).map((each, i) => ({...each, weight: [100, 200, 700][i] ?? 0}));
	const shares = maglevShares(await maglevTable(list, {size: 131_071}));
	t.is(
		shares.reduce((sum, {places}) => sum + places, 0),
		131_071,
	);
	for (const [i, {share}] of shares.entries()) {
		t.true(Math.abs(share - ([0.1, 0.2, 0.7][i] ?? 0)) < 0.001, String(share));
	}
});

test('what cannot be meant is refused', async t => {
	const [one] = hosts(1, 4);
	if (one === undefined) return;
	const refused = async (list: MaglevBackend[], message: RegExp, size = 251): Promise<void> => {
		await t.throwsAsync(maglevTable(list, {size}), {code: 'ERR_USAGE', message});
	};
	await refused([], /there is no backend/);
	await refused([one], /size is one of 251, 509, /, 252);
	await refused([one, one], /stands in the list twice/);
	await refused([{...one, weight: 0}], /10\.1\.0\.0:8080\/TCP.* has a weight of 0/);
	const [small, large] = await Promise.all(
		[251, 509].map(async size => maglevTable([one], {size})),
	);
	if (small === undefined || large === undefined) return;
	t.throws(() => maglevDiff(small, large), {message: /one has 251 places, the other 509/});
	await t.throwsAsync(buildMaglevTable(250, 0, [{name: 'a', id: 1, weight: 1}]), {
		code: 'ERR_USAGE',
	});
});
