/** Policies put into the map that holds each endpoint's, and taken out of it. */

import {constants} from 'node:os';

import {mapBatchAsync, mapDeleteAsync, mapUpdateAsync} from '../../kernel/sys/map.js';
import type {BpfMap} from '../../object/map/map.js';
import {elementError} from '../../object/map/map-error.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import type {MapReference} from '../layout/map-table.js';

type Slots = BpfMap<number, MapReference>;

/** The map that an endpoint gets. */
export interface NewSlot {
	readonly endpointId: number;
	readonly map: {readonly fd: number};
}

const {EINVAL, ENOENT, EOPNOTSUPP} = constants.errno;

/**
 * Puts maps in their places, off the event loop: the kernel waits until no program is left that
 * looked into what was there before. *Throws:* `ERR_MAP`; some of them may be in their places then.
 */
export async function putPolicies(slots: Slots, list: readonly NewSlot[]): Promise<void> {
	const keys = Uint32Array.from(list, ({endpointId}) => endpointId);
	const values = Uint32Array.from(list, ({map}) => map.fd);
	let done = 0;
	if (list.length > 1) {
		const {count, errno} = await mapBatchAsync('map_update_batch', {
			fd: slots.fd,
			inCursor: null,
			outCursor: null,
			keys: bytesOf(keys),
			values: bytesOf(values),
			count: list.length,
			elementFlags: 0,
		});
		// Kernels that have no batches for maps of maps get them one by one.
		const isUnknown = errno === EINVAL || errno === EOPNOTSUPP || errno === ENOTSUPP;
		if (errno !== 0 && !isUnknown) throw elementError('write', slots.name, errno);
		done = count;
	}

	for (; done < list.length; done++) {
		const key = bytesOf(keys.slice(done, done + 1));
		const result = await mapUpdateAsync(slots.fd, key, bytesOf(values.slice(done, done + 1)));
		if (result < 0) throw elementError('write', slots.name, -result);
	}
}

/** Takes maps out of their places, likewise. */
export async function clearPolicies(slots: Slots, ids: readonly number[]): Promise<void> {
	// At once, so that they wait together.
	const results = await Promise.all(
		ids.map(async id => mapDeleteAsync(slots.fd, bytesOf(Uint32Array.of(id)))),
	);
	const failed = results.find(result => result < 0 && result !== -ENOENT);
	if (failed !== undefined) throw elementError('delete from', slots.name, -failed);
}

function bytesOf(words: Uint32Array): Uint8Array {
	return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
