/** What conntrack makes of flows. */

import type {ExpectedEffect} from '../../../src/lab/index.js';
import type {Family} from './people.js';
import {egress, ingress, table, type TableLine, type TablePacket} from './table.js';

const s = {goes: 'stack'} as const;
const toRed = {from: 'world', to: 'red'} as const;

/** A connection that red opens to the world; replies come by red's other program. */
function connection(f: Family) {
	const out = (flags: string): TablePacket => ({packet: f.tcp({flags}), ...s});
	const back = (flags: string): TablePacket => ({
		...{program: 'to_endpoint', goes: 'endpoint'},
		packet: f.tcp({
			...{from: 'world', to: 'red', flags},
			...{sourcePort: 80, destinationPort: 40_000},
		}),
	});
	const becomes = (step: TablePacket, after: object): TablePacket => ({
		...step,
		maps: {[f.tcpFlows]: [{key: {sport: 40_000, dport: 80, flags: 0}, after}]},
	});
	return {out, back, becomes};
}

/** About so many seconds from now; the clock may tick meanwhile. */
const lives = (seconds: number) => {
	return ({lifetime, last_tx_report: now}: {lifetime: number; last_tx_report: number}) =>
		Math.abs(lifetime - now - seconds) <= 2;
};

function tcp(f: Family): TableLine[] {
	const {out, back, becomes} = connection(f);
	const established = [out('S'), back('SA'), out('A')];
	const key = {
		...{daddr: f.address.red, saddr: f.address.world},
		...{sport: 40_000, dport: 80, nexthdr: 6, flags: 0},
	};
	return [
		{
			name: 'a SYN makes an entry of its own time',
			...out('S'),
			maps: {
				[f.tcpFlows]: [
					{
						key,
						before: undefined,
						after: {
							...{packets: 1n, bytes: BigInt(f.tcp({flags: 'S'}).bytes.length)},
							...{seen_non_syn: false, tx_flags_seen: 2, rx_flags_seen: 0},
							...{src_sec_id: 300, tx_closing: false, rx_closing: false},
							// Not on this node.
							peer_ifindex: 0xffff_ffff,
						},
					},
				],
			},
		},
		{name: 'a SYN is waited for a minute', ...becomes(out('S'), lives(60))},
		{
			name: 'a connection is open after three packets',
			packets: [
				out('S'),
				becomes(back('SA'), {packets: 2n, rx_flags_seen: 18, seen_non_syn: false}),
				becomes(out('A'), {packets: 3n, tx_flags_seen: 18, seen_non_syn: true}),
			],
		},
		{
			name: 'an open connection lives for long',
			packets: [out('S'), back('SA'), becomes(out('A'), lives(8000))],
		},
		{
			name: 'one end closes, then the other',
			packets: [
				...established,
				becomes(out('FA'), {tx_closing: true, rx_closing: false}),
				becomes(back('FA'), {tx_closing: true, rx_closing: true}),
				out('A'),
			],
		},
		{
			name: 'a closed connection lives ten seconds',
			packets: [...established, out('FA'), becomes(back('FA'), lives(10))],
		},
		{
			name: 'a half closed connection lives on',
			packets: [...established, becomes(out('FA'), lives(8000))],
		},
		{
			name: 'a refused connection is closed at once',
			packets: [out('S'), becomes(back('RA'), {tx_closing: true, rx_closing: true})],
		},
		{
			name: 'a reset of an open connection closes one side',
			packets: [...established, becomes(back('R'), {tx_closing: false, rx_closing: true})],
		},
		{
			name: 'a SYN opens a closed connection again',
			packets: [
				...established,
				out('FA'),
				back('FA'),
				becomes(out('S'), {
					...{packets: 1n, tx_closing: false, rx_closing: false},
					...{seen_non_syn: false, tx_flags_seen: 2, rx_flags_seen: 0},
				}),
			],
		},
		{
			name: 'a SYN into an open connection is one more of its packets',
			packets: [...established, becomes(out('S'), {packets: 4n, seen_non_syn: true})],
		},
		{
			name: 'a later packet of a connection that nobody saw opens one that is open',
			...becomes(out('A'), {seen_non_syn: true, packets: 1n}),
		},
		{
			name: 'both ends have a flow where both open it',
			packets: [
				out('S'),
				{
					...{program: 'to_endpoint', goes: 'endpoint'},
					packet: f.tcp({from: 'world', to: 'red', flags: 'S'}),
					maps: {[f.tcpFlows]: [{key: {flags: 1}, before: undefined}]},
				},
			],
		},
	];
}

/** Of a closed connection whose policy went meanwhile, a SYN finds no way. */
function reopened(f: Family): TableLine[] {
	const {out, back} = connection(f);
	const packets = [out('S'), back('SA'), out('A'), out('FA'), back('FA')];
	const given = packets.map(({packet, program}) => ({
		packet,
		...(program !== undefined && {program}),
	}));
	return [
		{
			name: 'a connection is opened again only where it is allowed',
			...{given, packet: f.tcp({flags: 'S'}), drop: [133, egress]},
			meanwhile: node => node.setPolicies({red: {egress: []}}),
		},
		{
			name: 'what still comes of a closed connection is judged again where the policy changed',
			...{given, packet: f.tcp({flags: 'A'}), drop: [133, egress]},
			meanwhile: node => node.setPolicies({red: {egress: []}}),
		},
	];
}

