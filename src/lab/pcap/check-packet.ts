/** What can be written at all. */

import {hostLittleEndian} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {linkTypeNumber} from './link-type.js';
import type {InterfaceToWrite, PacketToWrite} from './packet.js';

/** The most bytes of a packet that tcpdump and Wireshark accept. */
export const longestPacket = 262_144;

const longestText = 0xffff;

/** A mistake of who writes a capture. */
export function wrong(detail: string): UsageError {
	return new UsageError(`write capture: ${detail}`);
}

/** Checks what may come from JavaScript. */
export function oneOf<T extends string>(what: string, value: T, known: readonly T[]): T {
	if (known.includes(value)) return value;
	throw wrong(`there is no ${what} "${value}"`);
}

export function isLittleEndian(order: 'little' | 'big' | undefined): boolean {
	if (order === undefined) return hostLittleEndian;
	return oneOf('byte order', order, ['little', 'big']) === 'little';
}

/** An interface with everything filled in. */
export interface CheckedInterface {
	readonly name: Uint8Array | undefined;
	readonly description: Uint8Array | undefined;
	readonly linkType: number;
	readonly snapLength: number;
}

export function checkInterface(one: InterfaceToWrite): CheckedInterface {
	const {name, description, linkType = 'ethernet', snapLength = longestPacket} = one;
	if (!Number.isInteger(snapLength) || snapLength < 0 || snapLength > 0xffff_ffff)
		throw wrong(`snapLength ${snapLength} is not from 0 to 4294967295`);
	return {
		name: checkText('name of the interface', name),
		description: checkText('description of the interface', description),
		linkType: linkTypeNumber(linkType),
		snapLength: Math.min(snapLength || longestPacket, longestPacket),
	};
}

/** A packet with everything filled in, and cut to what its interface keeps. */
export interface CheckedPacket {
	readonly at: bigint | undefined;
	readonly bytes: Uint8Array;
	readonly originalLength: number;
	readonly interface: number;
	readonly snapLength: number;
	readonly comment: Uint8Array | undefined;
}

export function checkPacket(
	packet: PacketToWrite,
	interfaces: readonly CheckedInterface[],
): CheckedPacket {
	const {at, bytes, interface: index = 0} = packet;
	const described = interfaces[index];
	if (described === undefined) throw wrong(`there is no interface ${index}`);
	if (at !== undefined && typeof at !== 'bigint') throw wrong('"at" is not a bigint');
	if (!(bytes instanceof Uint8Array)) throw wrong('"bytes" are not a Uint8Array');
	const {originalLength = bytes.length} = packet;
	if (!Number.isInteger(originalLength) || originalLength > 0xffff_ffff)
		throw wrong(`originalLength ${originalLength} is not from 0 to 4294967295`);
	if (originalLength < bytes.length)
		throw wrong(
			`originalLength ${originalLength} is less than the ${bytes.length} bytes given`,
		);
	if (packet.direction !== undefined) oneOf('direction', packet.direction, ['in', 'out']);
	const {snapLength} = described;
	return {
		at,
		bytes: bytes.length > snapLength ? bytes.subarray(0, snapLength) : bytes,
		originalLength,
		interface: index,
		snapLength,
		comment: checkText('comment', packet.comment),
	};
}

function checkText(what: string, text: string | undefined): Uint8Array | undefined {
	if (text === undefined) return undefined;
	const bytes = Buffer.from(text);
	if (bytes.length > longestText)
		throw wrong(`${what} has ${bytes.length} bytes, more than ${longestText}`);
	if (bytes.includes(0)) throw wrong(`${what} has a NUL`);
	return bytes;
}
