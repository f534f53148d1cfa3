/** What the network sends to services gets to backends of the node, and is answered by the services. */

import type {Packet} from '../../../src/lab/index.js';
import type {GuardedNode} from './guarded-node.js';
import {exactly} from './nat-packets.js';
import type {Family, Person} from './people.js';
import {arrived, at, told} from './service-packets.js';
import {installService, type ServiceFlag, type TestService} from './services.js';
import {ingress, table, type TableLine, type TableSettings} from './table.js';

const nodePort: TableSettings = {services: {nodePort: true}};

const open: TestService = {flags: ['loadBalancer', 'routable'], backends: [{at: 'red'}]};

/** Packets between a client of the world and the service, or a backend. */
function flow(f: Family, backend: Person = 'red') {
	const client = {from: 'world', sourcePort: 40_000} as const;
	const back = {to: 'world', destinationPort: 40_000} as const;
	return {
		toService: (flags = 'S', to: Person = 'service', destinationPort = 80) =>
			f.tcp({...client, to, destinationPort, flags}),
		toBackend: (flags = 'S') => f.tcp({...client, to: backend, destinationPort: 8080, flags}),
		fromBackend: (flags = 'SA') => f.tcp({...back, from: backend, sourcePort: 8080, flags}),
		fromService: (flags = 'SA', from: Person = 'service', sourcePort = 80) =>
			f.tcp({...back, from, sourcePort, flags}),
	};
}

/** The same but for its frame and its hops: the network's routes decide on them. */
const asRouted =
	(wanted: Packet) =>
	(out: Packet): boolean => {
		const ends = (packet: Packet) => {
			const {source, destination} = packet.get('ipv4') ?? packet.get('ipv6') ?? {};
			const {sourcePort, destinationPort} = packet.get('tcp') ?? packet.get('udp') ?? {};
			return JSON.stringify([source, destination, sourcePort, destinationPort]);
		};
		return out.isSound && ends(out) === ends(wanted);
	};

const frontends: readonly (readonly [string, ServiceFlag, Person, number])[] = [
	['a node port', 'nodePort', 'host', 30_080],
	['a load balancer', 'loadBalancer', 'service', 80],
	['an external address', 'externalIp', 'service', 80],
	["a port of the host's", 'hostPort', 'host', 8080],
];

function served(f: Family): TableLine[] {
	const {toService, toBackend, fromBackend, fromService} = flow(f);
	const toRed = {goes: 'peer', out: exactly(arrived(f, toBackend(), 'red'))} as const;
	const own = {sport: 40_000, nexthdr: 6};
	return [
		...frontends.flatMap(([name, flag, who, port]) => {
			const service = at(f, {...open, at: who, port, flags: [flag, 'routable']});
			return [
				{
					name: `what is sent to ${name} gets to a backend of the node`,
					...{...service, packet: toService('S', who, port), ...toRed},
				},
				{
					name: `the reply of ${name} leaves as the service's`,
					...service,
					given: [toService('S', who, port)],
					...{packet: fromBackend(), program: 'from_endpoint' as const},
					out: asRouted(fromService('SA', who, port)),
				},
			];
		}),
		{
			...{name: 'the flow is kept with the service', ...at(f, open), packet: toService()},
			...toRed,
			maps: {
				[f.tcpFlows]: [
					{
						key: {...own, dport: 80, saddr: f.address.service, flags: 4},
						after: {backend_id: 1n},
					},
					{
						key: {...own, dport: 8080, saddr: f.address.red, flags: 1},
						after: {rev_nat_index: 7, node_port: true, src_sec_id: f.worldIdentity},
					},
				],
			},
		},
		{
			name: 'the backend judges the client by its identity',
			policies: {red: {ingress: [{peer: f.worldIdentity, protocol: 6, port: 8080}]}},
			...{...at(f, open), packet: toService(), ...toRed},
		},
		{
			name: 'and may refuse it',
			policies: {red: {ingress: []}},
			...{...at(f, open), packet: toService(), drop: [133, ingress]},
		},
		{
			name: 'an endpoint in the namespace of the host is asked at once',
			...at(f, {...open, backends: [{at: 'green'}]}),
			...{packet: toService(), goes: 'peer'},
		},
		{
			name: 'what the network sends to the backend itself is answered by it',
			...{...at(f, open), given: [toService(), toBackend()]},
			...{packet: fromBackend(), program: 'from_endpoint'},
			...{goes: 'stack', out: exactly(fromBackend())},
		},
	];
}

