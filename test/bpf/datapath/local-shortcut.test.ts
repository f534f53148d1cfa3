/** Known flows of endpoints to others of the node. */

import {execFileSync} from 'node:child_process';

import test from 'ava';

import {parseIpv4, parseIpv6} from '../../../src/base/address.js';
import {Metrics} from '../../../src/datapath/index.js';
import {raiseIpcacheRevision, raiseServicesRevision} from '../../../src/datapath/revisions.js';
import {runPackets, type Packet} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {guardedNode, type GuardedNode} from './guarded-node.js';
import {exactly} from './nat-packets.js';
import {families, type Family} from './people.js';
import {arrived, at, flow, served} from './service-packets.js';
import {installService} from './services.js';
import {egress, ingress, table, type TableLine, type TablePacket} from './table.js';

const kernel = kernelTest({feature: 'test runs of tcx programs', since: '6.6'});

// Each CPU knows flows by itself.
test.before(() => {
	execFileSync('taskset', ['-p', '1', String(process.pid)]);
});

const toBlue = {from: 'red', to: 'blue'} as const;
const short = {goes: 'shortcut'} as const;
const full = {goes: 'peer'} as const;

function lines(f: Family): TableLine[] {
	const tcp = (flags: string, more = {}): Packet => f.tcp({...toBlue, flags, ...more});
	const udp = (more = {}): Packet => f.udp({...toBlue, ...more});
	/** A connection that goes by the shortcut from now on. */
	const known = [tcp('S'), tcp('A')];
	const goes = (packet: Packet, way: object): TablePacket => ({packet, ...way});
	const after = (
		name: string,
		meanwhile: (node: GuardedNode) => void,
		...packets: TablePacket[]
	) => ({name, given: [...known, tcp('A')], meanwhile, packets}) satisfies TableLine;
	/** What both sides' entries are. */
	const entries = (after: object) => ({
		maps: {
			[f.tcpFlows]: [0, 1].map(flags => ({key: {sport: 40_000, dport: 80, flags}, after})),
		},
	});
	const denied = (direction: number) => ({drop: [133, direction] as const});
	return [
		{
			name: 'a connection goes by it once both sides have seen it open',
			packets: [
				goes(tcp('S'), full),
				goes(tcp('A'), full),
				{...goes(tcp('A'), short), out: arrived(f, tcp('A'))},
				{...goes(tcp('PA'), short), out: arrived(f, tcp('PA'))},
			],
		},
		{
			name: 'datagrams go by it when their flow has an entry',
			packets: [
				goes(udp(), full),
				goes(udp(), full),
				{...goes(udp(), short), out: arrived(f, udp())},
			],
		},
		{
			name: 'a SYN that is sent again is looked at in full',
			packets: [goes(tcp('S'), full), goes(tcp('S'), full), goes(tcp('A'), full)],
		},
		...['FA', 'R'].map(flags => ({
			name: `${flags} is looked at in full, and conntrack is told of what went before`,
			given: [...known, tcp('A'), tcp('PA')],
			packets: [
				{
					...goes(tcp(flags), full),
					...entries({
						...{packets: 5n, tx_closing: true},
						bytes: BigInt(5 * tcp('A').bytes.length),
						tx_flags_seen: 2 | 16 | 8 | (flags === 'R' ? 4 : 1),
					}),
				},
				goes(tcp('A'), full),
			],
		})),
		{
			name: 'a connection that opens again is looked at in full',
			given: [...known, tcp('A')],
			packets: [
				{...goes(tcp('S'), full), ...entries({packets: 4n})},
				goes(tcp('A'), full),
				goes(tcp('A'), short),
			],
		},
		after(
			'what red may no longer send is dropped at once',
			node => {
				node.setPolicies({red: {egress: []}});
			},
			goes(tcp('A'), denied(egress)),
		),
		after(
			'what blue may no longer get is dropped at once',
			node => {
				node.setPolicies({blue: {ingress: []}});
			},
			goes(tcp('A'), denied(ingress)),
		),
		after(
			'what addresses are now is looked at at once',
			({maps}) => {
				raiseIpcacheRevision(maps);
			},
			goes(tcp('A'), full),
			goes(tcp('A'), full),
			goes(tcp('A'), short),
		),
		{
			name: 'packets without hops, too large ones and fragments are looked at in full',
			given: [udp(), udp(), udp()],
			packets: [
				goes(udp({hops: 1}), {goes: 'back', counts: [[196, egress]]}),
				goes(udp({data: new Uint8Array(1480), dontFragment: true}), {
					goes: 'back',
					counts: [
						[15, egress],
						[136, egress],
					],
				}),
				goes(udp(), full),
				goes(udp(), short),
			],
		},
		{
			name: 'what was put together from smaller ones is not too large',
			given: [udp(), udp(), udp()],
			packets: [
				{
					...goes(udp({data: new Uint8Array(1480), dontFragment: true}), short),
					context: {gso_size: 1000, gso_segs: 2},
				},
			],
		},
		{
			name: 'what red sends from another of its addresses is looked at in full',
			packets: Array.from({length: 3}, () => goes(f.udp({from: 'other', to: 'blue'}), full)),
		},
		{
			name: 'what is no address of red’s does not pass for a known flow',
			given: [udp(), udp(), udp()],
			packets: [goes(f.udp({from: 'lab', to: 'blue'}), {drop: [132, egress]})],
		},
		{
			name: 'an endpoint in the namespace of the host is asked at its interface each time',
			packets: Array.from({length: 3}, () =>
				goes(f.udp({from: 'red', to: 'green'}), {goes: 'interface'}),
			),
		},
		{
			name: 'SCTP is looked at in full',
			packets: Array.from({length: 3}, () => goes(f.sctp(toBlue), full)),
		},
	];
}

