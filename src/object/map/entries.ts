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

	/** `batch`, `walk` where the kernel has no batches for this map, `program` where it is fast. */
	get method(): 'batch' | 'walk' | 'program' {
		return this.status.method;
	}

	/** Reads the map from its beginning. */
	[Symbol.iterator](): Iterator<T, undefined, undefined> {
		this.status = new ScanStatus();
		return this.iterate(scan(this.target, this.options, this.status));
	}

	/** The same off the event loop: the kernel is asked on the thread pool. */
	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
		this.status = new ScanStatus();
		// Between two batches only is the event loop free: what decodes takes more time than what reads.
		const options = {batchSize: 1024, ...this.options};
		for await (const batch of scanAsync(this.target, options, this.status)) {
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
