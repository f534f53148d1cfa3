import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';

import {ExperimentError, type Failure} from './experiment-error.js';
import {filesOf, writeResult, type ExperimentFiles} from './files.js';
import type {Definition, Measurement} from './journal.js';
import {lockExperiment} from './lock.js';
import {thisMachine} from './machine.js';
import {checkOptions, type ExperimentOptions} from './options.js';
import {combinationsOf, type Combination, type Parameters} from './parameters.js';
import {begin, type Beginning} from './previous.js';
import {Progress, type ProgressStream} from './progress.js';
import {resultOf, type ExperimentResult} from './result.js';
import {orderOf} from './schedule.js';
import {onStop} from './stop.js';
import {experimentTable} from './table.js';
import {Tally} from './tally.js';

/** What the measuring function learns besides its parameters. */
export interface MeasureContext {
	/** Counted from 0; undefined while warming up. */
	readonly round: number | undefined;
}

/** The result in memory, and where it was written. */
export interface FinishedExperiment<
	P extends Parameters,
	Name extends string,
> extends ExperimentResult<P, Name> {
	readonly files: ExperimentFiles;
	/** The text of the table. */
	readonly table: string;
}

/**
 * Measures every combination of parameters, one after the other, `repeat` rounds of all of them:
 * a machine that gets warmer or busier meanwhile favours none.
 *
 * Each measurement is written to a file at once. What was finished when the process was stopped,
 * killed, or when combinations failed, is kept, and the next run goes on from there: the
 * parameters, the measuring function's text, the inputs, kernel and processor have to be the same,
 * or all is measured anew and the earlier measurements are put aside. `repeat` may be raised to measure
 * more rounds. A run after one that was complete begins anew.
 *
 * A combination that fails is not measured again in this run; the others are. At the end, and
 * on SIGINT, SIGTERM and SIGHUP, the result is written as JSON, as a table and as a page with
 * charts.
 *
 * *Throws:* `ERR_USAGE`; `ERR_EXPERIMENT` at the end, when combinations failed, when it was
 * stopped and the process lives on, or at once when another process measures it.
 *
 * @example
 * ```ts
 * await experiment(
 * 	{name: 'lookup', parameters: {entries: [1, 100, 10_000]}, units: {latency: 'ns'}},
 * 	async ({entries}) => ({latency: await lookUp(entries)}),
 * );
 * ```
 */
export async function experiment<
	const P extends Parameters,
	const M extends Readonly<Record<string, number | bigint>>,
>(
	options: ExperimentOptions<P, NoInfer<keyof M & string>>,
	measure: (parameters: Combination<P>, context: MeasureContext) => M | Promise<M>,
): Promise<FinishedExperiment<P, keyof M & string>> {
	checkOptions(options);
	const progress = new Progress(options.name, streamOf(options.progress));
	const definition: Definition = {
		experiment: options.name,
		parameters: options.parameters,
		code: hashOf(measure, options.inputs ?? []),
		order: options.order ?? 'shuffle',
		seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
		started: new Date().toISOString(),
		machine: thisMachine(),
	};
	const files = filesOf(options.name, options.folder ?? 'experiments');
	const unlock = await lockExperiment(options.name, files.journal);
	try {
		const run = new Run(options, files, definition, progress, measure as Measure);
		const finished = await run.run();
		return finished as FinishedExperiment<P, keyof M & string>;
	} finally {
		unlock();
	}
}

function hashOf(measure: unknown, inputs: readonly string[]): string {
	const hash = createHash('sha256').update(String(measure));
	for (const path of inputs) {
		const contents = createHash('sha256').update(readFileSync(path)).digest();
		hash.update('\0').update(contents);
	}

	return hash.digest('hex');
}

type Measure = (
	parameters: Combination,
	context: MeasureContext,
) => Readonly<Record<string, number | bigint>> | Promise<Readonly<Record<string, number | bigint>>>;

function streamOf(stream: ProgressStream | false | undefined): ProgressStream {
	return stream === false ? {write: () => undefined} : (stream ?? process.stderr);
}

class Run {
	readonly #options: ExperimentOptions<Parameters, string>;
	readonly #progress: Progress;
	readonly #measure: Measure;
	readonly #combinations: readonly Combination[];
	readonly #repeat: number;
	readonly #files: ExperimentFiles;
	readonly #begun: Beginning;
	readonly #measurements: Measurement[];
	readonly #failures: Failure[] = [];
	readonly #tally: Tally;
	#cause: unknown;
	#signal: NodeJS.Signals | undefined;

