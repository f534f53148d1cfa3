/** Runs unit tests in C: objects side by side, the cases of one after another. */

import {readdir, stat} from 'node:fs/promises';
import {availableParallelism} from 'node:os';
import {basename, join} from 'node:path';
import {setImmediate as immediate} from 'node:timers/promises';

import {type EbpfError, isEbpfError, UsageError} from '../../base/errors.js';
import {createNamespace} from '../../kernel/sys/namespace.js';
import {loadCollectionAsync} from '../../object/collection/load-collection.js';
import {readObject} from '../../spec/read.js';
import type {CollectionSpec, MapSpec} from '../../spec/types.js';
import {findCases, type TestCase, UnitTestError} from './cases.js';
import {type UnitTestCase, type SuiteReport, type UnitTestReport, worstStatus} from './results.js';
import {CaseRunner} from './run-case.js';
import type {TestStatus} from './suite-result.js';

/** Which tests are run, and who hears of it. */
export interface UnitTestOptions {
	/** Only cases whose names it matches. Maps persist within an object: some need those before. */
	readonly run?: RegExp;
	/** Objects that are tested at the same time; as many as there are CPUs unless given. */
	readonly concurrency?: number;
	/** Stops between two cases; the run rejects with its reason. */
	readonly signal?: AbortSignal;
	/** Hears of each object in the order of the files, as soon as it and those before are done. */
	readonly onSuite?: (suite: SuiteReport) => void;
}

const knownOptions: ReadonlySet<string> = new Set<keyof UnitTestOptions>([
	'run',
	'concurrency',
	'signal',
	'onSuite',
]);

/** An object to be tested, and whether it was named or found in a folder. */
interface Job {
	readonly file: string;
	readonly named: boolean;
}

/**
 * Runs the tests in object files, each in a network namespace of its own and with maps of its own,
 * which nothing of is left afterwards. Folders stand for the `.o` files in them.
 *
 * Cases are programs in sections `HOOK/test/NAME/pktgen`, `…/setup` and `…/check`; they are written
 * with `bpf/lib/test.h`, or in any other way that leaves the same results. An object that cannot be
 * read or loaded is an error of its own, and the others run on.
 *
 * *Kernel:* 5.2, with CAP_SYS_ADMIN. *Throws:* `ERR_USAGE` for an unknown option or an unreadable
 * folder; the signal's reason.
 */
export async function runUnitTests(
	files: readonly string[],
	options: UnitTestOptions = {},
): Promise<UnitTestReport> {
	const {concurrency = availableParallelism(), onSuite} = options;
	check(options, concurrency);
	const jobs = (await Promise.all(files.map(jobsOf))).flat();
	const suites: (SuiteReport | undefined)[] = [];
	const state = {next: 0, told: 0, stopped: false};
	const work = async (): Promise<void> => {
		while (!state.stopped) {
			const i = state.next++;
			const job = jobs[i];
			if (job === undefined) return;
			suites[i] = await runSuite(job, options);
			for (; suites[state.told] !== undefined; state.told++) tell(suites[state.told]);
		}
	};
	const tell = (suite: SuiteReport | undefined): void => {
		if (suite !== undefined && isWorthTelling(suite)) onSuite?.(suite);
	};
	const workers = Array.from({length: Math.min(concurrency, jobs.length)}, async () => {
		try {
			await work();
		} catch (error) {
			state.stopped = true;
			throw error;
		}
	});
	const ends = await Promise.allSettled(workers);
	for (const end of ends) if (end.status === 'rejected') throw end.reason;
	return report(suites.filter(suite => suite !== undefined).filter(isWorthTelling));
}

function check(options: UnitTestOptions, concurrency: number): void {
	for (const key of Object.keys(options)) {
		if (!knownOptions.has(key)) throw new UsageError(`run tests: unknown option "${key}"`);
	}

	if (!Number.isInteger(concurrency) || concurrency < 1) {
		throw new UsageError('run tests: concurrency must be a positive whole number');
	}
}

async function jobsOf(path: string): Promise<Job[]> {
	try {
		if (!(await stat(path)).isDirectory()) return [{file: path, named: true}];
		const names = await readdir(path);
		return names
			.filter(name => name.endsWith('.o'))
			.sort()
			.map(name => ({file: join(path, name), named: false}));
	} catch (cause) {
		const {code} = cause as NodeJS.ErrnoException;
		// What is not there is told of when it is read, beside what the others give.
		if (code === 'ENOENT' || code === 'ENOTDIR') return [{file: path, named: true}];
		throw new UsageError(`run tests in "${path}": ${(cause as Error).message}`, {cause});
	}
}

/** An object without cases: one that was named should have some, one of a folder need not. */
function isWorthTelling({cases, error}: SuiteReport): boolean {
	return cases.length > 0 || error !== undefined;
}

async function runSuite({file, named}: Job, options: UnitTestOptions): Promise<SuiteReport> {
	const start = performance.now();
	const cases: UnitTestCase[] = [];
	let error: EbpfError | undefined;
	try {
		const spec = await readObject(file);
		const all = findCases(file, spec);
		if (all.length === 0 && named) {
			throw new UnitTestError(
				file,
				'it has no test: no section is called HOOK/test/NAME/check',
			);
		}

		const {run} = options;
		const wanted = all.filter(({name}) => run === undefined || name.search(run) >= 0);
		if (wanted.length > 0) await runCases(file, spec, wanted, cases, options.signal);
	} catch (cause) {
		options.signal?.throwIfAborted();
		if (!isEbpfError(cause)) throw cause;
		error = cause;
	}

	return {
		file,
		status: error === undefined ? worstStatus(cases.map(each => each.status)) : 'error',
		...(error === undefined ? {} : {error}),
		cases,
		duration: performance.now() - start,
	};
}

async function runCases(
	file: string,
	spec: CollectionSpec,
	wanted: readonly TestCase[],
	results: UnitTestCase[],
	signal: AbortSignal | undefined,
): Promise<void> {
	signal?.throwIfAborted();
	const collection = await loadCollectionAsync(
		runnable(spec),
		signal === undefined ? {} : {signal},
	);
	try {
		const netns = createNamespace(basename(spec.name));
		try {
			const runner = new CaseRunner(file, spec, collection, netns.number);
			for (const each of wanted) {
				results.push(runner.run(each));
				await immediate();
				signal?.throwIfAborted();
			}
		} finally {
			netns.close();
		}
	} finally {
		collection.close();
	}
}

const runnableTypes: ReadonlySet<string> = new Set(['sched_cls', 'sched_act', 'xdp']);

/** The object without its pins, and without programs that cannot be run by hand. */
function runnable(spec: CollectionSpec): CollectionSpec {
	const maps = Object.entries(spec.maps).map(([key, map]) => [key, unpinned(map)] as const);
	const programs = Object.entries(spec.programs).filter(([, {type}]) => runnableTypes.has(type));
	return {...spec, maps: Object.fromEntries(maps), programs: Object.fromEntries(programs)};
}

function unpinned(map: MapSpec): MapSpec {
	const {inner} = map;
	return {...map, pinning: 'none', ...(inner === undefined ? {} : {inner: unpinned(inner)})};
}

function report(suites: readonly SuiteReport[]): UnitTestReport {
	const counts: Record<TestStatus, number> = {pass: 0, fail: 0, skip: 0, error: 0};
	for (const {cases, error} of suites) {
		for (const {status} of cases) counts[status] += 1;
		if (error !== undefined) counts.error += 1;
	}

	const found = suites.some(({cases}) => cases.length > 0);
	return {suites, counts, passed: found && counts.fail === 0 && counts.error === 0};
}
