/** A strict reader for the ELF objects that compilers make for BPF. */

import {readHeader} from './header.js';
import {RelocationTables} from './relocation-table.js';
import {readSections} from './section-table.js';
import {SymbolTable} from './symbol-table.js';
import type {ElfRelocation, ElfSection, ElfSymbol} from './types.js';

export interface ElfFile {
	readonly littleEndian: boolean;
	/** By index; the first is the null section. */
	readonly sections: readonly ElfSection[];
	/** By index; the first is the null symbol. Empty without a symbol table. */
	readonly symbols: readonly ElfSymbol[];
	/** The same without the labels inside of code, which are most of them. */
	readonly declared: readonly ElfSymbol[];

	/** The first section of that name. */
	section(name: string): ElfSection | undefined;

	/** What changes `target`, in the file's order; empty for a section without relocations. */
	relocations(target: ElfSection): readonly ElfRelocation[];
}

/**
 * Reads a relocatable 64-bit BPF object of either byte order. Sections are views into `bytes`,
 * which must not change afterwards.
 *
 * Everything is checked here: each section, symbol and relocation that the result gives lies
 * where it says.
 *
 * *Throws:* `ERR_ELF` for anything else, with the file's offset and the section concerned.
 */
export function parseElf(bytes: Uint8Array): ElfFile {
	const header = readHeader(bytes);
	const sections = readSections(bytes, header);
	const symbols = new SymbolTable(header.fields, sections);
	return new Parsed(
		header.fields.littleEndian,
		sections,
		symbols,
		new RelocationTables(header.fields, sections, symbols),
	);
}

class Parsed implements ElfFile {
	readonly littleEndian: boolean;
	readonly sections: readonly ElfSection[];
	readonly #table: SymbolTable;
	readonly #relocations: RelocationTables;
	readonly #byName = new Map<string, ElfSection>();
	#symbols: readonly ElfSymbol[] | undefined;
	#declared: readonly ElfSymbol[] | undefined;

	constructor(
		littleEndian: boolean,
		sections: readonly ElfSection[],
		symbols: SymbolTable,
		relocations: RelocationTables,
	) {
		this.littleEndian = littleEndian;
		this.sections = sections;
		this.#table = symbols;
		this.#relocations = relocations;
		for (const section of sections) {
			if (!this.#byName.has(section.name)) this.#byName.set(section.name, section);
		}
	}

	get symbols(): readonly ElfSymbol[] {
		return (this.#symbols ??= Array.from({length: this.#table.count}, (_, index) =>
			this.#table.symbol(index),
		));
	}

	get declared(): readonly ElfSymbol[] {
		return (this.#declared ??= this.#table.declared);
	}

	section(name: string): ElfSection | undefined {
		return this.#byName.get(name);
	}

	relocations(target: ElfSection): readonly ElfRelocation[] {
		return this.#relocations.of(target);
	}
}
