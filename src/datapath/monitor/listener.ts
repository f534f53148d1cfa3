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
		const {slot, lock} = takeSlot(maps.root, events.info.maxEntries);
		let ring: BpfMap | undefined;
		let listener: Listener | undefined;
		try {
			removeLeftRings(maps, slot);
			ring = createMap({type: 'ringbuf', name: ringName, maxEntries: ringSize});
			listener = new Listener(slot, ring, maps, lock);
			events.set(slot, ring);
			return listener;
		} catch (error) {
			listener?.reader.close();
			ring?.close();
			lock.close();
			throw error;
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

/** A slot that nobody owned, which is now this process's. *Throws:* `ERR_DATAPATH`. */
function takeSlot(root: string, count: number): Slot {
	for (let slot = 0; slot < count; slot++) {
		const lock = lockSlot(root, slot);
		if (lock !== undefined) return {slot, lock};
	}

	const detail = `all of its ${count} places for listeners are taken`;
	throw new DatapathError('monitor datapath', root, detail);
}

/**
 * Takes out rings whose owners are gone: each costs the programs time, whether or not it is read. No
 * slot without a ring is locked, as others may be looking for one.
 */
function removeLeftRings(maps: DatapathMaps, own: number): void {
	const events = maps.require('events');
	for (let slot = 0; slot < events.info.maxEntries; slot++) {
		if (slot === own || events.get(slot) === undefined) continue;
		const lock = lockSlot(maps.root, slot);
		if (lock === undefined) continue;
		try {
			events.delete(slot);
		} finally {
			lock.close();
		}
	}
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
