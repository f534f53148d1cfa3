/**
 * Reads damaged inputs of every format.
 *
 *     npm run fuzz -- [--cases N] [--seed N] [--minutes N] [--format NAME]...
 *
 * Inputs that something goes wrong with are kept in build/fuzz.
 */

import {mkdirSync, writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {fileURLToPath} from 'node:url';

import {formatNames} from './formats.js';
import {fuzz} from './fuzz.js';

const folder = fileURLToPath(new URL('../../../build/fuzz', import.meta.url));
/** In one thread: the pool of inputs begins anew with each. */
const perRound = 20_000;

const {values} = parseArgs({
	options: {
		cases: {type: 'string', default: '1000000'},
		seed: {type: 'string', default: String(Date.now() % 2 ** 31)},
		minutes: {type: 'string', default: '60'},
		format: {type: 'string', multiple: true, default: formatNames},
	},
});
const end = performance.now() + Number(values.minutes) * 60_000;
const counts = new Map<string, {cases: number; refused: number; longest: number}>();
let left = Number(values.cases);
let failed = 0;
console.log(`seed ${values.seed}`);
for (let seed = Number(values.seed); left > 0 && performance.now() < end; seed++) {
	for (const format of values.format) {
		const result = await fuzz(format, seed, Math.min(perRound, left));
		const before = counts.get(format) ?? {cases: 0, refused: 0, longest: 0};
		counts.set(format, {
			cases: before.cases + result.cases,
			refused: before.refused + (result.refused ?? 0),
			longest: Math.max(before.longest, result.longest ?? 0),
		});
		left -= result.cases;
		if (result.failure !== undefined) {
			failed += 1;
			mkdirSync(folder, {recursive: true});
			const file = `${folder}/${format}-${seed}`;
			writeFileSync(file, result.failure.input);
			console.log(`${format}, seed ${seed}: ${file}`, result.failure.error);
		}

		if (left <= 0 || performance.now() > end) break;
	}
}

for (const [format, {cases, refused, longest}] of counts) {
	const share = ((refused / cases) * 100).toFixed(0);
	console.log(`${format}: ${cases} cases, ${share} % refused, longest ${longest.toFixed(0)} ms`);
}

const total = [...counts.values()].reduce((sum, {cases}) => sum + cases, 0);
console.log(`${total} cases, ${failed} failures`);
if (failed > 0) process.exitCode = 1;
