import {ringTable} from '../../kernel/sys/ring.js';
import {refuse, type EventBuffer, type EventCode} from './event-code.js';

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
	private readonly code: EventCode<T>;

	/** Made by readers. */
	constructor(
		buffer: EventBuffer,
		facts: {readonly count: number; readonly lost: number; readonly cpu?: number | undefined},
		code: EventCode<T>,
	) {
		this.buffer = buffer;
		this.count = facts.count;
		this.lost = facts.lost;
		this.cpu = facts.cpu;
		this.code = code;
	}

	/** Event `index` as an object of its own; bytes where its type is not known. */
	get(index: number): T {
		return this.code.get(this.buffer, index, this.count);
	}

	/** Moves the batch's one object to event `index`. Without a type, a view of the bytes. */
	at(index: number): T {
		return this.code.at(this.buffer, index, this.count);
	}

	/** The bytes of event `index`, not copied. */
	bytes(index: number): Uint8Array {
		const {buffer, count} = this;
		if (index >>> 0 !== index || index >= count) refuse(buffer, index, count, 0);
		const offset = buffer.table[first + index * 2] ?? 0;
		return buffer.bytes.subarray(offset, offset + this.length(index));
	}

	/** Bytes of event `index`. */
	length(index: number): number {
		return this.buffer.table[first + 1 + index * 2] ?? 0;
	}

	/** Each event through the one object that moves: the fastest way to look at few fields. */
	cursor(): IterableIterator<T> {
		return this.code.cursor(this.buffer, this.count);
	}

	/** Each event's bytes, not copied. */
	*raw(): IterableIterator<Uint8Array> {
		for (let i = 0; i < this.count; i++) yield this.bytes(i);
	}

	/** All events of the batch. */
	[Symbol.iterator](): IterableIterator<T> {
		return this.code.objects(this.buffer, this.count);
	}
}
