import test from 'ava';
import fc from 'fast-check';
import {
	median,
	medianAbsoluteDeviation,
	quantile,
	summarize,
} from '../../../src/lab/experiment/statistics.js';

test('a median is the middle value, or halfway between two', t => {
	t.is(median([3, 1, 2]), 2);
	t.is(median([4, 1, 2, 3]), 2.5);
	t.is(median([7]), 7);
	t.is(median([]), NaN);
});

test('an outlier changes neither median nor deviation', t => {
	t.is(median([1, 2, 3, 4, 1e9]), 3);
	t.is(medianAbsoluteDeviation([1, 2, 3, 4, 1e9]), 1);
});

test('a quantile lies between its neighbours', t => {
	t.is(quantile([10, 20, 30, 40, 50], 0.25), 20);
	t.is(quantile([10, 20], 0.75), 17.5);
	t.is(quantile([-Number.MAX_VALUE, Number.MAX_VALUE], 0.5), 0);
});

test('a summary is in order whatever was measured', t => {
	const value = fc.double({noNaN: true, noDefaultInfinity: true});
	fc.assert(
		fc.property(fc.array(value, {minLength: 1}), values => {
			const {n, min, q1, median, q3, max} = summarize(values);
			t.is(n, values.length);
			t.true(min <= q1 && q1 <= median && median <= q3 && q3 <= max);
			t.is(min, Math.min(...values));
			t.is(max, Math.max(...values));
		}),
	);
});
