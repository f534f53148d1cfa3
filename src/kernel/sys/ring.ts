/** Rings that are shared with the kernel: ring buffers, user ring buffers, rings of perf events. */

import {addon} from './addon.js';
import type {MappedNumber} from './memory.js';

/** A ring's number, for `MappedNumber`, or `-errno`. *Kernel:* 5.8. */
export const ringOpen = addon.ringOpen;

/** The same of a user ring buffer. *Kernel:* 6.1. */
export const userRingOpen = addon.userRingOpen;

/** The same of a perf event's ring of `pages` pages, a power of two. */
export const perfRingOpen = addon.perfRingOpen;

/**
 * Where the records of one read lie, as u32: discarded (or, of a perf ring, lost) records; 1 when
 * more wait; bytes that the next record needs where it is longer than the whole buffer; bytes taken;
 * then offset and length of each record.
 */
export const ringTable = {lost: 0, more: 1, needed: 2, taken: 3, first: 4} as const;

/** Moves whole records into `bytes`; how many, or `-EBADMSG` where the ring makes no sense. */
export function ringRead(
	kind: 'ring' | 'perf',
	ring: MappedNumber,
	bytes: Uint8Array,
	table: Uint8Array,
): number {
	return kind === 'ring'
		? addon.ringRead(ring.number, bytes, table)
		: addon.perfRingRead(ring.number, bytes, table);
}

/** Bytes that wait to be read. */
export function ringPending(kind: 'ring' | 'perf', ring: MappedNumber): number {
	return kind === 'ring' ? addon.ringPending(ring.number) : addon.perfRingPending(ring.number);
}

/** 0; `-ENOSPC` while there is no room, `-E2BIG` when there never is, `-EBADMSG`. */
export function userRingWrite(ring: MappedNumber, bytes: Uint8Array): number {
	return addon.userRingWrite(ring.number, bytes);
}
