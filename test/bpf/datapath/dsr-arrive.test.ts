/** What comes to backends of this node by way of another one is answered from what clients know. */

import type {Packet} from '../../../src/lab/index.js';
import {asked, answered, carrying, type DsrEnds, type Said} from './dsr-packets.js';
import {exactly} from './nat-packets.js';
import type {Family, Person} from './people.js';
import {arrived, at, told} from './service-packets.js';
import type {TestService} from './services.js';
import {ingress, egress, table, type TableLine, type TableSettings} from './table.js';

const dsr: TableSettings = {services: {nodePort: true, dsrDispatch: 'opt'}};
/** Known here, and served elsewhere, too. */
const open: TestService = {flags: ['loadBalancer', 'routable']};
const toRed = {to: 'red', port: 8080} as const;
const fromRed = {from: 'red', port: 8080} as const;
const syn = {flags: 'S'} as const;
const fromEndpoint = {program: 'from_endpoint'} as const;

/** The same but for its frame and its hops: the network's routes decide on them. */
const asRouted =
	(f: Family, wanted: Packet) =>
	(out: Packet): boolean => {
		const frame = {source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02'};
		const even = (packet: Packet) => {
			const framed = packet.with('ethernet', frame);
			return f.is6 ? framed.with('ipv6', {hopLimit: 9}) : framed.with('ipv4', {ttl: 9});
		};
		return exactly(even(wanted))(even(out));
	};

function kept(f: Family, name: string, kind: DsrEnds, protocol: number): TableLine[] {
	const service = at(f, {...open, protocol});
	const comes = carrying(f, {...kind, ...toRed});
	const flags = protocol === 6 ? {flags: 'SA'} : {};
	const flows = protocol === 6 ? f.tcpFlows : f.otherFlows;
	return [
		{
			name: `${name} gets to the backend without what it carries, which is kept`,
			...{...service, packet: comes, goes: 'peer'},
			out: exactly(arrived(f, asked(f, {...kind, ...toRed}), 'red')),
			maps: {
				[f.nat]: [
					{
						key: {saddr: f.address.red, daddr: f.address.world, flags: 0, sport: 8080},
						before: undefined,
						after: {to_address: f.address.service, to_port: 80, needs_ct: 0n},
					},
				],
				[flows]: [
					{
						key: {saddr: f.address.red, flags: 1},
						before: undefined,
						after: {dsr_internal: true, node_port: false, src_sec_id: f.worldIdentity},
					},
				],
			},
		},
		{
			name: `what answers ${name} comes from the service`,
			...{...service, given: [comes], ...fromEndpoint},
			packet: answered(f, {...fromRed, ...flags}),
			out: asRouted(f, answered(f, flags)),
		},
		{
			name: `the client of ${name} that ran out of hops is told of what it sent`,
			...{...service, packet: carrying(f, {...kind, ...toRed, hops: 1}), goes: 'back'},
			out: exactly(told(f, asked(f, {...kind, hops: 1}), 'hops')),
			counts: [[196, ingress]],
		},
		{
			name: `what follows ${name} finds it kept`,
			...{...service, given: [comes], packet: comes, goes: 'peer', maps: {[f.nat]: []}},
		},
		{
			name: `an error of the backend's about ${name} is one about what was sent`,
			...{...service, given: [comes], ...fromEndpoint},
			packet: f.unreachable({from: 'red', to: 'world'}, asked(f, {...kind, ...toRed})),
			out: asRouted(f, f.unreachable({from: 'service', to: 'world'}, asked(f, kind))),
		},
	];
}

function connections(f: Family): TableLine[] {
	const comes = carrying(f, {...syn, ...toRed});
	const data = asked(f, {...toRed, flags: 'A'});
	const own = answered(f, {...fromRed, flags: 'A'});
	return [
		{
			name: 'a connection stays what it was opened as',
			...{...at(f, open), given: [comes, data], ...fromEndpoint},
			...{packet: own, out: asRouted(f, answered(f, {flags: 'A'}))},
		},
		{
			name: 'one that is opened to the backend itself is answered by it',
			...{...at(f, open), given: [comes, asked(f, {...syn, ...toRed})], ...fromEndpoint},
			...{packet: own, goes: 'stack', out: exactly(own)},
		},
		{
			name: 'a datagram to the backend itself is answered by it',
			...at(f, {...open, protocol: 17}),
			given: [carrying(f, toRed), asked(f, toRed)],
			...{packet: answered(f, fromRed), ...fromEndpoint, goes: 'stack'},
			out: exactly(answered(f, fromRed)),
		},
		{
			name: 'the frontend that a client asks last is the one that answers',
			...{...at(f, open), ...fromEndpoint},
			given: [comes, carrying(f, {...syn, ...toRed}, {at: 'node', port: 30_080})],
			packet: own,
			out: asRouted(f, answered(f, {from: 'node', port: 30_080, flags: 'A'})),
		},
		{
			name: 'what is kept no more is not answered at all',
			...{...at(f, open), given: [comes], ...fromEndpoint},
			meanwhile: ({maps}) => {
				for (const key of [...maps.require(f.nat).keys()]) maps.require(f.nat).delete(key);
			},
			...{packet: own, drop: [167, egress]},
		},
		{
			name: 'the host answers for a backend of its own',
			...{...at(f, open), given: [carrying(f, {...syn, to: 'host', port: 8080})]},
			packet: answered(f, {from: 'host', port: 8080, flags: 'SA'}),
			...{program: 'to_netdev', goes: 'network'},
			out: exactly(answered(f, {flags: 'SA'})),
		},
		{
			name: 'what the host is sent itself it answers itself',
			...{...at(f, open), given: [asked(f, {...syn, to: 'host', port: 8080})]},
			packet: answered(f, {from: 'host', port: 8080, flags: 'SA'}),
			...{program: 'to_netdev', goes: 'by itself', out: 'unchanged'},
		},
	];
}

const said = (f: Family, what: Said): Packet => carrying(f, {...syn, ...toRed}, what);

function refused(f: Family): TableLine[] {
	const cluster: Person = 'nobody';
	return [
		{
			name: 'an address of another node may be a frontend',
			...{packet: said(f, {at: 'node', port: 30_080}), goes: 'peer'},
		},
		{
			name: 'one that is no service and no node may not',
			...{...at(f, open), packet: said(f, {at: 'lab'}), drop: [158, ingress]},
			maps: {[f.nat]: []},
		},
		{
			name: 'nor another port of a service',
			...{...at(f, open), packet: said(f, {port: 81}), drop: [158, ingress]},
		},
		{
			name: 'nor a service of another protocol',
			...{...at(f, {...open, protocol: 17}), packet: said(f, {}), drop: [158, ingress]},
		},
		{
			name: 'nor a service that is not for the network',
			...{...at(f, {at: cluster}), packet: said(f, {at: cluster}), drop: [158, ingress]},
		},
		{
			name: 'the backend judges the client, not the node that sent the packet on',
			policies: {red: {ingress: [{peer: 6}]}},
			...{...at(f, open), packet: said(f, {}), drop: [133, ingress]},
		},
		{
			name: 'what is for nobody here keeps what it carries',
			...{...at(f, open), packet: carrying(f, {...syn, to: 'lab', port: 8080})},
			...{goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}},
		},
		{
			name: "an endpoint's option is nobody's business",
			...{...at(f, open), packet: carrying(f, {...syn, from: 'red', to: 'lab'})},
			...{...fromEndpoint, goes: 'stack', out: 'unchanged', maps: {[f.nat]: []}},
		},
	];
}

table(
	'from_netdev',
	f => [...kept(f, 'what opens a TCP connection', syn, 6), ...kept(f, 'UDP', {}, 17)],
	dsr,
);
table('from_netdev', connections, dsr);
table('from_netdev', refused, dsr);
table(
	'from_netdev',
	(f): TableLine[] => [
		{
			name: 'where nothing comes by DSR an option is an option',
			...{...at(f, open), packet: said(f, {}), goes: 'peer'},
			out: exactly(arrived(f, said(f, {}), 'red')),
			maps: {[f.nat]: []},
		},
	],
	{services: {nodePort: true}},
);
