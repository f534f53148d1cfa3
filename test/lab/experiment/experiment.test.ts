import {appendFileSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {experiment, ExperimentError, type ExperimentResult} from '../../../src/lab/index.js';
import {makeTempFolder} from '../../helpers/temp.js';

const parameters = {size: [1, 10], kind: ['hash', 'array']} as const;

/** An experiment in a folder of its own, and what it said. */
async function make(t: ExecutionContext) {
	const folder = await makeTempFolder(t);
	const said: string[] = [];
	const progress = {write: (text: string) => said.push(text)};
	const calls: string[] = [];
	const run = async (
		options: Partial<Parameters<typeof experiment>[0]> = {},
		fails?: (call: string) => boolean,
	) =>
		experiment(
			{name: 'lookup', parameters, repeat: 3, folder, progress, seed: 5, ...options},
			({size, kind}, {round}) => {
				const call = `${String(size)} ${String(kind)} ${String(round)}`;
				calls.push(call);
				if (fails?.(call) === true) throw new Error(`no ${call}`);
				return {latency: Number(size) * 10 + (round ?? 0)};
			},
		);
	return {folder, run, calls, said};
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as ExperimentResult;

test('every combination is measured in each round, in another order each', async t => {
	const {run, calls} = await make(t);
	const result = await run();
	t.is(calls.length, 12);
	const rounds = [0, 4, 8].map(at => calls.slice(at, at + 4).map(call => call.slice(0, -2)));
	for (const round of rounds) {
		t.deepEqual([...round].sort(), ['1 array', '1 hash', '10 array', '10 hash']);
	}

	t.true(new Set(rounds.map(round => round.join())).size > 1);
	t.deepEqual(
		result.measurements.map(
			({parameters: {size, kind}, round}) => `${String(size)} ${String(kind)} ${round}`,
		),
		calls,
	);
	t.deepEqual([result.complete, result.seed, result.order], [true, 5, 'shuffle']);
	t.deepEqual(result.summary[0], {
		parameters: {size: 1, kind: 'hash'},
		statistics: {latency: {n: 3, median: 11, mad: 1, q1: 10.5, q3: 11.5, min: 10, max: 12}},
	});
});

test('the result is written as JSON, as a table and as a page', async t => {
	const {run, folder, said} = await make(t);
	const {files, table, ...result} = await run({units: {latency: 'ns'}});
	t.deepEqual(readdirSync(folder).sort(), [
		'lookup.html',
		'lookup.json',
		'lookup.ndjson',
		'lookup.txt',
	]);
	t.deepEqual(read(files.json), JSON.parse(JSON.stringify(result)));
	t.is(readFileSync(files.table, 'utf8'), table);
	t.regex(table, /\nlatency, ns\nsize {2}kind {3}median/);
	t.regex(readFileSync(files.report, 'utf8'), /^<!doctype html>/);
	t.true(said.includes(`\n${table}`));
});

test('rounds for warming up are not counted', async t => {
	const {run, calls} = await make(t);
	const {measurements} = await run({warmUp: 2, repeat: 1});
	t.is(calls.filter(call => call.endsWith('undefined')).length, 8);
	t.is(measurements.length, 4);
});

test('a combination that fails does not lose the others, and is tried again', async t => {
	const {run, calls, folder, said} = await make(t);
	const error = await t.throwsAsync(
		run({}, call => call === '10 hash 1'),
		{instanceOf: ExperimentError, code: 'ERR_EXPERIMENT'},
	);
	t.is(error.message, 'run experiment "lookup": {"size":10,"kind":"hash"}: no 10 hash 1');
	t.is((error.cause as Error).message, 'no 10 hash 1');
	t.is(error.failures[0]?.round, 1);
	t.true(said.includes('lookup: failed: {"size":10,"kind":"hash"}: no 10 hash 1\n'));
	t.is(calls.length, 11);
	const result = read(join(folder, 'lookup.json'));
	t.is(result.measurements.length, 10);
	t.is(result.complete, false);
	t.is(result.failures.length, 1);
	t.regex(readFileSync(join(folder, 'lookup.html'), 'utf8'), /Failed: .*no 10 hash 1/);

	calls.length = 0;
	const second = await run();
	t.deepEqual(calls, ['10 hash 1', '10 hash 2']);
	t.deepEqual([second.complete, second.failures], [true, []]);
});

test('a run goes on where one was cut off, in the order it began with', async t => {
	const {run, calls, folder, said} = await make(t);
	await run();
	const journal = join(folder, 'lookup.ndjson');
	const lines = readFileSync(journal, 'utf8').split('\n');
	const all = [...calls];
	// As a process leaves it that is killed while it writes.
	writeFileSync(journal, `${lines.slice(0, 6).join('\n')}\n${lines[6]?.slice(0, 20) ?? ''}`);
	calls.length = 0;
	const result = await run({seed: 77});
	t.deepEqual(calls, all.slice(5));
	t.is(result.seed, 5);
	t.deepEqual([result.complete, result.measurements.length], [true, 12]);
	t.true(said.includes('lookup: goes on with 5 measurements of an earlier run\n'));
	t.is(readFileSync(journal, 'utf8').trimEnd().split('\n').length, 13);
});

test('more rounds may be asked for while it is not complete', async t => {
	const {run, calls} = await make(t);
	await t.throwsAsync(run({}, call => call === '1 hash 0'));
	calls.length = 0;
	const {complete, measurements} = await run({repeat: 4});
	t.deepEqual([complete, measurements.length, calls.length], [true, 16, 7]);
});

test('what is complete is measured anew, and kept', async t => {
	const {run, calls, folder} = await make(t);
	await run();
	await run();
	t.is(calls.length, 24);
	t.is(readdirSync(folder).filter(name => name.endsWith('.ndjson')).length, 2);
});

const changed = test.macro({
	async exec(t, change: Record<string, unknown>, what: RegExp) {
		const {run, calls, folder, said} = await make(t);
		const input = join(folder, 'input');
		writeFileSync(input, 'one');
		const options = {inputs: [input]};
		await t.throwsAsync(run(options, call => call === '1 hash 0'));
		calls.length = 0;
		writeFileSync(input, (change['input'] as string | undefined) ?? 'one');
		const parameters = change['parameters'] as {size: number[]; kind: string[]} | undefined;
		await run({...options, ...(parameters ? {parameters} : {})});
		t.is(calls.length, (parameters?.size.length ?? 2) * 2 * 3);
		t.regex(said.join(''), what);
		t.is(readdirSync(folder).filter(name => name.endsWith('.ndjson')).length, 2);
	},
	title: (_, __, what) => `measurements are not gone on with: ${String(what)}`,
});

const kept = /changed: begins anew; what was measured is kept as .*lookup\.\d+T\d+Z\.ndjson/;
test(changed, {parameters: {size: [1, 10, 100], kind: ['hash', 'array']}}, kept);
test(
	changed,
	{parameters: {size: [1, 11], kind: ['hash', 'array']}},
	/parameter "size" has changed/,
);
test(changed, {input: 'two'}, /the measuring code has changed/);

test('another measuring function is not gone on with, unless that is asked for', async t => {
	const {run, folder} = await make(t);
	const options = {name: 'lookup', parameters, repeat: 3, folder, progress: false} as const;
	await t.throwsAsync(run({}, call => call === '1 hash 2'));
	let calls = 0;
	const merged = await experiment({...options, previous: 'merge'}, () => ({latency: calls++}));
	t.is(calls, 1);
	t.is(merged.measurements.length, 12);

	await t.throwsAsync(run({previous: 'discard'}, call => call === '1 hash 2'));
	calls = 0;
	await experiment(options, () => ({latency: calls++}));
	t.is(calls, 12);
});

test('a journal that is none is put aside', async t => {
	const {run, folder, said} = await make(t);
	const journal = join(folder, 'lookup.ndjson');
	for (const text of ['{}\n', 'no journal\n']) {
		writeFileSync(journal, text);
		const {complete} = await run();
		t.true(complete);
	}

	await t.throwsAsync(run({}, call => call === '1 hash 0'));
	appendFileSync(journal, '{"round":0}\n');
	await run();
	t.is(said.filter(text => text.includes('is not what an experiment writes')).length, 3);
	t.regex(said.join(''), /line 12 is not what an experiment writes: begins anew; it is kept as /);
});

test('an experiment is measured once at a time', async t => {
	const {run, folder} = await make(t);
	const options = {name: 'lookup', parameters, folder, repeat: 1, progress: false} as const;
	await experiment({...options, parameters: {size: [1]}}, async () => {
		await t.throwsAsync(run(), {
			code: 'ERR_EXPERIMENT',
			message: 'run experiment "lookup": it is being measured already',
		});
		return {latency: 1};
	});
	await t.notThrowsAsync(run({previous: 'discard'}));
});

const says = test.macro({
	async exec(t, value: unknown, message: string) {
		const folder = await makeTempFolder(t);
		const options = {name: 'x', parameters: {}, folder, progress: false} as const;
		const measured = experiment(options, () => value as {readonly [name: string]: number});
		await t.throwsAsync(measured, {message: `run experiment "x": {}: ${message}`});
	},
	title: (_, value, message) => `a measurement that is ${String(value)} is refused: ${message}`,
});

test(says, {}, 'nothing was measured');
test(says, undefined, 'nothing was measured');
test(says, {a: 1, b: NaN}, 'measurement "b" is NaN');
test(says, {a: 'fast'}, 'measurement "a" is NaN');

test('a combination cannot be changed by who measures it', async t => {
	const folder = await makeTempFolder(t);
	const options = {
		name: 'x',
		parameters: {size: [1]},
		folder,
		repeat: 2,
		progress: false,
	} as const;
	const {measurements} = await experiment(options, combination => {
		t.throws(() => Object.assign(combination, {size: 3}), {instanceOf: TypeError});
		return {latency: 1n};
	});
	t.deepEqual(
		measurements.map(one => one.parameters),
		[{size: 1}, {size: 1}],
	);
	t.deepEqual(measurements[0]?.values, {latency: 1});
});

const refused = test.macro({
	async exec(t, options: object, message: string) {
		const folder = await makeTempFolder(t);
		const all = {name: 'x', parameters: {size: [1]}, folder, ...options};
		await t.throwsAsync(
			experiment(all, () => ({latency: 1})),
			{
				code: 'ERR_USAGE',
				message: `run experiment ${message}`,
			},
		);
		t.deepEqual(readdirSync(folder), []);
	},
	title: (_, __, message) => `refused: ${message}`,
});

test(refused, {name: ''}, '"": it has no name');
test(refused, {repeat: 0}, '"x": repeat 0 is not 1 or more');
test(refused, {warmUp: 0.5}, '"x": warmUp 0.5 is not 0 or more');
test(refused, {seed: -1}, '"x": seed -1 is not a whole number of 32 bits');
test(refused, {order: 'random'}, '"x": unknown order "random"');
test(refused, {previous: 'keep'}, '"x": unknown choice "keep" of previous');
test(refused, {repeats: 1}, '"x": unknown option "repeats"');
test(refused, {parameters: {size: []}}, '"x": parameter "size": it has no values');
test(refused, {parameters: {size: [1, 1]}}, '"x": parameter "size": 1 stands there twice');
test(
	refused,
	{parameters: {size: [null]}},
	'"x": parameter "size": null is no string, finite number or boolean',
);

test('names that are no file names have files of their own', async t => {
	const folder = await makeTempFolder(t);
	for (const name of ['a/b', 'a-b', '../a b', '..']) {
		const options = {name, parameters: {}, folder, repeat: 1, progress: false} as const;
		await experiment(options, () => ({latency: 1}));
	}

	t.is(readdirSync(folder).length, 16);
});
