import test from 'ava';

import {Gate} from '../../../src/datapath/services/gate.js';

test('one at a time is let through, in the order in which they came', async t => {
	const gate = new Gate();
	const log: string[] = [];
	const pass = async (name: string): Promise<void> => {
		await gate.enter();
		log.push(`${name} in`);
		await Promise.resolve();
		log.push(`${name} out`);
		gate.leave();
	};
	await Promise.all(['a', 'b', 'c'].map(pass));
	t.deepEqual(log, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('who finds it open need not wait', t => {
	const gate = new Gate();
	t.is(gate.enter(), undefined);
	t.true(gate.enter() instanceof Promise);
	gate.leave();
	t.true(gate.enter() instanceof Promise, 'it is kept for who waits');
	gate.leave();
	gate.leave();
	t.is(gate.enter(), undefined);
});