// A clock that stands still: 2^32 ticks have long passed, twice as many have not.
const still = {seconds_per_jiffy_shl32: 2, initial_jiffies: 0};

table('from_endpoint', lines, {constants: {...still, local_shortcuts: 1}});

const three = (f: Family, name: string, ...ways: (typeof short | typeof full)[]): TableLine[] => [
	{
		name,
		packets: ways.map((way, i) => ({
			packet: f.tcp({...toBlue, flags: i === 0 ? 'S' : i > 2 ? 'PA' : 'A'}),
			...way,
		})),
	},
];

table('from_endpoint', f => three(f, 'where all is told, all is looked at', full, full, full), {
	constants: {...still, local_shortcuts: 1, monitor_aggregation: 2},
});
table(
	'from_endpoint',
	f => three(f, 'a flag that is told when it is seen first', full, full, short, full, short),
	{constants: {...still, local_shortcuts: 1, monitor_flags: 0x0f}},
);
table('from_endpoint', f => three(f, 'a short connection has none', full, full, full, short), {
	constants: {...still, local_shortcuts: 3},
});
table('from_endpoint', f => three(f, 'what is not counted has one at once', full, full, short), {
	constants: {...still, local_shortcuts: 16, ct_accounting: 0},
});
table('from_endpoint', f => three(f, 'shortcuts can be switched off', full, full, full), {
	constants: {...still, local_shortcuts: 0},
});

function ofServices(f: Family): TableLine[] {
	const tcp = flow(f);
	const udp = flow(f, 'udp');
	const request = (flags: string, way: object): TablePacket => ({
		packet: tcp.toService(flags),
		...way,
		out: exactly(arrived(f, tcp.toBackend(flags))),
	});
	const datagram = (way: object): TablePacket => ({
		packet: udp.toService(),
		...way,
		out: exactly(arrived(f, udp.toBackend())),
	});
	// Blue has opened a connection to the service, and red is the backend.
	const answer = (from: 'red' | 'service', sourcePort: number): Packet =>
		f.tcp({from, to: 'blue', sourcePort, destinationPort: 40_000, flags: 'A'});
	const opened = (node: GuardedNode): void => {
		installService(node, f, {backends: [{at: 'red'}]});
		const key = {daddr: f.address.blue, saddr: f.address.red, dport: 8080, sport: 40_000};
		for (const flags of [0, 1]) {
			node.maps.require(f.tcpFlows).set(
				{...key, nexthdr: 6, flags},
				{
					...{
						policy_revision: 0,
						peer_ifindex: 0,
						backend_id: 0n,
						packets: 0n,
						bytes: 0n,
					},
					...{lifetime: 0xffff_ffff, rx_closing: false, tx_closing: false},
					...{lb_loopback: false, seen_non_syn: true, node_port: false},
					...{proxy_redirect: false, dsr_internal: false, from_l7lb: false},
					...{from_tunnel: false, rev_nat_index: flags === 0 ? 7 : 0, nat_port: 0},
					...{tx_flags_seen: 18, rx_flags_seen: 18, src_sec_id: 0},
					...{last_tx_report: 0, last_rx_report: 0},
				},
			);
		}
	};

	const known = [tcp.toService('S'), tcp.toService(), tcp.toService()];
	return [
		{
			name: 'what is for a service goes to its backend',
			...at(f, served),
			packets: [request('S', full), request('A', full), request('PA', short)],
		},
		{
			name: 'datagrams for a service go to its backend',
			...at(f, {...served, protocol: 17}),
			packets: [datagram(full), datagram(full), datagram(short)],
		},
		{
			name: 'a connection to a service that closes tells conntrack what went before',
			...{...at(f, served), given: known},
			packets: [
				{
					...request('FA', full),
					maps: {
						[f.tcpFlows]: [
							...[0, 1].map(flags => ({
								key: {sport: 40_000, dport: 8080, flags},
								after: {packets: 4n, tx_closing: true},
							})),
							{key: {dport: 80, flags: 4}, after: {tx_closing: true}},
						],
					},
				},
			],
		},
		{
			name: 'services are looked at again when one has changed',
			...{...at(f, served), given: known},
			meanwhile: ({maps}) => {
				raiseServicesRevision(maps);
			},
			packets: [request('A', full), request('A', short)],
		},
		{
			name: 'what a backend answers comes from its service',
			prepare: opened,
			packets: [full, short, short].map(way => ({
				packet: answer('red', 8080),
				...way,
				out: exactly(arrived(f, answer('service', 80))),
			})),
		},
	];
}

