/** Tells what changes in a map, by looking at all of it again and again. */

import {setTimeout as sleep} from 'node:timers/promises';

import {viewOf} from '../../base/bytes.js';
import {ByteTable} from './byte-table.js';
import {MapError} from './map-error.js';
import {isIterable} from './map-info.js';
import type {BpfMap} from './map.js';
import {scanAsync, ScanStatus} from './scan.js';

/** What became of one element between two looks. */
export interface MapChange<K = unknown, V = unknown> {
	readonly kind: 'added' | 'changed' | 'deleted';
	readonly key: K;
	/** As it is now; of a deleted element, as it was seen last. */
	readonly value: V;
	/** As it was before a change. */
	readonly before?: V;
}

/** How a map is watched. */
export interface WatchOptions {
	/** Milliseconds between two looks; 1000 unless given. */
	readonly interval?: number;
	/** Begins with the elements that are there, as added. */
	readonly initial?: boolean;
	/** Ends it, without an error. */
	readonly signal?: AbortSignal;
}

/**
 * Yields what was added, changed and deleted since the look before, until it is told to stop.
 *
 * What comes and goes between two looks is not seen. It holds a copy of all elements, and reads on
 * the thread pool. *Throws:* `ERR_MAP`.
 */
export async function* watchMap<K, V>(
	map: BpfMap<K, V>,
	options: WatchOptions = {},
): AsyncGenerator<MapChange<K, V>, void, undefined> {
	const {interval = 1000, initial = false, signal} = options;
	const {raw, info, keyCodec, valueCodec} = map;
	if (!isIterable(info.type)) {
		throw new MapError('watch', map.name, `the kernel cannot list a map of type ${info.type}`);
	}

	const {keySize, valueSize: valueStride} = raw;
	const seen = new ByteTable(keySize, valueStride);
	const target = {fd: map.fd, name: map.name, keySize, valueStride, maxEntries: info.maxEntries};
	for (let round = 1; signal?.aborted !== true; round++) {
		const status = new ScanStatus();
		for await (const {count, keys, values} of scanAsync(target, {}, status)) {
			const [keyView, valueView] = [viewOf(keys), viewOf(values)];
			for (let i = 0; i < count; i++) {
				const [keyAt, valueAt] = [i * keySize, i * valueStride];
				const entry = seen.find(keys, keyAt);
				if (entry >= 0 && seen.hasValue(entry, values, valueAt)) {
					seen.mark(entry, round);
					continue;
				}

				const old = entry < 0 ? undefined : valueCodec.decode(viewOf(seen.value(entry)), 0);
				seen.set(keys, keyAt, values, valueAt, round);
				const key = keyCodec.decode(keyView, keyAt);
				const value = valueCodec.decode(valueView, valueAt);
				if (old !== undefined) yield {kind: 'changed', key, value, before: old};
				else if (round > 1 || initial) yield {kind: 'added', key, value};
			}
		}

		// A look that was cut short says nothing of what it did not reach.
		for (const entry of status.complete ? [...seen.unmarked(round)] : []) {
			const key = keyCodec.decode(viewOf(seen.key(entry)), 0);
			const value = valueCodec.decode(viewOf(seen.value(entry)), 0);
			seen.remove(entry);
			yield {kind: 'deleted', key, value};
		}

		try {
			await sleep(interval, undefined, signal === undefined ? {} : {signal});
		} catch {
			return;
		}
	}
}
