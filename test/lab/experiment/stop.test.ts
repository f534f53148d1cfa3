import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {experiment, ExperimentError, type ExperimentResult} from '../../../src/lab/index.js';
import {start, until} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';

test('after SIGKILL the next process goes on with all that was finished', async t => {
	const folder = await makeTempFolder(t);
	const entry = fileURLToPath(new URL('../../../src/lab/index.js', import.meta.url));
	await writeFile(
		join(folder, 'main.mjs'),
		`import {experiment} from ${JSON.stringify(entry)};
		const {measurements} = await experiment(
			{name: 'x', parameters: {a: [1, 2, 3]}, repeat: 2, folder: ${JSON.stringify(folder)}},
			async ({a}, {round}) => {
				if (round === 1 && process.argv[2] === 'wait') {
					console.log('waits');
					await new Promise(resolve => setTimeout(resolve, 60_000));
				}
				return {b: process.pid};
			},
		);
		console.log('pids', ...measurements.map(({values}) => values.b));
		`,
	);
	const begin = (...args: readonly string[]) => {
		const child = start(t, process.execPath, join(folder, 'main.mjs'), ...args);
		const text = {out: ''};
		child.stdout?.on('data', (piece: Buffer) => (text.out += piece.toString()));
		return {child, text};
	};
	const first = begin('wait');
	await until('it measures', () => first.text.out.includes('waits'), 20_000);
	first.child.kill('SIGKILL');
	await once(first.child, 'close');

	const second = begin();
	await once(second.child, 'close');
	const [one, two] = [first.child.pid, second.child.pid];
	t.regex(second.text.out, new RegExp(`pids ${one} ${one} ${one} ${two} ${two} ${two}\n`));
});

// One at a time: the signal is this process's.
test.serial('where somebody else decides about a signal, it ends by an error', async t => {
	const folder = await makeTempFolder(t);
	const heard: string[] = [];
	const listener = (signal: string) => heard.push(signal);
	process.on('SIGHUP', listener);
	t.teardown(() => process.off('SIGHUP', listener));
	const listeners = process.listenerCount('SIGHUP');
	let calls = 0;
	const measured = experiment(
		{name: 'x', parameters: {a: [1, 2]}, repeat: 2, folder, progress: false},
		() => {
			calls += 1;
			if (calls === 3) {
				process.emit('SIGHUP', 'SIGHUP');
				throw new Error('what it needs is gone');
			}
			return {b: calls};
		},
	);
	const error = await t.throwsAsync(measured, {instanceOf: ExperimentError});
	t.is(error.message, 'run experiment "x": stopped by SIGHUP: 2 of 4 measurements are kept');
	t.deepEqual(error.failures, []);
	t.deepEqual([calls, heard], [3, ['SIGHUP']]);
	t.is(process.listenerCount('SIGHUP'), listeners);
	const result = JSON.parse(readFileSync(join(folder, 'x.json'), 'utf8')) as ExperimentResult;
	t.deepEqual([result.measurements.length, result.failures], [2, []]);
});
