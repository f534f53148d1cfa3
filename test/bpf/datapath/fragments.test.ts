/** Fragments of both families: the first one says the ports of all. */

import {
	ethernet,
	fragment,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	packet,
	tcp,
	udp,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import type {ProgramName} from './guarded-node.js';
import type {Family, Person} from './people.js';
import {egress, ingress, table, type TableLine, type TableSettings, type Way} from './table.js';

/** The metrics count each fragment. */
const seen = 9;

interface Path {
	readonly from: Person;
	readonly to: Person;
	readonly goes: Way;
	readonly direction: number;
}

const paths: readonly (readonly [ProgramName, Path, TableSettings?])[] = [
	['from_endpoint', {from: 'red', to: 'world', goes: 'stack', direction: egress}],
	['to_endpoint', {from: 'world', to: 'red', goes: 'endpoint', direction: ingress}],
	['from_netdev', {from: 'world', to: 'blue', goes: 'peer', direction: ingress}],
	[
		'to_netdev',
		{from: 'host', to: 'world', goes: 'network', direction: egress},
		{hostFirewall: true},
	],
];

interface Piece {
	readonly id?: number;
	/** Bytes before it; 0 unless given. */
	readonly offset?: number;
	/** False for the last one. */
	readonly more?: boolean;
	/** Number of what the datagram has, for later fragments. */
	readonly protocol?: number;
	/** Extension headers before the fragment's. */
	readonly before?: readonly PacketPart[];
}

/** A fragment of a datagram. */
function piece(f: Family, path: Path, of: Piece, ...parts: PacketPart[]): Packet {
	const {id = 7, offset: fragmentOffset = 0, more = true, protocol, before = []} = of;
	const [source, destination] = [f.address[path.from], f.address[path.to]];
	const own = {fragmentOffset, moreFragments: more, identification: id};
	if (!f.is6) {
		const named = protocol === undefined ? {} : {protocol};
		return packet(ethernet(), ipv4({source, destination, ...own, ...named}), ...parts);
	}

	const named = protocol === undefined ? {} : {nextHeader: protocol};
	return packet(
		...[ethernet(), ipv6({source, destination}), ...before],
		...[fragment({...own, ...named}), ...parts],
	);
}

const dns = udp({sourcePort: 40_000, destinationPort: 53});
const bytes = new Uint8Array(16);

function followed(f: Family, path: Path): TableLine[] {
	const {goes, direction} = path;
	const counts = [[seen, direction]] as const;
	const first = piece(f, path, {}, dns, bytes);
	const later = (of: Piece = {}) => piece(f, path, {offset: 24, protocol: 17, ...of}, bytes);
	const key = {id: 7, proto: 17, saddr: f.address[path.from], daddr: f.address[path.to]};
	const lost = {counts, drop: [175, direction]} as const;
	return [
		{
			name: 'the first fragment says the ports of the others',
			packets: [
				{
					packet: first,
					...{goes, counts},
					maps: {[f.fragments]: [{key, after: {sport: 40_000, dport: 53}}]},
				},
				{
					packet: later(),
					...{goes, counts},
					maps: {
						[f.fragments]: [],
						[f.otherFlows]: [{key: {sport: 40_000, dport: 53}, after: {packets: 2n}}],
					},
				},
				{packet: later({offset: 40, more: false}), goes, counts},
			],
		},
		{name: 'a later fragment before the first one is lost', packet: later(), ...lost},
		{name: 'so is the last one', packet: later({more: false}), ...lost},
		...[
			['datagram', {id: 8}],
			['protocol', {protocol: 132}],
		].map(([what, of]) => ({
			name: `a later fragment of another ${what as string} is lost`,
			given: [first],
			packet: later(of as Piece),
			...lost,
		})),
		{
			name: 'a later fragment from somebody else is lost',
			given: [first],
			packet: piece(
				f,
				{...path, ...(path.from === 'world' ? {from: 'lab'} : {to: 'lab'})},
				{offset: 24, protocol: 17},
				bytes,
			),
			...lost,
		},
		{
			name: 'the first fragment again says the same',
			given: [first],
			packet: first,
			...{goes, counts},
			maps: {[f.fragments]: []},
		},
		{
			name: 'a first fragment that ends within the ports is dropped',
			packet: piece(f, path, {protocol: 17}, new Uint8Array(4)),
			drop: [135, direction],
		},
		{
			name: 'TCP is followed, too',
			packets: [
				{
					packet: piece(
						...([f, path, {}] as const),
						tcp({sourcePort: 40_000, destinationPort: 80, flags: 'S'}),
					),
					...{goes, counts},
				},
				{
					packet: later({protocol: 6}),
					goes,
					counts,
					maps: {[f.tcpFlows]: [{key: {sport: 40_000, dport: 80}}]},
				},
			],
		},
		{
			name: 'an echo request is followed by its identifier',
			packets: [
				{
					packet: piece(
						...([f, path, {}] as const),
						f.is6 ? icmpv6({identifier: 9}) : icmp({identifier: 9}),
						bytes,
					),
					...{goes, counts},
				},
				{
					packet: later({protocol: f.icmpProtocol}),
					...{goes, counts},
					maps: {[f.otherFlows]: [{key: {sport: 9, dport: 0}, after: {packets: 2n}}]},
				},
			],
		},
	];
}

const untracked = (f: Family, path: Path): TableLine[] => [
	{
		name: 'the first fragment is dropped where fragments are not followed',
		packet: piece(f, path, {}, dns, bytes),
		drop: [157, path.direction],
	},
	{
		name: 'a later fragment is dropped where fragments are not followed',
		packet: piece(f, path, {offset: 24, protocol: 17}, bytes),
		drop: [157, path.direction],
	},
	{
		name: 'a whole datagram passes where fragments are not followed',
		packet: f.udp({from: path.from, to: path.to}),
		goes: path.goes,
	},
];

for (const [program, path, settings] of paths) {
	table(program, f => followed(f, path), settings);
	table(program, f => untracked(f, path), {...settings, constants: {track_fragments: 0}});
}
