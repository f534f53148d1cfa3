import {wordsOf} from '../../base/bytes.js';
import {ElfError} from './elf-error.js';
import type {Fields} from './fields.js';
import type {SymbolTable} from './symbol-table.js';
import {
	type ElfRelocation,
	type ElfSection,
	relocationTypes,
	sectionFlags,
	sectionTypes,
} from './types.js';

export const relocationSize = 16;

/** The relocations of a file, by the section they change: checked at once, made when asked for. */
export class RelocationTables {
	readonly #fields: Fields;
	readonly #symbols: SymbolTable;
	readonly #tables = new Map<number, ElfSection>();
	readonly #made = new Map<number, readonly ElfRelocation[]>();

	constructor(fields: Fields, sections: readonly ElfSection[], symbols: SymbolTable) {
		this.#fields = fields;
		this.#symbols = symbols;
		for (const table of sections) {
			if (table.type !== sectionTypes.rel) continue;
			const target = this.#target(table, sections);
			this.#check(table, target);
			this.#tables.set(target.index, table);
		}
	}

	/** In the file's order. */
	of(target: ElfSection): readonly ElfRelocation[] {
		const made = this.#made.get(target.index);
		if (made !== undefined) return made;

		const table = this.#tables.get(target.index);
		const relocations: ElfRelocation[] = [];
		for (let at = 0; at < (table?.size ?? 0); at += relocationSize) {
			const start = (table?.offset ?? 0) + at;
			const offset = this.#fields.u64(start, 'offset', 'relocation', at / relocationSize);
			const symbol = this.#symbols.symbol(this.#symbol(start));
			relocations.push({offset, type: this.#type(start), symbol});
		}

		this.#made.set(target.index, relocations);
		return relocations;
	}

	#target(table: ElfSection, sections: readonly ElfSection[]): ElfSection {
		const {name, offset, size, entrySize, link, info} = table;
		const refuse = (message: string): ElfError =>
			new ElfError(`relocation section "${name}" ${message}`, {offset, section: name});
		if (entrySize !== relocationSize || size % relocationSize !== 0) {
			throw refuse(`has ${size} bytes in entries of ${entrySize}, not of ${relocationSize}`);
		}

		if (this.#symbols.section === undefined || link !== this.#symbols.section.index) {
			throw refuse(`uses section ${link}, which is not the symbol table`);
		}

		const target = sections[info];
		if (
			info === 0 ||
			target === undefined ||
			target.type === sectionTypes.null ||
			target.type === sectionTypes.nobits ||
			target.type === sectionTypes.rel ||
			target.type === sectionTypes.symtab ||
			target.type === sectionTypes.strtab
		) {
			throw refuse(`relocates section ${info}, which has no relocatable bytes`);
		}

		if (this.#tables.has(info)) {
			throw refuse(`relocates section ${info} "${target.name}", as another one does`);
		}

		return target;
	}

	#check(table: ElfSection, target: ElfSection): void {
		const code = (target.flags & sectionFlags.execinstr) !== 0;
		const {littleEndian} = this.#fields;
		const words = wordsOf(table.data, littleEndian);
		const [lowAt, highAt, typeAt, symbolAt] = littleEndian ? [0, 1, 2, 3] : [1, 0, 3, 2];
		const count = table.size / relocationSize;
		for (let index = 0, word = 0; index < count; index++, word += 4) {
			const at = table.offset + index * relocationSize;
			const symbol = words[word + symbolAt] ?? 0;
			const high = words[word + highAt] ?? 0;
			const offset =
				high < 0x200000
					? high * 0x100000000 + (words[word + lowAt] ?? 0)
					: this.#fields.u64(at, 'offset', 'relocation', index);
			if (symbol >= this.#symbols.count) {
				throw new ElfError(
					`relocation ${index} of "${target.name}" names symbol ${symbol} of ${this.#symbols.count}`,
					{offset: at, section: table.name},
				);
			}

			const end = offset + width(words[word + typeAt] ?? 0, code);
			if (end > target.size) {
				throw new ElfError(
					`relocation ${index} at ${offset}..${end} is outside section "${target.name}" of ${target.size} bytes`,
					{offset: at, section: table.name},
				);
			}
		}
	}

	/** The two halves of a 64-bit field: the symbol above, the type below. */
	#symbol(at: number): number {
		return this.#fields.u32(at + (this.#fields.littleEndian ? 12 : 8));
	}

	#type(at: number): number {
		return this.#fields.u32(at + (this.#fields.littleEndian ? 8 : 12));
	}
}

/** Bytes a relocation changes; in code, whole instructions. */
function width(type: number, code: boolean): number {
	switch (type) {
		case relocationTypes.none:
			return 0;
		case relocationTypes.wide:
			return code ? 16 : 8;
		case relocationTypes.abs64:
			return 8;
		case relocationTypes.call:
			// Compilers before clang 13 use this type for the 4-byte fields of .BTF.ext as well.
			return code ? 8 : 4;
		case relocationTypes.abs32:
		case relocationTypes.nodyld32:
			return 4;
		default:
			return 1;
	}
}
