import {setImmediate} from 'node:timers/promises';

import {UsageError} from '../../base/errors.js';
import type {Poller} from '../../kernel/sys/poller.js';
import type {EventBatch} from './event-batch.js';

/** How events are read. */
export interface ReaderOptions {
	/** Closes the reader. */
	readonly signal?: AbortSignal;
	/** Bytes read at a time: 256 KB, or the whole ring where that is less, unless given. */
	readonly bufferSize?: number;
}

/** What a reader has seen so far. */
export interface ReaderStats {
	/** Events read. */
	readonly events: number;
	/** Bytes taken out of the ring, with what the kernel puts around events. */
	readonly bytes: number;
	readonly batches: number;
	/** Events that programs reserved and then gave up. */
	readonly discarded: number;
	/** Events that found the ring full, as far as somebody counts them. */
	readonly lost: number;
}

// What runs longer without a turn of the event loop makes timers late.
const longestTurn = 5;

/**
 * Reads the events that programs send, in batches.
 *
 * `for await (const batch of reader)` waits for events and ends when the reader is closed, by
 * `close()` or its signal; leaving the loop leaves the reader open, and nothing is lost that the ring
 * has room for. One loop at a time: the next batch overwrites the one before.
 */
export abstract class EventReader<T> implements AsyncIterable<EventBatch<T>>, Disposable {
	protected readonly counts = {events: 0, bytes: 0, batches: 0, discarded: 0, lost: 0};
	private readonly what: string;
	private readonly poller: Poller;
	private readonly signal: AbortSignal | undefined;
	private readonly onAbort = (): void => this.close();
	private isClosed = false;
	private isIterated = false;
	private lastTurn = 0;
	private failure: {readonly error: unknown} | undefined;

	protected constructor(what: string, poller: Poller, signal: AbortSignal | undefined) {
		this.what = what;
		this.poller = poller;
		this.signal = signal;
	}

	get closed(): boolean {
		return this.isClosed;
	}

	get stats(): ReaderStats {
		return {...this.counts};
	}

	/** The events that are there now, without waiting; undefined when there are none. */
	read(): EventBatch<T> | undefined {
		if (this.isClosed) throw new UsageError(`read ${this.what}: the reader is closed`);
		return this.next();
	}

	/** Calls back with each batch, and waits for what that returns, until the reader is closed. */
	async each(callback: (batch: EventBatch<T>) => unknown): Promise<void> {
		for await (const batch of this) await callback(batch);
	}

	/** Batches as they come, until the reader is closed. */
	async *[Symbol.asyncIterator](): AsyncGenerator<EventBatch<T>, void, undefined> {
		if (this.isIterated) {
			throw new UsageError(`read ${this.what}: somebody is reading it already`);
		}

		this.isIterated = true;
		try {
			while (!this.isClosed) {
				if (this.failure !== undefined) throw this.failure.error;
				const batch = this.next();
				if (batch === undefined) {
					await this.wait();
					this.lastTurn = performance.now();
					continue;
				}

				yield batch;
				await this.turn();
			}
		} finally {
			this.isIterated = false;
			this.poller.stop();
		}
	}

	/** Stops reading; a loop ends. What is in the ring stays there. */
	close(): void {
		if (this.isClosed) return;
		this.isClosed = true;
		this.signal?.removeEventListener('abort', this.onAbort);
		this.poller.close();
		this.release();
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}

	/** For the end of a constructor: from now on `close` may be called. */
	protected obeySignal(): void {
		if (this.signal?.aborted === true) this.close();
		else this.signal?.addEventListener('abort', this.onAbort);
	}

	/** Until there may be events, or the reader is closed. */
	protected async wait(): Promise<void> {
		return this.poller.wait();
	}

	/** Lets the loop that reads end with an error. */
	protected fail(error: unknown): void {
		this.failure = {error};
		this.poller.stop();
	}

	/** The events that are there now. */
	protected abstract next(): EventBatch<T> | undefined;

	/** Gives back what is read from. */
	protected abstract release(): void;

	/** Events that come without end must not keep everything else waiting. */
	private async turn(): Promise<void> {
		if (performance.now() - this.lastTurn < longestTurn) return;
		await setImmediate();
		this.lastTurn = performance.now();
	}
}
