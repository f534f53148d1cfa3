/** What an experiment is asked to do. */

import {UsageError} from '../../base/errors.js';
import {checkParameters, type Parameters} from './parameters.js';
import {isPrevious, type Previous} from './previous.js';
import type {ProgressStream} from './progress.js';
import {isOrder, type Order} from './schedule.js';

/** What is measured, and how often. */
export interface ExperimentOptions<P extends Parameters, Name extends string> {
	/** Names the files, and finds again what was measured before. */
	readonly name: string;
	/** The values of each parameter, by name; every combination is measured. */
	readonly parameters: P;
	/** How often each combination is measured. Default 10. */
	readonly repeat?: number;
	/** Rounds at the beginning that are not counted. Default 0. */
	readonly warmUp?: number;
	/** Units of measurements, for tables and charts: `{latency: 'ns'}`. */
	readonly units?: Readonly<Partial<Record<Name, string>>>;
	/**
	 * The order of combinations within a round: another one in each (`shuffle`, the default), or
	 * the same one begun one further each time (`rotate`).
	 */
	readonly order?: Order;
	/**
	 * Decides the order; from 0 to 2^32 - 1. Default random; it is written to the result, and a
	 * run that goes on with measurements goes on with theirs.
	 */
	readonly seed?: number;
	/**
	 * Paths of files that measurements depend on besides the measuring function, as object files:
	 * when their contents change, what was measured before is not gone on with.
	 */
	readonly inputs?: readonly string[];
	/** Where files go. Default `experiments` in the working directory. */
	readonly folder?: string;
	/** What becomes of measurements that an earlier run left. Default `resume`. */
	readonly previous?: Previous;
	/**
	 * Where progress is written, and at the end the table; false for nowhere. Default: progress to
	 * standard error, the table to standard output.
	 */
	readonly progress?: ProgressStream | false;
}

const optionNames: Readonly<Record<keyof ExperimentOptions<Parameters, string>, true>> = {
	name: true,
	parameters: true,
	repeat: true,
	warmUp: true,
	units: true,
	order: true,
	seed: true,
	inputs: true,
	folder: true,
	previous: true,
	progress: true,
};

/** *Throws:* `ERR_USAGE` for what cannot be meant. */
export function checkOptions(options: ExperimentOptions<Parameters, string>): void {
	const {name, parameters, repeat = 10, warmUp = 0, seed = 0} = options;
	const {order = 'shuffle', previous = 'resume'} = options;
	const refuse = (cause: string): never => {
		throw new UsageError(`run experiment "${name}": ${cause}`);
	};
	for (const key of Object.keys(options)) {
		if (!Object.hasOwn(optionNames, key)) refuse(`unknown option "${key}"`);
	}

	if (typeof name !== 'string' || name === '') refuse('it has no name');
	if (!Number.isSafeInteger(repeat) || repeat < 1) refuse(`repeat ${repeat} is not 1 or more`);
	if (!Number.isSafeInteger(warmUp) || warmUp < 0) refuse(`warmUp ${warmUp} is not 0 or more`);
	if (seed >>> 0 !== seed) refuse(`seed ${seed} is not a whole number of 32 bits`);
	if (!isOrder(order)) refuse(`unknown order "${String(order)}"`);
	if (!isPrevious(previous)) refuse(`unknown choice "${String(previous)}" of previous`);
	checkParameters(name, parameters);
}
