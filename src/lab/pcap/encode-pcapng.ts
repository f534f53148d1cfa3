import {viewOf} from '../../base/bytes.js';
import {blockTypes, byteOrderMagic, directionBits, optionCodes, padded} from './block.js';
import {checkInterface, checkPacket, isLittleEndian, wrong} from './check-packet.js';
import type {CheckedInterface, CheckedPacket} from './check-packet.js';
import type {PcapFormat, Encoder} from './encode.js';
import type {InterfaceToWrite, PacketToWrite} from './packet.js';

type Option = readonly [code: number, value: Uint8Array];

const longestTime = 0xffff_ffff_ffff_ffffn;

/** Encodes pcapng: one section, times in nanoseconds. */
export class PcapngEncoder implements Encoder {
	private readonly littleEndian: boolean;
	private readonly first: readonly InterfaceToWrite[];
	private readonly interfaces: CheckedInterface[] = [];

	constructor({interfaces = [{}], byteOrder}: PcapFormat) {
		this.littleEndian = isLittleEndian(byteOrder);
		this.first = interfaces;
	}

	header(): Uint8Array {
		const {littleEndian} = this;
		const section = this.block(blockTypes.section, 16, [], view => {
			view.setUint32(0, byteOrderMagic, littleEndian);
			view.setUint16(4, 1, littleEndian);
			// The section's length is not known.
			view.setBigInt64(8, -1n, littleEndian);
		});
		return Buffer.concat([section, ...this.first.map(one => this.interface(one))]);
	}

	interface(one: InterfaceToWrite): Uint8Array {
		const checked = checkInterface(one);
		const {name, description, linkType, snapLength} = checked;
		const options: Option[] = [];
		if (name) options.push([optionCodes.interfaceName, name]);
		if (description) options.push([optionCodes.interfaceDescription, description]);
		options.push([optionCodes.timeResolution, Uint8Array.of(9)]);
		const block = this.block(blockTypes.interface, 8, options, view => {
			view.setUint16(0, linkType, this.littleEndian);
			view.setUint32(4, snapLength, this.littleEndian);
		});
		this.interfaces.push(checked);
		return block;
	}

	packet(packet: PacketToWrite): Uint8Array {
		const checked = checkPacket(packet, this.interfaces);
		const {at, bytes, originalLength, comment} = checked;
		if (at === undefined) return this.simplePacket(packet, checked);
		if (at < 0n || at > longestTime)
			throw wrong(`pcapng has no room for the time ${at}: it ends in 2554`);
		const options: Option[] = [];
		if (comment) options.push([optionCodes.comment, comment]);
		if (packet.direction !== undefined) {
			const flags = new Uint8Array(4);
			viewOf(flags).setUint32(0, directionBits[packet.direction], this.littleEndian);
			options.push([optionCodes.packetFlags, flags]);
		}

		const size = 20 + padded(bytes.length);
		return this.block(blockTypes.enhancedPacket, size, options, (view, body) => {
			view.setUint32(0, checked.interface, this.littleEndian);
			view.setUint32(4, Number(at >> 32n), this.littleEndian);
			view.setUint32(8, Number(at & 0xffff_ffffn), this.littleEndian);
			view.setUint32(12, bytes.length, this.littleEndian);
			view.setUint32(16, originalLength, this.littleEndian);
			body.set(bytes, 20);
		});
	}

	/** Readers find out from the interface's limit how many bytes it has. */
	private simplePacket(packet: PacketToWrite, checked: CheckedPacket): Uint8Array {
		const {bytes, originalLength, snapLength, comment} = checked;
		if (checked.interface !== 0 || comment !== undefined || packet.direction !== undefined)
			throw wrong('a packet without a time has interface 0, no direction and no comment');
		if (bytes.length !== Math.min(originalLength, snapLength))
			throw wrong(`a packet without a time is whole, or cut to ${snapLength} bytes`);
		const size = 4 + padded(bytes.length);
		return this.block(blockTypes.simplePacket, size, [], (view, body) => {
			view.setUint32(0, originalLength, this.littleEndian);
			body.set(bytes, 4);
		});
	}

	private block(
		type: number,
		size: number,
		options: readonly Option[],
		fill: (view: DataView, body: Uint8Array) => void,
	): Uint8Array {
		const {littleEndian} = this;
		const optionsSize = options.reduce((sum, [, value]) => sum + 4 + padded(value.length), 0);
		const length = 12 + size + (options.length > 0 ? optionsSize + 4 : 0);
		const bytes = new Uint8Array(length);
		const view = viewOf(bytes);
		view.setUint32(0, type, littleEndian);
		view.setUint32(4, length, littleEndian);
		const body = bytes.subarray(8, 8 + size);
		fill(viewOf(body), body);
		let at = 8 + size;
		for (const [code, value] of options) {
			view.setUint16(at, code, littleEndian);
			view.setUint16(at + 2, value.length, littleEndian);
			bytes.set(value, at + 4);
			at += 4 + padded(value.length);
		}

		view.setUint32(length - 4, length, littleEndian);
		return bytes;
	}
}
