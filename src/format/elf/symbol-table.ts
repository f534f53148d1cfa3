import {ElfError} from './elf-error.js';
import type {Fields} from './fields.js';
import {StringTable} from './string-table.js';
import {
	type ElfSection,
	type ElfSymbol,
	sectionTypes,
	specialSections,
	symbolNames,
} from './types.js';

export const symbolSize = 24;

/** The symbols of a file: all of them checked at once, each made into an object when asked for. */
export class SymbolTable {
	readonly section: ElfSection | undefined;
	readonly count: number;
	readonly #fields: Fields;
	readonly #names: StringTable | undefined;
	readonly #made: (ElfSymbol | undefined)[] = [];

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
			const refuse = (message: string): ElfError =>
				new ElfError(`symbol ${index} ${message}`, {offset: at, section: table.name});
			if ((info & 0xf) >= symbolNames.types.length) {
				throw refuse(`has type ${info & 0xf}, which BPF has not`);
			}

			if (info >> 4 >= symbolNames.bindings.length) {
				throw refuse(`has binding ${info >> 4}, which BPF has not`);
			}

			const home = fields.u16(at + 6);
			const value = fields.u64(at + 8, 'value', 'symbol', index);
			const size = fields.u64(at + 16, 'size', 'symbol', index);
			if (
				home === specialSections.undefined ||
				home === specialSections.absolute ||
				home === specialSections.common
			) {
				continue;
			}

			const section = sections[home];
			if (section === undefined) {
				throw refuse(`is in section ${home} of ${sections.length}`);
			}

			if (value + size > section.size) {
				throw refuse(
					`at ${value}..${value + size} is outside section ${home} "${section.name}" of ${section.size} bytes`,
				);
			}
		}
	}

	#make(index: number): ElfSymbol {
		const fields = this.#fields;
		const at = (this.section?.offset ?? 0) + index * symbolSize;
		const info = fields.u8(at + 4);
		return {
			index,
			name: this.#names?.name(fields.u32(at)) ?? '',
			type: symbolNames.types[info & 0xf] ?? 'notype',
			binding: symbolNames.bindings[info >> 4] ?? 'local',
			visibility: symbolNames.visibilities[fields.u8(at + 5) & 3] ?? 'default',
			sectionIndex: fields.u16(at + 6),
			value: fields.u64(at + 8, 'value', 'symbol', index),
			size: fields.u64(at + 16, 'size', 'symbol', index),
		};
	}
}
