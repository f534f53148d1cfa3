/** Writes a service's slots and its frontend. */

import type {ServiceKey} from '../layout/service.js';
import {flags2} from './flags.js';
import {defaultWeight} from './maglev.js';
import {slotOffset} from './slot-offset.js';
import type {Entry, Slot} from './state.js';
import type {WantedFrontend} from './wanted.js';
import type {Writes} from './writes.js';

export class SlotWriter {
	private readonly writes: Writes;
	/** Entries whose frontend is to be written for other reasons than their slots. */
	private readonly changedEntries = new Set<Entry>();

	constructor(writes: Writes) {
		this.writes = writes;
	}

	changed(entry: Entry): void {
		this.changedEntries.add(entry);
	}

	/** Brings an entry to these slots, of which the first `count` are for new flows. */
	plan(entry: Entry, slots: readonly Slot[], count: number): void {
		const {frontend, slots: before, count: beforeCount} = entry;
		const {family} = frontend;
		const name = `services${family}` as const;
		const key = keyOf(frontend);
		for (let i = 0; i < slots.length; i++) {
			const slot = slots[i];
			const old = before[i];
			if (slot === undefined) continue;
			const isSame = old?.id === slot.id && old.weight === slot.weight;
			if (isSame && i >= count === i >= beforeCount) continue;
			const part = {offset: slotOffset[family], number: i + 1};
			// A slot has no count; it holds the weight where that is not the usual one.
			this.writes.putAt('put slots', name, key, part, {
				backend_id: slot.id,
				count: slot.weight === defaultWeight ? 0 : slot.weight,
				rev_nat_index: entry.number,
				flags: 0,
				flags2: i >= count ? flags2.quarantined : 0,
				qcount: 0,
			});
		}

		const isOther = count !== beforeCount || slots.length !== before.length;
		entry.slots = slots;
		entry.count = count;
		if (isOther || this.changedEntries.has(entry)) {
			this.writes.put('put frontends', name, key, {
				affinity_timeout: entry.spread,
				count,
				rev_nat_index: entry.number,
				flags: entry.flags,
				flags2: entry.flags2,
				qcount: slots.length - count,
			});
		}

		for (let slot = slots.length + 1; slot <= before.length; slot++)
			this.remove(frontend, slot);
	}

	removeAll({frontend, slots}: Entry): void {
		this.writes.delete('delete frontends', `services${frontend.family}`, keyOf(frontend));
		for (let slot = 1; slot <= slots.length; slot++) this.remove(frontend, slot);
	}

	remove(frontend: WantedFrontend, slot: number): void {
		const part = {offset: slotOffset[frontend.family], number: slot};
		this.writes.delete('delete slots', `services${frontend.family}`, keyOf(frontend), part);
	}

	/** What refuses an address's other ports: a service without backends and number. */
	putWildcard(frontend: WantedFrontend, flags: number): void {
		this.writes.put('put wildcards', `services${frontend.family}`, keyOf(frontend), {
			...{affinity_timeout: 0, count: 0, rev_nat_index: 0, flags, flags2: 0, qcount: 0},
		});
	}

	removeWildcard(frontend: WantedFrontend): void {
		this.writes.delete('delete wildcards', `services${frontend.family}`, keyOf(frontend));
	}
}

/** The key of slot 0. */
function keyOf({address, port, protocol, scope}: WantedFrontend): ServiceKey {
	return {address, dport: port, backend_slot: 0, proto: protocol, scope};
}