table('from_endpoint', ofServices, {
	services: {},
	constants: {...still, local_shortcuts: 1},
});

/** Where a flow's shortcut stands: flows that share a place take it from each other. */
function placeOf(f: Family, sourcePort: number): bigint {
	const words = (address: string): bigint[] => {
		const bytes = f.is6 ? parseIpv6(address) : parseIpv4(address);
		return f.is6
			? [0, 8].map(at => Buffer.from(bytes).readBigUInt64LE(at))
			: [BigInt(Buffer.from(bytes).readUInt32LE())];
	};
	const [from = 0n, fromLow = 0n] = words(f.address.red);
	const [to = 0n, toLow = 0n] = words(f.address.blue);
	const ports = Buffer.alloc(8);
	ports.writeUInt16BE(sourcePort, 0);
	ports.writeUInt16BE(80, 2);
	ports.writeUInt32LE(6, 4);
	const a = f.is6 ? from ^ (fromLow << 1n) ^ (to << 2n) ^ toLow : from | (to << 32n);
	const spread = a ^ (ports.readBigUInt64LE() * 0x9e3779b97f4a7c15n);
	return (BigInt.asUintN(64, BigInt.asUintN(64, spread) * 0xff51afd7ed558ccdn) >> 40n) % 8192n;
}

/** Counts what a node's programs do with packets of a flow. */
class Sender {
	sent = 0;
	private readonly node: GuardedNode;
	private readonly f: Family;
	private readonly port: number;

	constructor(node: GuardedNode, f: Family, port: number) {
		this.node = node;
		this.f = f;
		this.port = port;
	}

	/** Whether it went by the shortcut. */
	send(flags: string): boolean {
		const before = this.short();
		const packet = this.f.tcp({...toBlue, sourcePort: this.port, flags});
		runPackets(this.node.programs.from_endpoint, [{packet}], {maps: []});
		this.sent++;
		return this.short() > before;
	}

	/** What both sides' entries have counted. */
	counted(): (bigint | undefined)[] {
		const entries = [...this.node.maps.require(this.f.tcpFlows)];
		return entries.filter(([{sport}]) => sport === this.port).map(([, {packets}]) => packets);
	}

	/** Packets that went by shortcuts. */
	private short(): bigint {
		const metrics = new Metrics(this.node.maps).list();
		return metrics
			.filter(({file}) => file === 'local_shortcut.h')
			.reduce((sum, {packets}) => sum + packets, 0n);
	}
}

for (const f of families) {
	kernel(`${f.name}: with the next second a packet is looked at in full`, async t => {
		const node = await guardedNode(t, {constants: {local_shortcuts: 1}});
		node.setPolicies({});
		const one = new Sender(node, f, 41_000);
		one.send('S');
		let [short, told] = [0, 0];
		for (let i = 0; i < 1_000_000 && told < 2; i++) {
			if (one.send('A')) short++;
			else if (short > 0) told++;
		}

		t.true(short > 0);
		t.is(told, 2);
		t.deepEqual(one.counted(), [BigInt(one.sent), BigInt(one.sent)]);
	});

	kernel(`${f.name}: who gets the place of another flow tells conntrack of it`, async t => {
		const node = await guardedNode(t, {constants: {local_shortcuts: 1}});
		node.setPolicies({});
		const one = new Sender(node, f, 42_000);
		const place = placeOf(f, 42_000);
		let port = 42_001;
		while (placeOf(f, port) !== place) port++;
		const other = new Sender(node, f, port);
		one.send('S');
		let short = 0;
		for (let i = 0; i < 1_000_000 && short < 5; i++) short += one.send('A') ? 1 : 0;
		other.send('S');
		for (let i = 0; i < 1_000_000 && !other.send('A'); i++);
		t.is(short, 5);
		t.deepEqual(one.counted(), [BigInt(one.sent), BigInt(one.sent)]);
	});
}
