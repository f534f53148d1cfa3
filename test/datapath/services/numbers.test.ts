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

test('numbers that lie far apart are told from each other', t => {
	const last = 0xffff_fffe;
	const numbers = new Numbers(last);
	for (const number of [31, 32, 0x7fff, 0x8000, 0x1_0000, 0x8000_0001, last])
		numbers.take(number);
	// Behind the last one comes the first.
	for (let number = 1; number <= 30; number++) t.is(numbers.allocate(), number);
	t.is(numbers.allocate(), 33);
	numbers.take(0x7ffe);
	t.is(numbers.allocate(), 0x8001);
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
