import {join} from 'node:path';
import test from 'ava';
import {compareVerified} from '../../src/toolchain/verified.js';
import {makeTempFolder} from '../helpers/temp.js';

const numbers = (verified: number) => ({instructions: 4, verified, states: 1});

test('numbers are compared with the last ones of the same object', async t => {
	const cache = join(await makeTempFolder(t), 'cache');
	t.deepEqual(compareVerified('a.o', {entry: numbers(10), other: numbers(1)}, {cache}), []);
	t.deepEqual(compareVerified('a.o', {entry: numbers(10), other: numbers(1)}, {cache}), []);
	t.deepEqual(compareVerified('a.o', {entry: numbers(12), fresh: numbers(3)}, {cache}), [
		{program: 'entry', before: numbers(10), after: numbers(12)},
		{program: 'other', before: numbers(1), after: undefined},
		{program: 'fresh', before: undefined, after: numbers(3)},
	]);
	t.deepEqual(compareVerified('b.o', {entry: numbers(1)}, {cache}), []);
});

test('programs that were left out keep their numbers', async t => {
	const cache = join(await makeTempFolder(t), 'cache');
	compareVerified('a.o', {entry: numbers(10), other: numbers(1)}, {cache});
	t.deepEqual(compareVerified('a.o', {entry: numbers(10)}, {cache, whole: false}), []);
	t.deepEqual(compareVerified('a.o', {entry: numbers(10), other: numbers(1)}, {cache}), []);
});
