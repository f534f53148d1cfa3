/** What several measurements of one thing say: small pure functions. */

/** Several measurements of one thing in a few numbers, all in the measurement's own unit. */
export interface Statistics {
	/** How many were measured. */
	readonly n: number;
	readonly median: number;
	/** Median absolute deviation: half of the measurements lie nearer to the median than this. */
	readonly mad: number;
	/** A quarter of the measurements lies below. */
	readonly q1: number;
	/** A quarter of the measurements lies above. */
	readonly q3: number;
	readonly min: number;
	readonly max: number;
}

/**
 * The value below which the share `p` (0 to 1) of the values lies, interpolated linearly between
 * the two nearest; NaN for no values.
 */
export function quantile(values: readonly number[], p: number): number {
	return quantileOfSorted(sorted(values), p);
}

/** The middle value, or halfway between the two middle ones; NaN for no values. */
export function median(values: readonly number[]): number {
	return quantile(values, 0.5);
}

/** The median of the distances from the median; NaN for no values. */
export function medianAbsoluteDeviation(values: readonly number[]): number {
	const middle = median(values);
	return median(values.map(value => Math.abs(value - middle)));
}

/** All of it at once. */
export function summarize(values: readonly number[]): Statistics {
	const order = sorted(values);
	return {
		n: order.length,
		median: quantileOfSorted(order, 0.5),
		mad: medianAbsoluteDeviation(order),
		q1: quantileOfSorted(order, 0.25),
		q3: quantileOfSorted(order, 0.75),
		min: quantileOfSorted(order, 0),
		max: quantileOfSorted(order, 1),
	};
}

function sorted(values: readonly number[]): number[] {
	return [...values].sort((a, b) => a - b);
}

function quantileOfSorted(order: readonly number[], p: number): number {
	const at = Math.min(Math.max(p, 0), 1) * (order.length - 1);
	const low = order[Math.floor(at)] ?? NaN;
	const high = order[Math.ceil(at)] ?? NaN;
	const share = at - Math.floor(at);
	// Weighted, not low + (high - low) * share: the difference of two finite numbers may overflow.
	return share === 0 ? low : low * (1 - share) + high * share;
}
