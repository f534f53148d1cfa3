import {viewOf} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';

export const btfMagic = 0xeb9f;
export const headerSize = 24;
const newerHeaderSize = 32;

/** Where the two sections of BTF lie, in bytes from its start. */
export interface BtfHeader {
	readonly littleEndian: boolean;
	readonly typeStart: number;
	readonly typeSize: number;
	readonly stringStart: number;
	readonly stringSize: number;
}

/** Reads and checks the header. Only types that continue others may do without strings. */
export function readHeader(bytes: Uint8Array, continues: boolean): BtfHeader {
	if (bytes.length < headerSize) throw new BtfError(`${bytes.length} bytes hold no header`);
	const view = viewOf(bytes);
	const littleEndian = view.getUint16(0, true) === btfMagic;
	if (!littleEndian && view.getUint16(0) !== btfMagic) {
		throw new BtfError('it does not begin with the magic number', {offset: 0});
	}

	const u32 = (offset: number): number => view.getUint32(offset, littleEndian);
	if (bytes[2] !== 1) throw new BtfError(`version ${bytes[2]} is not known`, {offset: 2});
	if (bytes[3] !== 0) throw new BtfError(`flags ${bytes[3]} are not known`, {offset: 3});
	const length = u32(4);
	if (length < headerSize || length > bytes.length) {
		throw new BtfError(`a header of ${length} bytes is not possible`, {offset: 4});
	}

	// Where the sizes of kinds stand, which newer BTF says and which are known here anyway.
	const isNewer = length >= newerHeaderSize;
	if (isNewer && length + u32(24) + u32(28) > bytes.length) {
		throw new BtfError('sizes of kinds reach beyond the end', {offset: 28});
	}

	for (let at = isNewer ? newerHeaderSize : headerSize; at < length; at++) {
		if (bytes[at] !== 0) throw new BtfError('the header has fields not known', {offset: at});
	}

	const [typeSize, stringSize] = [u32(12), u32(20)];
	const typeStart = length + u32(8);
	const stringStart = length + u32(16);
	if (u32(8) % 4 !== 0) throw new BtfError('types are not aligned', {offset: 8});
	if (typeStart + typeSize > bytes.length) {
		throw new BtfError('types reach beyond the end', {offset: 12});
	}

	if (stringStart + stringSize > bytes.length) {
		throw new BtfError('strings reach beyond the end', {offset: 20});
	}

	if (typeStart < stringStart + stringSize && stringStart < typeStart + typeSize) {
		throw new BtfError('types and strings share bytes', {offset: 8});
	}

	checkStrings(bytes.subarray(stringStart, stringStart + stringSize), stringStart, continues);
	return {littleEndian, typeStart, typeSize, stringStart, stringSize};
}

function checkStrings(strings: Uint8Array, offset: number, continues: boolean): void {
	if (continues && strings.length === 0) return;
	if (strings.at(-1) !== 0) throw new BtfError('strings do not end with NUL', {offset});
	if (!continues && strings[0] !== 0)
		throw new BtfError('the first string is not empty', {offset});
}
