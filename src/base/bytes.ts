import {endianness} from 'node:os';

/** Byte order of this machine, and so of every map key and value the kernel hands over. */
export const hostLittleEndian = endianness() === 'LE';

/** `value` rounded up to a multiple of `alignment`, a power of two. */
export function alignUp(value: number, alignment: number): number {
	return Math.ceil(value / alignment) * alignment;
}

/** A DataView over exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The whole 32-bit words of `bytes` in this machine's byte order: a view where that is possible, else
 * a copy. Code that runs once, before V8 has compiled it, reads tables faster so than by a DataView.
 */
export function wordsOf(bytes: Uint8Array, littleEndian: boolean): Uint32Array {
	const {buffer, byteOffset, length} = bytes;
	const count = length >>> 2;
	const inOrder = littleEndian === hostLittleEndian;
	if (inOrder && byteOffset % 4 === 0) return new Uint32Array(buffer, byteOffset, count);
	const copy = Uint8Array.from(bytes.subarray(0, count * 4));
	if (!inOrder) Buffer.from(copy.buffer).swap32();
	return new Uint32Array(copy.buffer);
}

/** `0a 0b 0c`: bytes in hexadecimal, separated by blanks unless told otherwise. */
export function hex(bytes: Uint8Array, separator = ' '): string {
	return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(separator);
}

/** The text before the first NUL of a fixed-size C string field. */
export function cString(bytes: Uint8Array): string {
	const end = bytes.indexOf(0);
	return Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end).toString();
}
