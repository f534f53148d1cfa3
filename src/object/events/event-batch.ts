import {viewOf} from '../../base/bytes.js';
import {CodecError} from '../../format/codec/codec-error.js';
import type {Codec, Cursor} from '../../format/codec/codec.js';
import {ringTable} from '../../kernel/sys/ring.js';

/** How a reader turns the bytes of an event into a value; undefined for copies of the bytes. */
export type EventCodec<T> = Codec<T> | undefined;

/** Where the records of a batch lie. */
export interface EventBuffer {
	readonly bytes: Uint8Array;
	/** See `ringTable`. */
	readonly table: Uint32Array;
}

const {first} = ringTable;

/**
 * Some events, as they were copied out of the ring.
 *
 * It is good until its reader is asked for the next batch, which overwrites its bytes; what `get`
 * and the iteration give, stays. Iterating decodes an object an event; `cursor()` and `at` move one
 * object from event to event, whose fields are read when asked for; `raw()` gives the bytes. An event
 * that is shorter than its type is refused (`ERR_CODEC`); what follows the type is left to `raw()`.
 */
export class EventBatch<T = unknown> implements Iterable<T> {
	/** Events. */
	readonly count: number;
	/** Events that were lost since the batch before; see the reader. */
	readonly lost: number;
	/** Where they come from, in a perf buffer. */
	readonly cpu: number | undefined;
	private readonly buffer: EventBuffer;
	private readonly view: DataView;
	private readonly codec: EventCodec<T>;
	private readonly moved: Cursor<T> | undefined;
	private readonly size: number;

	/** `moved` is a cursor of the codec. */
	constructor(
		buffer: EventBuffer,
		facts: {readonly count: number; readonly lost: number; readonly cpu?: number | undefined},
		codec: EventCodec<T>,
		moved: Cursor<T> | undefined,
	) {
		this.buffer = buffer;
		this.view = viewOf(buffer.bytes);
		this.count = facts.count;
		this.lost = facts.lost;
		this.cpu = facts.cpu;
		this.codec = codec;
		this.moved = moved;
		this.size = codec?.size ?? 0;
	}

	/** Event `index` as an object of its own; bytes where its type is not known. */
	get(index: number): T {
		const offset = this.offsetOf(index);
		return this.codec === undefined
			? (this.bytes(index).slice() as T)
			: this.codec.decode(this.view, offset);
	}

	/** Moves the batch's one object to event `index`. Without a type, a view of the bytes. */
	at(index: number): T {
		const offset = this.offsetOf(index);
		const {moved} = this;
		if (moved === undefined) return this.bytes(index) as T;
		moved.move(this.view, offset);
		return moved.value;
	}

	/** The bytes of event `index`, not copied. */
	bytes(index: number): Uint8Array {
		const offset = this.offsetOf(index, 0);
		return this.buffer.bytes.subarray(offset, offset + this.length(index));
	}

	/** Bytes of event `index`. */
	length(index: number): number {
		return this.buffer.table[first + 1 + index * 2] ?? 0;
	}

	/** Each event through the one object that moves: the fastest way to look at few fields. */
	cursor(): IterableIterator<T> {
		return new BatchIterator(this.count, index => this.at(index));
	}

	/** Each event's bytes, not copied. */
	raw(): IterableIterator<Uint8Array> {
		return new BatchIterator(this.count, index => this.bytes(index));
	}

	/** All events of the batch. */
	[Symbol.iterator](): IterableIterator<T> {
		return new BatchIterator(this.count, index => this.get(index));
	}

	private offsetOf(index: number, size = this.size): number {
		const {table} = this.buffer;
		const offset = table[first + index * 2];
		const length = table[first + 1 + index * 2];
		if (
			index >>> 0 !== index ||
			index >= this.count ||
			offset === undefined ||
			length === undefined
		) {
			throw new RangeError(`the batch has ${this.count} events, not index ${index}`);
		}

		if (length < size) {
			throw new CodecError('read', 'event', `it has ${length} bytes, its type ${size}`);
		}

		return offset;
	}
}

class BatchIterator<T> implements IterableIterator<T> {
	private index = 0;
	private readonly count: number;
	private readonly read: (index: number) => T;

	constructor(count: number, read: (index: number) => T) {
		this.count = count;
		this.read = read;
	}

	next(): IteratorResult<T, undefined> {
		if (this.index >= this.count) return {done: true, value: undefined};
		return {done: false, value: this.read(this.index++)};
	}

	[Symbol.iterator](): this {
		return this;
	}
}
