/**
 * Packets for services whose backend is on another node, and what answers them. The loopback device,
 * on which they are run, forwards nothing: what is to be routed is left to the stack.
 */

import type {Packet} from '../../../src/lab/index.js';
import type {GuardedNode} from './guarded-node.js';
import {exactly, fromNode, onePort, readdressed, withPort} from './nat-packets.js';
import {families, type Family} from './people.js';
import {ingress, table, type TableLine, type TableSettings} from './table.js';

const [v4, v6] = families;
const settings: TableSettings = {
	nat: {ipv4: v4.address.host, ipv6: v6.address.host, ports: [onePort, onePort]},
	services: {nodePort: true},
};

const [frontendPort, backendPort, number] = [30_080, 8080, 7];

/** A service at a port of the host, for TCP and UDP, whose backend is in the lab. */
const install =
	(f: Family) =>
	({maps}: GuardedNode): void => {
		const family = f.is6 ? 6 : 4;
		const service = {rev_nat_index: number, flags2: 0, qcount: 0};
		for (const proto of [6, 17]) {
			const key = {address: f.address.host, dport: frontendPort, proto, scope: 0};
			const services = maps.require(`services${family}`);
			services.set(
				{...key, backend_slot: 0},
				{...service, count: 1, flags: 2 | 64, affinity_timeout: 0},
			);
			services.set(
				{...key, backend_slot: 1},
				{...service, count: 0, flags: 0, backend_id: proto},
			);
			maps.require(`backends${family}`).set(proto, {
				...{address: f.address.lab, port: backendPort, proto},
				...{flags: 0, cluster_id: 0, zone: 0},
			});
		}

		maps.require(`reverseNat${family}`).set(number, {
			address: f.address.host,
			port: frontendPort,
		});
	};

/** What the world sends, as it comes and as it goes on, and what comes back likewise. */
interface Exchange {
	readonly name: string;
	readonly sent: Packet;
	readonly forwarded: Packet;
	readonly answered: Packet;
	readonly returned: Packet;
}

function exchanges(f: Family): Exchange[] {
	const asked = {from: 'world', to: 'host', destinationPort: frontendPort} as const;
	const answer = {from: 'lab', to: 'host', sourcePort: backendPort} as const;
	return [
		{
			name: 'TCP',
			sent: f.tcp({...asked, flags: 'S'}),
			answered: f.tcp({...answer, destinationPort: onePort, flags: 'SA'}),
		},
		{
			name: 'UDP',
			sent: f.udp({...asked, data: new Uint8Array(5)}),
			answered: f.udp({...answer, destinationPort: onePort, data: new Uint8Array(7)}),
		},
		...(f.is6
			? []
			: [
					{
						name: 'UDP without a checksum',
						sent: f.udp({...asked, checksum: 0}),
						answered: f.udp({...answer, destinationPort: onePort, checksum: 0}),
					},
				]),
	].map(({name, sent, answered}) => ({
		...{name, sent, answered},
		forwarded: toBackend(f, sent),
		returned: toClient(f, answered),
	}));
}

const toBackend = (f: Family, packet: Packet): Packet =>
	withPort(
		withPort(readdressed(f, fromNode(f, packet), 'destination', 'lab'), 'source', onePort),
		...(['destination', backendPort] as const),
	);

const toClient = (f: Family, packet: Packet): Packet =>
	withPort(
		withPort(
			readdressed(f, fromNode(f, packet), 'destination', 'world'),
			'source',
			frontendPort,
		),
		...(['destination', 40_000] as const),
	);

table(
	'from_netdev',
	(f: Family): TableLine[] => [
		...exchanges(f).flatMap(({name, sent, forwarded, answered, returned}): TableLine[] => [
			{
				name: `${name} for a service goes on from the node to the backend`,
				meanwhile: install(f),
				...{packet: sent, goes: 'stack', out: exactly(forwarded)},
				maps: {
					[f.nat]: [
						{
							key: {saddr: f.address.world, daddr: f.address.lab, flags: 0},
							before: undefined,
							after: {to_address: f.address.host, to_port: onePort, needs_ct: 0n},
						},
						{
							key: {saddr: f.address.lab, daddr: f.address.host, flags: 1},
							before: undefined,
							after: {to_address: f.address.world, to_port: 40_000},
						},
					],
					[name === 'TCP' ? f.tcpFlows : f.otherFlows]: [
						{key: {flags: 4}, before: undefined},
						{
							key: {daddr: f.address.world, saddr: f.address.lab, flags: 0},
							before: undefined,
							after: {node_port: true, rev_nat_index: number},
						},
					],
				},
			},
			{
				name: `what answers ${name} goes on to the client from the service`,
				meanwhile: install(f),
				packets: [
					{packet: sent, goes: 'stack', out: exactly(forwarded)},
					{packet: answered, goes: 'stack', out: exactly(returned), maps: {[f.nat]: []}},
					{packet: sent, goes: 'stack', out: exactly(forwarded), maps: {[f.nat]: []}},
				],
			},
			{
				name: `an error about ${name} from the way gets to the client`,
				meanwhile: install(f),
				packets: [
					{packet: sent, goes: 'stack'},
					{
						packet: f.unreachable({from: 'room', to: 'host'}, forwarded),
						goes: 'stack',
						out: exactly(f.unreachable({from: 'room', to: 'world'}, sent)),
					},
				],
			},
			{
				name: `an error about ${name} from the backend gets to the client from the service`,
				meanwhile: install(f),
				packets: [
					{packet: sent, goes: 'stack'},
					{
						packet: f.unreachable({from: 'lab', to: 'host'}, forwarded),
						goes: 'stack',
						out: exactly(f.unreachable({from: 'host', to: 'world'}, sent)),
					},
				],
			},
			{
				name: `an error about what answers ${name} gets to the backend`,
				meanwhile: install(f),
				packets: [
					{packet: sent, goes: 'stack'},
					{packet: answered, goes: 'stack'},
					{
						packet: f.unreachable({from: 'room', to: 'host'}, returned),
						goes: 'stack',
						out: exactly(f.unreachable({from: 'host', to: 'lab'}, answered)),
					},
				],
			},
		]),
		{
			name: 'where its ports are taken a client is told apart by nobody',
			meanwhile: install(f),
			packets: [
				{
					packet: f.udp({from: 'world', to: 'host', destinationPort: frontendPort}),
					goes: 'stack',
				},
				{
					packet: f.udp({from: 'desk', to: 'host', destinationPort: frontendPort}),
					drop: [167, ingress],
					counts: [[64, ingress]],
				},
			],
		},
		{
			name: "what answers a flow that is forgotten is the node's",
			meanwhile: install(f),
			packet: f.udp({
				...{from: 'lab', to: 'host', sourcePort: backendPort},
				destinationPort: onePort,
			}),
			...{goes: 'by itself', out: 'unchanged'},
		},
	],
	settings,
);

table(
	'from_netdev',
	(f: Family): TableLine[] => [
		{
			name: 'without an address for NAT what has no backend here passes',
			meanwhile: install(f),
			packet: f.tcp({from: 'world', to: 'host', destinationPort: frontendPort, flags: 'S'}),
			...{goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}},
		},
	],
	{services: {nodePort: true}},
);
