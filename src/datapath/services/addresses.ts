/** Addresses of services, each read once: maps are filled with the same ones by the thousand. */

import {formatIpv6, formatPrefix, parseIpv4, parseIpv6, parsePrefix} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';

export type Family = 4 | 6;

export interface KnownAddress {
	readonly family: Family;
	/** In its canonical form. */
	readonly text: string;
	/** In network order. */
	readonly bytes: Uint8Array;
}

const known = new Map<string, KnownAddress>();
const mostKnown = 100_000;

/** *Throws:* `ERR_ADDRESS`. */
export function readAddress(text: string): KnownAddress {
	const found = known.get(text);
	if (found !== undefined) return found;
	if (known.size >= mostKnown) known.clear();
	const address = parse(text);
	known.set(text, address);
	return address;
}

function parse(text: string): KnownAddress {
	if (!text.includes(':')) return {family: 4, text, bytes: parseIpv4(text)};
	const bytes = parseIpv6(text);
	return {family: 6, text: formatIpv6(viewOf(bytes)), bytes};
}

/** Of an address in its canonical form, which is known nearly always. */
export function addressBytes(text: string): Uint8Array {
	return readAddress(text).bytes;
}

/** A prefix of either family without what it does not cover. *Throws:* `ERR_ADDRESS`. */
export function readPrefix(text: string): Omit<KnownAddress, 'bytes'> {
	const {address, length} = parsePrefix(text);
	const network = address.map(
		(byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))),
	);
	return {
		family: address.length === 4 ? 4 : 6,
		text: formatPrefix({address: network, length}),
	};
}
