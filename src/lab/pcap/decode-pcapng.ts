import {viewOf} from '../../base/bytes.js';
import {Block, blockTypes, byteOrderMagic, directionBits, optionCodes, padded} from './block.js';
import {clockOf, timeOf} from './clock.js';
import {longestRecord, type Decoder, type Decoding} from './decoding.js';
import {linkTypeOf} from './link-type.js';
import type {CapturedPacket, SkippedBlocks} from './packet.js';

/** Interfaces are remembered: what their blocks may take together. */
const mostInterfaceBytes = 1 << 20;

/** A block with nothing in it: its type, and its length twice. */
const frameSize = 12;

const skippedKinds = new Map<number, keyof SkippedBlocks>([
	[blockTypes.names, 'names'],
	[blockTypes.statistics, 'statistics'],
	[blockTypes.custom, 'custom'],
	[blockTypes.customNotCopied, 'custom'],
]);

type ReadPacket = (decoding: Decoding, section: Section, block: Block) => CapturedPacket;

const packetReaders = new Map<number, ReadPacket>([
	[blockTypes.enhancedPacket, readEnhanced],
	[blockTypes.obsoletePacket, readObsolete],
	[blockTypes.simplePacket, readSimple],
]);

interface Section {
	readonly number: number;
	readonly littleEndian: boolean;
	/** Index of its first interface. */
	readonly firstInterface: number;
}

/** Decodes a pcapng file from behind the type of its first block on. */
export function* decodePcapng(decoding: Decoding, firstType: Uint8Array): Decoder {
	let section: Section | undefined;
	let interfaceBytes = 0;
	let type = firstType;
	for (let offset = 0; ; type = yield 4) {
		if (type.length === 0) return;
		const lengthBytes = type.length < 4 ? type : yield 4;
		if (lengthBytes.length < 4) throw decoding.truncated(offset, 'block');

		let number = viewOf(type).getUint32(0, section?.littleEndian);
		let before = 8;
		if (number === blockTypes.section) {
			const magic = yield 4;
			if (magic.length < 4) throw decoding.truncated(offset, 'section header block');
			section = openSection(decoding, section, offset, magic);
			before += 4;
		}

		// The first block is a section header: its type said that this is pcapng.
		const {littleEndian} = section as Section;
		const length = viewOf(lengthBytes).getUint32(0, littleEndian);
		if (length < frameSize || length % 4 !== 0)
			throw decoding.damaged(offset, `block with a length of ${length} bytes`);
		number = viewOf(type).getUint32(0, littleEndian);
		const noun = nounOf(number);
		const readPacket = packetReaders.get(number);
		const held =
			readPacket !== undefined ||
			number === blockTypes.section ||
			number === blockTypes.interface;
		let body: Uint8Array = new Uint8Array();
		if (held) {
			const wanted = length - before - 4;
			if (length > longestRecord || wanted < 0)
				throw decoding.damaged(offset, `${noun} with a length of ${length} bytes`);
			body = yield wanted;
			if (body.length < wanted) throw decoding.truncated(offset, noun);
		} else {
			yield -(length - frameSize);
			decoding.skipped[skippedKinds.get(number) ?? 'other']++;
		}

		const trailer = yield 4;
		if (trailer.length < 4) throw decoding.truncated(offset, noun);
		const again = viewOf(trailer).getUint32(0, littleEndian);
		if (again !== length)
			throw decoding.damaged(
				offset,
				`${noun} of ${length} bytes that ends as one of ${again}`,
			);

		if (held) {
			const block = new Block(decoding, littleEndian, offset, noun, body);
			if (readPacket !== undefined) yield readPacket(decoding, section as Section, block);
			else if (number === blockTypes.section) checkSection(block);
			else {
				interfaceBytes += length;
				if (interfaceBytes > mostInterfaceBytes)
					throw block.damaged(
						`that makes interfaces take over ${mostInterfaceBytes} bytes,`,
					);
				readInterface(decoding, section as Section, block);
			}
		}

		offset += length;
	}
}

function nounOf(type: number): string {
	if (type === blockTypes.section) return 'section header block';
	if (type === blockTypes.interface) return 'interface block';
	return packetReaders.has(type) ? 'packet block' : 'block';
}

