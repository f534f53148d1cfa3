/** What endpoints send to the world leaves with the node's address, and what answers comes back. */

import {
	answers,
	atRed,
	exactly,
	fromNode,
	fromNodeBy,
	masquerading,
	opened,
} from './nat-packets.js';
import type {Family} from './people.js';
import {egress, table, type TableLine} from './table.js';

const inRange = (port: number): boolean => port >= 32_768;

/** Both entries of a flow by its map, made now. */
const made = (f: Family, port: number, to: object = {}) => ({
	[f.nat]: [
		{
			key: {saddr: f.address.red, sport: port, flags: 0},
			before: undefined,
			after: {to_address: f.address.host, to_port: port, needs_ct: 0n, ...to},
		},
		{
			key: {daddr: f.address.host, flags: 1},
			before: undefined,
			after: {to_address: f.address.red, to_port: port},
		},
	],
});

// The clock stands still: halves check each other once a second.
const still = {...masquerading, constants: {seconds_per_jiffy_shl32: 1}};

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const syn = f.tcp({flags: 'S'});
		const none = {[f.nat]: [], [f.natRetries]: []};
		const untouched = {goes: 'by itself', out: 'unchanged', maps: none} as const;
		return [
			...opened(f).map(([name, packet]) => ({
				name: `${name} leaves with the address of the node`,
				...{packet, goes: 'network' as const, out: exactly(fromNode(f, packet))},
				maps: {
					[f.natRetries]: [{key: 0, before: 0, after: 1}],
					...made(f, name === 'SCTP' ? 99 : name === 'an echo request' ? 7 : 40_000),
				},
			})),
			...opened(f).map(([name, packet]) => ({
				name: `${name} again makes no entries`,
				given: [packet],
				...{packet, goes: 'network' as const, out: exactly(fromNode(f, packet))},
				maps: none,
			})),
			{
				name: 'a port below the range becomes one within it',
				packet: f.tcp({sourcePort: 1024, flags: 'S'}),
				...{goes: 'network', out: fromNodeBy(f, inRange)},
			},
			{
				name: 'and so it does for UDP',
				packet: f.udp({sourcePort: 1024}),
				...{goes: 'network', out: fromNodeBy(f, inRange)},
			},
			{
				name: 'of two endpoints with one port the second one gets another',
				given: [syn],
				packet: f.tcp({from: 'blue', flags: 'S'}),
				goes: 'network',
				out: fromNodeBy(f, port => inRange(port) && port !== 40_000),
				maps: {[f.natRetries]: [{key: 1, before: 0, after: 1}]},
			},
			{
				name: 'of two endpoints with one identifier the second one gets another',
				given: [f.ping({identifier: 7})],
				packet: f.ping({from: 'blue', identifier: 7}),
				...{goes: 'network', out: fromNodeBy(f, port => port !== 7)},
			},
			{
				name: 'of two endpoints with one SCTP port the second one gets none',
				given: [f.sctp()],
				packet: f.sctp({from: 'blue'}),
				drop: [167, egress],
				counts: [[64, egress]],
				maps: {[f.nat]: [], [f.natRetries]: [{key: 32, before: 0, after: 1}]},
			},
			{
				name: 'the same port to another port of the world is kept',
				given: [syn],
				packet: f.tcp({from: 'blue', destinationPort: 81, flags: 'S'}),
				...{goes: 'network', out: fromNodeBy(f, port => port === 40_000)},
			},
			{
				name: 'what answers the world keeps its source',
				given: [
					{
						packet: f.tcp({from: 'world', to: 'red', flags: 'S'}),
						program: 'from_netdev',
					},
				],
				packet: f.tcp({flags: 'SA', sourcePort: 80, destinationPort: 40_000}),
				...untouched,
			},
			{
				name: 'what goes to another node keeps its source',
				packet: f.tcp({to: 'node', flags: 'S'}),
				...untouched,
			},
			{
				name: 'what is from nobody of this node keeps its source',
				packet: f.tcp({from: 'lab', flags: 'S'}),
				...untouched,
			},
			{
				name: 'an echo reply keeps its source',
				packet: f.pong(),
				...untouched,
			},
			{
				name: 'a message of ICMP that nobody answers is dropped',
				packet: f.icmp({}, {type: 13}, {type: 130}),
				drop: [168, egress],
			},
			{
				name: 'a protocol without ports is dropped',
				packet: f.protocol(47),
				drop: [168, egress],
			},
			{
				name: 'a protocol without ports of the node passes',
				packet: f.protocol(47, {from: 'host'}),
				...untouched,
			},
			{
				name: 'a header that ends within the ports is dropped',
				packet: f.protocol(17),
				drop: [135, egress],
			},
			...[22, 32_767].map(port => ({
				name: `port ${port} of the node is its own`,
				packet: f.tcp({from: 'host', sourcePort: port, flags: 'S'}),
				...untouched,
			})),
			{
				name: 'a port of the node within the range is reserved, and its flow followed',
				packet: f.tcp({from: 'host', flags: 'S'}),
				...{goes: 'network', out: 'unchanged'},
				maps: {
					[f.nat]: [0, 1].map(flags => ({
						key: {flags},
						before: undefined,
						after: {to_address: f.address.host, to_port: 40_000, needs_ct: 1n},
					})),
					[f.tcpFlows]: [
						{
							key: {daddr: f.address.host, sport: 40_000, flags: 0},
							before: undefined,
						},
					],
				},
			},
			{
				name: 'a port that the node has an endpoint does not get',
				given: [f.tcp({from: 'host', flags: 'S'})],
				packet: syn,
				...{goes: 'network', out: fromNodeBy(f, port => port !== 40_000)},
			},
			{
				name: 'a port that an endpoint has the node does not get',
				given: [syn],
				packet: f.tcp({from: 'host', flags: 'S'}),
				...{goes: 'network', out: fromNodeBy(f, port => port !== 40_000)},
			},
			{
				name: 'the end of a connection of the node is seen',
				given: [f.tcp({from: 'host', flags: 'S'})],
				packet: f.tcp({from: 'host', flags: 'FA'}),
				...{goes: 'network', out: 'unchanged'},
				maps: {[f.nat]: [], [f.tcpFlows]: [{key: {}, after: {tx_closing: true}}]},
			},
		];
	},
	still,
);

