import {ElfError} from './elf-error.js';
import {type Header, headerSize, sectionHeaderSize} from './header.js';
import {StringTable} from './string-table.js';
import {type ElfSection, sectionFlags, sectionTypes} from './types.js';

/** Bytes of all sections that exist only in memory: a header of 64 bytes must not ask for more. */
export const memoryLimit = 256 * 1024 * 1024;

interface Unnamed {
	readonly nameOffset: number;
	/** Its name is still empty. */
	readonly section: ElfSection & {name: string};
}

/** Every section, each with its own bytes of the file. */
export function readSections(bytes: Uint8Array, header: Header): ElfSection[] {
	const unnamed: Unnamed[] = [];
	for (let index = 0; index < header.sectionCount; index++) {
		unnamed.push(readSection(bytes, header, index));
	}

	const table = unnamed[header.nameTable]?.section;
	if (table === undefined) throw new ElfError('no section with names of sections');
	const names = new StringTable(table, `#${header.nameTable}`);
	const sections = unnamed.map(({nameOffset, section}) => {
		names.check(nameOffset, 'section', section.index);
		section.name = names.name(nameOffset);
		return section;
	});
	for (const section of sections) checkSection(bytes, section);
	checkMemory(sections);
	checkOverlaps(sections, header);
	return sections;
}

function readSection(bytes: Uint8Array, {fields, sectionTable}: Header, index: number): Unnamed {
	const at = sectionTable + index * sectionHeaderSize;
	const number = (field: number, what: string): number =>
		fields.u64(at + field, what, 'section', index);
	const type = fields.u32(at + 4);
	const offset = number(24, 'offset');
	const size = number(32, 'size');
	const inFile = type !== sectionTypes.nobits;
	if (inFile && offset + size > bytes.length) {
		throw new ElfError(
			`section ${index} at ${offset}..${offset + size} is outside the file of ${bytes.length} bytes`,
			{offset: at + 24, section: `#${index}`},
		);
	}

	return {
		nameOffset: fields.u32(at),
		section: {
			index,
			name: '',
			type,
			flags: number(8, 'flags'),
			address: number(16, 'address'),
			offset,
			size,
			link: fields.u32(at + 40),
			info: fields.u32(at + 44),
			alignment: number(48, 'alignment'),
			entrySize: number(56, 'entry size'),
			data: inFile ? bytes.subarray(offset, offset + size) : bytes.subarray(0, 0),
		},
	};
}

function checkSection(bytes: Uint8Array, section: ElfSection): void {
	const {index, name, type, flags, offset, size, alignment} = section;
	const refuse = (message: string): never => {
		throw new ElfError(`section ${index} "${name}" ${message}`, {offset, section: name});
	};
	if (index === 0 && type !== sectionTypes.null) refuse(`has type ${type}, not 0`);
	if (type === sectionTypes.null && size !== 0) refuse(`is unused but has ${size} bytes`);
	if (type === sectionTypes.rela) refuse('has relocations with addends: BPF has none');
	if ((flags & sectionFlags.compressed) !== 0) refuse('is compressed: compile without -gz');
	if (offset > bytes.length) refuse(`is at ${offset}, behind the file's end`);
	if (alignment > 1 && !Number.isInteger(Math.log2(alignment))) {
		refuse(`has alignment ${alignment}, no power of two`);
	}
}

function checkMemory(sections: readonly ElfSection[]): void {
	let total = 0;
	for (const {index, name, offset, type, size} of sections) {
		if (type === sectionTypes.nobits) total += size;
		if (total > memoryLimit) {
			throw new ElfError(
				`section ${index} "${name}" of ${size} zero bytes makes more than ${memoryLimit} in all`,
				{offset, section: name},
			);
		}
	}
}

/** Two sections with the same bytes: one of them would be read as what it is not. */
function checkOverlaps(sections: readonly ElfSection[], header: Header): void {
	const {sectionTable, sectionCount} = header;
	const ranges = [
		{what: 'the ELF header', offset: 0, size: headerSize},
		{
			what: 'the section table',
			offset: sectionTable,
			size: sectionCount * sectionHeaderSize,
		},
	];
	for (const {index, name, offset, data} of sections) {
		if (data.length === 0) continue;
		ranges.push({what: `section ${index} "${name}"`, offset, size: data.length});
	}

	ranges.sort((a, b) => a.offset - b.offset);
	let previous = ranges[0];
	for (const range of ranges.slice(1)) {
		if (previous !== undefined && range.offset < previous.offset + previous.size) {
			throw new ElfError(
				`${range.what} at ${range.offset} overlaps ${previous.what} at ${previous.offset}..${previous.offset + previous.size}`,
				{offset: range.offset},
			);
		}

		previous = range;
	}
}
