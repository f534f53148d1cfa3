/** An ELF object sorted by what its sections are for. */

import {cString} from '../base/bytes.js';
import type {ElfFile} from '../format/elf/elf.js';
import {type ElfSection, sectionFlags, sectionTypes} from '../format/elf/types.js';
import {SpecError} from './spec-error.js';

export interface ObjectFile {
	/** Prefixes the names of data-section maps, and stands in messages. */
	readonly name: string;
	readonly elf: ElfFile;
	/** Bytes of the whole file. */
	readonly size: number;
	/** Executable sections that are not empty; `.text` holds subprograms only. */
	readonly code: readonly ElfSection[];
	/** `.data*`, `.rodata*` and `.bss*` that are not empty. */
	readonly data: readonly ElfSection[];
	/** `.maps`. */
	readonly maps: ElfSection | undefined;
	/** `maps` and `maps/NAME`: maps in the old syntax. */
	readonly legacyMaps: readonly ElfSection[];
	/** `.struct_ops` and `.struct_ops.link`, with or without a `?` before. */
	readonly structOps: readonly ElfSection[];
	readonly btf: ElfSection | undefined;
	readonly btfExt: ElfSection | undefined;
	readonly license: string;
}

const dataName = /^\.(data|rodata|bss)(\.|$)/;
const structOpsName = /^\??\.struct_ops(\.link)?$/;
const legacyName = /^maps(\/|$)/;

/** Sections that ask for something this version cannot do: without it the object would be wrong. */
const unsupported: readonly (readonly [name: RegExp, what: string])[] = [
	[/^\.addr_space\./, 'variables in an arena'],
];

/** Does a section of this name hold variables? */
export function isDataSection(name: string): boolean {
	return dataName.test(name);
}

/** *Throws:* `ERR_SPEC` for sections that are not supported or there twice. */
export function sortSections(elf: ElfFile, name: string, size: number): ObjectFile {
	const code: ElfSection[] = [];
	const data: ElfSection[] = [];
	const legacyMaps: ElfSection[] = [];
	const structOps: ElfSection[] = [];
	const named = new Map<string, ElfSection>();
	for (const section of elf.sections) {
		const {type, flags} = section;
		if (section.size === 0) continue;
		if (type !== sectionTypes.progbits && type !== sectionTypes.nobits) continue;

		const refused = unsupported.find(([pattern]) => pattern.test(section.name));
		if (refused !== undefined) {
			throw new SpecError(
				`read object "${name}": section "${section.name}" is not supported: ${refused[1]}`,
				{section: section.name},
			);
		}

		const executable = (flags & sectionFlags.execinstr) !== 0;
		if (executable && type === sectionTypes.progbits) {
			code.push(section);
		} else if (isDataSection(section.name)) {
			data.push(section);
		} else if (legacyName.test(section.name)) {
			legacyMaps.push(section);
		} else if (structOpsName.test(section.name) && type === sectionTypes.progbits) {
			structOps.push(section);
		} else if (!['.maps', '.BTF', '.BTF.ext', 'license'].includes(section.name)) {
			continue;
		} else if (type === sectionTypes.nobits) {
			throw new SpecError(`read object "${name}": section "${section.name}" has no bytes`, {
				section: section.name,
			});
		}

		if (named.has(section.name)) {
			throw new SpecError(`read object "${name}": section "${section.name}" is there twice`, {
				section: section.name,
			});
		}

		named.set(section.name, section);
	}

	const license = named.get('license');
	return {
		name,
		elf,
		size,
		code,
		data,
		maps: named.get('.maps'),
		legacyMaps,
		structOps,
		btf: named.get('.BTF'),
		btfExt: named.get('.BTF.ext'),
		license: license === undefined ? '' : cString(license.data),
	};
}
