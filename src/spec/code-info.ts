/** What `.BTF.ext` says about ranges of code. */

import type {Btf} from '../format/btf/btf.js';
import {type CoreRelocation, type ExtSection, parseBtfExt} from '../format/btf/ext.js';
import {linesBySlot, linesWithin} from './line-records.js';
import type {FunctionInfo} from './types.js';

/** Records of `.BTF.ext`, by section name and by ascending slot. */
export class CodeInfo {
	readonly #sections: ReadonlyMap<string, ExtSection>;

	constructor(bytes: Uint8Array | undefined, types: Btf | undefined) {
		this.#sections = new Map();
		if (bytes === undefined || types === undefined) return;
		const sections = new Map<string, ExtSection>();
		for (const [name, section] of parseBtfExt(bytes, types)) {
			sections.set(name, {
				functions: bySlot(section.functions),
				lines: linesBySlot(section.lines),
				relocations: bySlot(section.relocations),
			});
		}

		this.#sections = sections;
	}

	/** The function that starts at `slot`. */
	function(section: string, slot: number): FunctionInfo | undefined {
		const functions = this.#sections.get(section)?.functions ?? [];
		const found = functions[firstAt(functions, slot)];
		return found?.slot === slot ? found : undefined;
	}

	/** Records of the lines of `start..end`, in slots. */
	lines(section: string, start: number, end: number): Uint32Array {
		return linesWithin(this.#sections.get(section)?.lines ?? new Uint32Array(0), start, end);
	}

	/** CO-RE relocations of `start..end`, in slots. */
	coreRelocations(section: string, start: number, end: number): readonly CoreRelocation[] {
		return within(this.#sections.get(section)?.relocations ?? [], start, end);
	}
}

interface Slotted {
	readonly slot: number;
}

function bySlot<T extends Slotted>(records: readonly T[]): readonly T[] {
	const sorted = records.every(
		(record, index) => index === 0 || (records[index - 1]?.slot ?? 0) <= record.slot,
	);
	return sorted ? records : [...records].sort((a, b) => a.slot - b.slot);
}

function within<T extends Slotted>(records: readonly T[], start: number, end: number): T[] {
	return records.slice(firstAt(records, start), firstAt(records, end));
}

/** Index of the first record that is not before `slot`. */
function firstAt(records: readonly Slotted[], slot: number): number {
	let low = 0;
	let high = records.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((records[middle]?.slot ?? 0) < slot) low = middle + 1;
		else high = middle;
	}

	return low;
}
