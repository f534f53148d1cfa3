/** Numbers by which one layer names the next, and the names that people know them by. */

import type {LayerName} from './layers.js';

/** EtherTypes of the layers that have one. */
export const etherTypes: Readonly<Partial<Record<LayerName, number>>> = {
	ipv4: 0x0800,
	arp: 0x0806,
	vlan: 0x8100,
	ipv6: 0x86dd,
	ethernet: 0x6558,
};

/** 802.1ad, the outer of two tags. */
export const serviceTag = 0x88a8;

/** IEEE 802's EtherType for local experiments: a payload's, unless told otherwise. */
export const experimentalEtherType = 0x88b5;

/** IP protocols and next headers of the layers that have one. */
export const protocols: Readonly<Partial<Record<LayerName, number>>> = {
	hopByHop: 0,
	icmp: 1,
	ipv4: 4,
	tcp: 6,
	udp: 17,
	ipv6: 41,
	routing: 43,
	fragment: 44,
	ah: 51,
	icmpv6: 58,
	destinationOptions: 60,
	sctp: 132,
	ethernet: 143,
};

/** RFC 3692: for experiments; a payload's, unless told otherwise. */
export const experimentalProtocol = 253;

/** RFC 8200: nothing follows. */
export const noNextHeader = 59;

export const vxlanPort = 4789;
export const genevePort = 6081;

const byEtherType = invert(etherTypes);
byEtherType.set(serviceTag, 'vlan');
const byProtocol = invert(protocols);

/** Headers that only IPv6 chains. */
const ipv6Only: ReadonlySet<LayerName> = new Set([
	'hopByHop',
	'routing',
	'fragment',
	'destinationOptions',
]);

/** The layer after an EtherType. */
export function layerOfEtherType(value: number): LayerName {
	return byEtherType.get(value) ?? 'payload';
}

/** The layer after an IPv4 protocol number. */
export function layerOfProtocol(value: number): LayerName {
	const name = byProtocol.get(value) ?? 'payload';
	return ipv6Only.has(name) ? 'payload' : name;
}

/** The layer after a next header number of IPv6. */
export function layerOfNextHeader(value: number): LayerName {
	return byProtocol.get(value) ?? 'payload';
}

const protocolNames: Readonly<Record<number, string>> = {
	...Object.fromEntries(Object.entries(protocols).map(([name, value]) => [value, name])),
	2: 'igmp',
	47: 'gre',
	50: 'esp',
	[noNextHeader]: 'no next header',
	103: 'pim',
	112: 'vrrp',
};

/** `tcp` of 6; undefined for those without a name here. */
export function protocolName(value: number): string | undefined {
	return protocolNames[value];
}

/** `ipv4` of 0x0800; undefined for those without a name here. */
export function etherTypeName(value: number): string | undefined {
	return value === serviceTag ? 'vlan' : byEtherType.get(value);
}

function invert(table: Readonly<Partial<Record<LayerName, number>>>): Map<number, LayerName> {
	return new Map(Object.entries(table).map(([name, value]) => [value, name as LayerName]));
}
