/** Takes times so that they can be compared on a machine that does other things, too. */

import {floor} from './floor.js';

/** Does a piece of work once; what one operation of it cost. */
export type Sample = () => number;

export interface Timed {
	readonly what: string;
	readonly median: number;
	/** How many times as fast as the first of the race, by rounds; above 1 is faster. */
	readonly ratio: number;
}

/**
 * Runs all samples in turn, round by round, so that what disturbs one disturbs all. A ratio is the
 * median of the ratios within a round; a first round warms up and does not count.
 */
export function race(samples: readonly (readonly [string, Sample])[], rounds: number): Timed[] {
	const times = samples.map((): number[] => []);
	for (const {at, counts} of turns(samples.length, rounds)) {
		const time = samples[at]?.[1]() ?? NaN;
		if (counts) times[at]?.push(time);
	}

	return samples.map(([what], i) => timedBy(what, times[i] ?? [], times[0] ?? []));
}

/** The same of work that waits. */
export async function raceAsync(
	samples: readonly (readonly [string, () => number | Promise<number>])[],
	rounds: number,
): Promise<Timed[]> {
	const times = samples.map((): number[] => []);
	for (const {at, counts} of turns(samples.length, rounds)) {
		const time = (await samples[at]?.[1]()) ?? NaN;
		if (counts) times[at]?.push(time);
	}

	return samples.map(([what], i) => timedBy(what, times[i] ?? [], times[0] ?? []));
}

/** Each follows each: none always runs with what another left in the caches. */
function* turns(count: number, rounds: number): Generator<{at: number; counts: boolean}> {
	for (let round = -1; round < rounds; round++) {
		for (let i = 0; i < count; i++) {
			yield {at: (i + Math.max(round, 0)) % count, counts: round >= 0};
		}
	}
}

function timedBy(what: string, own: readonly number[], reference: readonly number[]): Timed {
	return {what, median: median(own), ratio: ratioOf(reference, own)};
}

/** The median of the ratios within rounds. */
export function ratioOf(values: readonly number[], reference: readonly number[]): number {
	return median(values.map((value, round) => value / (reference[round] ?? NaN)));
}

/** Nanoseconds of CPU time, of all threads, for each of the operations that `work` says it did. */
export function cpu(work: () => number): Sample {
	return () => {
		const start = floor.cpuTime();
		const operations = work();
		return (floor.cpuTime() - start) / operations;
	};
}

/** The same of work that waits. */
export function cpuAsync(work: () => Promise<number>): () => Promise<number> {
	return async () => {
		const start = floor.cpuTime();
		const operations = await work();
		return (floor.cpuTime() - start) / operations;
	};
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? NaN;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