/** A connection that one end opened and both closed is opened anew by the other end. */
function turned(f: Family): TableLine[] {
	const red = {program: 'from_endpoint', goes: 'stack'} as const;
	const world = {program: 'to_endpoint', goes: 'endpoint'} as const;
	const [high, low] = [40_000, 80];
	const out = (flags: string): TablePacket => ({
		...{packet: f.tcp({flags, sourcePort: high, destinationPort: low}), ...red},
	});
	const back = (flags: string): TablePacket => ({
		...{...world, packet: f.tcp({...toRed, flags, sourcePort: low, destinationPort: high})},
	});
	const {packet: syn} = back('S');
	const [sent, came] = [
		{sport: high, dport: low, flags: 0},
		{sport: low, dport: high, flags: 1},
	];
	const flows = (step: TablePacket, ...effects: ExpectedEffect[]): TablePacket => ({
		...step,
		maps: {[f.tcpFlows]: effects},
	});
	const opened = {packets: 1n, tx_closing: false, rx_closing: false};
	const followed = {packets: 2n, rx_flags_seen: 18};
	const gone = (key: object, before: object): ExpectedEffect => ({key, before, after: undefined});
	const closedOut = [out('S'), back('SA'), out('A'), out('FA'), back('FA')];
	const closedIn = [back('S'), out('SA'), back('A'), back('FA'), out('FA')];
	return [
		{
			name: 'the peer opens a connection anew that the endpoint had opened',
			packets: [
				...closedOut,
				flows(back('S'), gone(sent, {rx_closing: true}), {key: came, after: opened}),
				flows(out('SA'), {key: came, after: followed}),
				flows(back('A'), {key: came, after: {packets: 3n, seen_non_syn: true}}),
			],
		},
		{
			name: 'the endpoint opens a connection anew that the peer had opened',
			packets: [
				...closedIn,
				flows(out('S'), gone(came, {rx_closing: true}), {key: sent, after: opened}),
				flows(back('SA'), {key: sent, after: followed}),
				flows(out('A'), {key: sent, after: {packets: 3n, seen_non_syn: true}}),
			],
		},
		{
			name: 'the peer opens a connection anew that is closed by one end only',
			packets: [
				...closedOut.slice(0, 4),
				flows(back('S'), gone(sent, {tx_closing: true}), {key: came, after: opened}),
				flows(out('SA'), {key: came, after: followed}),
			],
		},
		{
			name: 'the peer may not open anew what it may not open, and the old connection stays',
			policies: {red: {ingress: []}},
			packets: [
				...closedOut,
				{
					program: 'to_endpoint',
					packet: syn,
					drop: [133, ingress],
					maps: {[f.tcpFlows]: []},
				},
				flows(out('A'), {key: sent, after: {packets: 6n}}),
			],
		},
		{
			name: 'a SYN of the peer in an open connection is one more of its packets',
			packets: [
				...closedOut.slice(0, 3),
				flows(back('S'), {key: sent, after: {packets: 4n}}),
			],
		},
	];
}

function datagrams(f: Family): TableLine[] {
	const flow = (key: object, after: object) => ({[f.otherFlows]: [{key, after}]});
	const back = {program: 'to_endpoint', goes: 'endpoint'} as const;
	const reply = {from: 'world', to: 'red'} as const;
	return [
		{
			name: 'UDP and its reply are one flow',
			packets: [
				{packet: f.udp(), ...s, maps: flow({sport: 40_000, dport: 53}, lives(60))},
				{
					packet: f.udp({...reply, sourcePort: 53, destinationPort: 40_000}),
					...back,
					maps: flow({sport: 40_000, dport: 53}, {packets: 2n}),
				},
				{packet: f.udp(), ...s, maps: flow({}, {packets: 3n})},
			],
		},
		{
			name: 'SCTP and its reply are one flow',
			packets: [
				{packet: f.sctp(), ...s},
				{
					packet: f.sctp({...reply, sourcePort: 80, destinationPort: 40_000}),
					...back,
					maps: flow({sport: 40_000, dport: 80, nexthdr: 132}, {packets: 2n}),
				},
			],
		},
		{
			name: 'an echo request and its reply are one flow',
			packets: [
				{packet: f.ping({identifier: 5}), ...s},
				{
					packet: f.pong({...reply, identifier: 5}),
					...back,
					maps: flow({sport: 5, dport: 0, flags: 0}, {packets: 2n}),
				},
				{packet: f.ping({identifier: 5}), ...s, maps: flow({sport: 5}, {packets: 3n})},
			],
		},
		{
			name: 'a reply to another echo is a flow of its own',
			packets: [
				{packet: f.ping({identifier: 5}), ...s},
				{
					packet: f.pong({...reply, identifier: 6}),
					...back,
					maps: flow({dport: 6, flags: 1}, {packets: 1n}),
				},
			],
		},
		{
			name: 'ports that are alike do not confuse the directions',
			packets: [
				{packet: f.udp({sourcePort: 53}), ...s},
				{
					packet: f.udp({...reply, sourcePort: 53}),
					...back,
					maps: flow({flags: 0}, {packets: 2n}),
				},
			],
		},
	];
}

table('from_endpoint', tcp);
table('from_endpoint', reopened);
table('from_endpoint', turned);
table('from_endpoint', datagrams);
table(
	'from_endpoint',
	f => [
		{
			name: 'entries count nothing where accounting is off',
			packets: [
				{packet: f.udp(), ...s, maps: {[f.otherFlows]: [{key: {}, after: {packets: 0n}}]}},
				{packet: f.udp(), ...s, maps: {[f.otherFlows]: []}},
			],
		},
	],
	// The clock stands still: nothing else changes either.
	{constants: {ct_accounting: 0, seconds_per_jiffy_shl32: 1}},
);
