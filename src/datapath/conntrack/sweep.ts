/** Removes the elements of a map that are to go, and only those that still are when they go. */

import {Turns} from '../../base/turns.js';
import type {BpfMap} from '../../object/map/map.js';
import type {FlowMatch} from './flow-filter.js';

/** How a map was gone through. */
export interface Swept {
	/** Elements looked at. */
	readonly scanned: number;
	readonly deleted: number;
	/** Elements that were to go when they were read, and were not any more when their turn came. */
	readonly spared: number;
}

/** What is needed of a map; its keys and values are bytes. */
export interface SweptMap {
	readonly raw: Pick<BpfMap['raw'], 'keySize' | 'valueSize' | 'batches' | 'get' | 'delete'>;
}

const batchSize = 1024;

/**
 * Deletes what matches. Each element is read again just before it is deleted: while thousands are
 * gone through, a flow may be opened anew under the same key. *Throws:* `ERR_MAP`, and the signal's
 * reason; what was deleted until then is deleted.
 */
export async function sweep(
	{raw}: SweptMap,
	match: FlowMatch,
	signal?: AbortSignal,
): Promise<Swept> {
	const key = new Uint8Array(raw.keySize);
	const value = new Uint8Array(raw.valueSize);
	const isStill = match(key, value);
	const turns = new Turns();
	let [scanned, deleted, spared] = [0, 0, 0];
	for await (const {count, keys, values, keySize, valueStride} of raw.batches({batchSize})) {
		signal?.throwIfAborted();
		scanned += count;
		const isMeant = match(keys, values);
		for (let i = 0; i < count; i++) {
			if (turns.isDue()) await turns.next();
			if (!isMeant(i * keySize, i * valueStride)) continue;
			for (let at = 0; at < key.length; at++) key[at] = keys[i * keySize + at] ?? 0;
			if (raw.get(key, value) === undefined) continue;
			if (!isStill(0, 0)) spared++;
			else if (raw.delete(key)) deleted++;
		}
	}

	return {scanned, deleted, spared};
}

/** Deletes everything, whole batches at a time. *Throws:* `ERR_MAP`. *Kernel:* 5.6. */
export async function drain({raw}: SweptMap): Promise<Swept> {
	let deleted = 0;
	for await (const {count} of raw.batches({batchSize, drain: true})) deleted += count;
	return {scanned: deleted, deleted, spared: 0};
}
