/** Removes flows that are over. */

import {setTimeout} from 'node:timers/promises';

import {isEbpfError} from '../../base/errors.js';
import {gcInterval, schedulePass, type GcPace, type GcSchedule} from './gc-schedule.js';
import type {FlowMatch} from './flow-filter.js';
import {EntryReader} from './raw-entry.js';
import {sweep, type Swept, type SweptMap} from './sweep.js';

/** What a pass did to one map. */
export interface GcMapResult extends Swept {
	/** As pinned, with prefix. */
	readonly map: string;
	readonly maxEntries: number;
}

/** What a pass did. */
export interface GcResult {
	readonly maps: readonly GcMapResult[];
	readonly scanned: number;
	readonly deleted: number;
	/** Flows that were opened anew while the pass came to them. */
	readonly spared: number;
	/** The greatest part of a map's places that was freed, 0 to 1. */
	readonly ratio: number;
	/** Milliseconds. */
	readonly duration: number;
}

/** A map to be cleaned. */
export interface GcMap {
	readonly name: string;
	readonly maxEntries: number;
	readonly map: SweptMap;
}

/** One pass: what ended before `now`, in the datapath's time, goes. */
export async function collect(
	maps: readonly GcMap[],
	now: number,
	signal?: AbortSignal,
): Promise<GcResult> {
	const start = performance.now();
	const isOver: FlowMatch = (_, values) => {
		const entry = new EntryReader(values);
		return (_keyAt, at) => entry.lifetime(at) < now;
	};
	const results: GcMapResult[] = [];
	for (const {name, maxEntries, map} of maps) {
		results.push({map: name, maxEntries, ...(await sweep(map, isOver, signal))});
	}

	const sum = (of: (result: GcMapResult) => number): number =>
		results.reduce((total, result) => total + of(result), 0);
	return {
		maps: results,
		scanned: sum(({scanned}) => scanned),
		deleted: sum(({deleted}) => deleted),
		spared: sum(({spared}) => spared),
		ratio: Math.max(0, ...results.map(each => each.deleted / each.maxEntries)),
		duration: performance.now() - start,
	};
}

/** A reason to make a pass before its time: a map is full. */
export interface GcTrigger {
	/** Whose maps; both where it is left out. */
	readonly family?: 4 | 6;
}

/** Whose maps are cleaned. */
export interface GcOptions extends GcTrigger {
	/** Ends the pass early. */
	readonly signal?: AbortSignal;
}

/** How flows that are over are removed again and again. */
export interface GcLoopOptions extends GcPace {
	/** Ends the loop. */
	readonly signal?: AbortSignal;
	/** Passes before their time. */
	readonly triggers?: AsyncIterable<GcTrigger>;
	/** Removes what stays behind flows that are gone: `options => nat.purge(options)`. */
	readonly purge?: ((options: GcOptions) => Promise<readonly Purged[]>) | undefined;
}

/** How a map of a family was gone through. */
export interface Purged extends Swept {
	readonly family: 4 | 6;
}

/** A pass of a loop. */
export interface GcPass {
	/** Undefined where there was no endpoint, and where it failed. */
	readonly result?: GcResult;
	/** What `purge` did; undefined where it was not called, or failed. */
	readonly purged?: readonly Purged[];
	/** Why it failed; the loop goes on. */
	readonly error?: Error;
	/** Seconds until the next one. */
	readonly next: number;
}

/** Makes the passes. */
export interface Collector {
	collect(options: GcOptions): Promise<GcResult>;
	/** Behind it. */
	readonly purge?: GcLoopOptions['purge'];
	hasEndpoints(): boolean;
}

/** Passes until the signal is aborted; the first at once. */
export async function* collectLoop(
	collector: Collector,
	{signal, triggers, ...pace}: Omit<GcLoopOptions, 'purge'>,
): AsyncGenerator<GcPass, void, undefined> {
	const waits = new Waits(triggers, signal);
	let schedule: GcSchedule = {interval: pace.interval ?? gcInterval.start};
	let trigger: GcTrigger = {};
	try {
		for (let isFirst = true; !isAborted(signal); isFirst = false) {
			const at = performance.now() / 1000;
			const pass = await attempt(collector, trigger, isFirst, signal);
			if (isAborted(signal)) return;
			const full = pass.error === undefined && trigger.family === undefined;
			const ratio = pass.result?.ratio ?? 0;
			const next = schedulePass(schedule, {at, ratio, full}, pace);
			({schedule} = next);
			yield {...pass, next: next.wait};
			const took = performance.now() / 1000 - at;
			trigger = await waits.wait(Math.max(0, next.wait - took));
		}
	} finally {
		waits.close();
	}
}

async function attempt(
	collector: Collector,
	{family}: GcTrigger,
	isFirst: boolean,
	signal: AbortSignal | undefined,
): Promise<Omit<GcPass, 'next'>> {
	let pass: Omit<GcPass, 'next'> = {};
	try {
		if (!isFirst && !collector.hasEndpoints()) return {};
		const options = {...(family && {family}), ...(signal && {signal})};
		pass = {result: await collector.collect(options)};
		const purged = await collector.purge?.(options);
		return {...pass, ...(purged && {purged})};
	} catch (error) {
		if (isAborted(signal)) return {};
		if (!isEbpfError(error)) throw error;
		return {...pass, error};
	}
}

function isAborted(signal: AbortSignal | undefined): boolean {
	return signal?.aborted === true;
}

/** Waits for the time, a trigger or the end. */
class Waits {
	private readonly signal: AbortSignal | undefined;
	private readonly triggers: AsyncIterator<GcTrigger> | undefined;
	private pending: Promise<IteratorResult<GcTrigger>> | undefined;
	private ended = false;

	constructor(triggers: AsyncIterable<GcTrigger> | undefined, signal: AbortSignal | undefined) {
		this.signal = signal;
		this.triggers = triggers?.[Symbol.asyncIterator]();
	}

	async wait(seconds: number): Promise<GcTrigger> {
		const stop = new AbortController();
		const signal =
			this.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, this.signal]);
		const timer = setTimeout(seconds * 1000, undefined, {signal}).catch(() => undefined);
		try {
			if (this.triggers === undefined || this.ended) {
				await timer;
				return {};
			}

			this.pending ??= this.triggers.next();
			const first = await Promise.race([timer, this.pending]);
			if (first === undefined) return {};
			this.pending = undefined;
			if (first.done !== true) return first.value;
			this.ended = true;
			await timer;
			return {};
		} finally {
			stop.abort();
		}
	}

	/** Does not wait: an iterator in the middle of its next value answers when it has that. */
	close(): void {
		this.triggers?.return?.().catch(() => undefined);
	}
}
