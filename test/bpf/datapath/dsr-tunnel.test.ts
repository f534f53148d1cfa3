/** Packets of services in tunnels to backends of other nodes, and what comes so for backends of this one. */

import {Ipcache} from '../../../src/datapath/index.js';
import {parsePacket, type Packet} from '../../../src/lab/index.js';
import {asked, answered, type DsrEnds} from './dsr-packets.js';
import {inGeneve, inIpip, type Front} from './dsr-tunnel-packets.js';
import type {GuardedNode} from './guarded-node.js';
import {exactly} from './nat-packets.js';
import {families, type Family, type Person} from './people.js';
import {arrived, at, told} from './service-packets.js';
import {installService, type TestService} from './services.js';
import {ingress, egress, table, type TableLine, type TableSettings} from './table.js';

const [v4, v6] = families;
const nat = {ipv4: v4.address.host, ipv6: v6.address.host} as const;
const settings = (dsrDispatch: 'ipip' | 'geneve'): TableSettings => ({
	...{nat, services: {nodePort: true, forwarding: 'dsr', dsrDispatch}},
});
const syn = {flags: 'S'} as const;
const kinds: readonly (readonly [string, DsrEnds, number])[] = [
	['what opens a TCP connection', syn, 6],
	['what follows in it', {flags: 'A'}, 6],
	['UDP', {}, 17],
];

/** Byte by byte but for the source port, by which routers choose ways. */
const byGeneve =
	(f: Family, inner: Packet, front: Front = {}) =>
	(out: Packet): boolean => {
		const sourcePort = parsePacket(out.bytes).get('udp')?.sourcePort ?? 0;
		return sourcePort >= 0xc000 && exactly(inGeneve(f, inner, {...front, sourcePort}))(out);
	};

const open: TestService = {
	...{flags: ['loadBalancer', 'routable'], backends: [{at: 'lab', port: 80}]},
};

function wrappedByIpip(f: Family): TableLine[] {
	return [
		...kinds.map(([name, kind, protocol]) => ({
			name: `${name} goes to the backend as it came`,
			...at(f, {...open, protocol}),
			...{packet: asked(f, kind), goes: 'stack' as const, maps: {[f.nat]: []}},
			out: exactly(inIpip(f, asked(f, kind), 'host', 'lab')),
		})),
		{
			name: 'a backend with another port is refused',
			...at(f, {...open, backends: [{at: 'lab', port: 8080}]}),
			...{packet: asked(f, syn), drop: [193, ingress]},
		},
		{
			name: 'a packet without a hop left is answered',
			...at(f, open),
			...{packet: asked(f, {...syn, hops: 1}), goes: 'back', counts: [[196, ingress]]},
			out: exactly(told(f, asked(f, {...syn, hops: 1}), 'hops')),
		},
	];
}

const behind =
	(f: Family, over: Family) =>
	(node: GuardedNode): void => {
		installService(node, f, {...open, backends: [{at: 'lab', port: 8080}]});
		new Ipcache(node.maps).upsert({
			...{prefix: f.address.lab, identity: 500, tunnelEndpoint: over.address.node},
		});
	};

function wrappedByGeneve(f: Family): TableLine[] {
	return [
		...kinds.flatMap(([name, kind, protocol]) =>
			families.map(over => ({
				name: `${name} goes by ${over.name} to the backend's node, and the frontend with it`,
				prepare: (node: GuardedNode) => {
					behind(f, over)(node);
					installService(node, f, {
						...{...open, protocol, backends: [{at: 'lab', port: 8080}]},
					});
				},
				...{packet: asked(f, kind), goes: 'stack' as const, maps: {[f.nat]: []}},
				out: byGeneve(f, asked(f, {...kind, to: 'lab', port: 8080}), {over}),
			})),
		),
		{
			name: 'a backend that is behind no node that is known',
			...at(f, open),
			meanwhile: ({maps}) => {
				new Ipcache(maps).upsert({prefix: f.address.lab, identity: 500});
			},
			...{packet: asked(f, syn), drop: [160, ingress]},
		},
	];
}

/** Services that are known here, of the backend's port for IPIP. */
const known: TestService = {flags: ['loadBalancer', 'routable']};