function openSection(
	decoding: Decoding,
	before: Section | undefined,
	offset: number,
	magic: Uint8Array,
): Section {
	const littleEndian = viewOf(magic).getUint32(0, true) === byteOrderMagic;
	if (!littleEndian && viewOf(magic).getUint32(0) !== byteOrderMagic)
		throw decoding.damaged(offset, 'section header block without byte-order magic');
	return {
		number: before === undefined ? 0 : before.number + 1,
		littleEndian,
		firstInterface: decoding.interfaces.length,
	};
}

/** The body starts behind the byte-order magic. */
function checkSection(block: Block): void {
	const [major, minor] = [block.need(12).uint16(0), block.uint16(2)];
	// 1.2 was written for a while, and is the same.
	if (major !== 1 || (minor !== 0 && minor !== 2))
		throw block.damaged(`of version ${major}.${minor}, where 1.0 is supported,`);
}

function readInterface(decoding: Decoding, section: Section, block: Block): void {
	const linkType = linkTypeOf(block.need(8).uint16(0));
	const snapLength = block.uint32(4);
	let name: string | undefined;
	let description: string | undefined;
	let resolution = 6;
	let offset = 0n;
	block.eachOption(8, (code, value) => {
		if (code === optionCodes.interfaceName) name = value.text();
		else if (code === optionCodes.interfaceDescription) description = value.text();
		else if (code === optionCodes.timeResolution) resolution = value.uint8();
		else if (code === optionCodes.timeOffset) offset = value.int64();
	});
	const clock = clockOf(resolution, offset);
	const {ticksPerSecond} = clock;
	const {number} = section;
	decoding.clocks.push(clock);
	decoding.interfaces.push({
		name,
		description,
		linkType,
		snapLength,
		ticksPerSecond,
		section: number,
	});
}

/** Index among all interfaces of one that a packet names by its number in the section. */
function interfaceIndex(
	decoding: Decoding,
	section: Section,
	block: Block,
	number: number,
): number {
	const index = section.firstInterface + number;
	if (index < decoding.interfaces.length) return index;
	throw block.damaged(`of interface ${number}, which the section does not have,`);
}

function readEnhanced(decoding: Decoding, section: Section, block: Block): CapturedPacket {
	return readTimed(decoding, section, block, block.need(20).uint32(0));
}

/** It differs in that it counts lost packets where the interface's high half would be. */
function readObsolete(decoding: Decoding, section: Section, block: Block): CapturedPacket {
	return readTimed(decoding, section, block, block.need(20).uint16(0));
}

function readTimed(
	decoding: Decoding,
	section: Section,
	block: Block,
	number: number,
): CapturedPacket {
	const index = interfaceIndex(decoding, section, block, number);
	const captured = block.uint32(12);
	const originalLength = block.uint32(16);
	if (captured > originalLength)
		throw block.damaged(`with ${captured} bytes of ${originalLength}`);
	const bytes = block.data(20, captured);
	let comment: string | undefined;
	let direction: 'in' | 'out' | undefined;
	block.eachOption(20 + padded(captured), (code, value) => {
		if (code === optionCodes.comment) {
			const text = value.text();
			comment = comment === undefined ? text : `${comment}\n${text}`;
		} else if (code === optionCodes.packetFlags) {
			const bits = value.uint32() & 3;
			if (bits === directionBits.in) direction = 'in';
			else if (bits === directionBits.out) direction = 'out';
		}
	});
	const clock = decoding.clocks[index];
	return {
		at: clock && timeOf(clock, block.highLow(4)),
		bytes,
		originalLength,
		interface: index,
		direction,
		comment,
	};
}

/** It says only how long the packet was; the interface's limit says how much of it is there. */
function readSimple(decoding: Decoding, section: Section, block: Block): CapturedPacket {
	const index = interfaceIndex(decoding, section, block, 0);
	const originalLength = block.need(4).uint32(0);
	const limit = decoding.interfaces[index]?.snapLength ?? 0;
	const captured = limit === 0 ? originalLength : Math.min(originalLength, limit);
	return {
		at: undefined,
		bytes: block.data(4, captured),
		originalLength,
		interface: index,
		direction: undefined,
		comment: undefined,
	};
}
