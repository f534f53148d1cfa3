/** The checksum of what rides on IP: over a pseudo-header of addresses, length and protocol. */

import {parseIpv6} from '../../base/address.js';
import {foldSum, sumOf} from './checksum.js';
import type {Checksum, Placed} from './codec.js';

/**
 * The right checksum of the layer at `index`, whose field lies `offset` bytes into it. Undefined
 * without an IP layer below, and where part of the bytes is missing.
 */
export function transportChecksum(
	bytes: Uint8Array,
	stack: readonly Placed[],
	index: number,
	protocol: number,
	offset: number,
): number | undefined {
	const self = stack[index];
	if (!self || self.cut) return undefined;
	const pseudo = pseudoSum(bytes, stack, index);
	if (pseudo === undefined) return undefined;
	const field = ((bytes[self.start + offset] ?? 0) << 8) | (bytes[self.start + offset + 1] ?? 0);
	const length = self.end - self.start;
	const own = sumOf(bytes, self.start, self.end) - field;
	return foldSum(pseudo + protocol + (length >>> 16) + (length & 0xffff) + own);
}

/** `transportChecksum` as a codec has it. */
export function pseudoChecksum(protocol: number, offset: number): Checksum {
	return {
		offset,
		bytes: 2,
		compute: (bytes, stack, index) => transportChecksum(bytes, stack, index, protocol, offset),
	};
}

/** The sum of the addresses of the IP header that the layer at `index` rides on. */
function pseudoSum(bytes: Uint8Array, stack: readonly Placed[], index: number): number | undefined {
	let final: string | undefined;
	for (let i = index - 1; i >= 0; i--) {
		const below = stack[i];
		switch (below?.layer.layer) {
			case 'ipv4':
				return sumOf(bytes, below.start + 12, below.start + 20);
			case 'ipv6':
				return final === undefined
					? sumOf(bytes, below.start + 8, below.start + 40)
					: sumOf(bytes, below.start + 8, below.start + 24) + sumOf(parseIpv6(final));
			case 'routing':
				// RFC 8200: the address at which the packet will arrive in the end.
				if (below.layer.segmentsLeft > 0) final = below.layer.finalDestination;
				break;
			case 'hopByHop':
			case 'destinationOptions':
			case 'fragment':
			case 'ah':
				break;
			default:
				return undefined;
		}
	}

	return undefined;
}
