/** In which order combinations are measured. */

const orders = ['shuffle', 'rotate'] as const;

/** How the combinations of a round are ordered. */
export type Order = (typeof orders)[number];

export function isOrder(value: unknown): value is Order {
	return orders.some(order => order === value);
}

/**
 * The order of round `round`: each of `0 … count - 1` once. Depends on nothing but its arguments,
 * so that an experiment that goes on does so in the order it began with.
 *
 * Rotating starts each round one further; shuffling, by the seed, also changes who comes after whom.
 */
export function orderOf(count: number, round: number, order: Order, seed: number): number[] {
	const indexes = Array.from({length: count}, (_, i) => i);
	if (order === 'rotate') return indexes.map(i => (i + round) % count);

	const random = randomNumbers(mix(seed ^ mix(round + 1)));
	for (let i = count - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[indexes[i], indexes[j]] = [indexes[j] ?? 0, indexes[i] ?? 0];
	}

	return indexes;
}

/** Numbers from 0 up to 1, the same ones for the same seed of 32 bits: a Weyl sequence, mixed. */
function randomNumbers(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x9e3779b9) | 0;
		return (mix(state) >>> 0) / 2 ** 32;
	};
}

/** Each bit of the input changes each bit of the output with even odds: MurmurHash3's finish. */
function mix(value: number): number {
	let x = value | 0;
	x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
	x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
	return x ^ (x >>> 16);
}
