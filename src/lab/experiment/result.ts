/** What came out of an experiment. */

import type {Failure} from './experiment-error.js';
import type {Definition, Measurement} from './journal.js';
import type {Machine} from './machine.js';
import {combinationsOf, keyOf, type Combination, type Parameters} from './parameters.js';
import type {Order} from './schedule.js';
import {summarize, type Statistics} from './statistics.js';

/** All measurements of one combination in a few numbers. */
export interface CombinationSummary<
	P extends Parameters = Parameters,
	Name extends string = string,
> {
	readonly parameters: Combination<P>;
	/** By measurement; one that was never taken is absent. */
	readonly statistics: Readonly<Partial<Record<Name, Statistics>>>;
}

/** What was measured, where, and what it says; written to the JSON file as it is. */
export interface ExperimentResult<P extends Parameters = Parameters, Name extends string = string> {
	readonly experiment: string;
	/** Whether every combination was measured as often as asked for. */
	readonly complete: boolean;
	readonly repeat: number;
	/** How the combinations of a round were ordered. */
	readonly order: Order;
	/** Decides the order within rounds. */
	readonly seed: number;
	/** ISO 8601. */
	readonly started: string;
	/** ISO 8601, of this writing. */
	readonly finished: string;
	readonly machine: Machine;
	readonly parameters: P;
	/** By measurement. */
	readonly units: Readonly<Partial<Record<Name, string>>>;
	/** Each combination, in the order of the parameters. */
	readonly summary: readonly CombinationSummary<P, Name>[];
	/** Each call, in the order they were made. */
	readonly measurements: readonly Measurement[];
	/** What failed in this run. */
	readonly failures: readonly Failure[];
}

/** What measurements are called, in the order they were first seen. */
export function namesOf(result: ExperimentResult): string[] {
	return [...new Set(result.measurements.flatMap(({values}) => Object.keys(values)))];
}

/** Puts together what was measured; of more rounds than asked for, all count. */
export function resultOf(
	definition: Definition,
	repeat: number,
	units: Readonly<Partial<Record<string, string>>>,
	measurements: readonly Measurement[],
	failures: readonly Failure[],
): ExperimentResult {
	const {experiment, parameters, order, seed, started, machine} = definition;
	const byKey = new Map<string, Measurement[]>();
	for (const one of measurements) {
		const key = keyOf(one.parameters);
		const list = byKey.get(key);
		if (list) list.push(one);
		else byKey.set(key, [one]);
	}

	const combinations = combinationsOf(parameters);
	const own = combinations.map(one => byKey.get(keyOf(one)) ?? []);
	return {
		experiment,
		complete: own.every(list => list.length >= repeat),
		repeat,
		order,
		seed,
		started,
		finished: new Date().toISOString(),
		machine,
		parameters,
		units,
		summary: combinations.map((one, i) => ({
			parameters: one,
			statistics: statisticsOf(own[i] ?? []),
		})),
		measurements,
		failures,
	};
}

function statisticsOf(measurements: readonly Measurement[]): Record<string, Statistics> {
	const values = new Map<string, number[]>();
	for (const [name, value] of measurements.flatMap(one => Object.entries(one.values))) {
		const list = values.get(name);
		if (list) list.push(value);
		else values.set(name, [value]);
	}

	return Object.fromEntries([...values].map(([name, list]) => [name, summarize(list)]));
}
