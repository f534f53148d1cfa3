/** Addresses of services as they are written and as maps have them. */

import {
	formatIpv6,
	formatPrefix,
	networkOf,
	parseIpv6,
	parseIpv4Number,
	parsePrefix,
} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';
import type {Place} from './encode.js';

export type Family = 4 | 6;

export interface KnownAddress {
	readonly family: Family;
	/** In its canonical form. */
	readonly text: string;
}

interface KnownIpv6 extends KnownAddress {
	/** In network order. */
	readonly bytes: Uint8Array;
}

/** Of IPv6, as maps are filled with the same ones by the thousand. IPv4 is read faster than found. */
const known = new Map<string, KnownIpv6>();
const mostKnown = 100_000;

/** *Throws:* `ERR_ADDRESS`. */
export function readAddress(text: string): KnownAddress {
	if (text.includes(':')) return readIpv6(text);
	parseIpv4Number(text);
	return {family: 4, text};
}

function readIpv6(text: string): KnownIpv6 {
	const found = known.get(text);
	if (found !== undefined) return found;
	if (known.size >= mostKnown) known.clear();
	const bytes = parseIpv6(text);
	const address: KnownIpv6 = {family: 6, text: formatIpv6(viewOf(bytes)), bytes};
	known.set(text, address);
	return address;
}

/** Writes an address that was read; where it ends. */
export function putAddress({bytes, view, at}: Place, family: Family, text: string): number {
	if (family === 4) view.setUint32(at, parseIpv4Number(text));
	else bytes.set(readIpv6(text).bytes, at);
	return at + sizeOf[family];
}

const sizeOf = {4: 4, 6: 16} as const;

/** A prefix of either family without what it does not cover. *Throws:* `ERR_ADDRESS`. */
export function readPrefix(text: string): KnownAddress {
	const network = networkOf(parsePrefix(text));
	return {family: network.address.length === 4 ? 4 : 6, text: formatPrefix(network)};
}
