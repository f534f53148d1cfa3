/**
 * Services whose backends have addresses of the other family. The loopback device forwards nothing:
 * what is to be routed is left to the stack.
 */

import {hopByHop, tcp} from '../../../src/lab/index.js';
import {asked, answered} from './dsr-packets.js';
import {
	atBackend,
	crossed,
	crossing,
	fromBackend,
	install,
	mapped,
	other,
	overTcp,
	overUdp,
	readdressing,
} from './nat-46x64-packets.js';
import {exactly, onePort} from './nat-packets.js';
import {identities, type Family} from './people.js';
import {told} from './service-packets.js';
import {egress, ingress, table, type TableLine} from './table.js';

function exchanged(f: Family): TableLine[] {
	return [overTcp, overUdp].flatMap(({name, ask: kind, answer: reply}): TableLine[] => {
		const flows =
			name === 'TCP' ? (['ctTcp4', 'ctTcp6'] as const) : (['ctAny4', 'ctAny6'] as const);
		return [
			{
				name: `${name} goes to the backend, from the node`,
				meanwhile: install(f),
				...{packet: asked(f, kind), goes: 'stack'},
				out: crossed(atBackend(f, kind)),
				maps: {
					nat6: [
						{
							key: {
								saddr: mapped(f, 'world'),
								daddr: mapped(other(f), 'lab'),
								flags: 0,
							},
							before: undefined,
							after: {to_address: mapped(other(f), 'host'), to_port: onePort},
						},
						{
							key: {saddr: mapped(other(f), 'lab'), daddr: mapped(other(f), 'host')},
							before: undefined,
							after: {to_address: mapped(f, 'world'), to_port: 40_000},
						},
					],
					// Nobody of IPv4 gets the port.
					nat4: f.is6
						? [{key: {flags: 1}, before: undefined, after: {to_port: onePort}}]
						: [],
					[flows[1]]: [
						...(f.is6 ? [{key: {flags: 4}, before: undefined}] : []),
						{
							key: {flags: 0},
							before: undefined,
							after: {node_port: true, rev_nat_index: 7},
						},
					],
				},
			},
			{
				name: `what answers ${name} gets to the client, from the service`,
				meanwhile: install(f),
				packets: [
					{packet: asked(f, kind), goes: 'stack', out: crossed(atBackend(f, kind))},
					{
						...{packet: fromBackend(f, reply), goes: 'stack'},
						out: crossed(answered(f, reply)),
					},
					{packet: asked(f, kind), goes: 'stack', out: crossed(atBackend(f, kind))},
				],
			},
			{
				name: `${name} gets to a backend of this node, and back`,
				meanwhile: install(f, 'red'),
				packets: [
					{
						...{packet: asked(f, kind), goes: 'stack'},
						out: crossed(atBackend(f, kind, 'red')),
						contextOut: {mark: f.worldIdentity * 0x1_0000 + 0xf00},
					},
					{
						...{packet: fromBackend(f, reply, 'red'), program: 'from_endpoint'},
						...{goes: 'stack', out: crossed(answered(f, reply))},
					},
				],
			},
		];
	});
}

