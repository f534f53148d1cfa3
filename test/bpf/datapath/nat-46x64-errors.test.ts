/** ICMP errors about packets that have changed their family. */

import {icmp, icmpv6, type Packet} from '../../../src/lab/index.js';
import {answered, asked} from './dsr-packets.js';
import type {GuardedNode} from './guarded-node.js';
import {
	atBackend,
	crossed,
	crossing,
	fromBackend,
	install,
	other,
	overTcp,
	overUdp,
	type Exchange,
} from './nat-46x64-packets.js';
import {onePort} from './nat-packets.js';
import type {Family, Ip} from './people.js';
import {ingress, table, type TableLine} from './table.js';

/** A message: its type and code, an MTU, or all of the four bytes behind the checksum. */
interface Message {
	readonly type: number;
	readonly code?: number;
	readonly mtu?: number;
	readonly rest?: number;
}

/** What becomes what; a number is why it is dropped. */
type Translation = readonly [from: Message, to: Message | number];

const pointer4 = (at: number): Message => ({type: 12, rest: at * 0x100_0000});
const pointer6 = (at: number): Message => ({type: 4, rest: at});

const toIpv6: readonly Translation[] = [
	...[0, 1, 5, 6, 7, 8, 11, 12].map(code => [{type: 3, code}, {type: 1}] as const),
	...[9, 10, 13, 15].map(
		code =>
			[
				{type: 3, code},
				{type: 1, code: 1},
			] as const,
	),
	[
		{type: 3, code: 2},
		{type: 4, code: 1, rest: 6},
	],
	[
		{type: 3, code: 3},
		{type: 1, code: 4},
	],
	[
		{type: 3, code: 4, mtu: 1400},
		{type: 2, mtu: 1420},
	],
	[
		{type: 3, code: 4, mtu: 65_535},
		{type: 2, mtu: 65_555},
	],
	[
		{type: 3, code: 4, mtu: 576},
		{type: 2, mtu: 1280},
	],
	[
		{type: 3, code: 4, mtu: 0},
		{type: 2, mtu: 1280},
	],
	[{type: 3, code: 14}, 143],
	[{type: 3, code: 16}, 143],
	...[0, 1].map(
		code =>
			[
				{type: 11, code},
				{type: 3, code},
			] as const,
	),
	...[0, 1].map(at => [pointer4(at), pointer6(at)] as const),
	...[2, 3].map(at => [pointer4(at), pointer6(4)] as const),
	...[4, 7, 10, 11, 20].map(at => [pointer4(at), 187] as const),
	[pointer4(8), pointer6(7)],
	[pointer4(9), pointer6(6)],
	...[12, 15].map(at => [pointer4(at), pointer6(8)] as const),
	...[16, 19].map(at => [pointer4(at), pointer6(24)] as const),
	[{...pointer4(2), code: 2}, pointer6(4)],
	[{type: 12, code: 1}, 143],
];

const toIpv4: readonly Translation[] = [
	...[0, 2, 3].map(
		code =>
			[
				{type: 1, code},
				{type: 3, code: 1},
			] as const,
	),
	[
		{type: 1, code: 1},
		{type: 3, code: 10},
	],
	[
		{type: 1, code: 4},
		{type: 3, code: 3},
	],
	...[5, 6].map(code => [{type: 1, code}, 145] as const),
	[
		{type: 2, mtu: 1400},
		{type: 3, code: 4, mtu: 1380},
	],
	[
		{type: 2, mtu: 1000},
		{type: 3, code: 4, mtu: 1260},
	],
	[
		{type: 2, mtu: 0x1_0000_0000 - 1},
		{type: 3, code: 4, mtu: 65_515},
	],
	...[0, 1].map(
		code =>
			[
				{type: 3, code},
				{type: 11, code},
			] as const,
	),
	...[0, 1].map(at => [pointer6(at), pointer4(at)] as const),
	...[2, 3, 40, 255, 0x100_0000].map(at => [pointer6(at), 188] as const),
	...[4, 5].map(at => [pointer6(at), pointer4(2)] as const),
	[pointer6(6), pointer4(9)],
	[pointer6(7), pointer4(8)],
	...[8, 23].map(at => [pointer6(at), pointer4(12)] as const),
	...[24, 39].map(at => [pointer6(at), pointer4(16)] as const),
	[
		{type: 4, code: 1},
		{type: 3, code: 2},
	],
	[{type: 4, code: 2}, 145],
];

