/** Looks for types by name without making strings of the names of all others. */

const underscore = 0x5f;

/** What is looked through: where each type starts among the words, and the strings. */
export interface NamedTypes {
	readonly words: Uint32Array;
	readonly starts: Uint32Array;
	readonly strings: Uint8Array;
	/** What the offset of the first string is counted as. */
	readonly stringBase: number;
}

interface Wanted {
	readonly bytes: Uint8Array;
	readonly found: number[];
}

/**
 * Indices of types of each name, ascending, and of those where three underscores follow the name.
 * All names are looked for in one go; those that are not among these strings are found nowhere.
 */
export function findNames(types: NamedTypes, names: readonly string[]): number[][] {
	const byStart = new Map<number, Wanted[]>();
	const isStart = new Uint8Array(0x1_00_00);
	const all = names.map((name): number[] => {
		const wanted = {bytes: Buffer.from(name), found: []};
		const [first = 0, second] = wanted.bytes;
		if (name === '' || name.includes('\0')) return wanted.found;
		for (const after of second === undefined ? [0, underscore] : [second]) {
			const start = first | (after << 8);
			isStart[start] = 1;
			byStart.set(start, [...(byStart.get(start) ?? []), wanted]);
		}

		return wanted.found;
	});
	for (const index of sift(types, isStart)) {
		const {words, starts, strings, stringBase} = types;
		const at = (words[starts[index] ?? 0] ?? 0) - stringBase;
		const start = (strings[at] ?? 0) | ((strings[at + 1] ?? 0) << 8);
		for (const {bytes, found} of byStart.get(start) ?? []) {
			if (isNamed(strings, at, bytes)) found.push(index);
		}
	}

	return all;
}

/**
 * Types whose names begin with two bytes that are wanted. Kept apart, small and without calls: it
 * goes through all types of a kernel before V8 has compiled it.
 */
function sift(
	{words, starts, strings, stringBase}: NamedTypes,
	isStart: Uint8Array,
): readonly number[] {
	const last = strings.length - 1;
	const indices: number[] = [];
	for (let index = 0; index < starts.length; index++) {
		const at = (words[starts[index] ?? 0] ?? 0) - stringBase;
		if (at < 0 || at >= last) continue;
		const start = (strings[at] ?? 0) | ((strings[at + 1] ?? 0) << 8);
		if (isStart[start] === 1) indices.push(index);
	}

	return indices;
}

function isNamed(strings: Uint8Array, at: number, name: Uint8Array): boolean {
	for (let i = 0; i < name.length; i++) if (strings[at + i] !== name[i]) return false;
	const end = at + name.length;
	if (strings[end] === 0) return true;
	for (let i = 0; i < 3; i++) if (strings[end + i] !== underscore) return false;
	return true;
}
