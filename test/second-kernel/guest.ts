/**
 * Runs test files one after the other in this process, by ava's own runner: starting processes takes an
 * emulated machine longer than most tests do. Results are added to a file line by line; files that have
 * all of theirs are passed over, so that a run goes on where another ended.
 *
 *     node dist/test/second-kernel/guest.js RESULTS FILES...
 */

import {createRequire} from 'node:module';
import {performance} from 'node:perf_hooks';
import {fileURLToPath, pathToFileURL} from 'node:url';

import {addResult, readResults, unfinished} from './results.js';

/** The part of ava's runner that is used. */
interface Runner {
	readonly chain: Declare;
	on(event: 'stateChange', listener: (state: State) => void): void;
	on(event: 'finish' | 'error', listener: (error?: unknown) => void): void;
}

type Declare = (...declaration: unknown[]) => void;

interface State {
	readonly type: string;
	readonly title?: string;
	readonly duration?: number;
	readonly logs?: readonly string[];
	readonly err?: {
		readonly message?: string;
		readonly stack?: string;
		readonly formattedDetails?: readonly {readonly label: string; readonly formatted: string}[];
		readonly formattedError?: string;
	};
}

const timeoutMinutes = 30;

const ava = new URL('../../../node_modules/ava/lib/', import.meta.url);
const require = createRequire(import.meta.url);
const {default: RunnerOfAva} = (await import(new URL('runner.js', ava).href)) as {
	default: new (options: object) => Runner;
};

/** What test files import as `test` declares to the runner of the file that is loaded. */
let declareNow: Declare = () => undefined;
const {refs} = require(fileURLToPath(new URL('worker/state.cjs', ava))) as {
	refs: {runnerChain: unknown};
};
refs.runnerChain = new Proxy(() => undefined, {
	apply: (_, __, declaration) => {
		declareNow(...(declaration as unknown[]));
	},
	get: (_, name) => Reflect.get(declareNow, name) as unknown,
});
// Else ava says that its command line has to run test files.
process.send = () => true;

function detailOf({err}: State): string {
	const details = err?.formattedDetails?.map(each => `${each.label} ${each.formatted}`) ?? [];
	return [err?.message, err?.formattedError, ...details, err?.stack]
		.filter(part => part !== undefined)
		.join('\n');
}

async function runFile(results: string, file: string): Promise<void> {
	const started = performance.now();
	const counts = {passed: 0, failed: 0};
	const record = (title: string, ok: boolean, more: {detail?: string; logs?: string[]}): void => {
		addResult(results, {file, title, ok, ...more});
		counts[ok ? 'passed' : 'failed'] += 1;
	};

	addResult(results, {file});
	const runner = new RunnerOfAva({file, projectDir: process.cwd(), match: []});
	const waiting = new Set<string>();
	const watch = setTimeout(() => {
		record([...waiting][0] ?? 'the file', false, {detail: `no end in ${timeoutMinutes} min`});
		addResult(results, {file, end: true});
		process.exit(1);
	}, timeoutMinutes * 60_000);
	runner.on('stateChange', state => {
		const {type, title = '', logs = []} = state;
		watch.refresh();
		if (type === 'declared-test') waiting.add(title);
		const ok = type === 'test-passed';
		if (!ok && type !== 'test-failed' && type !== 'hook-failed') return;
		waiting.delete(title);
		record(title, ok, {...(ok ? {} : {detail: detailOf(state)}), logs: [...logs]});
	});
	const over = new Promise<void>((resolve, reject) => {
		runner.on('finish', () => {
			resolve();
		});
		runner.on('error', reject);
	});
	declareNow = runner.chain;
	try {
		await import(pathToFileURL(file).href);
		if (waiting.size > 0) await over;
	} catch (error) {
		record('the file', false, {detail: String((error as Error).stack)});
	} finally {
		clearTimeout(watch);
	}

	addResult(results, {file, end: true});
	const seconds = Math.round((performance.now() - started) / 1000);
	console.log(`${file}: ${counts.passed} passed, ${counts.failed} failed, ${seconds} s`);
}

const [results = '', ...files] = process.argv.slice(2);
const before = readResults(results);
for (const file of unfinished(before)) {
	const detail = 'the process ended in this file';
	addResult(results, {file, title: 'the file', ok: false, detail});
	addResult(results, {file, end: true});
}

const seen = new Set(before.map(({file}) => file));
for (const file of files) if (!seen.has(file)) await runFile(results, file);
process.exit(0);
