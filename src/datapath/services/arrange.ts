/** The order of a service's slots. */

/**
 * Puts `first` and then `others` in order, each where it stood before as far as that is possible, so
 * that little has to be written.
 */
export function arrange<T extends Numbered>(
	before: readonly Numbered[],
	first: readonly T[],
	others: readonly T[],
): readonly T[] {
	if (before.length === 0) return others.length === 0 ? first : [...first, ...others];
	const total = first.length + others.length;
	const places = total > few ? new Map<number, number>() : undefined;
	if (places !== undefined) for (const [place, {id}] of before.entries()) places.set(id, place);
	const placeOf = (id: number): number =>
		places === undefined ? before.findIndex(slot => slot.id === id) : (places.get(id) ?? -1);
	const settled = settle(placeOf, first, 0);
	return others.length === 0 ? settled : [...settled, ...settle(placeOf, others, first.length)];
}

interface Numbered {
	readonly id: number;
}

/** So many are found quicker without an index. */
const few = 32;

function settle<T extends Numbered>(
	placeOf: (id: number) => number,
	slots: readonly T[],
	start: number,
): T[] {
	const settled = new Array<T | undefined>(slots.length).fill(undefined);
	const homeless: T[] = [];
	for (const slot of slots) {
		const place = placeOf(slot.id) - start;
		if (place >= 0 && place < slots.length) settled[place] = slot;
		else homeless.push(slot);
	}

	if (homeless.length === 0) return settled.filter(slot => slot !== undefined);
	let next = 0;
	return settled.map(slot => slot ?? homeless[next++]).filter(slot => slot !== undefined);
}
