import test from 'ava';

import {corpus} from '../spec/corpus.js';
import {formatNames} from './formats.js';
import {fuzz} from './fuzz.js';
import {mutate, randomFrom} from './mutate.js';

const cases = 500;
/** The same each time; `npm run fuzz` takes others. */
const seed = 1;

// Once, not in each thread.
test.before('objects are compiled', async t => {
	t.timeout(600_000);
	await corpus();
});

const endures = test.macro({
	async exec(t, format: string) {
		t.timeout(120_000);
		const {failure, cases: done} = await fuzz(format, seed, cases);
		t.is(failure?.error, undefined, `seed ${seed}`);
		t.is(done, cases);
	},
	title: (_, format) =>
		`damaged input of format ${format} is read or refused, in bounded time and memory`,
});

for (const format of formatNames) test(endures, format);

const catches = test.macro({
	async exec(t, format: string, error: RegExp, length: number) {
		t.timeout(120_000);
		const {failure, cases: done} = await fuzz(format, seed, cases);
		t.regex(String(failure?.error), error);
		t.is(failure?.input.length, length);
		t.is(done, 0);
	},
	title: (_, format) => `what goes wrong is told with the input: ${format}`,
});

test(catches, 'none', /no format "none"/, 0);
test(catches, 'foreign', /a foreign error/, 64);
test(catches, 'greedy', /bytes of memory for an input of 64 bytes/, 64);
test(catches, 'endless', /over 2000 ms for one input/, 64);

test('zeros that nobody writes are no memory', async t => {
	t.timeout(120_000);
	t.is((await fuzz('zeros', seed, 4)).failure, undefined);
});

test('the same seed gives the same damage', t => {
	const pool = ['first', 'the second'].map(text => new TextEncoder().encode(text));
	const damage = () => {
		const random = randomFrom(7);
		return Array.from({length: 100}, () => mutate(random, pool));
	};
	t.deepEqual(damage(), damage());
	t.true(new Set(damage().map(String)).size > 50);
});
