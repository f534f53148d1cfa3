import fc from 'fast-check';
import test from 'ava';

import {arrange} from '../../../src/datapath/services/arrange.js';

const slots = (ids: readonly number[]): {id: number; weight: number}[] =>
	ids.map(id => ({id, weight: 1}));

test('what stays, stays where it is', t => {
	const order = (before: number[], first: number[], others: number[] = []): number[] =>
		arrange(slots(before), slots(first), slots(others)).map(({id}) => id);
	t.deepEqual(order([1, 2, 3], [3, 2, 1]), [1, 2, 3]);
	t.deepEqual(order([1, 2, 3], [3, 9, 1]), [1, 9, 3]);
	t.deepEqual(order([1, 2, 3], [2, 3]), [3, 2]);
	t.deepEqual(order([1, 2, 3], [3, 1], [2]), [1, 3, 2]);
	t.deepEqual(order([1, 3, 2], [1, 2, 3]), [1, 3, 2]);
	// Two slots that lead to no backend have the same id.
	t.deepEqual(order([0, 1, 0], [1, 0, 0]), [0, 1, 0]);
});

test('everything has one place, and a change of one writes two at most', t => {
	const ids = fc.uniqueArray(fc.integer({min: 1, max: 50}), {minLength: 1, maxLength: 50});
	fc.assert(
		fc.property(ids, fc.nat(), fc.nat(), (before, at, split) => {
			const left = before.toSpliced(at % before.length, 1);
			const [first, others] = [left.slice(split % 51), left.slice(0, split % 51)];
			const all = arrange(slots(before), slots(first), slots(others)).map(({id}) => id);
			t.deepEqual(all.toSorted(), left.toSorted());
			t.deepEqual(all.slice(0, first.length).toSorted(), first.toSorted());
			const whole = arrange(slots(before), slots(left), []).map(({id}) => id);
			t.true(whole.filter((id, i) => id !== before[i]).length <= 1);
		}),
	);
});
