import fc from 'fast-check';
import test from 'ava';

import {Numbers} from '../../../src/datapath/services/numbers.js';

test('a number that came back is given out last', t => {
	const numbers = new Numbers(3);
	t.deepEqual([numbers.allocate(), numbers.allocate()], [1, 2]);
	numbers.release(1);
	t.is(numbers.allocate(), 3);
	t.is(numbers.allocate(), 1);
	t.is(numbers.allocate(), undefined);
	numbers.release(2);
	t.is(numbers.allocate(), 2);
});

test('after numbers that are in use come those behind them', t => {
	const numbers = new Numbers(10);
	numbers.take(7);
	numbers.take(2);
	t.is(numbers.allocate(), 8);
	numbers.take(10);
	t.is(numbers.allocate(), 1);
});

test('no number is given out twice', t => {
	fc.assert(
		fc.property(fc.array(fc.integer({min: 0, max: 9})), steps => {
			const numbers = new Numbers(6);
			const used = new Set<number>();
			for (const step of steps) {
				if (step > 6) {
					const number = numbers.allocate();
					t.is(number === undefined, used.size === 6);
					if (number === undefined) continue;
					t.false(used.has(number));
					used.add(number);
				} else if (used.delete(step)) {
					numbers.release(step);
				}
			}
		}),
	);
});
