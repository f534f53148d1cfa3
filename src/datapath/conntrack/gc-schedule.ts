/** When flows that are over are looked for next: the more there were, the sooner. */

/** Seconds. */
export const gcInterval = {start: 300, min: 10, max: 43_200} as const;

/** What bounds the interval. */
export interface GcIntervalOptions {
	/** Seconds since the pass before, where this one did not wait for its time. */
	readonly elapsed?: number | undefined;
	/** Seconds at most: 12 hours unless given. */
	readonly maxInterval?: number | undefined;
}

/**
 * Seconds to the next pass, when `ratio` of a map's places were freed by the last one, which was
 * `interval` after the one before.
 */
export function nextGcInterval(
	interval: number,
	ratio: number,
	{elapsed = interval, maxInterval = 0}: GcIntervalOptions = {},
): number {
	// What was found in a part of the time would have been more in the whole.
	const scaled = elapsed > 0 && elapsed < interval ? (ratio * interval) / elapsed : ratio;
	const next = Math.round(adapt(interval, scaled));
	return maxInterval > 0 ? Math.min(next, maxInterval) : next;
}

function adapt(interval: number, ratio: number): number {
	if (ratio === 0) return interval;
	if (ratio > 0.25) return Math.max(interval * (1 - Math.min(ratio, 0.9)), gcInterval.min);
	if (ratio < 0.05) return Math.min(interval * 1.5, gcInterval.max);
	return interval;
}

/** Where a loop is; times in seconds of one clock. */
export interface GcSchedule {
	readonly interval: number;
	/** When the last pass began. */
	readonly last?: number;
	/** When the next pass over all maps is due. */
	readonly deadline?: number;
}

/** A pass that ended. */
export interface GcPassed {
	/** When it began. */
	readonly at: number;
	readonly ratio: number;
	/** Did it see all maps? */
	readonly full: boolean;
}

/** Options of a loop that bear on its times. */
export interface GcPace {
	/** Seconds; always this many instead of what the last pass says. */
	readonly interval?: number | undefined;
	/** Seconds at most: 12 hours unless given. */
	readonly maxInterval?: number | undefined;
}

/**
 * The schedule after a pass, and the seconds to wait. A partial pass does not put off the full one
 * that is due; where that is overdue, because it failed, it is tried again after 10 seconds.
 */
export function schedulePass(
	{interval, last, deadline}: GcSchedule,
	{at, ratio, full}: GcPassed,
	pace: GcPace = {},
): {readonly schedule: GcSchedule; readonly wait: number} {
	const {maxInterval} = pace;
	const elapsed = last === undefined ? undefined : at - last;
	const next = pace.interval ?? nextGcInterval(interval, ratio, {elapsed, maxInterval});
	const schedule = {interval: next, last: at};
	if (full) return {schedule: {...schedule, deadline: at + next}, wait: next};
	const due = Math.max(deadline ?? at, at + Math.min(gcInterval.min, next));
	return {schedule: {...schedule, deadline: due}, wait: Math.min(next, due - at)};
}
