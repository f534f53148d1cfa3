/** Addresses and ports of a packet of which only the beginning is known. */

import {formatIpv4, formatIpv6} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';

/** Who sends to whom, as far as the bytes tell. */
export interface PacketFlow {
	readonly family: 'ipv4' | 'ipv6';
	readonly source: string;
	readonly destination: string;
	/** Number of the protocol behind IP and its extensions. */
	readonly protocol: number;
	/** Of TCP, UDP and SCTP; undefined for others and for later fragments. */
	readonly sourcePort: number | undefined;
	readonly destinationPort: number | undefined;
}

/** Where things stand in a packet. */
export interface PacketPlaces {
	readonly family: 'ipv4' | 'ipv6';
	readonly sourceAt: number;
	readonly destinationAt: number;
	readonly protocol: number;
	/** Undefined where there are no ports. */
	readonly portsAt: number | undefined;
}

const ethernetLength = 14;
const etherTypes = {vlan: 0x81_00, serviceVlan: 0x88_a8, ipv4: 0x08_00, ipv6: 0x86_dd} as const;
const withPorts = new Set([6, 17, 132]);
const extensions = new Set([0, 43, 60]);
const fragmentHeader = 44;
const authenticationHeader = 51;

/** Undefined for what is no whole IP header. */
export function findPlaces(packet: DataView, isL3: boolean): PacketPlaces | undefined {
	const at = isL3 ? 0 : networkStart(packet);
	if (at === undefined || at >= packet.byteLength) return undefined;
	const version = packet.getUint8(at) >> 4;
	if (version === 4) return placesOfIpv4(packet, at);
	return version === 6 ? placesOfIpv6(packet, at) : undefined;
}

/** Reads a packet's flow; undefined for what is no IP. `isL3`: it begins with the IP header. */
export function readFlow(packet: Uint8Array, isL3 = false): PacketFlow | undefined {
	const view = viewOf(packet);
	const places = findPlaces(view, isL3);
	if (places === undefined) return undefined;
	const {family, sourceAt, destinationAt, protocol, portsAt} = places;
	const format = family === 'ipv4' ? formatIpv4 : formatIpv6;
	return {
		family,
		source: format(view, sourceAt),
		destination: format(view, destinationAt),
		protocol,
		sourcePort: portsAt === undefined ? undefined : view.getUint16(portsAt),
		destinationPort: portsAt === undefined ? undefined : view.getUint16(portsAt + 2),
	};
}

function networkStart(packet: DataView): number | undefined {
	let at = ethernetLength;
	while (at <= packet.byteLength) {
		const type = packet.getUint16(at - 2);
		if (type === etherTypes.ipv4 || type === etherTypes.ipv6) return at;
		if (type !== etherTypes.vlan && type !== etherTypes.serviceVlan) return undefined;
		at += 4;
	}

	return undefined;
}

function placesOfIpv4(packet: DataView, at: number): PacketPlaces | undefined {
	if (packet.byteLength < at + 20) return undefined;
	const protocol = packet.getUint8(at + 9);
	const isLaterFragment = (packet.getUint16(at + 6) & 0x1f_ff) !== 0;
	const l4 = at + (packet.getUint8(at) & 15) * 4;
	return {
		family: 'ipv4',
		sourceAt: at + 12,
		destinationAt: at + 16,
		protocol,
		portsAt: portsAt(packet, protocol, isLaterFragment ? undefined : l4),
	};
}

function placesOfIpv6(packet: DataView, start: number): PacketPlaces | undefined {
	if (packet.byteLength < start + 40) return undefined;
	let at = start + 40;
	let protocol = packet.getUint8(start + 6);
	let isLaterFragment = false;
	while (isExtension(protocol) && at + 8 <= packet.byteLength) {
		const units = packet.getUint8(at + 1);
		const next = packet.getUint8(at);
		if (protocol === fragmentHeader) {
			isLaterFragment ||= (packet.getUint16(at + 2) & 0xff_f8) !== 0;
			at += 8;
		} else {
			at += protocol === authenticationHeader ? (units + 2) * 4 : (units + 1) * 8;
		}

		protocol = next;
	}

	return {
		family: 'ipv6',
		sourceAt: start + 8,
		destinationAt: start + 24,
		protocol,
		portsAt: portsAt(packet, protocol, isLaterFragment ? undefined : at),
	};
}

const isExtension = (protocol: number): boolean =>
	extensions.has(protocol) || protocol === fragmentHeader || protocol === authenticationHeader;

function portsAt(packet: DataView, protocol: number, l4: number | undefined): number | undefined {
	if (l4 === undefined || !withPorts.has(protocol) || l4 + 4 > packet.byteLength) {
		return undefined;
	}

	return l4;
}
