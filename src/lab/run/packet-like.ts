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
