/** Bytes that are taken out of BTF. */

import {viewOf} from '../base/bytes.js';

/** From `start` to before `end`, in bytes from the start of BTF, among its types. */
export interface Cut {
	readonly start: number;
	readonly end: number;
}

const places = {typeStart: 8, typeSize: 12, stringStart: 16} as const;

/** A copy without `cuts`, which are in order and apart. Types keep their ids, strings their offsets. */
export function cutTypes(
	bytes: Uint8Array,
	cuts: readonly Cut[],
	littleEndian: boolean,
): Uint8Array<ArrayBuffer> {
	const size = cuts.reduce((sum, {start, end}) => sum + end - start, 0);
	const rest = new Uint8Array(bytes.length - size);
	let [from, to] = [0, 0];
	for (const {start, end} of [...cuts, {start: bytes.length, end: bytes.length}]) {
		rest.set(bytes.subarray(from, start), to);
		to += start - from;
		from = end;
	}

	const view = viewOf(rest);
	const u32 = (at: number): number => view.getUint32(at, littleEndian);
	const {typeStart, typeSize, stringStart} = places;
	view.setUint32(typeSize, u32(typeSize) - size, littleEndian);
	if (u32(stringStart) > u32(typeStart)) {
		view.setUint32(stringStart, u32(stringStart) - size, littleEndian);
	}

	return rest;
}
