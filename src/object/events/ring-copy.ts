import {constants} from 'node:os';

import {viewOf} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import type {MappedNumber} from '../../kernel/sys/memory.js';
import {ringRead, ringTable} from '../../kernel/sys/ring.js';
import {MapError} from '../map/map-error.js';
import {EventBatch} from './event-batch.js';
import {eventCode, type EventBuffer, type EventCode} from './event-code.js';

const {EBADMSG} = constants.errno;
const defaultSize = 256 * 1024;
// With its header, no record takes less.
const smallestRecord = 16;

/** What one read found. */
export interface RingBatch<T> {
	/** Undefined without events. */
	readonly batch: EventBatch<T> | undefined;
	/** Events that were lost, of a perf ring; given up, of a ring buffer. */
	readonly dropped: number;
	/** Bytes taken out of the ring. */
	readonly bytes: number;
}

/** The buffer that rings are read into, and what is made of it. */
export class RingCopy<T> {
	private readonly kind: 'ring' | 'perf';
	private readonly name: string;
	private readonly limit: number;
	private readonly code: EventCode<T>;
	private buffer: EventBuffer;
	private tableBytes: Uint8Array;

	/** `ringSize` is as long as a record can be; `size` grows to it where one needs that. */
	constructor(
		kind: 'ring' | 'perf',
		name: string,
		ringSize: number,
		codec: Codec | undefined,
		size = defaultSize,
	) {
		this.kind = kind;
		this.name = name;
		this.limit = ringSize;
		this.code = eventCode(codec as Codec<T> | undefined);
		this.buffer = bufferOf(Math.min(Math.max(size, 64), ringSize));
		this.tableBytes = new Uint8Array(this.buffer.table.buffer);
	}

	/**
	 * `lostOf` says what to call lost, given how many were dropped. *Throws:* `ERR_MAP` when the ring
	 * makes no sense.
	 */
	read(ring: MappedNumber, lostOf: (dropped: number) => number, cpu?: number): RingBatch<T> {
		for (let dropped = 0, bytes = 0; ;) {
			const {buffer} = this;
			const count = ringRead(this.kind, ring, buffer.bytes, this.tableBytes);
			if (count < 0) throw this.broken(count);
			const {table} = buffer;
			dropped += table[ringTable.lost] ?? 0;
			bytes += table[ringTable.taken] ?? 0;
			if (count > 0) {
				const facts = {count, lost: lostOf(dropped), cpu};
				return {batch: new EventBatch(buffer, facts, this.code), dropped, bytes};
			}

			if (table[ringTable.more] !== 1) return {batch: undefined, dropped, bytes};
			this.grow(table[ringTable.needed] ?? 0);
		}
	}

	/** A longer buffer where a record needs it; none where emptying it was enough. */
	private grow(needed: number): void {
		if (needed <= this.buffer.bytes.length) return;
		this.buffer = bufferOf(Math.min(needed * 2, Math.max(this.limit, needed)));
		this.tableBytes = new Uint8Array(this.buffer.table.buffer);
	}

	private broken(result: number): MapError {
		const detail =
			result === -EBADMSG
				? 'its pages make no sense: somebody else has written to them'
				: `error ${result}`;
		return new MapError('read events of', this.name, detail, {errno: -result});
	}
}

function bufferOf(size: number): EventBuffer {
	const bytes = new Uint8Array(size);
	const records = Math.max(1, Math.ceil(size / smallestRecord));
	return {bytes, view: viewOf(bytes), table: new Uint32Array(ringTable.first + 2 * records)};
}
