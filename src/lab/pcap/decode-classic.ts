import {viewOf} from '../../base/bytes.js';
import {timeOf} from './clock.js';
import {longestRecord, type Decoder, type Decoding} from './decoding.js';
import {linkTypeOf} from './link-type.js';

const headerSize = 20;
const recordSize = 16;
/** The bits above say whether frames end in a check sequence. */
const linkTypeMask = 0x03ff_ffff;

/** Decodes a pcap file from behind its magic number on. */
export function* decodeClassic(
	decoding: Decoding,
	littleEndian: boolean,
	ticksPerSecond: bigint,
): Decoder {
	const header = yield headerSize;
	if (header.length < headerSize) throw decoding.truncated(0, 'file header');
	const fields = viewOf(header);
	const [major, minor] = [fields.getUint16(0, littleEndian), fields.getUint16(2, littleEndian)];
	if (major !== 2 || minor !== 4)
		throw decoding.damaged(0, `pcap version ${major}.${minor}, where 2.4 is supported,`);
	decoding.interfaces.push({
		name: undefined,
		description: undefined,
		linkType: linkTypeOf(fields.getUint32(16, littleEndian) & linkTypeMask),
		snapLength: fields.getUint32(12, littleEndian),
		ticksPerSecond,
		section: 0,
	});

	for (let offset = 4 + headerSize; ;) {
		const record = yield recordSize;
		if (record.length === 0) return;
		if (record.length < recordSize) throw decoding.truncated(offset, 'packet');
		const view = viewOf(record);
		const seconds = view.getUint32(0, littleEndian);
		const ticks = view.getUint32(4, littleEndian);
		const captured = view.getUint32(8, littleEndian);
		const originalLength = view.getUint32(12, littleEndian);
		if (captured > longestRecord) throw decoding.damaged(offset, `packet of ${captured} bytes`);
		if (captured > originalLength)
			throw decoding.damaged(offset, `packet with ${captured} bytes of ${originalLength}`);
		if (BigInt(ticks) >= ticksPerSecond)
			throw decoding.damaged(offset, `packet with ${ticks} parts of a second`);
		const bytes = yield captured;
		if (bytes.length < captured) throw decoding.truncated(offset, 'packet');
		yield {
			at: timeOf(
				{ticksPerSecond, start: 0n},
				BigInt(seconds) * ticksPerSecond + BigInt(ticks),
			),
			bytes: decoding.own(bytes),
			originalLength,
			interface: 0,
			direction: undefined,
			comment: undefined,
		};
		offset += recordSize + captured;
	}
}
