/** A ring of one's own in the datapath's map of listeners. */

import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

import type {Fd} from '../../kernel/sys/fd.js';
import {lockFolder} from '../../kernel/sys/lock.js';
import {openRingBuffer, type RingBufferReader} from '../../object/events/ring-buffer.js';
import {createMap} from '../../object/map/create-map.js';
import type {BpfMap} from '../../object/map/map.js';
import {DatapathError} from '../datapath-error.js';
import type {DatapathMaps} from '../maps.js';
import type {EventKind} from './events.js';
import {EventFormat} from './read-event.js';
import type {EventSource} from './source.js';

/**
 * One of the datapath's slots for those who listen, with a ring in it.
 *
 * A slot is owned by who holds the lock of its folder, `listeners/N` under the root. The kernel lets
 * the lock go with its process, so that a slot whose owner was killed is free, and only its ring is
 * left; the next who listens takes that out. No numbers of processes are compared, which would mean
 * nothing in another namespace.
 */
export class Listener implements EventSource {
	readonly slot: number;
	readonly reader: RingBufferReader;
	private readonly format = new EventFormat();
	private readonly maps: DatapathMaps;
	private readonly ring: BpfMap;
	private readonly lock: Fd;

	private constructor(slot: number, ring: BpfMap, maps: DatapathMaps, lock: Fd) {
		this.slot = slot;
		this.ring = ring;
		this.maps = maps;
		this.lock = lock;
		this.reader = openRingBuffer(ring, {lost: {get: () => this.readLost()}});
	}

	/**
	 * Takes a free slot and puts a ring into it.
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
			const listener = new Listener(own.slot, ring, maps, own.lock);
			events.set(own.slot, ring);
			return listener;
		} catch (error) {
			own?.lock.close();
			throw error;
		} finally {
			for (const {lock} of others) lock.close();
		}
	}

	formatOf(
		kind: EventKind,
		_view: DataView<ArrayBuffer>,
		_offset: number,
		length: number,
	): EventFormat | undefined {
		return length < this.format.sizeOf(kind) ? undefined : this.format;
	}

	/** Takes the ring out, and gives the slot back. No program writes to it any more. */
	close(): void {
		try {
			this.reader.close();
			this.maps.require('events').delete(this.slot);
		} finally {
			this.ring.close();
			this.lock.close();
		}
	}

	/** Of all who ever owned the slot. */
	private readLost(): bigint {
		const found = this.maps.eventsLost;
		const perCpu = found?.known === true ? found.map.get(this.slot) : undefined;
		return perCpu?.reduce((sum, each) => sum + each, 0n) ?? 0n;
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
