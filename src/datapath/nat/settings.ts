/** What the programs are told of NAT before they are loaded. */

import {parseIpv4, parseIpv6, parsePrefix, type Prefix} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import {addressWords} from '../address-words.js';

/** The node's side of translated packets. */
export interface NatSettings {
	/** The node's address to the network. */
	readonly ipv4?: string;
	readonly ipv6?: string;
	/** First and last port that flows get, above those of services; 32768 to 65535 unless given. */
	readonly ports?: readonly [first: number, last: number];
}

/** What endpoints send by the node's devices, where nobody knows their own addresses. */
export interface MasqueradeSettings {
	/** Whether flows of the family get the node's address, which `nat` says; false unless given. */
	readonly ipv4?: boolean;
	readonly ipv6?: boolean;
	/** Where all addresses of endpoints are known: a prefix of each family at most. */
	readonly nativeRouting?: readonly string[];
	/** Other places where they are known; what is there stays unless given. */
	readonly exclude?: readonly string[];
	/** Whether other nodes see the node's address, too; endpoints' own unless given. */
	readonly remoteNodes?: boolean;
}

const [firstPort, lastPort] = [32_768, 65_535];

/** By the constants' names. *Throws:* `ERR_ADDRESS`, `ERR_USAGE`. */
export function natConstants({
	nat = {},
	masquerade = {},
}: {
	readonly nat?: NatSettings | undefined;
	readonly masquerade?: MasqueradeSettings | undefined;
}): Record<string, unknown> {
	const {ipv4, ipv6, ports: [first, last] = [firstPort, lastPort]} = nat;
	const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= 0xffff;
	if (!isPort(first) || !isPort(last) || last < first) {
		throw new UsageError(`set up NAT: ${first} to ${last} are no ports`);
	}

	for (const family of ['ipv4', 'ipv6'] as const) {
		if (masquerade[family] === true && nat[family] === undefined) {
			throw new UsageError(`set up masquerading: the node has no ${family} address for NAT`);
		}
	}

	const native = (masquerade.nativeRouting ?? []).map(parsePrefix);
	return {
		nat_ipv4: ipv4 === undefined ? 0 : addressWords(parseIpv4(ipv4))[0],
		nat_ipv6: ipv6 === undefined ? [0, 0, 0, 0] : addressWords(parseIpv6(ipv6)),
		nat_port_min: first,
		nat_port_max: last,
		masquerade_ipv4: Number(masquerade.ipv4 === true),
		masquerade_ipv6: Number(masquerade.ipv6 === true),
		masquerade_remote_nodes: Number(masquerade.remoteNodes === true),
		...nativeConstants('ipv4', native),
		...nativeConstants('ipv6', native),
	};
}

function nativeConstants(
	family: 'ipv4' | 'ipv6',
	prefixes: readonly Prefix[],
): Record<string, unknown> {
	const size = family === 'ipv4' ? 4 : 16;
	const [prefix, more] = prefixes.filter(({address}) => address.length === size);
	if (more) throw new UsageError(`set up masquerading: two native prefixes of ${family}`);
	const mask = new Uint8Array(size);
	const network = new Uint8Array(size);
	for (let i = 0; i < size; i++) {
		const bits = Math.min(Math.max((prefix?.length ?? 0) - i * 8, 0), 8);
		mask[i] = 0xff00 >> bits;
		network[i] = (prefix?.address[i] ?? 0) & (mask[i] ?? 0);
	}

	const value = (bytes: Uint8Array): unknown => {
		const words = addressWords(bytes);
		return size === 4 ? words[0] : words;
	};
	return {
		[`native_routing_${family}`]: value(network),
		[`native_routing_${family}_mask`]: value(mask),
	};
}
