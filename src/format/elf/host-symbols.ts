/** Finds functions in the executables and libraries of the host, for probes. */

import {ElfError} from './elf-error.js';

/** Gives the bytes of a file from `offset` on; fewer than `length` where the file ends. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const symbolTables: ReadonlySet<number> = new Set([2, 11]);
const nobits = 8;
const headerSize = 64;
const symbolSize = 24;
const functionTypes: ReadonlySet<number> = new Set([2, 10]);
/** More sections have no use in a file of code, and a table is read as a whole. */
const maxSections = 0xff00;
const maxTable = 1 << 30;

interface Section {
	readonly type: number;
	readonly address: bigint;
	readonly offset: number;
	readonly size: number;
	readonly link: number;
}

/**
 * Where a function starts in a 64-bit little-endian file, in bytes from its start; undefined when
 * no symbol table has it. The dynamic symbols are looked at as well as the others.
 *
 * *Throws:* `ERR_ELF` for any other file, and where several functions have this name.
 */
export function functionOffset(readAt: ReadAt, name: string): number | undefined {
	const sections = readSections(readAt);
	const found = new Set<number>();
	for (const table of sections) {
		if (!symbolTables.has(table.type)) continue;
		const strings = sections[table.link];
		if (strings === undefined) throw new ElfError('a symbol table has no names', {offset: 0});
		for (const value of valuesOf(readAt, table, strings, name)) {
			const section = sections[value.section];
			if (section === undefined || section.type === nobits) continue;
			const offset = Number(value.address - section.address) + section.offset;
			if (offset >= section.offset && offset < section.offset + section.size) {
				found.add(offset);
			}
		}
	}

	if (found.size > 1) {
		throw new ElfError(`${found.size} functions have the name "${name}"`, {offset: 0});
	}

	return [...found][0];
}

function readSections(readAt: ReadAt): Section[] {
	const header = exactly(readAt, 0, headerSize);
	if (header.readUInt32BE(0) !== 0x7f_45_4c_46) {
		throw new ElfError('does not start with 7f 45 4c 46', {offset: 0});
	}

	if (header[4] !== 2 || header[5] !== 1) {
		throw new ElfError('is not a 64-bit little-endian file', {offset: 4});
	}

	const count = header.readUInt16LE(60);
	if (header.readUInt16LE(58) !== headerSize || count >= maxSections) {
		throw new ElfError('has no section table that can be read', {offset: 58});
	}

	if (count === 0) return [];
	const at = safe(header.readBigUInt64LE(40), 40);
	const table = exactly(readAt, at, count * headerSize);
	return Array.from({length: count}, (_, index) => {
		const start = index * headerSize;
		return {
			type: table.readUInt32LE(start + 4),
			address: table.readBigUInt64LE(start + 16),
			offset: safe(table.readBigUInt64LE(start + 24), at + start + 24),
			size: safe(table.readBigUInt64LE(start + 32), at + start + 32),
			link: table.readUInt32LE(start + 40),
		};
	});
}

/** Functions of that name in one table: section and address. */
function valuesOf(readAt: ReadAt, table: Section, strings: Section, name: string) {
	const names = contents(readAt, strings);
	const needle = Buffer.from(`${name}\0`);
	const starts = new Set<number>();
	// One name may be the end of another, which linkers store once.
	for (let at = names.indexOf(needle); at >= 0; at = names.indexOf(needle, at + 1)) {
		starts.add(at);
	}

	const values: {section: number; address: bigint}[] = [];
	if (starts.size === 0) return values;
	const symbols = contents(readAt, table);
	for (let at = 0; at + symbolSize <= symbols.length; at += symbolSize) {
		if (!starts.has(symbols.readUInt32LE(at))) continue;
		const section = symbols.readUInt16LE(at + 6);
		if (section === 0 || !functionTypes.has((symbols[at + 4] ?? 0) & 15)) continue;
		values.push({section, address: symbols.readBigUInt64LE(at + 8)});
	}

	return values;
}

function contents(readAt: ReadAt, {type, offset, size}: Section): Buffer {
	if (type === nobits) return Buffer.alloc(0);
	if (size > maxTable) throw new ElfError(`a table of ${size} bytes is too long`, {offset});
	return exactly(readAt, offset, size);
}

function exactly(readAt: ReadAt, offset: number, length: number): Buffer {
	const bytes = readAt(offset, length);
	if (bytes.length < length) {
		throw new ElfError(`ends at ${offset + bytes.length}, within ${length} bytes`, {offset});
	}

	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function safe(value: bigint, at: number): number {
	const number = Number(value);
	if (!Number.isSafeInteger(number)) {
		throw new ElfError(`${value} is beyond any file`, {offset: at});
	}

	return number;
}
