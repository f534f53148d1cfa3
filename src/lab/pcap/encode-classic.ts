import {viewOf} from '../../base/bytes.js';
import {checkInterface, checkPacket, isLittleEndian, oneOf, wrong} from './check-packet.js';
import type {CheckedInterface} from './check-packet.js';
import type {PcapFormat, Encoder} from './encode.js';
import type {PacketToWrite} from './packet.js';

const headerSize = 24;
const recordSize = 16;
const secondNs = 1_000_000_000n;
const magics = {micro: 0xa1b2c3d4, nano: 0xa1b23c4d} as const;
const tickNs = {micro: 1000n, nano: 1n} as const;

/** Encodes pcap, which has room for neither directions nor comments. */
export class ClassicEncoder implements Encoder {
	private readonly littleEndian: boolean;
	private readonly resolution: 'micro' | 'nano';
	private readonly only: CheckedInterface;

	constructor({interfaces = [{}], resolution = 'nano', byteOrder}: PcapFormat) {
		const [only] = interfaces;
		if (only === undefined || interfaces.length > 1)
			throw wrong(`pcap has one interface, not ${interfaces.length}`);
		this.littleEndian = isLittleEndian(byteOrder);
		this.resolution = oneOf('resolution', resolution, ['micro', 'nano']);
		this.only = checkInterface(only);
	}

	header(): Uint8Array {
		const bytes = new Uint8Array(headerSize);
		const view = viewOf(bytes);
		view.setUint32(0, magics[this.resolution], this.littleEndian);
		view.setUint16(4, 2, this.littleEndian);
		view.setUint16(6, 4, this.littleEndian);
		view.setUint32(16, this.only.snapLength, this.littleEndian);
		view.setUint32(20, this.only.linkType, this.littleEndian);
		return bytes;
	}

	interface(): Uint8Array {
		throw wrong('pcap has one interface');
	}

	packet(packet: PacketToWrite): Uint8Array {
		const {at, bytes, originalLength} = checkPacket(packet, [this.only]);
		if (at === undefined) throw wrong('pcap has no packets without a time');
		const seconds = at / secondNs;
		if (at < 0n || seconds > 0xffff_ffffn)
			throw wrong(`pcap has no room for the time ${at}: it ends in 2106`);
		const record = new Uint8Array(recordSize + bytes.length);
		const view = viewOf(record);
		const ticks = (at % secondNs) / tickNs[this.resolution];
		view.setUint32(0, Number(seconds), this.littleEndian);
		view.setUint32(4, Number(ticks), this.littleEndian);
		view.setUint32(8, bytes.length, this.littleEndian);
		view.setUint32(12, originalLength, this.littleEndian);
		record.set(bytes, recordSize);
		return record;
	}
}
