/** Decodes capture files, whoever brings the bytes. */

import {viewOf} from '../../base/bytes.js';
import {decodeClassic} from './decode-classic.js';
import {decodePcapng} from './decode-pcapng.js';
import type {Decoder, Decoding} from './decoding.js';
import {PcapError} from './pcap-error.js';

const microseconds = 1_000_000n;
const nanoseconds = 1_000_000_000n;

/** By the first four bytes, read as big-endian. */
const magics = new Map<number, {littleEndian: boolean; ticksPerSecond: bigint}>([
	[0xa1b2c3d4, {littleEndian: false, ticksPerSecond: microseconds}],
	[0xd4c3b2a1, {littleEndian: true, ticksPerSecond: microseconds}],
	[0xa1b23c4d, {littleEndian: false, ticksPerSecond: nanoseconds}],
	[0x4d3cb2a1, {littleEndian: true, ticksPerSecond: nanoseconds}],
]);

const pcapngMagic = 0x0a0d0d0a;

/** Other things that get a capture's name. */
const strangers: readonly [prefix: number, shift: number, name: string][] = [
	[0x1f8b, 16, 'is compressed with gzip'],
	[0x28b52ffd, 0, 'is compressed with zstd'],
	[0x04224d18, 0, 'is compressed with lz4'],
	[0xa1b2cd34, 0, 'is of a modified pcap format, which is not supported'],
	[0x34cdb2a1, 0, 'is of a modified pcap format, which is not supported'],
];

/** Decodes a file of either format, from its first byte on. */
export function* decode(decoding: Decoding): Decoder {
	const first = yield 4;
	if (first.length === 0)
		throw new PcapError(`${decoding.what}: the file is empty`, {offset: 0, truncated: true});
	if (first.length < 4) throw decoding.truncated(0, 'file header');
	const magic = viewOf(first).getUint32(0);
	if (magic === pcapngMagic) {
		decoding.format = 'pcapng';
		yield* decodePcapng(decoding, first);
		return;
	}

	const classic = magics.get(magic);
	if (classic === undefined) {
		const known = strangers.find(([prefix, shift]) => magic >>> shift === prefix)?.[2];
		const text = `0x${magic.toString(16).padStart(8, '0')}`;
		throw new PcapError(
			`${decoding.what}: the file ${known ?? `is neither pcap nor pcapng: it begins with ${text}`}`,
			{offset: 0},
		);
	}

	decoding.format = 'pcap';
	yield* decodeClassic(decoding, classic.littleEndian, classic.ticksPerSecond);
}
