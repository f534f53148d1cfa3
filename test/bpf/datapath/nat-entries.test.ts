/** Both entries of a flow: made, lost, and made again. */

import {fragmentPacket, reassemble, type Packet} from '../../../src/lab/index.js';
import type {GuardedNode} from './guarded-node.js';
import {
	atRed,
	exactly,
	fromNode,
	fromNodeBy,
	masquerading,
	narrow,
	onePort,
	withPort,
} from './nat-packets.js';
import type {Family} from './people.js';
import {egress, ingress, table, type TableLine} from './table.js';

const [out, back] = [0, 1];

/** One of a flow's entries is lost, the other one is as if of long ago. */
const lose =
	(f: Family, flags: number) =>
	({maps}: GuardedNode): void => {
		const map = maps.require(f.nat);
		for (const [key, value] of [...map]) {
			if (key.flags === flags) map.delete(key);
			else map.set(key, value);
		}
	};

/** What entries say is changed. */
const change =
	(f: Family, flags: number, to: {to_address?: string; to_port?: number}) =>
	({maps}: GuardedNode): void => {
		const map = maps.require(f.nat);
		for (const [key, value] of [...map]) {
			map.set(key, key.flags === flags ? {...value, ...to} : value);
		}
	};

/** The flow is as the node made it when it had another address. */
const readdress =
	(f: Family) =>
	({maps}: GuardedNode): void => {
		const map = maps.require(f.nat);
		for (const [key, value] of [...map]) {
			map.delete(key);
			if (key.flags === out) map.set(key, {...value, to_address: f.address.node});
			else map.set({...key, daddr: f.address.node}, value);
		}
	};

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const packet = f.tcp({flags: 'S'});
		const kept = {packet, goes: 'network', out: exactly(fromNode(f, packet))} as const;
		const given = [packet];
		return [
			{
				name: 'the entry of replies is made again',
				...{given, meanwhile: lose(f, back), ...kept},
				maps: {
					[f.nat]: [
						{key: {flags: out}, before: {}, after: {to_port: 40_000}},
						{
							key: {flags: back},
							before: undefined,
							after: {to_address: f.address.red, to_port: 40_000},
						},
					],
					[f.natRetries]: [],
				},
			},
			{
				name: 'the entry of what goes out is made again: its port is not free',
				...{given, meanwhile: lose(f, out), packet, goes: 'network'},
				out: fromNodeBy(f, port => port !== 40_000 && port >= 32_768),
			},
			{
				name: 'where somebody else has its port a flow gets another',
				...{given, packet, goes: 'network'},
				meanwhile: change(f, back, {to_address: f.address.blue}),
				out: fromNodeBy(f, port => port !== 40_000 && port >= 32_768),
			},
			{
				name: 'where the node had another address both entries are made anew',
				...{given, meanwhile: readdress(f), ...kept},
				maps: {
					[f.nat]: [
						{
							key: {flags: out},
							before: {to_address: f.address.node},
							after: {to_address: f.address.host},
						},
						{key: {flags: back, daddr: f.address.node}, after: undefined},
						{key: {flags: back, daddr: f.address.host}, before: undefined},
					],
				},
			},
			{
				name: 'what is as it should be is looked at once a second',
				...{given, meanwhile: change(f, 9, {}), ...kept},
				maps: {[f.nat]: [{key: {flags: out}}], [f.natRetries]: []},
			},
		];
	},
	masquerading,
);

table(
	'from_netdev',
	(f: Family): TableLine[] => {
		const ip = {from: 'world', to: 'host'} as const;
		const packet = f.tcp({...ip, sourcePort: 80, destinationPort: 40_000, flags: 'SA'});
		const given = [{packet: f.tcp({flags: 'S'}), program: 'to_netdev'}] as const;
		const arrives = {packet, goes: 'peer', out: exactly(atRed(f, packet))} as const;
		return [
			{
				name: 'a reply makes the entry of what goes out again',
				...{given, meanwhile: lose(f, out), ...arrives},
				maps: {
					[f.nat]: [
						{
							key: {flags: out, saddr: f.address.red, sport: 40_000},
							before: undefined,
							after: {to_address: f.address.host, to_port: 40_000},
						},
						{key: {flags: back}},
					],
				},
			},
			{
				name: "a reply that has lost its entry is the node's",
				...{given, meanwhile: lose(f, back), packet},
				...{goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}},
			},
		];
	},
	masquerading,
);

/** Fragments that come out one after the other; together they are the packet that is wanted. */
function gathered(wanted: Packet, count: number) {
	const seen: Packet[] = [];
	return (packet: Packet): boolean => {
		seen.push(packet);
		if (seen.length < count) return true;
		const whole = reassemble(seen.splice(0));
		return whole.length === 1 && whole[0] !== undefined && exactly(wanted)(whole[0]);
	};
}

const data = new Uint8Array(300).map((_, i) => i);
const seen = 9;
/** As its fragments are. */
const numbered = (packet: Packet): Packet =>
	packet.get('ipv4') ? packet.with('ipv4', {identification: 5}) : packet;

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const whole = numbered(f.udp({data}));
		const pieces = fragmentPacket(whole, 160, {identification: 5});
		const right = gathered(withPort(fromNode(f, whole), 'source', onePort), pieces.length);
		return [
			{
				name: 'fragments leave with one address and one port',
				packets: pieces.map(packet => ({
					...{packet, goes: 'network' as const, out: right},
					counts: [[seen, egress]] as const,
				})),
			},
			{
				name: 'a fragment without the first one is dropped',
				packet: pieces[1] ?? whole,
				...{drop: [175, egress], counts: [[seen, egress]]},
			},
			{
				name: 'one of the node passes',
				packet: pieces[1]?.with(f.is6 ? 'ipv6' : 'ipv4', {source: f.address.host}) ?? whole,
				...{goes: 'by itself', out: 'unchanged', counts: [[seen, egress]]},
			},
		];
	},
	narrow,
);

table(
	'from_netdev',
	(f: Family): TableLine[] => {
		const ip = {from: 'world', to: 'host'} as const;
		const whole = numbered(f.udp({...ip, sourcePort: 53, destinationPort: onePort, data}));
		const pieces = fragmentPacket(whole, 160, {identification: 5});
		const right = gathered(withPort(atRed(f, whole), 'destination', 40_000), pieces.length);
		return [
			{
				name: 'fragments get to red with the port that it knows',
				given: [{packet: f.udp(), program: 'to_netdev'}],
				packets: pieces.map(packet => ({
					...{packet, goes: 'peer' as const, out: right},
					counts: [[seen, ingress]] as const,
				})),
			},
			{
				name: "a fragment without the first one is the node's",
				packet: pieces[1] ?? whole,
				...{goes: 'by itself', out: 'unchanged', counts: [[seen, ingress]]},
			},
		];
	},
	narrow,
);

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const [first] = fragmentPacket(f.udp({data}), 160, {identification: 5});
		return [
			{
				name: 'fragments are dropped where they are not followed',
				...{packet: first ?? f.udp(), drop: [157, egress]},
			},
		];
	},
	{...narrow, constants: {track_fragments: 0}},
);
