/** The ways to go over the events of batches, each with code of its own for a reader. */

import {CodecError} from '../../format/codec/codec-error.js';
import type {Codec, Cursor} from '../../format/codec/codec.js';
import {ownCopy} from '../../format/codec/own-copy.js';
import {ringTable} from '../../kernel/sys/ring.js';

/** Where the records of a batch lie. */
export interface EventBuffer {
	readonly bytes: Uint8Array;
	/** Of `bytes`. */
	readonly view: DataView;
	/** See `ringTable`. */
	readonly table: Uint32Array;
}

/** Goes over the first `count` events. */
type Walk<T> = (buffer: EventBuffer, count: number) => IterableIterator<T>;

/** What reads the events of one type. */
export interface EventCode<T> {
	/** Bytes that an event has at least. */
	readonly size: number;
	/** An event as an object of its own. */
	readonly get: (buffer: EventBuffer, index: number, count: number) => T;
	/** The object that moves, on an event. */
	readonly at: (buffer: EventBuffer, index: number, count: number) => T;
	readonly objects: Walk<T>;
	readonly cursor: Walk<T>;
}

type ReadEvent<S, T> = (state: S, buffer: EventBuffer, entry: number) => T;

/** Code for events of a codec, or for bytes where there is none. */
export function eventCode<T>(codec: Codec<T> | undefined): EventCode<T> {
	if (codec === undefined) return plainCode() as EventCode<unknown> as EventCode<T>;
	const {size} = codec;
	const decode = ownCopy(makeDecode<T>, codec.decode);
	const move = ownCopy(makeMove<T>);
	return codeOf(size, {state: undefined, read: decode}, {state: codec.cursor(), read: move});
}

function plainCode(): EventCode<Uint8Array> {
	const view = (_: undefined, {bytes, table}: EventBuffer, entry: number): Uint8Array => {
		const offset = table[entry] ?? 0;
		return bytes.subarray(offset, offset + (table[entry + 1] ?? 0));
	};
	const copy = (_: undefined, buffer: EventBuffer, entry: number): Uint8Array =>
		view(_, buffer, entry).slice();
	return codeOf(0, {state: undefined, read: copy}, {state: undefined, read: view});
}

interface Reading<S, T> {
	readonly state: S;
	readonly read: ReadEvent<S, T>;
}

function codeOf<T, S1, S2>(
	size: number,
	objects: Reading<S1, T>,
	cursor: Reading<S2, T>,
): EventCode<T> {
	const make = <S>({state, read}: Reading<S, T>) => ({
		pick: ownCopy(makePick<S, T>, state, read, ringTable.first, size, refuse),
		walk: ownCopy(makeWalk<S, T>, state, read, ringTable.first, size, refuse),
	});
	const {pick: get, walk: walkObjects} = make(objects);
	const {pick: at, walk: walkCursor} = make(cursor);
	return {size, get, at, objects: walkObjects, cursor: walkCursor};
}

function makeDecode<T>(decode: Codec<T>['decode']): ReadEvent<undefined, T> {
	return (_, {view, table}, entry) => decode(view, table[entry] as number);
}

function makeMove<T>(): ReadEvent<Cursor<T>, T> {
	return (cursor, {view, table}, entry) => {
		cursor.move(view, table[entry] as number);
		return cursor.value;
	};
}

function makePick<S, T>(
	state: S,
	read: ReadEvent<S, T>,
	first: number,
	size: number,
	refuseIt: typeof refuse,
): EventCode<T>['get'] {
	return (buffer, index, count) => {
		const entry = first + index * 2;
		const isIndex = index >>> 0 === index && index < count;
		if (!isIndex || (buffer.table[entry + 1] as number) < size) {
			refuseIt(buffer, index, count, size);
		}

		return read(state, buffer, entry);
	};
}

function makeWalk<S, T>(
	state: S,
	read: ReadEvent<S, T>,
	first: number,
	size: number,
	refuseIt: typeof refuse,
): Walk<T> {
	class Events implements IterableIterator<T> {
		private entry = first;
		private readonly end: number;
		private readonly buffer: EventBuffer;
		private readonly table: Uint32Array;

		constructor(buffer: EventBuffer, count: number) {
			this.buffer = buffer;
			this.table = buffer.table;
			this.end = first + count * 2;
		}

		next(): IteratorResult<T, undefined> {
			const {entry, end} = this;
			// Made in one place, V8 need not make it at all.
			const done = entry >= end;
			let value;
			if (!done) {
				this.entry = entry + 2;
				if ((this.table[entry + 1] as number) < size) {
					refuseIt(this.buffer, (entry - first) / 2, (end - first) / 2, size);
				}

				value = read(state, this.buffer, entry);
			}

			return {done, value} as IteratorResult<T, undefined>;
		}

		[Symbol.iterator](): this {
			return this;
		}
	}

	return (buffer, count) => new Events(buffer, count);
}

/** Says why there is no such event. */
export function refuse({table}: EventBuffer, index: number, count: number, size: number): never {
	if (index >>> 0 !== index || index >= count) {
		throw new RangeError(`the batch has ${count} events, not index ${index}`);
	}

	const length = table[ringTable.first + 1 + index * 2] ?? 0;
	throw new CodecError('read', 'event', `it has ${length} bytes, its type ${size}`);
}
