import {ElfError} from './elf-error.js';
import type {Fields} from './fields.js';
import {StringTable} from './string-table.js';
import {
	type ElfBinding,
	type ElfSection,
	type ElfSymbol,
	type ElfSymbolType,
	type ElfVisibility,
	sectionFlags,
	sectionTypes,
	specialSections,
	symbolNames,
} from './types.js';

export const symbolSize = 24;
const {execinstr} = sectionFlags;

/** The symbols of a file: all of them checked at once, each made into an object when asked for. */
export class SymbolTable {
	readonly section: ElfSection | undefined;
	readonly count: number;
	readonly #fields: Fields;
	readonly #names: StringTable | undefined;
	readonly #made: (ElfSymbol | undefined)[] = [];
	readonly #declared: number[] = [];

	constructor(fields: Fields, sections: readonly ElfSection[]) {
		this.#fields = fields;
		const tables = sections.filter(({type}) => type === sectionTypes.symtab);
		const [section, second] = tables;
		if (second !== undefined) {
			throw new ElfError(
				`section ${second.index} "${second.name}" is a second symbol table`,
				{
					offset: second.offset,
					section: second.name,
				},
			);
		}

		this.section = section;
		this.count = section === undefined ? 0 : section.size / symbolSize;
		if (section === undefined) return;

		const {name, offset, size, entrySize, link} = section;
		if (entrySize !== symbolSize || size % symbolSize !== 0) {
			throw new ElfError(
				`symbol table "${name}" has ${size} bytes in entries of ${entrySize}, not of ${symbolSize}`,
				{offset, section: name},
			);
		}

		const strings = sections[link];
		if (strings === undefined) {
			throw new ElfError(`symbol table "${name}" has its names in section ${link} of none`, {
				offset,
				section: name,
			});
		}

		this.#names = new StringTable(strings, strings.name);
		this.#check(section, sections, this.#names);
	}

	/** All but labels inside of code. */
	get declared(): ElfSymbol[] {
		return this.#declared.map(index => this.symbol(index));
	}

	symbol(index: number): ElfSymbol {
		return (this.#made[index] ??= this.#make(index));
	}

	/** As numbers only: an object of 24,000 instructions has thousands of symbols no one asks for. */
	#check(table: ElfSection, sections: readonly ElfSection[], names: StringTable): void {
		const fields = this.#fields;
		for (let index = 0; index < this.count; index++) {
			const at = table.offset + index * symbolSize;
			names.check(fields.u32(at), 'symbol', index);
			const info = fields.u8(at + 4);
			if ((info & 0xf) >= symbolNames.types.length) {
				throw this.#refusal(table, index, `has type ${info & 0xf}, which BPF has not`);
			}

			if (info >> 4 >= symbolNames.bindings.length) {
				throw this.#refusal(table, index, `has binding ${info >> 4}, which BPF has not`);
			}

			const home = fields.u16(at + 6);
			const value = fields.u64(at + 8, 'value', 'symbol', index);
			const size = fields.u64(at + 16, 'size', 'symbol', index);
			const isLabel = info === 0 && ((sections[home]?.flags ?? 0) & execinstr) !== 0;
			if (!isLabel) this.#declared.push(index);
			if (
				home === specialSections.undefined ||
				home === specialSections.absolute ||
				home === specialSections.common
			) {
				continue;
			}

			const section = sections[home];
			if (section === undefined) {
				throw this.#refusal(table, index, `is in section ${home} of ${sections.length}`);
			}

			if (value + size > section.size) {
				throw this.#refusal(
					table,
					index,
					`at ${value}..${value + size} is outside section ${home} "${section.name}" of ${section.size} bytes`,
				);
			}
		}
	}

	#refusal(table: ElfSection, index: number, message: string): ElfError {
		const offset = table.offset + index * symbolSize;
		return new ElfError(`symbol ${index} ${message}`, {offset, section: table.name});
	}

	#make(index: number): ElfSymbol {
		const at = (this.section?.offset ?? 0) + index * symbolSize;
		return new TableSymbol(this.#fields, this.#names, at, index);
	}
}

/** Its name is made when it is asked for: most symbols are labels that no one asks about. */
class TableSymbol implements ElfSymbol {
	readonly index: number;
	readonly type: ElfSymbolType;
	readonly binding: ElfBinding;
	readonly visibility: ElfVisibility;
	readonly sectionIndex: number;
	readonly value: number;
	readonly size: number;
	readonly #names: StringTable | undefined;
	readonly #nameOffset: number;
	#name: string | undefined;

	constructor(fields: Fields, names: StringTable | undefined, at: number, index: number) {
		const info = fields.u8(at + 4);
		this.index = index;
		this.type = symbolNames.types[info & 0xf] ?? 'notype';
		this.binding = symbolNames.bindings[info >> 4] ?? 'local';
		this.visibility = symbolNames.visibilities[fields.u8(at + 5) & 3] ?? 'default';
		this.sectionIndex = fields.u16(at + 6);
		this.value = fields.u64(at + 8, 'value', 'symbol', index);
		this.size = fields.u64(at + 16, 'size', 'symbol', index);
		this.#names = names;
		this.#nameOffset = fields.u32(at);
	}

	get name(): string {
		return (this.#name ??= this.#names?.name(this.#nameOffset) ?? '');
	}
}
