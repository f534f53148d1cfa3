/** Maglev from its descriptions, with big numbers and whole permutations: slow, and easy to follow. */

const mask = (1n << 64n) - 1n;
const rotate = (value: bigint, by: bigint): bigint =>
	((value << by) | (value >> (64n - by))) & mask;

/** MurmurHash3, 128 bits for 64-bit machines: both halves. */
export function murmur3(text: string, seed: number): [bigint, bigint] {
	const bytes = Buffer.from(text);
	const [c1, c2] = [0x87c37b91114253d5n, 0x4cf5ad432745937fn];
	const half = (from: number, to: number): bigint =>
		bytes
			.subarray(from, to)
			.reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(i * 8)), 0n);
	const scramble = (k: bigint, a: bigint, by: bigint, b: bigint): bigint =>
		(rotate((k * a) & mask, by) * b) & mask;
	let [h1, h2] = [BigInt(seed), BigInt(seed)];
	const whole = bytes.length - (bytes.length % 16);
	for (let at = 0; at < whole; at += 16) {
		h1 ^= scramble(half(at, at + 8), c1, 31n, c2);
		h1 = (((rotate(h1, 27n) + h2) & mask) * 5n + 0x52dce729n) & mask;
		h2 ^= scramble(half(at + 8, at + 16), c2, 33n, c1);
		h2 = (((rotate(h2, 31n) + h1) & mask) * 5n + 0x38495ab5n) & mask;
	}

	h2 ^= scramble(half(whole + 8, bytes.length), c2, 33n, c1);
	h1 ^= scramble(half(whole, Math.min(whole + 8, bytes.length)), c1, 31n, c2);
	h1 ^= BigInt(bytes.length);
	h2 ^= BigInt(bytes.length);
	h1 = (h1 + h2) & mask;
	h2 = (h2 + h1) & mask;
	const finish = (given: bigint): bigint => {
		let k = given;
		k = ((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn) & mask;
		k = ((k ^ (k >> 33n)) * 0xc4ceb9fe1a85ec53n) & mask;
		return k ^ (k >> 33n);
	};
	h1 = finish(h1);
	h2 = finish(h2);
	h1 = (h1 + h2) & mask;
	return [h1, (h2 + h1) & mask];
}

export interface ByHand {
	readonly name: string;
	readonly id: number;
	readonly weight: number;
}

/** The table of backends in any order. */
export function tableByHand(backends: readonly ByHand[], size: number, seed: number): number[] {
	const sorted = backends.toSorted((a, b) =>
		Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
	);
	const orders = sorted.map(({name}) => {
		const [h1, h2] = murmur3(name, seed);
		const skip = Number(h2 % BigInt(size - 1)) + 1;
		const order = [Number(h1 % BigInt(size))];
		while (order.length < size) order.push(((order.at(-1) ?? 0) + skip) % size);
		return order;
	});
	const sum = sorted.reduce((total, {weight}) => total + weight, 0);
	const isWeighted = Math.floor(sum / sorted.length) > 1;
	const counters = sorted.map(({weight}) => weight / sorted.length);
	const table = new Array<number | undefined>(size).fill(undefined);
	for (let turn = 0; turn < size; turn++) {
		let i = turn % sorted.length;
		if (isWeighted) {
			while ((turn + 1) * (sorted[i]?.weight ?? 0) < Math.floor(counters[i] ?? 0)) {
				i = (i + 1) % sorted.length;
			}

			counters[i] = (counters[i] ?? 0) + sum;
		}

		const order = orders[i] ?? [];
		while (table[order[0] ?? 0] !== undefined) order.shift();
		table[order.shift() ?? 0] = sorted[i]?.id ?? 0;
	}

	return table.map(id => id ?? -1);
}