function refused(f: Family): TableLine[] {
	const drop = [f.is6 ? 188 : 187, ingress] as const;
	const whole = f.udp({from: 'world', to: 'service', destinationPort: 80});
	return [
		{
			name: 'a packet without a hop left is answered, as it came',
			meanwhile: install(f),
			...{packet: asked(f, {flags: 'S', hops: 1}), goes: 'back', counts: [[196, ingress]]},
			out: exactly(told(f, asked(f, {flags: 'S', hops: 1}), 'hops')),
		},
		{
			name: "an answer without a hop left is not taken for the node's own",
			...{prepare: install(f), given: [asked(f, {flags: 'S'})]},
			packet: fromBackend(f, {flags: 'SA', hops: 1}),
			drop: [196, ingress],
		},
		{
			name: 'SCTP sums what does not change with it',
			meanwhile: install(f),
			packet: f.sctp({from: 'world', to: 'service', destinationPort: 80}),
			drop,
		},
		f.is6
			? {
					name: 'a header between that of IPv6 and TCP has no place in IPv4',
					meanwhile: install(f),
					packet: f.ip(
						{from: 'world', to: 'service'},
						hopByHop({options: [{type: 0x1e, data: new Uint8Array(4)}]}),
						tcp({sourcePort: 40_000, destinationPort: 80, flags: 'S'}),
					),
					drop,
				}
			: {
					name: 'a datagram without a sum is none of IPv6',
					meanwhile: install(f),
					packet: asked(f, {noChecksum: true}),
					drop,
				},
		...(f.is6
			? []
			: [
					{
						name: 'options of IPv4 have no place in IPv6',
						meanwhile: install(f),
						packet: asked(f, {flags: 'S'}).with('ipv4', {options: [{kind: 'nop'}]}),
						drop,
					},
					{
						name: 'a fragment of IPv4 stays one',
						meanwhile: install(f),
						packet: whole.with('ipv4', {moreFragments: true}),
						...{drop, counts: [[9, ingress] as const]},
					},
				]),
		{
			name: 'where all ports are taken',
			meanwhile: install(f),
			packets: [
				{packet: asked(f, {}), goes: 'stack'},
				{
					packet: asked(f, {from: 'desk'}),
					drop: [167, ingress],
					counts: [[64, ingress]],
				},
			],
		},
		{
			name: "what answers no such flow is the node's",
			meanwhile: install(f),
			...{packet: fromBackend(f, {}), goes: 'by itself', out: 'unchanged'},
		},
		{
			name: 'what an endpoint sends to such a service',
			meanwhile: install(f),
			packet: asked(f, {flags: 'S', from: 'red'}),
			...{program: 'from_endpoint', drop: [161, egress]},
		},
		{
			name: 'what an endpoint sends to the host is for the host',
			meanwhile: install(f),
			packet: f.tcp({to: 'host', flags: 'S'}),
			...{program: 'from_endpoint', goes: 'stack', out: 'unchanged'},
			contextOut: {mark: identities.red * 0x1_0000 + 0xf00},
		},
	];
}

/** Datagrams of so many bytes as IPv6: IPv4 may cut what no link of IPv6 is too small for. */
function sized(f: Family): TableLine[] {
	return [1280, 1281].map((size): TableLine => {
		const data = new Uint8Array(size - 48).fill(7);
		const dontFragment = size > 1280;
		const [v4, v6] = [{data, dontFragment}, {data}];
		const [packet, out] = f.is6
			? [
					f.udp({...v6, from: 'world', to: 'service', destinationPort: 80}),
					other(f).udp({
						...{...v4, from: 'host', to: 'lab'},
						...{sourcePort: onePort, destinationPort: 8080},
					}),
				]
			: [
					other(f).udp({
						...{...v6, from: 'lab', to: 'host'},
						...{sourcePort: 8080, destinationPort: onePort},
					}),
					f.udp({
						...{...v4, from: 'service', to: 'world'},
						...{sourcePort: 80, destinationPort: 40_000},
					}),
				];
		return {
			name: `what has ${size} bytes as IPv6 may ${dontFragment ? 'not ' : ''}be cut as IPv4`,
			prepare: install(f),
			given: [asked(f, {})],
			...{packet, goes: 'stack', out: crossed(out)},
		};
	});
}

table('from_netdev', exchanged, crossing);
table('from_netdev', sized, crossing);
table('from_netdev', refused, crossing);
table(
	'from_netdev',
	(f): TableLine[] => [
		{
			name: 'where it is not wished, such a service has no backend',
			meanwhile: install(f),
			...{packet: asked(f, {flags: 'S'}), drop: [161, ingress], maps: {nat6: []}},
		},
	],
	{nat: readdressing, services: {nodePort: true}},
);
