import test from 'ava';
import {isLike} from '../../../src/lab/run/is-like.js';

const like = test.macro({
	exec(t, expected: unknown, actual: unknown, is: boolean) {
		t.is(isLike(expected, actual), is);
	},
	title: (title, _, __, is) => `${title} ${is ? 'is' : 'is not'} what is expected`,
});

test('a number as a bigint', like, 1, 1n, true);
test('another bigint', like, 1, 2n, false);
test('a fraction beside a bigint', like, 1.5, 1n, false);
test('NaN', like, Number.NaN, Number.NaN, true);
test('a number as a string', like, 1, '1', false);
test('an object with more fields', like, {a: {b: 1}}, {a: {b: 1n, c: 2}, d: 3}, true);
test('an object without a field', like, {a: 1}, {b: 1}, false);
test('nothing in the place of an object', like, {a: 1}, undefined, false);
test('null in the place of an object', like, {}, null, false);
test('an array', like, [1, {a: 2}], [1, {a: 2, b: 3}], true);
test('a longer array', like, [1], [1, 2], false);
test('bytes', like, Uint8Array.from([1, 2]), Uint8Array.from([1, 2]), true);
test('bytes for a list of numbers', like, [1, 2], Uint8Array.from([1, 2]), true);
test('other bytes', like, Uint8Array.from([1, 2]), Uint8Array.from([1, 3]), false);
test('an object in the place of an array', like, [1], {0: 1}, false);
test('what a function likes', like, (value: unknown) => value === 3, 3, true);
test('what a function does not like', like, {a: () => false}, {a: 3}, false);
test('undefined', like, undefined, undefined, true);
