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
	const places = before.length > few ? placesOf(before) : undefined;
	const settled = settle(before, places, first, 0);
	if (others.length === 0) return settled;
	return [...settled, ...settle(before, places, others, first.length)];
}

interface Numbered {
	readonly id: number;
}

/** So many are found quicker without an index. */
const few = 32;

function placesOf(slots: readonly Numbered[]): ReadonlyMap<number, number> {
	return new Map(slots.map(({id}, place) => [id, place]));
}

function placeOf(slots: readonly Numbered[], id: number): number {
	for (let place = 0; place < slots.length; place++) if (slots[place]?.id === id) return place;
	return -1;
}

/** Slots from the place `start` on: who stands at another's place goes to where that one was. */
function settle<T extends Numbered>(
	before: readonly Numbered[],
	places: ReadonlyMap<number, number> | undefined,
	slots: readonly T[],
	start: number,
): readonly T[] {
	const settled = [...slots];
	for (let i = 0; i < settled.length;) {
		const slot = settled[i];
		if (slot === undefined) break;
		const place = places === undefined ? placeOf(before, slot.id) : (places.get(slot.id) ?? -1);
		const other = settled[place - start];
		// It is there, or its place is none of these, or was that of several.
		if (other === undefined || other.id === slot.id) {
			i++;
			continue;
		}

		settled[place - start] = slot;
		settled[i] = other;
	}

	return settled;
}