function refused(f: Family): TableLine[] {
	const {toService} = flow(f);
	const flags = ['loadBalancer', 'routable', 'sourceRange'] as const;
	const [inside, outside] = f.is6
		? ['2001:db8::/32', '2001:db9::/32']
		: ['192.0.2.0/24', '192.0.3.0/24'];
	const packet = toService();
	const wildcard = (node: GuardedNode): void => {
		installService(node, f, {port: 0, protocol: 0, id: 0});
	};
	return [
		{
			...{name: 'the address of a cluster is for endpoints', packet, drop: [174, ingress]},
			...at(f, {backends: [{at: 'red'}]}),
		},
		{
			name: 'who is in no range that is let in',
			...at(f, {...open, flags, ranges: [outside]}),
			...{packet, drop: [177, ingress]},
		},
		{
			name: 'who is in one',
			...at(f, {...open, flags, ranges: [outside, inside]}),
			...{packet, goes: 'peer'},
		},
		{
			name: 'who is in a range that is kept out',
			...at(f, {...open, flags: [...flags, 'denies'], ranges: [inside]}),
			...{packet, drop: [177, ingress]},
		},
		{
			name: 'who is in none',
			...at(f, {...open, flags: [...flags, 'denies'], ranges: [outside]}),
			...{packet, goes: 'peer'},
		},
		{
			name: 'ranges count where the service has any',
			...at(f, {...open, ranges: [outside]}),
			...{packet, goes: 'peer'},
		},
		{
			name: 'a service without backends drops what is for it',
			...at(f, {...open, backends: []}),
			...{packet, drop: [158, ingress]},
		},
		{
			name: 'one that is served by its own node alone has none elsewhere',
			prepare: node => {
				const common = ['loadBalancer', 'routable', 'twoScopes'] as const;
				installService(node, f, {flags: [...common, 'externalLocal']});
				installService(node, f, {...open, scope: 'internal'});
			},
			...{packet, drop: [158, ingress]},
		},
		{
			name: 'another port of an address that only services have',
			prepare: node => {
				installService(node, f, open);
				wildcard(node);
			},
			...{packet: toService('S', 'service', 81), drop: [158, ingress]},
		},
		{
			name: 'a port that a service has there',
			prepare: node => {
				installService(node, f, open);
				wildcard(node);
			},
			...{packet, goes: 'peer'},
		},
		{
			name: 'another port of an address that others have, too',
			...at(f, open),
			...{packet: toService('S', 'service', 81), goes: 'by itself', out: 'unchanged'},
		},
		{
			name: 'ports of SCTP do not change',
			...at(f, {...open, protocol: 132}),
			packet: f.sctp({from: 'world', to: 'service', destinationPort: 80}),
			drop: [154, ingress],
		},
	];
}

function hosts(f: Family): TableLine[] {
	const {toService, toBackend, fromBackend, fromService} = flow(f, 'host');
	const service = at(f, {...open, backends: [{at: 'host'}]});
	const toNetwork = {program: 'to_netdev', goes: 'network'} as const;
	return [
		{
			...{name: 'a backend of the host gets what is for it', ...service},
			...{packet: toService(), goes: 'host', out: exactly(toBackend())},
		},
		{
			...{name: "and its reply leaves as the service's", ...service, given: [toService()]},
			...{packet: fromBackend(), ...toNetwork, out: exactly(fromService())},
		},
		{
			...{name: 'what else the host sends passes', ...service},
			packet: f.tcp({from: 'host', to: 'world', sourcePort: 8080, destinationPort: 40_000}),
			...{program: 'to_netdev', goes: 'by itself', out: 'unchanged'},
		},
		{
			...{name: "the host's error about a request is one about what was sent", ...service},
			given: [toService()],
			packet: f.unreachable({from: 'host', to: 'world'}, toBackend()),
			...toNetwork,
			out: exactly(f.unreachable({from: 'service', to: 'world'}, toService())),
		},
	];
}

function errors(f: Family): TableLine[] {
	const {toService, toBackend, fromBackend, fromService} = flow(f);
	const service = {...at(f, open), given: [toService()]};
	return [
		{
			...{name: "a router's error about a reply is one about what red sent", ...service},
			packet: f.unreachable({from: 'node', to: 'service'}, fromService()),
			goes: 'peer',
			out: exactly(
				arrived(f, f.unreachable({from: 'node', to: 'red'}, fromBackend()), 'red'),
			),
		},
		{
			...{name: "red's error about a request is one about what was sent", ...service},
			packet: f.unreachable({from: 'red', to: 'world'}, toBackend()),
			program: 'from_endpoint',
			out: (out: Packet) => {
				const wanted = f.unreachable({from: 'service', to: 'world'}, toService());
				const quoted = (packet: Packet) =>
					(packet.get('icmp') ?? packet.get('icmpv6'))?.original?.bytes;
				return (
					asRouted(wanted)(out) &&
					Buffer.compare(
						quoted(out) ?? new Uint8Array(),
						quoted(wanted) ?? new Uint8Array(),
					) === 0
				);
			},
		},
	];
}

function rejected(f: Family): TableLine[] {
	const {toService} = flow(f);
	const packet = toService();
	return [
		{
			name: 'who asks a service without backends is told so',
			...at(f, {...open, backends: []}),
			...{packet, goes: 'back', counts: [[158, ingress]]},
			...{out: exactly(told(f, packet, 'port'))},
		},
		{
			name: 'who may not ask is not',
			...at(f, {backends: []}),
			...{packet, drop: [174, ingress]},
		},
	];
}

table('from_netdev', served, nodePort);
table('from_netdev', refused, nodePort);
table('from_netdev', hosts, nodePort);
table('from_netdev', errors, nodePort);
table('from_netdev', rejected, {services: {nodePort: true, noBackend: 'reject'}});
table(
	'from_netdev',
	(f): TableLine[] => [
		{
			name: 'services are passed by where the network is not balanced',
			...{...at(f, open), packet: flow(f).toService()},
			...{goes: 'by itself', out: 'unchanged'},
		},
	],
	{services: {}},
);
