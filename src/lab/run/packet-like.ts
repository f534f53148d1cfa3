import {hex} from '../../base/bytes.js';

/** A packet as bytes, or whatever has them. */
export type PacketLike = Uint8Array | {readonly bytes: Uint8Array};

/** From the Ethernet header on. */
export function bytesOf(packet: PacketLike): Uint8Array {
	return packet instanceof Uint8Array ? packet : packet.bytes;
}

/** A packet in one line. */
export function describePacket(bytes: Uint8Array): string {
	return `packet of ${bytes.length} bytes, ${hex(bytes.subarray(0, 34))}`;
}

/** Where the second differs from the first, line by line; undefined when it does not. */
export function packetDifference(expected: Uint8Array, actual: Uint8Array): string | undefined {
	if (Buffer.compare(expected, actual) === 0) return undefined;
	const lines: string[] = [];
	for (let at = 0; at < Math.max(expected.length, actual.length); at += 16) {
		const [left, right] = [expected, actual].map(bytes => hex(bytes.subarray(at, at + 16)));
		if (left === right) continue;
		lines.push(`- ${at}: ${left}`, `+ ${at}: ${right}`);
	}

	return lines.join('\n');
}
