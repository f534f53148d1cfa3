import {availableParallelism} from 'node:os';
import test from 'ava';
import {onlineCpus, parseCpus} from '../../../src/kernel/host/cpus.js';

const list = test.macro({
	exec(t, text: string, cpus: number[]) {
		t.deepEqual(parseCpus(text), cpus);
	},
	title: (_, text: string) => `CPUs of the list ${JSON.stringify(text)}`,
});

test(list, '0\n', [0]);
test(list, '0-3,8,10-11\n', [0, 1, 2, 3, 8, 10, 11]);
test(list, '\n', []);

test('the CPUs that run are at least those of this process', t => {
	t.true(onlineCpus().length >= availableParallelism());
});
