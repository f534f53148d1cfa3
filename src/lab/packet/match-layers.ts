import type {Layer} from './layers.js';

/** Places in both lists, or in one of them. */
export type Pair = readonly [left: number | undefined, right: number | undefined];

/** More than fields can differ. */
const match = 1000;

/**
 * Matches the layers of two packets by name, in order: as many as can be, and among the ways to do
 * so the one in which the fewest fields differ.
 */
export function matchLayers(
	left: readonly Layer[],
	right: readonly Layer[],
	countDifferences: (i: number, j: number) => number,
): Pair[] {
	const width = right.length + 1;
	/** What is to be gained from each pair of places on. */
	const gains = new Int32Array((left.length + 1) * width);
	const gain = (i: number, j: number): number => gains[i * width + j] ?? 0;
	const matched = new Int32Array(gains.length);
	for (let i = left.length - 1; i >= 0; i--) {
		for (let j = right.length - 1; j >= 0; j--) {
			const isLike = left[i]?.layer === right[j]?.layer;
			const own = isLike ? match - countDifferences(i, j) + gain(i + 1, j + 1) : -1;
			const best = Math.max(own, gain(i + 1, j), gain(i, j + 1));
			gains[i * width + j] = best;
			matched[i * width + j] = best === own ? 1 : 0;
		}
	}

	const pairs: Pair[] = [];
	let [i, j] = [0, 0];
	while (i < left.length || j < right.length) {
		if (i < left.length && j < right.length && matched[i * width + j] === 1) {
			pairs.push([i++, j++]);
		} else if (i < left.length && (j >= right.length || gain(i + 1, j) >= gain(i, j + 1))) {
			pairs.push([i++, undefined]);
		} else {
			pairs.push([undefined, j++]);
		}
	}

	return pairs;
}
