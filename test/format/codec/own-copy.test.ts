import test from 'ava';
import {ownCopy} from '../../../src/format/codec/own-copy.js';

function makeAdder(a: number, b: number) {
	return {add: (c: number) => a + b + c};
}

test('a copy does what the function does, and is another one', t => {
	const first = ownCopy(makeAdder, 1, 2);
	const second = ownCopy(makeAdder, 1, 2);
	t.is(first.add(3), 6);
	t.not(Object.getPrototypeOf(first.add), null);
	t.not(first.add, second.add);
});

test('a function that uses names of its module is called itself', t => {
	const outside = 40;
	t.is(
		ownCopy((a: number) => a + outside, 2),
		42,
	);
});
