/** The order of a service's slots. */

import type {Slot} from './state.js';

/**
 * Puts `first` and then `others` in order, each where it stood before as far as that is possible, so
 * that little has to be written.
 */
export function arrange(
	before: readonly Slot[],
	first: readonly Slot[],
	others: readonly Slot[],
): Slot[] {
	const total = first.length + others.length;
	const places = total > few ? new Map<number, number>() : undefined;
	if (places !== undefined) for (const [place, {id}] of before.entries()) places.set(id, place);
	const placeOf = (id: number): number =>
		places === undefined ? before.findIndex(slot => slot.id === id) : (places.get(id) ?? -1);
	const settled = settle(placeOf, first, 0);
	return others.length === 0 ? settled : [...settled, ...settle(placeOf, others, first.length)];
}

/** So many are found quicker without an index. */
const few = 32;

function settle(placeOf: (id: number) => number, slots: readonly Slot[], start: number): Slot[] {
	const settled = new Array<Slot | undefined>(slots.length).fill(undefined);
	const homeless: Slot[] = [];
	for (const slot of slots) {
		const place = placeOf(slot.id) - start;
		if (place >= 0 && place < slots.length) settled[place] = slot;
		else homeless.push(slot);
	}

	if (homeless.length === 0) return settled.filter(slot => slot !== undefined);
	let next = 0;
	return settled.map(slot => slot ?? homeless[next++]).filter(slot => slot !== undefined);
}
