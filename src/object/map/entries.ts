import {viewOf} from '../../base/bytes.js';
import type {Codec, Cursor} from '../../format/codec/codec.js';
import {ownCopy} from '../../format/codec/own-copy.js';
import {
	scan,
	scanAsync,
	ScanStatus,
	type Batch,
	type ScanOptions,
	type ScanTarget,
} from './scan.js';

/** Opens a batch: the result reads its element `index`. */
export type BatchReader<T> = (batch: Batch) => (index: number) => T;

/** Goes over the elements of batches, which it ends when it is ended early. */
export type ElementIterator<T> = (
	batches: Iterator<Batch, void>,
) => Iterator<T, undefined, undefined>;

/**
 * The elements of a map, read while it is iterated over. Each iteration reads anew; afterwards
 * `complete` says whether the last one reached every element.
 */
export class Entries<T> implements Iterable<T>, AsyncIterable<T> {
	private readonly target: ScanTarget;
	private readonly options: ScanOptions;
	private readonly iterate: ElementIterator<T>;
	private status = new ScanStatus();

	constructor(target: ScanTarget, options: ScanOptions, iterate: ElementIterator<T>) {
		this.target = target;
		this.options = options;
		this.iterate = iterate;
	}

	/** False before the end, after `break`, and where the map changed faster than it can be read. */
	get complete(): boolean {
		return this.status.complete;
	}

	/** `batch`, or `walk` where the kernel has no batches for this map. */
	get method(): 'batch' | 'walk' {
		return this.status.method;
	}

	[Symbol.iterator](): Iterator<T, undefined, undefined> {
		this.status = new ScanStatus();
		return this.iterate(scan(this.target, this.options, this.status));
	}

	/** The same off the event loop: the kernel is asked on the thread pool. */
	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
		this.status = new ScanStatus();
		for await (const batch of scanAsync(this.target, this.options, this.status)) {
			const elements = this.iterate([batch].values() as Iterator<Batch, void>);
			for (let step = elements.next(); step.done !== true; step = elements.next()) {
				yield step.value;
			}
		}
	}
}

/** Reads the elements of each batch; where `read` takes several at a time, `group` says how many. */
export function batchIterator<T>(read: BatchReader<T>, group = 1): ElementIterator<T> {
	return batches => new BatchIterator(batches, read, group);
}

/** Written by hand: a generator inside a generator costs as much as decoding an element. */
class BatchIterator<T> implements Iterator<T, undefined, undefined> {
	private readonly batches: Iterator<Batch, void>;
	private readonly read: BatchReader<T>;
	private readonly group: number;
	private element: ((index: number) => T) | undefined;
	private index = 0;
	private count = 0;

	constructor(batches: Iterator<Batch, void>, read: BatchReader<T>, group: number) {
		this.batches = batches;
		this.read = read;
		this.group = group;
	}

	next(): IteratorResult<T, undefined> {
		if (this.index >= this.count && !this.nextBatch()) return {done: true, value: undefined};
		return {done: false, value: (this.element as (index: number) => T)(this.index++)};
	}

	return(): IteratorResult<T, undefined> {
		this.batches.return?.();
		return {done: true, value: undefined};
	}

	private nextBatch(): boolean {
		const step = this.batches.next();
		if (step.done === true) return false;
		this.element = this.read(step.value);
		this.index = 0;
		this.count = Math.ceil(step.value.count / this.group);
		return true;
	}
}

/** Reads whole elements: a new pair of decoded key and value each. */
export function pairIterator<K, V>(key: Codec<K>, value: Codec<V>): ElementIterator<[K, V]> {
	const PairIterator = ownCopy(makePairIterator<K, V>, key.decode, value.decode, viewOf);
	return batches => new PairIterator(batches);
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
	decodeKey: (view: DataView, offset: number) => K,
	decodeValue: (view: DataView, offset: number) => V,
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

/** One class for each map: shared by many maps, it would take twice the time. */
function makePairIterator<K, V>(
	decodeKey: (view: DataView, offset: number) => K,
	decodeValue: (view: DataView, offset: number) => V,
	view: (bytes: Uint8Array) => DataView,
) {
	return class PairIterator implements Iterator<[K, V], undefined, undefined> {
		private readonly batches: Iterator<Batch, void>;
		private keys: DataView | undefined;
		private values: DataView | undefined;
		private keySize = 0;
		private valueStride = 0;
		private index = 0;
		private count = 0;

		constructor(batches: Iterator<Batch, void>) {
			this.batches = batches;
		}

		next(): IteratorResult<[K, V], undefined> {
			if (this.index >= this.count && !this.nextBatch()) {
				return {done: true, value: undefined};
			}

			const i = this.index++;
			const key = decodeKey(this.keys as DataView, i * this.keySize);
			return {
				done: false,
				value: [key, decodeValue(this.values as DataView, i * this.valueStride)],
			};
		}

		return(): IteratorResult<[K, V], undefined> {
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
export function keyReader<K>(key: Codec<K>): BatchReader<K> {
	return ({keys, keySize}) => {
		const view = viewOf(keys);
		return i => key.decode(view, i * keySize);
	};
}

/** Reads values only. */
export function valueReader<V>(value: Codec<V>): BatchReader<V> {
	return ({values, valueStride}) => {
		const view = viewOf(values);
		return i => value.decode(view, i * valueStride);
	};
}

/** The element a cursor stands on. Its fields are read when they are asked for. */
export interface Entry<K, V> {
	readonly key: K;
	readonly value: V;
}

/** Moves one and the same object from element to element. */
export function cursorReader<K, V>(key: Codec<K>, value: Codec<V>): BatchReader<Entry<K, V>> {
	const keyCursor = key.cursor();
	const valueCursor = value.cursor();
	const entry = Object.defineProperties(
		{},
		{
			key: cursorProperty(keyCursor),
			value: cursorProperty(valueCursor),
		},
	) as Entry<K, V>;
	return ({keys, values, keySize, valueStride}) => {
		const keyView = viewOf(keys);
		const valueView = viewOf(values);
		return i => {
			keyCursor.move(keyView, i * keySize);
			valueCursor.move(valueView, i * valueStride);
			return entry;
		};
	};
}

/** An object that always is the same one stands as itself: a getter costs as much as the step. */
function cursorProperty<T>(cursor: Cursor<T>): PropertyDescriptor {
	if (cursor.fixed === true) return {value: cursor.value, enumerable: true};
	return {get: () => cursor.value, enumerable: true};
}
