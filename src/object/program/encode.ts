/** Puts a program into the bytes that the kernel wants. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {absentMap, poisonLoad} from './poison.js';
import type {FunctionInfo, LineInfo, Reference} from '../../spec/types.js';

/**
 * Instructions with the descriptors of maps filled in; `fdOf` gives them by name, and undefined for
 * one that was switched off: what loads its address is refused where it is reached.
 */
export function resolveReferences(
	instructions: Uint8Array,
	references: readonly Reference[],
	fdOf: (map: string) => number | undefined,
): Uint8Array {
	if (references.length === 0) return instructions;
	const resolved = instructions.slice();
	const view = viewOf(resolved);
	const fds = new Map<string, number | undefined>();
	for (const {map} of references) if (!fds.has(map)) fds.set(map, fdOf(map));
	for (const [index, {slot, map}] of references.entries()) {
		const fd = fds.get(map);
		// Everything else of the load is in place already.
		if (fd === undefined) poisonLoad(view, slot, absentMap + index);
		else view.setUint32(slot * 8 + 4, fd, hostLittleEndian);
	}

	return resolved;
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
export function encodeLines(lines: readonly LineInfo[]): Uint8Array {
	const bytes = new Uint8Array(lines.length * 16);
	const view = viewOf(bytes);
	let at = 0;
	for (const {slot, fileOffset, textOffset, lineColumn} of lines) {
		view.setUint32(at, slot, hostLittleEndian);
		view.setUint32(at + 4, fileOffset, hostLittleEndian);
		view.setUint32(at + 8, textOffset, hostLittleEndian);
		view.setUint32(at + 12, lineColumn, hostLittleEndian);
		at += 16;
	}

	return bytes;
}
