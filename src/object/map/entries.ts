import type {Codec, Cursor} from '../../format/codec/codec.js';
import {viewOf} from '../../base/bytes.js';
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

/**
 * The elements of a map, read while it is iterated over. Each iteration reads anew; afterwards
 * `complete` says whether the last one reached every element.
 */
export class Entries<T> implements Iterable<T>, AsyncIterable<T> {
	private readonly target: ScanTarget;
	private readonly options: ScanOptions;
	private readonly read: BatchReader<T>;
	private readonly group: number;
	private status = new ScanStatus();

	/** Where `read` takes several elements at a time, `group` says how many. */
	constructor(target: ScanTarget, options: ScanOptions, read: BatchReader<T>, group = 1) {
		this.target = target;
		this.options = options;
		this.read = read;
		this.group = group;
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
		const batches = scan(this.target, this.options, this.status);
		return new ElementIterator(batches, this.read, this.group);
	}

	/** The same off the event loop: the kernel is asked on the thread pool. */
	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
		this.status = new ScanStatus();
		for await (const batch of scanAsync(this.target, this.options, this.status)) {
			const element = this.read(batch);
			const count = Math.ceil(batch.count / this.group);
			for (let i = 0; i < count; i++) yield element(i);
		}
	}
}

/** Written by hand: a generator inside a generator costs as much as decoding an element. */
class ElementIterator<T> implements Iterator<T, undefined, undefined> {
	private readonly batches: Generator<Batch, void, undefined>;
	private readonly read: BatchReader<T>;
	private readonly group: number;
	private element: ((index: number) => T) | undefined;
	private index = 0;
	private count = 0;

	constructor(batches: Generator<Batch, void, undefined>, read: BatchReader<T>, group: number) {
		this.batches = batches;
		this.read = read;
		this.group = group;
	}

	next(): IteratorResult<T, undefined> {
		if (this.index >= this.count && !this.nextBatch()) return {done: true, value: undefined};
		return {done: false, value: (this.element as (index: number) => T)(this.index++)};
	}

	return(): IteratorResult<T, undefined> {
		this.batches.return();
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
export function pairReader<K, V>(key: Codec<K>, value: Codec<V>): BatchReader<[K, V]> {
	return ({keys, values, keySize, valueStride}) => {
		const keyView = viewOf(keys);
		const valueView = viewOf(values);
		return i => [key.decode(keyView, i * keySize), value.decode(valueView, i * valueStride)];
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