/** An error of a family. */
const error = (f: Family, ip: Ip, message: Message, original: Packet | Uint8Array): Packet =>
	f.ip(ip, f.is6 ? icmpv6({...message, original}) : icmp({...message, original}));

/** As much as is told of a packet, or less. */
const head = (f: Family, packet: Packet, size = 20): Uint8Array =>
	packet.networkBytes.slice(0, (f.is6 ? 40 : 20) + size);

const portOf = (f: Family): Message => (f.is6 ? {type: 1, code: 4} : {type: 3, code: 3});

const nameOf = ({type, code = 0, mtu, rest}: Message): string =>
	`${type}/${code}${mtu === undefined ? '' : `, MTU ${mtu}`}${rest ? `, 0x${rest.toString(16)}` : ''}`;

/** Errors in front of the node, and behind it. */
interface Way {
	readonly f: Family;
	readonly ip: Ip;
	readonly about: (exchange: Exchange) => Packet;
}

/** From the backend's side to the client; or from the client's to the backend. */
const ways: Record<
	'to the client' | 'to the backend',
	(f: Family) => readonly [before: Way, after: Way]
> = {
	'to the client': f => [
		{f: other(f), ip: {from: 'lab', to: 'host'}, about: ({ask}) => atBackend(f, ask)},
		{
			...{f, ip: {from: 'service', to: 'world'}},
			about: ({ask}) => asked(f, ask),
		},
	],
	'to the backend': f => [
		{
			...{f, ip: {from: 'world', to: 'service'}},
			about: ({answer}) => answered(f, answer),
		},
		{
			...{f: other(f), ip: {from: 'host', to: 'lab'}},
			about: ({answer}) => fromBackend(f, answer),
		},
	],
};

/** A client has asked over TCP and UDP. */
const known = (f: Family, who?: 'red') => ({
	prepare: install(f, who),
	given: [overTcp, overUdp].map(({ask}) => asked(f, ask)),
});

function translated(f: Family): TableLine[] {
	return Object.entries(ways).flatMap(([where, way]) => {
		const [before, after] = way(f);
		return (before.f.is6 ? toIpv4 : toIpv6).map(([from, to]): TableLine => ({
			name: `${where}, ${nameOf(from)}`,
			...known(f),
			packet: error(before.f, before.ip, from, before.about(overTcp)),
			...(typeof to === 'number'
				? {drop: [to, ingress]}
				: {
						goes: 'stack',
						out: crossed(
							error(after.f, after.ip, to, head(after.f, after.about(overTcp))),
						),
					}),
		}));
	});
}

function told(f: Family): TableLine[] {
	return Object.entries(ways).flatMap(([where, way]) => {
		const [before, after] = way(f);
		const dropped = before.f.is6 ? 188 : 187;
		const said = [portOf(before.f), portOf(after.f)] as const;
		const out = (packet: Packet) => ({goes: 'stack' as const, out: crossed(packet)});
		const tired = (f: Family, packet: Packet): Packet =>
			f.is6
				? packet.with('ipv6', {hopLimit: 9, dscp: 46, ecn: 1})
				: packet.with('ipv4', {ttl: 9, dscp: 46, ecn: 1});
		return [
			...[8, 12, 16].map(size => ({
				name: `${where}, of TCP with ${size} bytes behind the header`,
				...known(f),
				packet: error(
					...([before.f, before.ip, said[0]] as const),
					head(before.f, before.about(overTcp), size),
				),
				...out(
					error(after.f, after.ip, said[1], head(after.f, after.about(overTcp), size)),
				),
			})),
			{
				name: `${where}, of UDP, which is cut`,
				...known(f),
				packet: error(before.f, before.ip, said[0], before.about(overUdp)),
				...out(error(after.f, after.ip, said[1], head(after.f, after.about(overUdp)))),
			},
			{
				name: `${where}, from a router, whose address the receiver cannot know`,
				...known(f),
				packet: error(
					...([before.f, {...before.ip, from: 'room'}, said[0]] as const),
					before.about(overTcp),
				),
				...out(
					error(
						...([after.f, {...after.ip, from: 'host'}, said[1]] as const),
						head(after.f, after.about(overTcp)),
					),
				),
			},
			{
				name: `${where}, with its hops and its class`,
				...known(f),
				packet: tired(before.f, error(before.f, before.ip, said[0], before.about(overTcp))),
				...out(
					tired(
						after.f,
						error(after.f, after.ip, said[1], head(after.f, after.about(overTcp))),
					),
				),
			},
			{
				name: `${where}, without a hop left`,
				...known(f),
				packet: error(before.f, {...before.ip, hops: 1}, said[0], before.about(overTcp)),
				drop: [196, ingress],
			},
			{
				name: `${where}, about what is no whole packet`,
				...known(f),
				packet: error(
					...([before.f, before.ip, said[0]] as const),
					before.f.is6
						? head(before.f, before.about(overTcp)).fill(44, 6, 7)
						: before.about(overTcp).with('ipv4', {moreFragments: true}),
				),
				...(before.f.is6
					? {goes: 'by itself', out: 'unchanged'}
					: {drop: [dropped, ingress]}),
			},
			{
				name: `${where}, about what nobody sent`,
				prepare: install(f),
				packet: error(before.f, before.ip, said[0], before.about(overTcp)),
				...{goes: 'by itself', out: 'unchanged'},
			},
		];
	});
}

