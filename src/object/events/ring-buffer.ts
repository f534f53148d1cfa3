import {UsageError} from '../../base/errors.js';
import type {Codec} from '../../format/codec/codec.js';
import {MappedNumber} from '../../kernel/sys/memory.js';
import {Poller} from '../../kernel/sys/poller.js';
import {ringOpen, ringPending} from '../../kernel/sys/ring.js';
import {elementError, MapError} from '../map/map-error.js';
import type {BpfMap} from '../map/map.js';
import type {EventBatch} from './event-batch.js';
import {eventCodec, type EventTypeOptions} from './event-codec.js';
import {EventReader, type ReaderOptions} from './event-reader.js';
import {RingCopy} from './ring-copy.js';

export interface RingBufferOptions extends EventTypeOptions, ReaderOptions {
	/**
	 * Where the program counts the events that it found no room for: a variable of the collection, or
	 * anything else with a `get`. The kernel keeps no such count for a ring buffer.
	 */
	readonly lost?: {get(): unknown};
}

/** Reads a ring buffer (`BPF_MAP_TYPE_RINGBUF`). */
export class RingBufferReader<T = unknown> extends EventReader<T> {
	private readonly ring: MappedNumber;
	private readonly copy: RingCopy<T>;
	private readonly lostCounter: {get(): unknown} | undefined;
	private lostBefore: bigint;

	/** Use `openRingBuffer`. */
	constructor(map: BpfMap, codec: Codec | undefined, options: RingBufferOptions) {
		const {name, maxEntries} = map.info;
		const what = `ring buffer "${name}"`;
		const ring = ringOpen(map.fd);
		if (ring < 0) throw elementError('map the pages of', name, -ring);
		const mapped = new MappedNumber(ring, what);
		const poller = new Poller(`the poller of ${what}`);
		super(what, poller, options.signal);
		this.ring = mapped;
		this.lostCounter = options.lost;
		try {
			this.copy = new RingCopy('ring', name, maxEntries, codec, options.bufferSize);
			this.lostBefore = this.readLost();
			const added = poller.add(map.fd);
			if (added < 0) throw elementError('wait for events of', name, -added);
		} catch (error) {
			this.close();
			throw error;
		}

		this.obeySignal();
	}

	/** Bytes that wait to be read. */
	get pending(): number {
		return this.closed ? 0 : ringPending('ring', this.ring);
	}

	protected next(): EventBatch<T> | undefined {
		const {batch, dropped, bytes} = this.copy.read(this.ring, () => this.newlyLost());
		const {counts} = this;
		counts.discarded += dropped;
		counts.bytes += bytes;
		if (batch === undefined) return undefined;
		counts.events += batch.count;
		counts.batches++;
		counts.lost += batch.lost;
		return batch;
	}

	protected release(): void {
		this.ring.close();
	}

	private newlyLost(): number {
		const now = this.readLost();
		const lost = Number(now - this.lostBefore);
		this.lostBefore = now;
		return lost;
	}

	private readLost(): bigint {
		const value = this.lostCounter?.get() ?? 0n;
		if (typeof value === 'bigint') return value;
		if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
		throw new UsageError(`count lost events: expected a whole number, got ${typeof value}`);
	}
}

/**
 * Opens a ring buffer for reading; to be closed by the caller. Events are of the type that is named,
 * or that the map declares for its values, else bytes. Where several read one ring buffer, each event
 * goes to one of them, and only within one thread.
 *
 * The reader goes on when the map is closed. *Kernel:* 5.8. *Throws:* `ERR_MAP`, `ERR_USAGE`,
 * `ERR_CODEC`.
 */
export function openRingBuffer<T = unknown>(
	map: BpfMap,
	options: RingBufferOptions = {},
): RingBufferReader<T> {
	if (map.info.type !== 'ringbuf') {
		const detail = `it is no ring buffer but of type ${map.info.type}`;
		throw new MapError('read events of', map.name, detail);
	}

	return new RingBufferReader<T>(map, eventCodec(map.name, map.types, options), options);
}
