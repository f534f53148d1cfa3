/** ICMP errors about what is translated: they get to whom they concern, and quote what it knows. */

import type {Packet} from '../../../src/lab/index.js';
import {
	answers,
	atRed,
	exactly,
	fromNode,
	narrow,
	onePort,
	opened,
	readdressed,
	withPort,
} from './nat-packets.js';
import type {Family, Person} from './people.js';
import {table, type TableLine} from './table.js';

/** An error about a packet, or about its first bytes. */
type Complain = (f: Family, from: Person, to: Person, about: Packet) => Packet;

const complaints: readonly (readonly [string, Complain])[] = [
	['unreachable', (f, from, to, about) => f.unreachable({from, to}, about)],
	[
		'out of hops',
		(f, from, to, original) =>
			f.icmp({from, to}, {type: 'timeExceeded', original}, {type: 3, original}),
	],
	[
		'too big',
		(f, from, to, original) =>
			f.icmp(
				{from, to},
				{type: 'unreachable', code: 'fragmentationNeeded', mtu: 1400, original},
				{type: 2, mtu: 1400, original},
			),
	],
	[
		'unreachable, with eight bytes behind the header',
		(f, from, to, about) =>
			f.unreachable({from, to}, about.networkBytes.slice(0, (f.is6 ? 40 : 20) + 8)),
	],
];

/** As the network sees what red opened. */
const outside = (f: Family, packet: Packet): Packet =>
	withPort(fromNode(f, packet), 'source', onePort);

/** Of 0xffff, as the sum is 0, which would stand for none. */
function withFullChecksum(f: Family): Packet {
	const {checksum = 0} = f.udp({data: new Uint8Array(2)}).get('udp') ?? {};
	return f.udp({data: Uint8Array.of(checksum >> 8, checksum & 0xff)});
}

const byItself = (f: Family) =>
	({goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}}) as const;

table(
	'from_netdev',
	(f: Family): TableLine[] => [
		...opened(f).flatMap(([name, packet]) =>
			complaints.map(([complaint, complain]) => ({
				name: `"${complaint}" about ${name} gets to red`,
				given: [{packet, program: 'to_netdev' as const}],
				packet: complain(f, 'lab', 'host', outside(f, packet)),
				goes: 'peer' as const,
				out: exactly(atRed(f, complain(f, 'lab', 'host', packet))),
				maps: {[f.nat]: []},
			})),
		),
		{
			name: 'what is quoted gets its checksum of 0xffff back',
			given: [{packet: withFullChecksum(f), program: 'to_netdev'}],
			packet: f.unreachable({from: 'lab', to: 'host'}, outside(f, withFullChecksum(f))),
			goes: 'peer',
			out: exactly(atRed(f, f.unreachable({from: 'lab', to: 'host'}, withFullChecksum(f)))),
			maps: {[f.nat]: []},
		},
		...complaints.map(([complaint, complain]) => ({
			name: `"${complaint}" about what nobody sent is the node's`,
			packet: complain(f, 'lab', 'host', outside(f, f.udp())),
			...byItself(f),
		})),
		{
			name: "one about what the node sent is the node's",
			given: [
				{
					packet: f.udp({from: 'host', sourcePort: onePort}),
					program: 'to_netdev',
				},
			],
			packet: f.unreachable({from: 'lab', to: 'host'}, outside(f, f.udp())),
			...byItself(f),
		},
		{
			name: "one that quotes nothing is the node's",
			packet: f.unreachable({from: 'lab', to: 'host'}, new Uint8Array(0)),
			...byItself(f),
		},
		{
			name: "red's policy lets it in with the flow",
			policies: {red: {ingress: [], egress: [{}]}},
			given: [
				{packet: f.udp(), program: 'from_endpoint'},
				{packet: f.udp(), program: 'to_netdev'},
			],
			packet: f.unreachable({from: 'lab', to: 'host'}, outside(f, f.udp())),
			goes: 'peer',
		},
	],
	narrow,
);

/** As red got what answers it. */
const inside = (f: Family, answer: Packet): Packet => readdressed(f, answer, 'destination', 'red');

table(
	'to_netdev',
	(f: Family): TableLine[] => [
		...answers(f).flatMap(([name, answer], i) =>
			complaints.flatMap(([complaint, complain]) =>
				(['red', 'host'] as const).map(from => ({
					name: `"${complaint}" from ${from} about what answers ${name} says what the world knows`,
					given: [opened(f)[i]?.[1] ?? answer],
					packet: complain(f, from, 'world', inside(f, answer)),
					goes: 'network' as const,
					out: exactly(
						complain(
							...([f, 'host', 'world'] as const),
							withPort(answer, 'destination', onePort),
						),
					),
					maps: {[f.nat]: []},
				})),
			),
		),
		{
			name: 'one about what came by the address of red keeps its source',
			packet: f.unreachable({}, f.udp({from: 'world', to: 'red'})),
			...byItself(f),
		},
	],
	narrow,
);
