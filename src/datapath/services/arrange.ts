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
	const places = new Map<number, number>();
	for (const [place, {id}] of before.entries()) places.set(id, place);
	return [...settle(places, first, 0), ...settle(places, others, first.length)];
}

function settle(
	places: ReadonlyMap<number, number>,
	slots: readonly Slot[],
	start: number,
): Slot[] {
	const settled = new Array<Slot | undefined>(slots.length).fill(undefined);
	const homeless: Slot[] = [];
	for (const slot of slots) {
		const place = (places.get(slot.id) ?? -1) - start;
		if (place >= 0 && place < slots.length) settled[place] = slot;
		else homeless.push(slot);
	}

	let next = 0;
	return settled.map(slot => slot ?? homeless[next++]).filter(slot => slot !== undefined);
}
