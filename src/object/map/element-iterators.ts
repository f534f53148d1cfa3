/** The ways to go over decoded elements, each with code of its own for a map. */

import {viewOf} from '../../base/bytes.js';
import type {Codec, Cursor} from '../../format/codec/codec.js';
import {ownCopy} from '../../format/codec/own-copy.js';
import type {ElementIterator} from './entries.js';
import type {Batch} from './scan.js';

/** Reads an element: what `state` is says who makes the iterator. */
type ElementReader<S, T> = (
	state: S,
	keys: DataView,
	keyAt: number,
	values: DataView,
	valueAt: number,
) => T;

/** One class for each map and way to read it: shared by many, it would take twice the time. */
function makeIterator<S, T>(
	read: ElementReader<S, T>,
	view: (bytes: Uint8Array) => DataView,
): new (batches: Iterator<Batch, void>, state: S) => Iterator<T, undefined, undefined> {
	return class ElementIterator implements Iterator<T, undefined, undefined> {
		private readonly batches: Iterator<Batch, void>;
		private readonly state: S;
		private keys: DataView | undefined;
		private values: DataView | undefined;
		private keySize = 0;
		private valueStride = 0;
		private index = 0;
		private count = 0;

		constructor(batches: Iterator<Batch, void>, state: S) {
			this.batches = batches;
			this.state = state;
		}

		next(): IteratorResult<T, undefined> {
			// Made in one place, V8 need not make it at all.
			const done = this.index >= this.count && !this.nextBatch();
			let value;
			if (!done) {
				const i = this.index++;
				const keys = this.keys as DataView;
				const values = this.values as DataView;
				const keyAt = i * this.keySize;
				value = read(this.state, keys, keyAt, values, i * this.valueStride);
			}

			return {done, value} as IteratorResult<T, undefined>;
		}

		return(): IteratorResult<T, undefined> {
			this.batches.return?.();
			return {done: true, value: undefined};
		}

		private nextBatch(): boolean {
			const step = this.batches.next();
			if (step.done === true) return false;
			const batch = step.value;
			this.keys = view(batch.keys);
			this.values = view(batch.values);
			this.keySize = batch.keySize;
			this.valueStride = batch.valueStride;
			this.index = 0;
			this.count = batch.count;
			return true;
		}
	};
}

/** Reads keys only. */
export function keyIterator<K>(key: Codec<K>): ElementIterator<K> {
	const Keys = ownCopy(makeIterator<undefined, K>, ownCopy(makeKey<K>, key.decode), viewOf);
	return batches => new Keys(batches, undefined);
}

function makeKey<K>(decode: Codec<K>['decode']): ElementReader<undefined, K> {
	return (_, keys, keyAt) => decode(keys, keyAt);
}

/** Reads values only. */
export function valueIterator<V>(value: Codec<V>): ElementIterator<V> {
	const read = ownCopy(makeValue<V>, value.decode);
	const Values = ownCopy(makeIterator<undefined, V>, read, viewOf);
	return batches => new Values(batches, undefined);
}

function makeValue<V>(decode: Codec<V>['decode']): ElementReader<undefined, V> {
	return (_, _keys, _keyAt, values, valueAt) => decode(values, valueAt);
}

/** Reads whole elements: a new pair of decoded key and value each. */
export function pairIterator<K, V>(key: Codec<K>, value: Codec<V>): ElementIterator<[K, V]> {
	const read = ownCopy(makePair<K, V>, key.decode, value.decode);
	const Pairs = ownCopy(makeIterator<undefined, [K, V]>, read, viewOf);
	return batches => new Pairs(batches, undefined);
}

function makePair<K, V>(
	decodeKey: Codec<K>['decode'],
	decodeValue: Codec<V>['decode'],
): ElementReader<undefined, [K, V]> {
	return (_, keys, keyAt, values, valueAt) => [
		decodeKey(keys, keyAt),
		decodeValue(values, valueAt),
	];
}

/** The element a cursor stands on. Its fields are read when they are asked for. */
export interface Entry<K, V> {
	readonly key: K;
	readonly value: V;
}

interface EntryCursor<K, V> {
	readonly key: Cursor<K>;
	readonly value: Cursor<V>;
	readonly entry: Entry<K, V>;
}

/** Moves one and the same object from element to element, another one for each iteration. */
export function cursorIterator<K, V>(key: Codec<K>, value: Codec<V>): ElementIterator<Entry<K, V>> {
	const Entries = ownCopy(
		makeIterator<EntryCursor<K, V>, Entry<K, V>>,
		ownCopy(makeMove<K, V>),
		viewOf,
	);
	return batches => new Entries(batches, entryCursor(key.cursor(), value.cursor()));
}

function makeMove<K, V>(): ElementReader<EntryCursor<K, V>, Entry<K, V>> {
	return ({key, value, entry}, keys, keyAt, values, valueAt) => {
		key.move(keys, keyAt);
		value.move(values, valueAt);
		return entry;
	};
}

function entryCursor<K, V>(key: Cursor<K>, value: Cursor<V>): EntryCursor<K, V> {
	const entry = Object.defineProperties(
		{},
		{key: cursorProperty(key), value: cursorProperty(value)},
	) as Entry<K, V>;
	return {key, value, entry};
}

/** An object that always is the same one stands as itself: a getter costs as much as the step. */
function cursorProperty<T>(cursor: Cursor<T>): PropertyDescriptor {
	if (cursor.fixed === true) return {value: cursor.value, enumerable: true};
	return {get: () => cursor.value, enumerable: true};
}

/** Hands the elements of batches to a function, decoded. */
export type ElementCaller<K, V> = (
	batches: Iterable<Batch>,
	callback: (value: V, key: K) => void,
) => void;

/** Calls a function with each decoded value and key: no pair is made and no iterator asked. */
export function pairCaller<K, V>(key: Codec<K>, value: Codec<V>): ElementCaller<K, V> {
	return ownCopy(makePairCaller<K, V>, key.decode, value.decode, viewOf);
}

function makePairCaller<K, V>(
	decodeKey: Codec<K>['decode'],
	decodeValue: Codec<V>['decode'],
	view: (bytes: Uint8Array) => DataView,
): ElementCaller<K, V> {
	return (batches, callback) => {
		for (const batch of batches) {
			const keys = view(batch.keys);
			const values = view(batch.values);
			const {count, keySize, valueStride} = batch;
			for (let i = 0; i < count; i++) {
				callback(decodeValue(values, i * valueStride), decodeKey(keys, i * keySize));
			}
		}
	};
}