	constructor(
		options: ExperimentOptions<Parameters, string>,
		files: ExperimentFiles,
		definition: Definition,
		progress: Progress,
		measure: Measure,
	) {
		this.#options = options;
		this.#progress = progress;
		this.#measure = measure;
		this.#combinations = combinationsOf(options.parameters);
		this.#repeat = options.repeat ?? 10;
		this.#files = files;
		this.#begun = begin(this.#files.journal, {
			definition,
			previous: options.previous ?? 'resume',
			repeat: this.#repeat,
			say: text => this.#progress.say(text),
		});
		this.#measurements = [...this.#begun.measurements];
		this.#tally = new Tally(this.#combinations, this.#repeat);
		for (const one of this.#measurements) this.#tally.measured(one.parameters, one.round);
	}

	async run(): Promise<FinishedExperiment<Parameters, string>> {
		const release = onStop(signal => this.#stopped(signal));
		try {
			for (let round = -(this.#options.warmUp ?? 0); round < this.#repeat; round++) {
				this.#tally.warmUps = Math.max(-round, 0);
				await this.#round(round);
			}
		} finally {
			release();
			this.#progress.clear();
			this.#begun.journal.close();
		}

		return this.#finish();
	}

	/** All combinations once; a round before the first is for warming up. */
	async #round(round: number): Promise<void> {
		const {order, seed} = this.#begun.definition;
		for (const index of orderOf(this.#combinations.length, Math.max(round, 0), order, seed)) {
			const combination = this.#combinations[index];
			if (!combination || !this.#tally.isWanted(combination, round)) continue;
			this.#progress.show(this.#tally, combination);
			await this.#call(combination, round);
			if (this.#signal)
				throw new ExperimentError(this.#options.name, this.#kept(this.#signal), []);
		}

		if (round >= 0) this.#progress.round(this.#tally);
	}

	async #call(parameters: Combination, round: number): Promise<void> {
		const start = performance.now();
		let values: Record<string, number>;
		try {
			const counted = round < 0 ? undefined : round;
			values = numbersOf(await this.#measure(parameters, {round: counted}));
		} catch (error) {
			// What is being torn down fails: that says nothing.
			if (!this.#signal) this.#failed(parameters, round, error);
			return;
		}

		if (this.#signal) return;
		const took = performance.now() - start;
		this.#progress.took(parameters, took);
		if (round < 0) return;
		const at = new Date().toISOString();
		const measurement: Measurement = {round, parameters, values, at, took};
		this.#begun.journal.add(measurement);
		this.#measurements.push(measurement);
		this.#tally.measured(parameters, round);
	}

	#failed(parameters: Combination, round: number, error: unknown): void {
		const message = error instanceof Error ? error.message : String(error);
		const failure = {round, parameters, message, at: new Date().toISOString()};
		if (this.#failures.length === 0) this.#cause = error;
		this.#failures.push(failure);
		this.#tally.failed(parameters);
		this.#begun.journal.add(failure);
		this.#progress.say(`failed: ${nameOf(parameters)}: ${message}`);
	}

	#write(): FinishedExperiment<Parameters, string> {
		const result = resultOf(
			this.#begun.definition,
			this.#repeat,
			this.#options.units ?? {},
			this.#measurements,
			this.#failures,
		);
		writeResult(result, this.#files);
		return {...result, files: this.#files, table: experimentTable(result)};
	}

	#finish(): FinishedExperiment<Parameters, string> {
		const finished = this.#write();
		const {progress} = this.#options;
		if (progress === undefined) process.stdout.write(`\n${finished.table}`);
		else if (progress !== false) progress.write(`\n${finished.table}`);
		this.#progress.say(`written to ${this.#files.report}`);
		const [first] = this.#failures;
		if (!first) return finished;
		const count = this.#failures.length;
		const detail = `${nameOf(first.parameters)}: ${first.message}`;
		throw new ExperimentError(
			this.#options.name,
			count === 1 ? detail : `${count} combinations failed, first ${detail}`,
			this.#failures,
			{cause: this.#cause},
		);
	}

	#stopped(signal: NodeJS.Signals): void {
		this.#signal = signal;
		this.#write();
		this.#progress.say(`${this.#kept(signal)}; run it again to go on`);
	}

	#kept(signal: NodeJS.Signals): string {
		const {done, total} = this.#tally;
		return `stopped by ${signal}: ${done} of ${total} measurements are kept`;
	}
}

function nameOf(combination: Combination): string {
	return JSON.stringify(combination);
}

function numbersOf(values: Readonly<Record<string, number | bigint>>): Record<string, number> {
	// Whoever writes JavaScript may return nothing.
	const given = Object.entries((values as typeof values | undefined) ?? {});
	const numbers = given.map(([name, value]) => [name, Number(value)] as const);
	if (numbers.length === 0) throw new Error('nothing was measured');
	for (const [name, value] of numbers) {
		if (!Number.isFinite(value)) throw new Error(`measurement "${name}" is ${value}`);
	}

	return Object.fromEntries(numbers);
}
