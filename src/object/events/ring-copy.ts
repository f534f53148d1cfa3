import {constants} from 'node:os';

import type {Codec, Cursor} from '../../format/codec/codec.js';
import type {MappedNumber} from '../../kernel/sys/memory.js';
import {ringRead, ringTable} from '../../kernel/sys/ring.js';
import {MapError} from '../map/map-error.js';
import {EventBatch, type EventCodec} from './event-batch.js';

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
	private readonly codec: EventCodec<T>;
	private readonly cursor: Cursor<T> | undefined;
	private bytes: Uint8Array;
	private table: Uint32Array;
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
		this.codec = codec as EventCodec<T>;
		this.cursor = this.codec?.cursor();
		this.bytes = new Uint8Array(Math.min(Math.max(size, 64), ringSize));
		this.table = tableFor(this.bytes.length);
		this.tableBytes = new Uint8Array(this.table.buffer);
	}

	/**
	 * `lostOf` says what to call lost, given how many were dropped. *Throws:* `ERR_MAP` when the ring
	 * makes no sense.
	 */
	read(ring: MappedNumber, lostOf: (dropped: number) => number, cpu?: number): RingBatch<T> {
		for (let dropped = 0, bytes = 0; ;) {
			const count = ringRead(this.kind, ring, this.bytes, this.tableBytes);
			if (count < 0) throw this.broken(count);
			const {table} = this;
			dropped += table[ringTable.lost] ?? 0;
			bytes += table[ringTable.taken] ?? 0;
			if (count > 0) {
				const facts = {count, lost: lostOf(dropped), cpu};
				const buffer = {bytes: this.bytes, table};
				const batch = new EventBatch(buffer, facts, this.codec, this.cursor);
				return {batch, dropped, bytes};
			}

			if (table[ringTable.more] !== 1) return {batch: undefined, dropped, bytes};
			this.grow(table[ringTable.needed] ?? 0);
		}
	}

	/** A longer buffer where a record needs it; none where emptying it was enough. */
	private grow(needed: number): void {
		if (needed <= this.bytes.length) return;
		this.bytes = new Uint8Array(Math.min(needed * 2, Math.max(this.limit, needed)));
		this.table = tableFor(this.bytes.length);
		this.tableBytes = new Uint8Array(this.table.buffer);
	}

	private broken(result: number): MapError {
		const detail =
			result === -EBADMSG
				? 'its pages make no sense: somebody else has written to them'
				: `error ${result}`;
		return new MapError('read events of', this.name, detail, {errno: -result});
	}
}

function tableFor(size: number): Uint32Array {
	return new Uint32Array(ringTable.first + 2 * Math.max(1, Math.ceil(size / smallestRecord)));
}