/** Errors are told in part and checked as a whole. */
function sums(f: Family): TableLine[] {
	return Object.entries(ways).flatMap(([where, way]) => {
		const [{f: told, ip, about}] = way(f);
		return [0, 1, 204, 1200].flatMap((size): TableLine[] => {
			const original = Buffer.concat([about(overTcp).networkBytes, new Uint8Array(size)]);
			const {bytes} = error(told, ip, portOf(told), original);
			const name = `${where}, with ${size} bytes more`;
			const quote = bytes.length - original.length;
			return [
				{name, ...known(f), packet: bytes, goes: 'stack'},
				...[quote - 3, quote + 4, bytes.length - 1].map(place => ({
					...{name: `${name}, damaged at byte ${place}`, ...known(f)},
					packet: bytes.map((byte, i) => (i === place ? byte ^ 0x10 : byte)),
					drop: [154, ingress] as const,
				})),
			];
		});
	});
}

/** Forgets the flows, but not their translations. */
function forget(node: GuardedNode): void {
	for (const name of ['ctTcp4', 'ctTcp6', 'ctAny4', 'ctAny6'] as const) {
		const map = node.maps.require(name);
		for (const key of [...map.keys()]) map.delete(key);
	}
}

function others(f: Family): TableLine[] {
	const {ask, answer} = overTcp;
	const [mine, theirs] = [portOf(f), portOf(other(f))];
	const drop = [other(f).is6 ? 188 : 187, ingress] as const;
	const long = {sourcePort: onePort, data: new Uint8Array(1550)};
	return [
		{
			name: 'a backend of this node tells the client',
			...known(f, 'red'),
			packet: error(other(f), {to: 'host'}, theirs, atBackend(f, ask, 'red')),
			...{program: 'from_endpoint', goes: 'stack'},
			out: crossed(
				error(
					...([f, {from: 'service', to: 'world'}, mine] as const),
					head(f, asked(f, ask)),
				),
			),
		},
		{
			name: 'and is told by it',
			...known(f, 'red'),
			packet: error(f, {from: 'world', to: 'service'}, mine, answered(f, answer)),
			goes: 'stack',
			out: crossed(
				error(
					...([other(f), {from: 'host', to: 'red'}, theirs] as const),
					head(other(f), fromBackend(f, answer, 'red')),
				),
			),
			contextOut: {mark: f.worldIdentity * 0x1_0000 + 0xf00},
		},
		...(f.is6
			? [
					{
						name: 'a router that tells no MTU means the next usual one',
						...known(f),
						packet: error(
							...([other(f), {from: 'lab', to: 'host'}] as const),
							{type: 3, code: 4, mtu: 0},
							other(f).udp({
								...{...long, from: 'host', to: 'lab', destinationPort: 8080},
							}),
						),
						goes: 'stack' as const,
						out: crossed(
							error(
								...([f, {from: 'service', to: 'world'}] as const),
								{type: 2, mtu: 1492 + 20},
								head(
									f,
									f.udp({
										...{...long, sourcePort: 40_000, from: 'world'},
										...{to: 'service', destinationPort: 80},
									}),
								),
							),
						),
					},
				]
			: []),
		{
			name: 'an error about a flow that conntrack has forgotten',
			...known(f),
			meanwhile: forget,
			...{
				packet: error(other(f), {from: 'lab', to: 'host'}, theirs, atBackend(f, ask)),
				drop,
			},
		},
		{
			name: 'what answers such a flow',
			...known(f),
			...{meanwhile: forget, packet: fromBackend(f, answer), drop},
		},
	];
}

table('from_netdev', translated, crossing);
table('from_netdev', told, crossing);
table('from_netdev', sums, crossing);
table('from_netdev', others, crossing);
