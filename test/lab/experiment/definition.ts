import type {Definition, Measurement} from '../../../src/lab/experiment/journal.js';
import type {Combination} from '../../../src/lab/experiment/parameters.js';

/** What is measured, on a machine that is always the same. */
export function definitionOf(some: Partial<Definition> = {}): Definition {
	return {
		experiment: 'lookup',
		parameters: {entries: [1, 1000]},
		code: 'abc',
		order: 'shuffle',
		seed: 1,
		started: '2030-01-02T03:04:05.678Z',
		machine: {
			kernel: '6.18.0',
			arch: 'x64',
			cpu: 'Processor',
			cpus: 2,
			memory: 2 ** 33,
			node: 'v20.20.0',
			skep: '1.0.0',
		},
		...some,
	};
}

export function measurement(
	parameters: Combination,
	round: number,
	values: Readonly<Record<string, number>>,
): Measurement {
	return {round, parameters, values, at: '2030-01-02T03:05:00.000Z', took: 1};
}
