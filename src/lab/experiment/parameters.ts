/** The parameters of an experiment, and their combinations. */

import {UsageError} from '../../base/errors.js';

/** A value of a parameter. */
export type ParameterValue = string | number | boolean;

/** The values of each parameter, by name. */
export type Parameters = Readonly<Record<string, readonly ParameterValue[]>>;

/** One value of each parameter, as the measuring function gets them. */
export type Combination<P extends Parameters = Parameters> = {
	readonly [Name in keyof P]: P[Name][number];
};

/** Every combination, the last parameter changing fastest. */
export function combinationsOf<P extends Parameters>(parameters: P): Combination<P>[] {
	let all: Record<string, ParameterValue>[] = [{}];
	for (const [name, values] of Object.entries(parameters)) {
		all = all.flatMap(one => values.map(value => ({...one, [name]: value})));
	}

	// They tell measurements apart: whoever measures must not change them.
	return all.map(one => Object.freeze(one)) as Combination<P>[];
}

/** Tells combinations apart, in whichever order their parameters stand. */
export function keyOf(combination: Combination): string {
	return JSON.stringify(Object.entries(combination).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** *Throws:* `ERR_USAGE` for a parameter without values, the same value twice, NaN, infinity. */
export function checkParameters(experiment: string, parameters: Parameters): void {
	for (const [name, values] of Object.entries(parameters)) {
		const refuse = (cause: string): never => {
			throw new UsageError(`run experiment "${experiment}": parameter "${name}": ${cause}`);
		};
		// Assigned to an object, this name would change its prototype.
		if (name === '__proto__') refuse('this name is not possible');
		if (values.length === 0) refuse('it has no values');
		for (const value of values as readonly unknown[]) {
			const isPlain = typeof value === 'string' || typeof value === 'boolean';
			if (!isPlain && !(typeof value === 'number' && Number.isFinite(value))) {
				refuse(`${String(value)} is no string, finite number or boolean`);
			}
		}

		const twice = values.find((value, i) => values.indexOf(value) !== i);
		if (twice !== undefined) refuse(`${JSON.stringify(twice)} stands there twice`);
	}
}

/** `prefixes=1000 family=ipv6` */
export function describe(combination: Combination): string {
	return Object.entries(combination)
		.map(([name, value]) => `${name}=${String(value)}`)
		.join(' ');
}
