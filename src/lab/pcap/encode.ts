/** Encodes capture files: what the two formats have in common. */

import {oneOf} from './check-packet.js';
import {ClassicEncoder} from './encode-classic.js';
import {PcapngEncoder} from './encode-pcapng.js';
import type {InterfaceToWrite, PacketToWrite} from './packet.js';

/** How a capture is written. */
export interface PcapFormat {
	/** `pcapng` unless given. */
	readonly format?: 'pcap' | 'pcapng';
	/** In pcapng, more can be added later; pcap has exactly one. One of Ethernet unless given. */
	readonly interfaces?: readonly InterfaceToWrite[];
	/** Of time stamps in pcap; pcapng always has nanoseconds. `nano` unless given. */
	readonly resolution?: 'micro' | 'nano';
	/** This machine's unless given. */
	readonly byteOrder?: 'little' | 'big';
}

/** Gives the bytes of a file piece by piece. *Throws:* `ERR_USAGE`. */
export interface Encoder {
	header(): Uint8Array;
	interface(one: InterfaceToWrite): Uint8Array;
	packet(packet: PacketToWrite): Uint8Array;
}

/** *Throws:* `ERR_USAGE`. */
export function encoderOf(format: PcapFormat): Encoder {
	const kind = oneOf('format', format.format ?? 'pcapng', ['pcap', 'pcapng']);
	return kind === 'pcap' ? new ClassicEncoder(format) : new PcapngEncoder(format);
}
