/** Source lines as they stand in files and as the kernel takes them: four words each. */

import {lineWords} from '../format/btf/ext.js';
import type {LineInfo, ProgramSpec} from './types.js';

/** Of programs that were read from a file and not changed since. */
const recordsOf = new WeakMap<Pick<ProgramSpec, 'lines'>, Uint32Array>();

/**
 * `program` with the lines that `records` say. They become objects only when somebody asks: the
 * kernel takes the records, and a large object has ten thousand.
 */
export function withLines(program: Omit<ProgramSpec, 'lines'>, records: Uint32Array): ProgramSpec {
	let lines: readonly LineInfo[] | undefined;
	const spec = {
		...program,
		get lines() {
			return (lines ??= decodeLines(records));
		},
	};
	recordsOf.set(spec, records);
	return spec;
}

/** `struct bpf_line_info` records of a program. */
export function lineRecords(program: Pick<ProgramSpec, 'lines'>): Uint32Array {
	return recordsOf.get(program) ?? encodeLines(program.lines);
}

function decodeLines(records: Uint32Array): LineInfo[] {
	const lines: LineInfo[] = [];
	for (let at = 0; at < records.length; at += lineWords) {
		const [slot = 0, fileOffset = 0] = [records[at], records[at + 1]];
		const [textOffset = 0, lineColumn = 0] = [records[at + 2], records[at + 3]];
		lines.push({slot, fileOffset, textOffset, lineColumn});
	}

	return lines;
}

function encodeLines(lines: readonly LineInfo[]): Uint32Array {
	const records = new Uint32Array(lines.length * lineWords);
	let at = 0;
	for (const {slot, fileOffset, textOffset, lineColumn} of lines) {
		records[at] = slot;
		records[at + 1] = fileOffset;
		records[at + 2] = textOffset;
		records[at + 3] = lineColumn;
		at += lineWords;
	}

	return records;
}

/** Compilers write them in order. */
export function linesBySlot(records: Uint32Array): Uint32Array {
	for (let at = lineWords; at < records.length; at += lineWords) {
		if ((records[at] ?? 0) >= (records[at - lineWords] ?? 0)) continue;
		return encodeLines(decodeLines(records).sort((a, b) => a.slot - b.slot));
	}

	return records;
}

/** A view of those of `start..end`, in slots; `records` are in order. */
export function linesWithin(records: Uint32Array, start: number, end: number): Uint32Array {
	return records.subarray(firstFrom(records, start), firstFrom(records, end));
}

function firstFrom(records: Uint32Array, slot: number): number {
	let low = 0;
	let high = records.length / lineWords;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((records[middle * lineWords] ?? 0) < slot) low = middle + 1;
		else high = middle;
	}

	return low * lineWords;
}
