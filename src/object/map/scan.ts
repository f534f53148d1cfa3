/**
 * Reads all elements of a map while it changes, in batches where the kernel has them.
 *
 * What it promises: an element that is there from start to end is read once. One that comes or goes
 * meanwhile may be read or not. It always ends, and `complete` says whether it saw the whole map.
 */

import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {Turns} from '../../base/turns.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {
	mapBatch,
	mapBatchAsync,
	tryMapCreate,
	tryMapCreateAsync,
	type BatchRequest,
	type BatchResult,
} from '../../kernel/sys/map.js';
import {programTestRun, programTestRunAsync} from '../../kernel/sys/program.js';
import {
	fastSteps,
	type CreateCall,
	type FastAnswer,
	type FastOptions,
	type FastSource,
	type RunCall,
} from './fast-scan.js';
import {elementError} from './map-error.js';
import {TrieOrder} from './trie-order.js';
import {mostSteps, walkKeys} from './walk.js';

const {EINVAL, ENOENT, ENOSPC, EOPNOTSUPP, EINTR} = constants.errno;

/** Some elements, one after the other; overwritten by the next batch. */
export interface Batch {
	readonly count: number;
	readonly keys: Uint8Array;
	/** Each `valueStride` bytes. */
	readonly values: Uint8Array;
	/** Bytes from one key to the next: those of a key, or more where `consistency` is `fast`. */
	readonly keySize: number;
	/** Bytes from one value to the next. */
	readonly valueStride: number;
}

/** How a map is read. */
export interface ScanOptions extends FastOptions {
	/** Elements per batch, 4096 unless given; grows by itself where the map needs more at once. */
	readonly batchSize?: number;
	/** Removes what it reads. *Kernel:* 5.6, hash maps. */
	readonly drain?: boolean;
	/**
	 * `locked`, unless given: the kernel's batches, which lock a bucket while they copy it. `fast`:
	 * see `FastOptions`.
	 */
	readonly consistency?: 'locked' | 'fast';
}

/** What a scan needs to know of its map. */
export interface ScanTarget {
	readonly fd: number;
	readonly name: string;
	readonly keySize: number;
	readonly valueStride: number;
	readonly maxEntries: number;
	/** What a program needs to know to walk the map; without it, nothing is read fast. */
	readonly fast?: FastSource;
}

interface BatchCall {
	readonly command: 'map_lookup_batch' | 'map_lookup_and_delete_batch';
	readonly request: BatchRequest;
}

/** How a scan went, as far as it has gone. */
export class ScanStatus {
	/** True once every element was reached; false when it ended early or is under way. */
	complete = false;
	/** `batch`, `walk` key by key where the map has no batches, `program` where it was asked for. */
	method: 'batch' | 'walk' | 'program' = 'batch';
}

type Steps = Generator<BatchCall | RunCall | CreateCall | Batch, void, BatchResult | FastAnswer>;

// Whole buckets are read at once, so a batch has to hold the fullest.
const maxBatch = 1 << 24;
const defaultBatch = 4096;

/**
 * The steps of a scan: yields each batch call to be made and takes its result, yields each filled
 * batch and takes nothing. One text serves the synchronous and the asynchronous form.
 */
