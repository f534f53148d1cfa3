/** Packets taken apart as routers and senders do, and put together again as receivers do. */

import {UsageError} from '../../base/errors.js';
import {crc32c} from './checksum.js';
import {datagramOf, headerSize, largestDatagram, rebuild, type Datagram} from './datagram.js';
import type {Packet} from './packet.js';

/** How a packet is taken apart. */
export interface FragmentPacketOptions {
	/**
	 * By which its fragments are told from those of others. Default: what the IPv4 header says, 0
	 * in most; for IPv6, which says nothing, a checksum of the packet.
	 */
	readonly identification?: number | undefined;
}

/**
 * The fragments of a packet, by its outermost IP header: each has at most `mtu` bytes from there
 * on. One that fits is given as it is, a fragment is taken apart further. What is behind the end
 * of the IP packet is left out.
 *
 * *Throws:* `ERR_USAGE` without an IP header, for one that says `dontFragment`, and for an MTU that
 * has no room for headers and 8 bytes.
 */
export function fragmentPacket(
	packet: Packet,
	mtu: number,
	options: FragmentPacketOptions = {},
): Packet[] {
	const whole = datagramOf(packet);
	const refuse = (why: string): never => {
		throw new UsageError(`fragment packet: ${why}: ${String(packet)}`);
	};
	if (!whole) return refuse('no IP header');
	if (packet.networkBytes.length <= mtu || sizeOf(whole) <= mtu) return [packet];
	if (whole.ip.layer === 'ipv4' && whole.ip.dontFragment) return refuse('it says not to');
	const identification =
		options.identification ?? whole.identification ?? crc32c(packet.networkBytes);
	const {data} = whole;
	const fragments: Packet[] = [];
	for (let at = 0; at < data.length;) {
		const place = {identification, offset: whole.offset + at, more: whole.more};
		const room = mtu - headerSize(whole, place);
		const isLast = data.length - at <= room;
		const length = isLast ? data.length - at : room & ~7;
		if (length < 8 && !isLast) return refuse(`no room for 8 bytes in an MTU of ${mtu}`);
		const more = whole.more || !isLast;
		fragments.push(rebuild(whole, {...place, more}, data.subarray(at, at + length)));
		at += length;
	}

	return fragments;
}

/** With its headers, as it is. */
function sizeOf(whole: Datagram): number {
	const place = whole.isFragment ? {...whole, identification: 0} : undefined;
	return headerSize(whole, place) + whole.data.length;
}

/** Fragments of one packet that came so far. */
interface Gathering {
	/** By where they belong. */
	readonly pieces: Map<number, {readonly piece: Datagram; readonly index: number}>;
	received: number;
	/** Bytes of all; known when the last piece came. */
	total: number | undefined;
	/** Pieces contradict each other. */
	broken: boolean;
}

/**
 * Puts fragments together, by the outermost IP header: in whatever order they come, each packet
 * stands where the fragment came that made it complete. Packets that are whole stay as they are,
 * and so do fragments of which others are missing, overlap or contradict them.
 */
export function reassemble(packets: readonly Packet[]): Packet[] {
	const out: (Packet | undefined)[] = [...packets];
	const gatherings = new Map<string, Gathering>();
	for (const [index, packet] of packets.entries()) {
		const piece = datagramOf(packet);
		if (!piece?.isFragment) continue;
		const key = keyOf(piece);
		const gathering: Gathering = gatherings.get(key) ?? {
			pieces: new Map(),
			received: 0,
			total: undefined,
			broken: false,
		};
		gatherings.set(key, gathering);
		add(gathering, piece, index);
		const whole = wholeOf(gathering);
		if (!whole) continue;
		for (const one of gathering.pieces.values()) out[one.index] = undefined;
		out[index] = whole;
		gatherings.delete(key);
	}

	return out.filter(packet => packet !== undefined);
}

function keyOf({ip, below, protocol, identification}: Datagram): string {
	const vlans = below.map(layer => (layer.layer === 'vlan' ? layer.id : ''));
	const kind = ip.layer === 'ipv4' ? protocol : '';
	return [ip.source, ip.destination, identification, kind, ...vlans].join(' ');
}

function add(gathering: Gathering, piece: Datagram, index: number): void {
	const same = gathering.pieces.get(piece.offset)?.piece;
	if (same) {
		// The same once more is left out, and stays where it is.
		gathering.broken ||=
			same.more !== piece.more || Buffer.compare(same.data, piece.data) !== 0;
		return;
	}

	gathering.pieces.set(piece.offset, {piece, index});
	gathering.received += piece.data.length;
	if (piece.more) return;
	gathering.broken ||= gathering.total !== undefined;
	gathering.total = piece.offset + piece.data.length;
}

function wholeOf({pieces, received, total, broken}: Gathering): Packet | undefined {
	const first = pieces.get(0)?.piece;
	if (!first || broken || received !== total) return undefined;
	if (headerSize(first, undefined) + total > largestDatagram(first)) return undefined;
	const data = new Uint8Array(total);
	for (let at = 0; at < total;) {
		const next = pieces.get(at)?.piece.data;
		if (!next || next.length === 0) return undefined;
		data.set(next, at);
		at += next.length;
	}

	return rebuild(first, undefined, data);
}
