/** Writes a service's slots and its frontend. */

import type {Family} from './addresses.js';
import {encodeService, encodeServiceKey, type FrontendParts, type ServiceParts} from './encode.js';
import {flags2} from './flags.js';
import {defaultWeight} from './maglev.js';
import type {Entry, Slot} from './state.js';
import type {WantedFrontend} from './wanted.js';
import type {Step, Writes} from './writes.js';

const mapOf = {4: 'services4', 6: 'services6'} as const;

export class SlotWriter {
	private readonly writes: Writes;

	constructor(writes: Writes) {
		this.writes = writes;
	}

	/** Brings an entry to these slots, of which the first `count` are for new flows. */
	plan(entry: Entry, slots: readonly Slot[], count: number): void {
		const {frontend, slots: before, count: beforeCount} = entry;
		for (let i = 0; i < slots.length; i++) {
			const slot = slots[i];
			const old = before[i];
			if (slot === undefined) continue;
			const isSame = old?.id === slot.id && old.weight === slot.weight;
			if (isSame && i >= count === i >= beforeCount) continue;
			// A slot has no count; it holds the weight where that is not the usual one.
			this.put('put slots', frontend, i + 1, {
				first: slot.id,
				count: slot.weight === defaultWeight ? 0 : slot.weight,
				number: entry.number,
				flags: 0,
				flags2: i >= count ? flags2.quarantined : 0,
				qcount: 0,
			});
		}

		const isOther = count !== beforeCount || slots.length !== before.length;
		entry.slots = slots;
		entry.count = count;
		if (isOther || entry.isChanged) {
			entry.isChanged = false;
			const {spread: first, number, flags, flags2: second} = entry;
			const qcount = slots.length - count;
			this.put('put frontends', frontend, 0, {
				first,
				count,
				number,
				flags,
				flags2: second,
				qcount,
			});
		}

		for (let slot = slots.length + 1; slot <= before.length; slot++) {
			this.remove(frontend, slot);
		}
	}

	removeAll({frontend, slots}: Entry): void {
		this.delete('delete frontends', frontend, 0);
		for (let slot = 1; slot <= slots.length; slot++) this.remove(frontend, slot);
	}

	remove(frontend: WantedFrontend, slot: number): void {
		this.delete('delete slots', frontend, slot);
	}

	/** What refuses an address's other ports: a service without backends and number. */
	putWildcard(family: Family, address: string, flags: number): void {
		const parts = {first: 0, count: 0, number: 0, flags, flags2: 0, qcount: 0};
		this.put('put wildcards', wildcardOf(family, address), 0, parts);
	}

	removeWildcard(family: Family, address: string): void {
		this.delete('delete wildcards', wildcardOf(family, address), 0);
	}

	private put(step: Step, frontend: FrontendParts, slot: number, parts: ServiceParts): void {
		const {key, value} = this.writes.next(step, mapOf[frontend.family]);
		encodeServiceKey(key, frontend, slot);
		encodeService(value, parts);
	}

	private delete(step: Step, frontend: FrontendParts, slot: number): void {
		const {key} = this.writes.next(step, mapOf[frontend.family]);
		encodeServiceKey(key, frontend, slot);
	}
}

function wildcardOf(family: Family, address: string): FrontendParts {
	return {family, address, port: 0, protocol: 0, scope: 0};
}
