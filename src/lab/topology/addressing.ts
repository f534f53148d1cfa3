/** Prefixes of segments and addresses in them. */

import {formatPrefix, parsePrefix, type Prefix} from '../../base/address.js';
import type {LinkOptions} from './topology.js';

export interface SegmentPrefixes {
	readonly ipv4: Prefix | undefined;
	readonly ipv6: Prefix | undefined;
}

/** Those for documentation (RFC 5737); what does not fit into them is private (RFC 1918). */
const documentation = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'];

/** The prefixes of a segment: those given, or else those that its number says. */
export function segmentPrefixes(
	segment: number,
	given: Pick<LinkOptions, 'ipv4' | 'ipv6'>,
	before?: SegmentPrefixes,
): SegmentPrefixes {
	const ipv4 = documentation[segment] ?? `10.${segment >> 8}.${segment & 0xff}.0/24`;
	const ipv6 = `2001:db8:${segment.toString(16)}::/64`;
	const choose = (family: 'ipv4' | 'ipv6', own: string): Prefix | undefined => {
		const text = given[family];
		if (text === undefined && before) return before[family];
		return text === false ? undefined : parsePrefix(text ?? own);
	};
	return {ipv4: choose('ipv4', ipv4), ipv6: choose('ipv6', ipv6)};
}

/** The prefix with the bits of a host; undefined when it has no such host. */
export function hostPrefix(prefix: Prefix, host: number): Prefix | undefined {
	const bits = prefix.address.length * 8 - prefix.length;
	// The last address of an IPv4 prefix is for broadcasts.
	const isLast = prefix.address.length === 4 && bits > 1 && host === 2 ** bits - 1;
	if (host >= 2 ** bits || isLast) return undefined;
	const address = Uint8Array.from(networkOf(prefix).address);
	for (let at = address.length - 1, rest = host; rest > 0; at--, rest >>>= 8) {
		address[at] = (address[at] ?? 0) | (rest & 0xff);
	}

	return {address, length: prefix.length};
}

/** The prefix without the bits of a host. */
export function networkOf({address, length}: Prefix): Prefix {
	const masked = address.map((byte, i) => {
		const kept = Math.min(8, Math.max(0, length - i * 8));
		return byte & (0xff00 >> kept);
	});
	return {address: masked, length};
}

/** Text that is the same for all addresses of one network. */
export function networkKey(prefix: Prefix): string {
	return formatPrefix(networkOf(prefix));
}

/** fe80::n/64. */
export function linkLocal(host: number): Prefix {
	const address = new Uint8Array(16);
	address.set([0xfe, 0x80]);
	address[15] = host;
	return {address, length: 64};
}
