import {diffPackets} from '../packet/diff.js';
import {formatPacketDiff} from '../packet/format-diff.js';
import {Packet, parsePacket} from '../packet/packet.js';

/** A packet, or its bytes from the Ethernet header on. */
export type PacketLike = Packet | Uint8Array | {readonly bytes: Uint8Array};

/** From the Ethernet header on. */
export function bytesOf(packet: PacketLike): Uint8Array {
	return packet instanceof Uint8Array ? packet : packet.bytes;
}

/** The packet with its layers. */
export function packetOf(packet: PacketLike): Packet {
	return packet instanceof Packet ? packet : parsePacket(bytesOf(packet));
}

/** Where the second differs from the first, as text; undefined when the bytes are the same. */
export function packetDifference(first: Packet, second: Packet): string | undefined {
	const differences = diffPackets(first, second);
	return differences.length === 0 ? undefined : formatPacketDiff(differences);
}
