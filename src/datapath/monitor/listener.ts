/** A ring of one's own in the datapath's map of listeners. */

import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

import type {Fd} from '../../kernel/sys/fd.js';
import {lockFolder} from '../../kernel/sys/lock.js';
import {createMap} from '../../object/map/create-map.js';
import type {BpfMap} from '../../object/map/map.js';
import {DatapathError} from '../datapath-error.js';
import type {MapReference} from '../layout/map-table.js';
import type {DatapathMaps} from '../maps.js';

/**
 * One of the datapath's slots for those who listen, with a ring in it.
 *
 * A slot is owned by who holds the lock of its folder, `listeners/N` under the root. The kernel lets
 * the lock go with its process, so that a slot whose owner was killed is free, and only its ring is
 * left; the next who listens takes that out. No numbers of processes are compared, which would mean
 * nothing in another namespace.
 */
export class Listener {
	readonly slot: number;
	readonly ring: BpfMap;
	private readonly events: BpfMap<number, MapReference>;
	private readonly lock: Fd;

	private constructor(
		slot: number,
		ring: BpfMap,
		events: BpfMap<number, MapReference>,
		lock: Fd,
	) {
		this.slot = slot;
		this.ring = ring;
		this.events = events;
		this.lock = lock;
	}

	/**
	 * Takes a free slot. Programs write into its ring once `start` is called.
	 *
	 * *Throws:* `ERR_DATAPATH` where no slot is free, `ERR_MAP`, `ERR_SYSCALL`.
	 */
	static open(maps: DatapathMaps, ringSize: number): Listener {
		const events = maps.require('events');
		const free = freeSlots(maps.root, events.info.maxEntries);
		const [own, ...others] = free;
		try {
			if (own === undefined) {
				const detail = `all of its ${events.info.maxEntries} places for listeners are taken`;
				throw new DatapathError('monitor datapath', maps.root, detail);
			}

			// Each ring costs the programs time, whether or not it is read.
			for (const {slot} of free) events.delete(slot);
			const ring = createMap({type: 'ringbuf', name: ringName, maxEntries: ringSize});
			return new Listener(own.slot, ring, events, own.lock);
		} catch (error) {
			own?.lock.close();
			throw error;
		} finally {
			for (const {lock} of others) lock.close();
		}
	}

	/** Puts the ring into its slot. */
	start(): void {
		this.events.set(this.slot, this.ring);
	}

	/** Takes the ring out, and gives the slot back. No program writes to it any more. */
	close(): void {
		try {
			this.events.delete(this.slot);
		} finally {
			this.ring.close();
			this.lock.close();
		}
	}
}

const ringName = 'skep_monitor';

interface Slot {
	readonly slot: number;
	readonly lock: Fd;
}

/** Slots that nobody owns, which are now this process's. */
function freeSlots(root: string, count: number): Slot[] {
	const slots: Slot[] = [];
	try {
		for (let slot = 0; slot < count; slot++) {
			const lock = lockSlot(root, slot);
			if (lock !== undefined) slots.push({slot, lock});
		}
	} catch (error) {
		for (const {lock} of slots) lock.close();
		throw error;
	}

	return slots;
}

function lockSlot(root: string, slot: number): Fd | undefined {
	const folder = join(root, 'listeners', String(slot));
	try {
		mkdirSync(folder, {recursive: true, mode: 0o700});
		return lockFolder(folder);
	} catch (cause) {
		throw new DatapathError('monitor datapath', root, (cause as Error).message, {cause});
	}
}
