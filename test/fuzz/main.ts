/**
 * Reads damaged inputs of every format.
 *
 *     npm run fuzz -- [--cases N] [--seed N] [--minutes N] [--format NAME]... [--workers N] [--keep]
 *     npm run fuzz -- --record
 *
 * Inputs that something goes wrong with are kept in build/fuzz. `--keep` goes on after the seeds in
 * test/fuzz/record.tsv and adds what was read to it; `--record` shows its sums.
 */

import {execFileSync} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {fileURLToPath} from 'node:url';

import {formatNames, openFormat} from './formats.js';
import {fuzz} from './fuzz.js';
import {addToRecord, readRecord} from './record.js';

const folder = fileURLToPath(new URL('../../../build/fuzz', import.meta.url));
/** With one seed, of all formats: the pool of inputs begins anew with each. */
const perRound = 400_000;

const {values} = parseArgs({
	options: {
		cases: {type: 'string', default: '1000000'},
		seed: {type: 'string'},
		minutes: {type: 'string', default: '60'},
		format: {type: 'string', multiple: true, default: formatNames},
		workers: {type: 'string', default: '1'},
		keep: {type: 'boolean', default: false},
		record: {type: 'boolean', default: false},
	},
});

interface Sum {
	cases: number;
	failures: number;
	refused: number;
	longest: number;
}

async function run(): Promise<void> {
	const start = performance.now();
	const end = start + Number(values.minutes) * 60_000;
	const commit = values.keep ? commitOf() : '';
	const next = values.keep
		? 1 + Math.max(0, ...readRecord().map(row => row.lastSeed))
		: undefined;
	const first = Number(values.seed ?? next ?? Date.now() % 2 ** 31);
	const sums = new Map<string, Sum>();
	let left = Number(values.cases);

	/** What is left to be done is shared by the workers. */
	const rounds = (async function* () {
		const shares = new Map<string, number>();
		for (const format of values.format) shares.set(format, (await openFormat(format)).share);
		const whole = [...shares.values()].reduce((sum, share) => sum + share, 0);
		for (let seed = first; ; seed++) {
			for (const [format, share] of shares) {
				if (left <= 0 || performance.now() > end) return;
				const cases = Math.min(left, Math.ceil((perRound * share) / whole));
				left -= cases;
				yield {format, seed, cases};
			}
		}
	})();

	const work = async (): Promise<void> => {
		for await (const {format, seed, cases} of rounds) {
			const result = await fuzz(format, seed, cases);
			const failures = result.failure === undefined ? 0 : 1;
			const sum = sums.get(format) ?? {cases: 0, failures: 0, refused: 0, longest: 0};
			sum.cases += result.cases;
			sum.failures += failures;
			sum.refused += result.refused ?? 0;
			sum.longest = Math.max(sum.longest, result.longest ?? 0);
			sums.set(format, sum);
			if (result.failure !== undefined) {
				left += cases - result.cases;
				mkdirSync(folder, {recursive: true});
				const file = `${folder}/${format}-${seed}`;
				writeFileSync(file, result.failure.input);
				console.log(`${format}, seed ${seed}: ${file}`, result.failure.error);
			}

			if (!values.keep) continue;
			const date = new Date().toISOString().slice(0, 10);
			const seeds = {firstSeed: seed, lastSeed: seed};
			addToRecord({date, commit, format, ...seeds, cases: result.cases, failures});
			const all = [...sums.values()].reduce((total, {cases: some}) => total + some, 0);
			const minutes = ((performance.now() - start) / 60_000).toFixed(1);
			console.log(`${minutes} min: ${all} cases; ${format}, seed ${seed}`);
		}
	};

	console.log(`seed ${first}`);
	await Promise.all(Array.from({length: Number(values.workers)}, work));
	for (const [format, {cases, refused, longest}] of sums) {
		const share = ((refused / cases) * 100).toFixed(0);
		console.log(
			`${format}: ${cases} cases, ${share} % refused, longest ${longest.toFixed(0)} ms`,
		);
	}

	if (tell([...sums.values()]) > 0) process.exitCode = 1;
}

const commitOf = (): string =>
	execFileSync('git', ['rev-parse', '--short', 'HEAD'], {encoding: 'utf8'}).trim();

/** The sum of cases and failures; gives the latter. */
function tell(rows: readonly {readonly cases: number; readonly failures: number}[]): number {
	const cases = rows.reduce((sum, row) => sum + row.cases, 0);
	const failures = rows.reduce((sum, row) => sum + row.failures, 0);
	console.log(`${cases} cases, ${failures} failures`);
	return failures;
}

if (values.record) {
	const rows = readRecord();
	for (const format of formatNames) {
		const cases = rows
			.filter(row => row.format === format)
			.reduce((sum, row) => sum + row.cases, 0);
		console.log(`${format}: ${cases} cases`);
	}

	tell(rows);
} else {
	await run();
}
