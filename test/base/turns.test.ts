import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import {Turns} from '../../src/base/turns.js';
import {FastClock} from '../helpers/fast-clock.js';

test('a turn is due after some time, which is looked at every 32 steps', t => {
	using _ = new FastClock(6);
	const turns = new Turns();
	const due = Array.from({length: 64}, () => turns.isDue());
	t.is(due.indexOf(true), 31);
	t.is(due.lastIndexOf(true), 63);
	t.true(turns.hasLasted());
});

test('a turn is not due before', t => {
	using _ = new FastClock(1);
	const turns = new Turns();
	t.false(turns.hasLasted());
	t.false(Array.from({length: 32 * 3}, () => turns.isDue()).includes(true));
	t.true(turns.hasLasted());
	turns.restart();
	t.false(turns.hasLasted());
});

test('others have their turn', async t => {
	let isOver = false;
	const other = setImmediate().then(() => {
		isOver = true;
	});
	await new Turns().next();
	t.true(isOver);
	await other;
});
