/** Damages inputs as formats break: fields, lengths, places, pieces of others. */

/** A generator of numbers below `limit`, the same for the same seed. */
export type Random = (limit: number) => number;

/** Marsaglia's xorshift. */
export function randomFrom(seed: number): Random {
	let state = (seed | 0) ^ 0x9e_37_79_b9 || 1;
	return limit => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % limit;
	};
}

/** Values that lengths, counts, offsets and numbers of sections go wrong at. */
const interesting = [
	0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 63, 64, 127, 128, 255, 256, 4095, 4096, 0x7f_ff,
	0x80_00, 0xff_00, 0xff_f1, 0xff_ff, 0x01_00_00, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_f8,
	0xff_ff_ff_ff,
] as const;

function pick<T>(random: Random, from: readonly T[]): T {
	return from[random(from.length)] as T;
}

/** Inputs to damage: of one format. */
export type Pool = readonly Uint8Array[];

/**
 * One of the pool, with one to four changes. `words` are put in whole: the format's own, for text.
 */
export function mutate(random: Random, pool: Pool, words: readonly Uint8Array[] = []): Uint8Array {
	// Of two the smaller: more time goes into many inputs than into large ones.
	const [one, other] = [pick(random, pool), pick(random, pool)];
	let bytes = new Uint8Array(one.length < other.length ? one : other);
	// Most of what is left whole is read to its end.
	for (let left = 1 + random(2) * random(4); left > 0; left--)
		bytes = change(random, bytes, pool, words);
	return bytes;
}

function change(
	random: Random,
	bytes: Uint8Array<ArrayBuffer>,
	pool: Pool,
	words: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
	if (bytes.length === 0) return new Uint8Array(pick(random, pool));
	const at = random(bytes.length);
	switch (random(words.length === 0 ? 8 : 10)) {
		case 0:
			bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
			return bytes;
		case 1:
			bytes[at] = random(256);
			return bytes;
		case 2:
		case 3:
			return setField(random, bytes, at);
		case 4:
			return random(4) === 0 ? bytes.slice(0, at) : setField(random, bytes, at);
		case 5: {
			// A piece of its own, elsewhere.
			const from = random(bytes.length);
			bytes.copyWithin(at, from, from + 1 + random(64));
			return bytes;
		}

		case 6: {
			// A piece of another one.
			const other = pick(random, pool);
			const from = random(other.length + 1);
			const piece = other.subarray(from, from + 1 + random(128));
			bytes.set(piece.subarray(0, bytes.length - at), at);
			return bytes;
		}

		case 7:
			return insert(bytes, at, bytes.subarray(at, at + 1 + random(32)));
		case 8:
			return insert(bytes, at, pick(random, words));
		default: {
			// A line, as far as there are lines, is taken out or said twice.
			const start = bytes.lastIndexOf(10, at) + 1;
			const found = bytes.indexOf(10, at);
			const end = found < 0 ? bytes.length : found + 1;
			return random(2) === 0
				? insert(bytes, end, bytes.subarray(start, end))
				: insert(bytes.subarray(0, start), start, bytes.subarray(end));
		}
	}
}

/** A number of 1, 2, 4 or 8 bytes, aligned more often than not. */
function setField(
	random: Random,
	bytes: Uint8Array<ArrayBuffer>,
	place: number,
): Uint8Array<ArrayBuffer> {
	const size = pick(random, [1, 2, 4, 4, 8]);
	const at = random(4) === 0 ? place : place - (place % size);
	const little = random(4) !== 0;
	let value = random(3) === 0 ? random(4096) : pick(random, interesting);
	if (random(8) === 0) value = bytes.length - random(16);
	for (let i = 0; i < size && at + i < bytes.length; i++) {
		const index = little ? i : size - 1 - i;
		bytes[at + i] = index < 4 ? (value >>> (index * 8)) & 255 : 0;
	}

	return bytes;
}

function insert(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
	const made = new Uint8Array(bytes.length + piece.length);
	made.set(bytes.subarray(0, at));
	made.set(piece, at);
	made.set(bytes.subarray(at), at + piece.length);
	return made;
}
