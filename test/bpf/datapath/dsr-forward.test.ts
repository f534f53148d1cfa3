/**
 * What the network sends to services goes on to backends of other nodes from its client, and carries
 * what the client sent it to. The loopback device, on which packets are run, forwards nothing: what is
 * to be routed is left to the stack.
 */

import {hopByHop, tcp} from '../../../src/lab/index.js';
import {asked, answered, carrying, type DsrEnds} from './dsr-packets.js';
import {exactly, onePort} from './nat-packets.js';
import {families, type Family} from './people.js';
import {at, told} from './service-packets.js';
import type {TestService} from './services.js';
import {ingress, table, type TableLine, type TableSettings} from './table.js';

const [v4, v6] = families;
const open: TestService = {flags: ['loadBalancer', 'routable'], backends: [{at: 'lab'}]};
const nat = {ipv4: v4.address.host, ipv6: v6.address.host, ports: [onePort, onePort]} as const;
const dsr: TableSettings = {services: {nodePort: true, forwarding: 'dsr'}};
const toBackend = {to: 'lab', port: 8080} as const;
const syn = {flags: 'S'} as const;

const kinds: readonly (readonly [string, DsrEnds, number])[] = [
	['what opens a TCP connection', syn, 6],
	['UDP', {}, 17],
	['UDP without a checksum', {noChecksum: true}, 17],
];

function carried(f: Family): TableLine[] {
	return kinds
		.filter(([, {noChecksum}]) => noChecksum !== true || !f.is6)
		.map(([name, kind, protocol]) => ({
			name: `${name} carries the frontend to the backend, and comes from its client`,
			...at(f, {...open, protocol}),
			...{packet: asked(f, kind), goes: 'stack'},
			out: exactly(carrying(f, {...kind, ...toBackend})),
			maps: {
				[f.nat]: [],
				[protocol === 6 ? f.tcpFlows : f.otherFlows]: [
					{key: {flags: 4}, before: undefined, after: {backend_id: 1n}},
				],
			},
		}));
}

function forwarded(f: Family): TableLine[] {
	const data = {flags: 'A'} as const;
	const reply = {port: 80, flags: 'SA'} as const;
	const sixOptions = {kind: 'raw', type: 0x1e, data: new Uint8Array(34)} as const;
	return [
		...carried(f),
		{
			name: 'what follows in a TCP connection carries nothing',
			...{...at(f, open), given: [asked(f, syn)]},
			...{packet: asked(f, data), goes: 'stack'},
			out: exactly(asked(f, {...data, ...toBackend})),
		},
		{
			name: "a router's error about a reply gets to the backend",
			...{...at(f, open), given: [asked(f, syn)]},
			packet: f.unreachable({from: 'room', to: 'service'}, answered(f, reply)),
			goes: 'stack',
			out: exactly(
				f.unreachable(
					{from: 'room', to: 'lab'},
					answered(f, {...reply, from: 'lab', port: 8080}),
				),
			),
		},
		{
			name: 'a packet without a hop left is answered, as it came',
			...at(f, open),
			...{packet: asked(f, {...syn, hops: 1}), goes: 'back', counts: [[196, ingress]]},
			out: exactly(told(f, asked(f, {...syn, hops: 1}), 'hops')),
		},
		f.is6
			? {
					name: 'what has options for every hop has no place for another header',
					...at(f, open),
					packet: f.ip(
						{from: 'world', to: 'service'},
						hopByHop({options: [{type: 0x1e, data: new Uint8Array(4)}]}),
						tcp({sourcePort: 40_000, destinationPort: 80, flags: 'S'}),
					),
					drop: [156, ingress],
				}
			: {
					name: 'a header without room for another option',
					...at(f, open),
					packet: asked(f, syn).with('ipv4', {options: [sixOptions]}),
					drop: [134, ingress],
				},
		{
			name: 'a backend of this node needs no carrier',
			...at(f, {...open, backends: [{at: 'red'}]}),
			...{packet: asked(f, syn), goes: 'peer', maps: {[f.nat]: []}},
		},
	];
}

table('from_netdev', forwarded, dsr);

table(
	'from_netdev',
	(f): TableLine[] => [
		{
			name: 'TCP goes from its client',
			...{...at(f, open), packet: asked(f, syn), goes: 'stack'},
			out: exactly(carrying(f, {...syn, ...toBackend})),
		},
		{
			name: 'UDP goes from the node',
			...{...at(f, {...open, protocol: 17}), packet: asked(f, {}), goes: 'stack'},
			out: packet => (packet.get('ipv4') ?? packet.get('ipv6'))?.source === f.address.host,
		},
	],
	{nat, services: {nodePort: true, forwarding: 'hybrid'}},
);

table(
	'from_netdev',
	(f): TableLine[] => [
		{
			name: 'a service that asks for it gets its clients as they are',
			...at(f, {...open, flags: ['loadBalancer', 'routable', 'dsr']}),
			...{packet: asked(f, syn), goes: 'stack'},
			out: exactly(carrying(f, {...syn, ...toBackend})),
		},
		{
			name: 'others do not',
			...{...at(f, open), packet: asked(f, syn), goes: 'stack'},
			out: packet => (packet.get('ipv4') ?? packet.get('ipv6'))?.source === f.address.host,
		},
	],
	{nat, services: {nodePort: true, dsrDispatch: 'opt'}},
);
