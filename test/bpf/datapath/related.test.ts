/** ICMP errors pass with the flow that they are about, whoever sends them. */

import type {Packet} from '../../../src/lab/index.js';
import type {Family} from './people.js';
import {egress, ingress, table, type TableLine} from './table.js';

/** Nothing passes but what red opens, and what belongs to it. */
const policies = {red: {ingress: [], egress: [{}]}} as const;
/** The other way about. */
const entered = {red: {ingress: [{}], egress: []}} as const;

/** What red sends, by name. */
const sent = (f: Family): readonly (readonly [string, Packet])[] => [
	['TCP', f.tcp({flags: 'S'})],
	['UDP', f.udp()],
	['SCTP', f.sctp()],
	['an echo request', f.ping()],
];

/** The first bytes of an IP packet. */
const quoted = (packet: Packet, l4: number, f: Family): Uint8Array =>
	packet.networkBytes.slice(0, (f.is6 ? 40 : 20) + l4);

function toRed(f: Family): TableLine[] {
	const noFlow = {[f.tcpFlows]: [], [f.otherFlows]: []};
	const pass = {policies, goes: 'endpoint', maps: noFlow} as const;
	const udp = f.udp();
	return [
		...sent(f).flatMap(([name, packet]) =>
			(['world', 'node'] as const).map(from => ({
				name: `an error about ${name} that red sent comes in from ${from}`,
				given: [{packet, program: 'from_endpoint' as const}],
				packet: f.unreachable({from, to: 'red'}, packet),
				...pass,
			})),
		),
		{
			name: 'eight bytes behind the quoted header are enough',
			given: [{packet: udp, program: 'from_endpoint'}],
			packet: f.unreachable({from: 'node', to: 'red'}, quoted(udp, 8, f)),
			...pass,
		},
		...[0, 4, 7].map(l4 => ({
			name: `${l4} bytes are not`,
			policies,
			given: [{packet: udp, program: 'from_endpoint' as const}],
			packet: f.unreachable({from: 'node', to: 'red'}, quoted(udp, l4, f)),
			drop: [133, ingress] as const,
		})),
		{
			name: 'a quote that ends in its IP header is about nothing',
			policies,
			packet: f.unreachable({from: 'node', to: 'red'}, udp.networkBytes.slice(0, 12)),
			drop: [133, ingress],
		},
		{
			name: 'an error about a flow that nobody opened is judged',
			policies,
			packet: f.unreachable({from: 'node', to: 'red'}, udp),
			drop: [133, ingress],
		},
		{
			name: 'where it is allowed it opens no flow',
			policies: {red: {ingress: [{}]}},
			packet: f.unreachable({from: 'node', to: 'red'}, udp),
			...{goes: 'endpoint', maps: noFlow},
		},
		{
			name: 'an error about what somebody else sent is judged',
			policies,
			given: [{packet: udp, program: 'from_endpoint'}],
			packet: f.unreachable({from: 'node', to: 'red'}, f.udp({from: 'blue'})),
			drop: [133, ingress],
		},
		{
			name: 'an error about what another endpoint sent is judged',
			policies: {...policies, blue: {egress: [{}]}},
			given: [
				{
					packet: f.udp({
						from: 'world',
						to: 'blue',
						sourcePort: 53,
						destinationPort: 40_000,
					}),
					program: 'from_netdev',
				},
			],
			packet: f.unreachable({from: 'node', to: 'red'}, f.udp({from: 'blue'})),
			drop: [133, ingress],
		},
		{
			name: "an error about red's answer comes in",
			policies: {red: {ingress: [{protocol: 17, port: 53}], egress: []}},
			given: [f.udp({from: 'world', to: 'red'})],
			packet: f.unreachable(
				{from: 'node', to: 'red'},
				f.udp({sourcePort: 53, destinationPort: 40_000}),
			),
			...{goes: 'endpoint', maps: noFlow},
		},
		...(f.is6 ? [2, 3, 4] : [11, 12]).map(type => ({
			name: `an error of type ${type} is one, too`,
			given: [{packet: udp, program: 'from_endpoint' as const}],
			packet: f.icmp({from: 'node', to: 'red'}, {type, original: udp}, {type, original: udp}),
			...pass,
		})),
		{
			name: 'an error about an error is judged',
			policies,
			given: [{packet: udp, program: 'from_endpoint'}],
			packet: f.unreachable(
				{from: 'node', to: 'red'},
				f.unreachable({from: 'red', to: 'world'}, udp),
			),
			drop: [133, ingress],
		},
	];
}

function fromRed(f: Family): TableLine[] {
	const udp = f.udp({from: 'world', to: 'red'});
	const noFlow = {[f.tcpFlows]: [], [f.otherFlows]: []};
	return [
		{
			name: 'an error about what came in goes out',
			policies: entered,
			given: [{packet: udp, program: 'to_endpoint'}],
			packet: f.unreachable({from: 'red', to: 'world'}, udp),
			...{goes: 'stack', maps: noFlow},
		},
		{
			name: 'an error about what did not come in does not',
			policies: entered,
			packet: f.unreachable({from: 'red', to: 'world'}, udp),
			drop: [133, egress],
		},
		{
			name: 'an error about what came in goes out to nobody else',
			policies: entered,
			given: [{packet: udp, program: 'to_endpoint'}],
			packet: f.unreachable({from: 'red', to: 'blue'}, udp),
			drop: [133, egress],
		},
	];
}

table('to_endpoint', toRed);
table('from_endpoint', fromRed);
