/** Packets as they are on both sides of a node that translates. */

import type {Packet} from '../../../src/lab/index.js';
import {families, macs, type Family, type Person} from './people.js';
import type {TableSettings} from './table.js';

const [v4, v6] = families;

/** A node that masquerades, by its address towards the host. */
export const masquerading: TableSettings = {
	nat: {ipv4: v4.address.host, ipv6: v6.address.host},
	masquerade: {ipv4: true, ipv6: true},
};

/** The same packet from or to somebody else. */
export function readdressed(
	f: Family,
	packet: Packet,
	side: 'source' | 'destination',
	person: Person,
): Packet {
	const change = {[side]: f.address[person]};
	return f.is6 ? packet.with('ipv6', change) : packet.with('ipv4', change);
}

/** As it leaves the node with a port that it may keep. */
export const fromNode = (f: Family, packet: Packet): Packet =>
	readdressed(f, packet, 'source', 'host');

/** As red gets it: from the node, with one hop less. */
export function atRed(f: Family, sent: Packet): Packet {
	const packet = readdressed(f, sent, 'destination', 'red');
	const hops = packet.get('ipv4')?.ttl ?? packet.get('ipv6')?.hopLimit ?? 0;
	const framed = packet.with('ethernet', {source: macs.redNode, destination: macs.red});
	return f.is6 ? framed.with('ipv6', {hopLimit: hops - 1}) : framed.with('ipv4', {ttl: hops - 1});
}

/** Byte by byte, and all its checksums are right. */
export const exactly =
	(wanted: Packet) =>
	(out: Packet): boolean =>
		out.isSound && Buffer.compare(out.bytes, wanted.bytes) === 0;

/** The source port or the identifier. */
export function sourcePort(packet: Packet): number | undefined {
	return (
		packet.get('tcp')?.sourcePort ??
		packet.get('udp')?.sourcePort ??
		packet.get('sctp')?.sourcePort ??
		packet.get('icmp')?.identifier ??
		packet.get('icmpv6')?.identifier
	);
}

/** The node's source, all checksums right, and a port that the test likes. */
export const fromNodeBy =
	(f: Family, likes: (port: number) => boolean) =>
	(out: Packet): boolean =>
		out.isSound &&
		(out.get('ipv4')?.source ?? out.get('ipv6')?.source) === f.address.host &&
		likes(sourcePort(out) ?? -1);

/** What red opens to the world, by name; all keep their ports. */
export const opened = (f: Family): readonly (readonly [string, Packet])[] => [
	['TCP', f.tcp({flags: 'S'})],
	['UDP', f.udp({data: new Uint8Array(33).fill(7)})],
	...(f.is6 ? [] : [['UDP without a checksum', f.udp({checksum: 0})] as const]),
	['an echo request', f.ping({identifier: 7})],
	['SCTP', f.sctp({sourcePort: 99})],
];

/** What answers them at the node's address. */
export const answers = (f: Family): readonly (readonly [string, Packet])[] => {
	const ip = {from: 'world', to: 'host'} as const;
	return [
		['TCP', f.tcp({...ip, sourcePort: 80, destinationPort: 40_000, flags: 'SA'})],
		['UDP', f.udp({...ip, sourcePort: 53, destinationPort: 40_000, data: new Uint8Array(9)})],
		...(f.is6
			? []
			: [
					[
						'UDP without a checksum',
						f.udp({...ip, sourcePort: 53, destinationPort: 40_000, checksum: 0}),
					] as const,
				]),
		['an echo request', f.pong({...ip, identifier: 7})],
		['SCTP', f.sctp({...ip, sourcePort: 80, destinationPort: 99})],
	];
};

/** A node with one port, so that what flows get is known. */
export const onePort = 50_000;
export const narrow: TableSettings = {
	...masquerading,
	nat: {...masquerading.nat, ports: [onePort, onePort]},
};

/** With another port on one side; echoes and SCTP keep theirs. */
export function withPort(packet: Packet, side: 'source' | 'destination', port: number): Packet {
	const change = side === 'source' ? {sourcePort: port} : {destinationPort: port};
	if (packet.get('tcp')) return packet.with('tcp', change);
	return packet.get('udp') ? packet.with('udp', change) : packet;
}
