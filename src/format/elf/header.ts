import {ElfError} from './elf-error.js';
import {Fields} from './fields.js';

export const headerSize = 64;
export const sectionHeaderSize = 64;

/** Above it are special values: a file with more sections says so elsewhere. */
const reservedSections = 0xff00;

const classes = {64: 2} as const;
const byteOrders = {little: 1, big: 2} as const;
const relocatable = 1;
const machineBpf = 247;

export interface Header {
	readonly fields: Fields;
	/** Bytes from the start of the file. */
	readonly sectionTable: number;
	readonly sectionCount: number;
	/** Index of the string table with the names of sections. */
	readonly nameTable: number;
}

/**
 * Checks that the file is a relocatable 64-bit object for BPF.
 *
 * `EM_NONE` (0) is refused: clang has written `EM_BPF` since version 4, long before it wrote BTF.
 */
export function readHeader(bytes: Uint8Array): Header {
	if (bytes.length < headerSize) {
		throw new ElfError(`${bytes.length} bytes are less than an ELF header`, {offset: 0});
	}

	if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
		throw new ElfError('does not start with 7f 45 4c 46', {offset: 0});
	}

	expect(bytes[4], classes[64], 'class', 4, 'a 64-bit file');
	const order = bytes[5];
	if (order !== byteOrders.little && order !== byteOrders.big) {
		throw new ElfError(`byte order ${order} is neither 1 (little) nor 2 (big)`, {offset: 5});
	}

	const fields = new Fields(bytes, order === byteOrders.little);
	expect(bytes[6], 1, 'identification version', 6, 'the only one');
	expect(fields.u16(16), relocatable, 'type', 16, 'a relocatable object');
	expect(fields.u16(18), machineBpf, 'machine', 18, 'BPF');
	expect(fields.u32(20), 1, 'version', 20, 'the only one');
	expect(fields.u16(52), headerSize, 'header size', 52, 'that of 64-bit files');
	expect(fields.u16(58), sectionHeaderSize, 'section header size', 58, 'that of 64-bit files');
	const sectionTable = fields.u64(40, 'offset', 'section table', 0);
	const sectionCount = fields.u16(60);
	const nameTable = fields.u16(62);
	if (sectionCount === 0 || sectionCount >= reservedSections) {
		throw new ElfError(`section count ${sectionCount} is outside 1..${reservedSections - 1}`, {
			offset: 60,
		});
	}

	const end = sectionTable + sectionCount * sectionHeaderSize;
	if (sectionTable < headerSize || end > bytes.length) {
		throw new ElfError(
			`section table at ${sectionTable}..${end} is outside ${headerSize}..${bytes.length}`,
			{offset: 40},
		);
	}

	if (nameTable === 0 || nameTable >= sectionCount) {
		throw new ElfError(
			`section ${nameTable} for names of sections is outside 1..${sectionCount - 1}`,
			{offset: 62},
		);
	}

	return {fields, sectionTable, sectionCount, nameTable};
}

function expect(
	value: number | undefined,
	expected: number,
	what: string,
	offset: number,
	meaning: string,
): void {
	if (value === expected) return;
	throw new ElfError(`${what} is ${value}, not ${expected} (${meaning})`, {offset});
}
