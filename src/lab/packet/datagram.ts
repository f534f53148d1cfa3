/** What of an IP packet is in each of its fragments, and what is shared out among them. */

import {isCopiedToFragments, sizeOfIpv4Options} from './ipv4-options.js';
import type {Ipv4Layer} from './ipv4.js';
import type {Ipv6Layer} from './ipv6.js';
import type {Layer} from './layers.js';
import {protocols} from './numbers.js';
import {packet, parsePacket, type Packet} from './packet.js';

/** The outermost IP packet of a packet. */
export interface Datagram {
	readonly below: readonly Layer[];
	readonly ip: Ipv4Layer | Ipv6Layer;
	/** IPv6: headers that every fragment has. */
	readonly extensions: readonly Layer[];
	/** Of what is shared out. */
	readonly protocol: number;
	readonly isFragment: boolean;
	/** Undefined where nothing says it. */
	readonly identification: number | undefined;
	readonly offset: number;
	readonly more: boolean;
	/** What is shared out. */
	readonly data: Uint8Array;
}

/** What a fragment says of itself. */
export interface FragmentPlace {
	readonly identification: number;
	readonly offset: number;
	readonly more: boolean;
}

/** Undefined without an IP header. */
export function datagramOf(given: Packet): Datagram | undefined {
	const {layers, networkBytes} = given;
	const index = layers.findIndex(({layer}) => layer === 'ipv4' || layer === 'ipv6');
	const ip = layers[index];
	const below = layers.slice(0, index);
	if (ip?.layer === 'ipv4') {
		const {identification, fragmentOffset: offset, moreFragments: more, protocol} = ip;
		const end = ip.wrong?.totalLength ?? ip.totalLength;
		const data = networkBytes.subarray(ip.wrong?.headerLength ?? ip.headerLength, end);
		const isFragment = more || offset > 0;
		const place = {identification, offset, more};
		return {...{below, ip, extensions: [], protocol, isFragment}, ...place, data};
	}

	if (ip?.layer !== 'ipv6') return undefined;
	const rest = layers.slice(index + 1);
	const extensions = rest.slice(0, countOfExtensions(rest));
	const next = rest[extensions.length];
	const fragment = next?.layer === 'fragment' ? next : undefined;
	const start = 40 + sizeOfExtensions(extensions) + (fragment ? 8 : 0);
	const length = ip.wrong?.payloadLength ?? ip.payloadLength;
	const end = length === 0 ? networkBytes.length : 40 + length;
	const last = fragment ?? extensions.at(-1) ?? ip;
	return {
		...{below, ip, extensions},
		protocol: 'nextHeader' in last ? last.nextHeader : 0,
		isFragment: fragment !== undefined,
		identification: fragment?.identification,
		offset: fragment?.fragmentOffset ?? 0,
		more: fragment?.moreFragments ?? false,
		data: networkBytes.subarray(start, end),
	};
}

/** RFC 8200: up to the last header that routers on the way look at. */
function countOfExtensions(layers: readonly Layer[]): number {
	let count = 0;
	for (const [i, {layer}] of layers.entries()) {
		if (layer === 'routing' || (layer === 'hopByHop' && i === 0)) count = i + 1;
		else if (layer !== 'destinationOptions') break;
	}

	return count;
}

function sizeOfExtensions(layers: readonly Layer[]): number {
	let size = 0;
	for (const layer of layers) {
		if (!('headerLength' in layer)) continue;
		size += layer.wrong?.headerLength ?? layer.headerLength;
	}

	return size;
}

/** Bytes of headers, from the IP header on, of a fragment, or of the whole. */
export function headerSize(whole: Datagram, place: FragmentPlace | undefined): number {
	const {ip, extensions} = whole;
	if (ip.layer === 'ipv4') return 20 + sizeOfIpv4Options(optionsOf(ip, place?.offset ?? 0));
	return 40 + sizeOfExtensions(extensions) + (place ? 8 : 0);
}

function optionsOf({options}: Ipv4Layer, offset: number): Ipv4Layer['options'] {
	return offset === 0 ? options : options.filter(isCopiedToFragments);
}

/** Bytes, with headers, that the length field can tell. */
export function largestDatagram({ip}: Datagram): number {
	return ip.layer === 'ipv4' ? 0xffff : 40 + 0xffff;
}

/** A fragment, or the whole, of other data; lengths and the header's checksum are right. */
export function rebuild(
	{below, ip, extensions, protocol}: Datagram,
	place: FragmentPlace | undefined,
	data: Uint8Array,
): Packet {
	const built =
		ip.layer === 'ipv4'
			? packet(...below, ipv4Header(ip, place), data)
			: packet(...below, ...ipv6Headers(ip, extensions, protocol, place), data);
	return parsePacket(built.bytes, {first: below[0]?.layer ?? ip.layer});
}

function ipv4Header(ip: Ipv4Layer, place: FragmentPlace | undefined) {
	const {offset: fragmentOffset = 0, more: moreFragments = false} = place ?? {};
	return {
		...ip,
		headerLength: undefined,
		totalLength: undefined,
		checksum: undefined,
		wrong: undefined,
		identification: place?.identification ?? ip.identification,
		fragmentOffset,
		moreFragments,
		options: optionsOf(ip, fragmentOffset),
	};
}

function ipv6Headers(
	ip: Ipv6Layer,
	extensions: readonly Layer[],
	protocol: number,
	place: FragmentPlace | undefined,
) {
	// Who names what follows: the last header, or the fragment header behind it.
	const nextHeader = place ? protocols.fragment : protocol;
	const headers = [ip, ...extensions].map((layer, i) => ({
		...layer,
		...(layer === ip && {payloadLength: undefined, wrong: undefined}),
		...(i === extensions.length && {nextHeader}),
	}));
	if (!place) return headers;
	const {offset: fragmentOffset, more: moreFragments, identification} = place;
	const own = {nextHeader: protocol, fragmentOffset, moreFragments, identification};
	return [...headers, {layer: 'fragment' as const, ...own}];
}