function* steps(target: ScanTarget, options: ScanOptions, status: ScanStatus): Steps {
	checkOptions(target, options);
	if (options.consistency === 'fast') {
		status.method = 'program';
		yield* fastSteps(target, options, status);
		return;
	}

	const {fd, keySize, valueStride} = target;
	const command = options.drain === true ? 'map_lookup_and_delete_batch' : 'map_lookup_batch';
	const cursorSize = Math.max(keySize, 4);
	let capacity = Math.max(1, Math.min(options.batchSize ?? defaultBatch, target.maxEntries));
	let keys = new Uint8Array(capacity * keySize);
	let values = new Uint8Array(capacity * valueStride);
	let position: Uint8Array | null = null;
	let spare: Uint8Array = new Uint8Array(cursorSize);
	const trie = target.fast?.info.type === 'lpm_trie' ? new TrieOrder(keySize) : undefined;

	for (let left = trie === undefined ? Infinity : mostSteps(target); left > 0;) {
		const request: BatchRequest = {
			fd,
			inCursor: position,
			outCursor: spare,
			keys,
			values,
			count: capacity,
			elementFlags: 0,
		};
		const result = yield {command, request};
		if (typeof result !== 'object' || !('errno' in result)) return;
		const {errno, count} = result;
		if (errno === EINTR) continue;
		if (errno === ENOSPC && capacity < maxBatch) {
			// A bucket is larger than the buffer; the position has not moved.
			capacity *= 2;
			keys = new Uint8Array(capacity * keySize);
			values = new Uint8Array(capacity * valueStride);
			continue;
		}

		if (errno !== 0 && errno !== ENOENT) {
			if (position === null && isUnsupported(errno)) {
				status.method = 'walk';
				for (const batch of walkBatches(target, options, status)) yield batch;
				return;
			}

			throw elementError('read', target.name, errno);
		}

		left -= count;
		const fresh = trie?.keepNew(keys, values, valueStride, count) ?? count;
		// The kernel sets the count to 0 when a map is empty.
		if (fresh > 0) yield {count: fresh, keys, values, keySize, valueStride};
		if (errno === ENOENT) {
			status.complete = true;
			return;
		}

		[position, spare] = [spare, position ?? new Uint8Array(cursorSize)];
	}
}

function isUnsupported(errno: number): boolean {
	return errno === EINVAL || errno === ENOTSUPP || errno === EOPNOTSUPP;
}

function* walkBatches(
	target: ScanTarget,
	options: ScanOptions,
	status: ScanStatus,
): Generator<Batch, void, undefined> {
	if (options.drain === true) throw elementError('drain', target.name, EOPNOTSUPP);
	const {keySize, valueStride} = target;
	for (const {key, value} of walkKeys(target, status)) {
		yield {count: 1, keys: key, values: value, keySize, valueStride};
	}
}

function checkOptions({name}: ScanTarget, options: ScanOptions): void {
	const {consistency, drain, filter, memoryLimit} = options;
	if (consistency === 'fast') {
		if (drain !== true) return;
		throw new UsageError(`read map "${name}": what is read fast cannot be removed`);
	}

	if (filter === undefined && memoryLimit === undefined) return;
	const option = filter === undefined ? 'memoryLimit' : 'filter';
	throw new UsageError(`read map "${name}": ${option} is for consistency 'fast'`);
}

/** All elements, batch by batch. *Throws:* `ERR_MAP`. */
export function* scan(
	target: ScanTarget,
	options: ScanOptions,
	status: ScanStatus,
): Generator<Batch, void, undefined> {
	const each = steps(target, options, status);
	try {
		for (let step = each.next(); step.done !== true;) {
			if ('request' in step.value) {
				step = each.next(mapBatch(step.value.command, step.value.request));
			} else if ('run' in step.value) {
				step = each.next(programTestRun(step.value.run));
			} else if ('create' in step.value) {
				step = each.next(tryMapCreate(step.value.create));
			} else {
				yield step.value;
				step = each.next();
			}
		}
	} finally {
		each.return();
	}
}

// The kernel yields a CPU to nobody in the middle of a batch, and what it reads is copied here
// between two turns of the event loop: this many take a few milliseconds.
const longestAsync = 8192;

/**
 * All elements, batch by batch, read on the thread pool; a larger `batchSize` than 8192 is cut to
 * that, for the event loop's sake. *Throws:* `ERR_MAP`.
 */
export async function* scanAsync(
	target: ScanTarget,
	options: ScanOptions,
	status: ScanStatus,
): AsyncGenerator<Batch, void, undefined> {
	const batchSize = Math.min(options.batchSize ?? defaultBatch, longestAsync);
	const each = steps(target, {...options, batchSize}, status);
	const turns = new Turns();
	try {
		for (let step = each.next(); step.done !== true;) {
			if ('request' in step.value) {
				step = each.next(await mapBatchAsync(step.value.command, step.value.request));
				turns.restart();
			} else if ('run' in step.value) {
				step = each.next(await programTestRunAsync(step.value.run));
				turns.restart();
			} else if ('create' in step.value) {
				step = each.next(await tryMapCreateAsync(step.value.create));
				turns.restart();
			} else {
				yield step.value;
				// One run of a program gives many batches.
				if (turns.hasLasted()) await turns.next();

				step = each.next();
			}
		}
	} finally {
		each.return();
	}
}
