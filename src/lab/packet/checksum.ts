/** The checksums of the Internet and of SCTP. */

/**
 * The one's complement sum (RFC 1071) of the bytes from `start` to `end`, not yet folded: sums of
 * several ranges may be added, if each but the last has an even number of bytes.
 */
export function sumOf(bytes: Uint8Array, start = 0, end = bytes.length): number {
	let sum = 0;
	const even = start + ((end - start) & ~1);
	for (let i = start; i < even; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
	if (even < end) sum += (bytes[even] ?? 0) << 8;
	return sum;
}

/** The checksum field for a sum: folded to 16 bits and complemented. */
export function foldSum(sum: number): number {
	let folded = sum;
	while (folded > 0xffff) folded = Math.floor(folded / 0x10000) + (folded & 0xffff);
	return ~folded & 0xffff;
}

/** The Internet checksum (RFC 1071) of bytes. */
export function internetChecksum(bytes: Uint8Array): number {
	return foldSum(sumOf(bytes));
}

const crcTable = Uint32Array.from({length: 256}, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
	return crc;
});

/** CRC32c (Castagnoli) of bytes, as SCTP (RFC 9260) and iSCSI have it. */
export function crc32c(bytes: Uint8Array): number {
	return ~crcUpdate(0xffffffff, bytes, 0, bytes.length) >>> 0;
}

/** One step of CRC32c, neither started nor finished. */
export function crcUpdate(crc: number, bytes: Uint8Array, start: number, end: number): number {
	let value = crc;
	for (let i = start; i < end; i++) {
		value = (crcTable[(value ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (value >>> 8);
	}

	return value;
}