function taken(
	f: Family,
	port: number,
	comes: (inner: DsrEnds) => Packet,
	by: string,
): TableLine[] {
	const toRed = {to: 'red', port} as const;
	return kinds
		.filter(([, {flags}]) => flags !== 'A')
		.flatMap(([name, kind, protocol]): TableLine[] => {
			const reply = kind.flags === undefined ? {} : {flags: 'SA'};
			return [
				{
					name: `${name} is taken out of ${by}, and its frontend kept`,
					...at(f, {...known, protocol}),
					...{packet: comes(kind), goes: 'peer'},
					out: exactly(arrived(f, asked(f, {...kind, ...toRed}), 'red')),
					maps: {
						[f.nat]: [
							{
								key: {saddr: f.address.red, daddr: f.address.world, flags: 0},
								before: undefined,
								after: {to_address: f.address.service, to_port: 80},
							},
						],
						[protocol === 6 ? f.tcpFlows : f.otherFlows]: [
							{key: {flags: 1}, before: undefined, after: {dsr_internal: true}},
						],
					},
				},
				{
					name: `the client of ${name} by ${by} that ran out of hops is told of what it sent`,
					...{...at(f, {...known, protocol}), packet: comes({...kind, hops: 1})},
					out: exactly(told(f, asked(f, {...kind, hops: 1}), 'hops')),
					...{goes: 'back', counts: [[196, ingress]]},
				},
				{
					name: `what answers ${name} that came by ${by} comes from the service`,
					...{...at(f, {...known, protocol}), given: [comes(kind)]},
					packet: answered(f, {from: 'red', port, ...reply}),
					program: 'from_endpoint',
					out: out => {
						const ip = out.get('ipv4') ?? out.get('ipv6');
						const l4 = out.get('tcp') ?? out.get('udp');
						return (
							out.isSound && ip?.source === f.address.service && l4?.sourcePort === 80
						);
					},
				},
			];
		});
}

function unwrappedByIpip(f: Family): TableLine[] {
	const comes = (inner: DsrEnds, from: Person = 'node', to: Person = 'red'): Packet =>
		inIpip(f, asked(f, inner), from, to);
	return [
		...taken(f, 80, comes, 'IPIP'),
		{
			name: 'what does not come from a node is no service',
			...at(f, known),
			...{packet: comes(syn, 'lab'), drop: [137, ingress], maps: {[f.nat]: []}},
		},
		{
			name: 'what was sent to no frontend that is known',
			...{packet: comes({...syn, to: 'lab'}), drop: [158, ingress]},
		},
		{
			name: 'what is for nobody here goes on in its tunnel',
			...{...at(f, known), packet: comes(syn, 'node', 'lab')},
			...{goes: 'by itself', out: 'unchanged'},
		},
		{
			name: 'what no service has',
			...at(f, known),
			packet: inIpip(f, f.ping({from: 'world', to: 'service'}), 'node', 'red'),
			drop: [193, ingress],
		},
		{
			name: 'what is cut short',
			...at(f, known),
			packet: comes(syn).bytes.subarray(0, 14 + 2 * (f.is6 ? 40 : 20) + 4),
			drop: [135, ingress],
		},
	];
}

function unwrappedByGeneve(f: Family): TableLine[] {
	const toRed = {to: 'red', port: 8080} as const;
	const comes = (inner: DsrEnds, front: Front = {}): Packet =>
		inGeneve(f, asked(f, {...toRed, ...inner}), {from: 'node', to: 'host', ...front});
	return [
		...families.flatMap(over =>
			taken(f, 8080, inner => comes(inner, {over}), `Geneve by ${over.name}`),
		),
		{
			name: 'what does not come from a node is the stack',
			...{...at(f, known), packet: comes(syn, {from: 'lab'})},
			...{goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}},
		},
		{
			name: 'a tunnel to another port is none',
			...{...at(f, known), packet: comes(syn, {toPort: 6082})},
			...{goes: 'by itself', out: 'unchanged'},
		},
		{
			name: "an option of somebody else's is none",
			...{...at(f, known), packet: comes(syn, {class: 0x102})},
			...{goes: 'by itself', out: 'unchanged'},
		},
		{
			name: 'what was sent to no frontend that is known, by Geneve',
			...{...at(f, known), packet: comes(syn, {at: 'lab'}), drop: [158, ingress]},
		},
		{
			name: 'a backend that is here no more',
			...{...at(f, known), packet: comes({...syn, to: 'lab'}), drop: [158, ingress]},
		},
		{
			name: 'an endpoint sends nothing by the tunnel',
			...{...at(f, known), packet: comes(syn, {from: 'red'})},
			...{program: 'from_endpoint', drop: [170, egress]},
		},
	];
}

table('from_netdev', wrappedByIpip, settings('ipip'));
table('from_netdev', unwrappedByIpip, settings('ipip'));
table('from_netdev', wrappedByGeneve, settings('geneve'));
table('from_netdev', unwrappedByGeneve, settings('geneve'));

/** An endpoint behind the node's address would pass for the node. */
table(
	'from_endpoint',
	f => [
		{
			name: 'an endpoint sends no tunnels of its own',
			...{packet: f.protocol(f.is6 ? 41 : 4), drop: [170, egress]},
		},
	],
	{...settings('ipip'), constants: {extended_protocols: 1}},
);
