import {setTimeout} from 'node:timers/promises';

import {enableProgramStats} from '../program/program.js';
import {type ListedProgram, listPrograms} from './list.js';

/** What a program did between two looks. */
export interface ProgramRate {
	readonly id: number;
	readonly name: string;
	readonly type: ListedProgram['type'];
	/** Since the look before. */
	readonly runs: bigint;
	/** Nanoseconds in the program since the look before. */
	readonly time: bigint;
	/** Milliseconds since the look before. */
	readonly interval: number;
	readonly runsPerSecond: number;
	/** Nanoseconds; undefined where it did not run. */
	readonly timePerRun: number | undefined;
	/** Runs that were left out because the program was running already. */
	readonly misses: bigint;
	/** Of all time that statistics were on. */
	readonly totalRuns: bigint;
	/** Nanoseconds. */
	readonly totalTime: bigint;
}

/** How programs are watched. */
export interface WatchProgramsOptions {
	/** Only these; all programs of the host, new ones as well, unless given. */
	readonly ids?: readonly number[];
	/** Milliseconds between two looks; 1000 unless given. */
	readonly interval?: number;
	/** Ends it. */
	readonly signal?: AbortSignal;
}

/**
 * What programs do, interval by interval, until the signal or the loop that reads it ends. The
 * kernel counts for as long as this runs, which costs each run of any program some 20 ns.
 *
 * *Kernel:* 5.8. *Throws:* `ERR_SYSCALL`.
 */
export async function* watchPrograms(
	options: WatchProgramsOptions = {},
): AsyncGenerator<ProgramRate[], void, void> {
	const {interval = 1000, signal} = options;
	using _ = enableProgramStats();
	let before = look(options);
	for (;;) {
		if (!(await pause(interval, signal))) return;
		const now = look(options);
		const elapsed = now.at - before.at;
		const rates = now.programs.map(program => rateOf(program, before, elapsed));
		before = now;
		yield rates;
	}
}

/** False when the signal came first. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
	try {
		await setTimeout(milliseconds, undefined, signal === undefined ? {} : {signal});
		return true;
	} catch (error) {
		if (signal?.aborted === true) return false;
		throw error;
	}
}

interface Look {
	/** Milliseconds of a clock that only goes forward. */
	readonly at: number;
	readonly programs: readonly ListedProgram[];
	readonly byId: ReadonlyMap<number, ListedProgram>;
}

function look({ids}: WatchProgramsOptions): Look {
	const at = performance.now();
	const programs = [...listPrograms()].filter(({id}) => ids?.includes(id) ?? true);
	return {at, programs, byId: new Map(programs.map(program => [program.id, program]))};
}

function rateOf(program: ListedProgram, before: Look, interval: number): ProgramRate {
	const {id, name, type, runCount, runTime, recursionMisses} = program;
	// A program that was not there before has done all it did since.
	const old = before.byId.get(id) ?? {runCount: 0n, runTime: 0n, recursionMisses: 0n};
	const runs = runCount - old.runCount;
	const time = runTime - old.runTime;
	return {
		id,
		name,
		type,
		runs,
		time,
		interval,
		runsPerSecond: (Number(runs) * 1000) / interval,
		timePerRun: runs === 0n ? undefined : Number(time) / Number(runs),
		misses: recursionMisses - old.recursionMisses,
		totalRuns: runCount,
		totalTime: runTime,
	};
}
