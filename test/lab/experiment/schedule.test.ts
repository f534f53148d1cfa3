import test from 'ava';
import fc from 'fast-check';
import {orderOf} from '../../../src/lab/experiment/schedule.js';

const orders = ['shuffle', 'rotate'] as const;

test('each round measures every combination once', t => {
	fc.assert(
		fc.property(
			fc.nat(50),
			fc.nat(1000),
			fc.constantFrom(...orders),
			fc.integer({min: 0, max: 2 ** 32 - 1}),
			(count, round, order, seed) => {
				const indexes = orderOf(count, round, order, seed);
				t.deepEqual(
					[...indexes].sort((a, b) => a - b),
					Array.from({length: count}, (_, i) => i),
				);
			},
		),
	);
});

test('the same seed gives the same order, another round and another seed another', t => {
	const order = (round: number, seed: number) => orderOf(30, round, 'shuffle', seed).join();
	t.is(order(3, 7), order(3, 7));
	t.not(order(3, 7), order(4, 7));
	t.not(order(3, 7), order(3, 8));
});

test('over many rounds no combination stands at one place more often than the others', t => {
	const [count, rounds] = [4, 8000];
	const seen = Array.from({length: count}, () => Array.from({length: count}, () => 0));
	for (let round = 0; round < rounds; round++) {
		for (const [place, index] of orderOf(count, round, 'shuffle', 1).entries()) {
			const row = seen[index];
			if (row) row[place] = (row[place] ?? 0) + 1;
		}
	}

	// Each place is taken 2000 times, give or take seven standard deviations.
	for (const times of seen.flat()) t.true(Math.abs(times - rounds / count) < 270, String(times));
});

test('rotating begins each round one further', t => {
	t.deepEqual(orderOf(3, 0, 'rotate', 1), [0, 1, 2]);
	t.deepEqual(orderOf(3, 1, 'rotate', 1), [1, 2, 0]);
	t.deepEqual(orderOf(3, 5, 'rotate', 1), [2, 0, 1]);
});
