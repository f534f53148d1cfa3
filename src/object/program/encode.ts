/** Puts a program into the bytes that the kernel wants. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {absentMap, poisonLoad} from './poison.js';
import {lineRecords} from '../../spec/line-records.js';
import type {FunctionInfo, ProgramSpec, Reference} from '../../spec/types.js';

/**
 * Fills the descriptors of maps into `instructions`; `fdOf` gives them by name, and undefined for
 * one that was switched off: what loads its address is refused where it is reached.
 */
export function fillReferences(
	instructions: Uint8Array,
	references: readonly Reference[],
	fdOf: (map: string) => number | undefined,
): void {
	const view = viewOf(instructions);
	const fds = new Map<string, number | undefined>();
	let index = 0;
	for (const {slot, map} of references) {
		let fd = fds.get(map);
		if (fd === undefined) fds.set(map, (fd = fdOf(map)));
		// Everything else of the load is in place already.
		if (fd === undefined) poisonLoad(view, slot, absentMap + index);
		else view.setUint32(slot * 8 + 4, fd, hostLittleEndian);
		index++;
	}
}

/** `struct bpf_func_info` records. */
export function encodeFunctions(functions: readonly FunctionInfo[]): Uint8Array {
	const bytes = new Uint8Array(functions.length * 8);
	const view = viewOf(bytes);
	for (const [i, {slot, typeId}] of functions.entries()) {
		view.setUint32(i * 8, slot, hostLittleEndian);
		view.setUint32(i * 8 + 4, typeId, hostLittleEndian);
	}

	return bytes;
}

/** `struct bpf_line_info` records. */
export function encodeLines(program: ProgramSpec): Uint8Array {
	const {buffer, byteOffset, byteLength} = lineRecords(program);
	return new Uint8Array(buffer, byteOffset, byteLength);
}