table(
	'from_netdev',
	(f: Family): TableLine[] => {
		const none = {[f.nat]: []};
		const untouched = {goes: 'by itself', out: 'unchanged', maps: none} as const;
		const syn = f.tcp({flags: 'S'});
		const given = [{packet: syn, program: 'to_netdev'}] as const;
		const answer = {from: 'world', to: 'host', flags: 'SA'} as const;
		const ports = {sourcePort: 80, destinationPort: 40_000};
		return [
			...answers(f).map(([name, packet], i) => ({
				name: `what answers ${name} gets to red`,
				given: [{packet: opened(f)[i]?.[1] ?? packet, program: 'to_netdev' as const}],
				...{packet, goes: 'peer' as const, out: exactly(atRed(f, packet)), maps: none},
			})),
			...answers(f).map(([name, packet]) => ({
				name: `what answers ${name} that nobody sent is the node's`,
				packet,
				...untouched,
			})),
			{
				name: 'an answer to a port that became another finds back',
				given: [
					{packet: f.tcp({from: 'blue', flags: 'S'}), program: 'to_netdev'},
					...given,
				],
				meanwhile: ({maps}) => {
					// Where the random port is known: moved to one.
					const map = maps.require(f.nat);
					for (const [key, value] of [...map]) {
						if (value.to_address !== f.address.red) continue;
						map.delete(key);
						map.set({...key, dport: 50_000}, value);
					}
				},
				packet: f.tcp({...answer, sourcePort: 80, destinationPort: 50_000}),
				goes: 'peer',
				out: exactly(atRed(f, f.tcp({...answer, ...ports}))),
			},
			{
				name: "an answer from somebody else is the node's",
				...{given, packet: f.tcp({...answer, ...ports, from: 'lab'}), ...untouched},
			},
			{
				name: "an answer from another port is the node's",
				...{given, packet: f.tcp({...answer, ...ports, sourcePort: 81}), ...untouched},
			},
			{
				name: 'an answer to the address of red is no translation',
				given,
				packet: f.tcp({...answer, ...ports, to: 'red'}),
				goes: 'peer',
			},
			{
				name: "what answers the node stays the node's",
				given: [{packet: f.tcp({from: 'host', flags: 'S'}), program: 'to_netdev'}],
				packet: f.tcp({...answer, ...ports}),
				...untouched,
			},
			{
				name: "red's policy lets in what answers it",
				policies: {red: {ingress: [], egress: [{}]}},
				given: [{packet: syn, program: 'from_endpoint'}, ...given],
				packet: f.tcp({...answer, ...ports}),
				goes: 'peer',
			},
			{
				name: "a message of a neighbour is the node's",
				packet: f.icmp({from: 'world', to: 'host'}, {type: 13}, {type: 136}),
				...untouched,
			},
			{
				name: "what cannot be read is the node's",
				packet: f.protocol(17, {from: 'world', to: 'host'}),
				...untouched,
			},
		];
	},
	still,
);
