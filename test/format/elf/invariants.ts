import {isDeepStrictEqual} from 'node:util';

import type {ElfFile} from '../../../src/format/elf/elf.js';

/** The first promise of the reader that `elf` breaks, in words. */
export function brokenRule(bytes: Uint8Array, elf: ElfFile): string | undefined {
	const used = new Uint8Array(bytes.length);
	for (const section of elf.sections) {
		const {name, type, offset, size, data} = section;
		if (type === 8) {
			if (data.length !== 0) return `${name} has bytes`;
		} else {
			if (data.length !== size) return `${name} is short`;
			if (data.buffer !== bytes.buffer || data.byteOffset !== bytes.byteOffset + offset) {
				return `${name} is elsewhere`;
			}
		}

		if (offset > bytes.length || type === 4 || (section.flags & 0x800) !== 0) return name;
		for (let at = offset; at < offset + data.length; at++) {
			if (used[at] === 1 || at < 64) return `${name} has the bytes of another`;
			used[at] = 1;
		}
	}

	for (const {index, sectionIndex, value, size} of elf.symbols) {
		if ([0, 0xfff1, 0xfff2].includes(sectionIndex)) continue;
		const section = elf.sections[sectionIndex];
		if (section === undefined || value + size > section.size) return `symbol ${index}`;
	}

	const declared = elf.symbols.filter(({type, binding, sectionIndex}) => {
		const isCode = ((elf.sections[sectionIndex]?.flags ?? 0) & 4) !== 0;
		return type !== 'notype' || binding !== 'local' || !isCode;
	});
	if (!isDeepStrictEqual(declared, elf.declared)) return 'declared symbols';

	for (const section of elf.sections) {
		for (const {offset, symbol} of elf.relocations(section)) {
			if (offset > section.data.length) return `relocation of ${section.name}`;
			if (elf.symbols[symbol.index] !== symbol) return `symbol of ${section.name}`;
		}
	}

	return undefined;
}
