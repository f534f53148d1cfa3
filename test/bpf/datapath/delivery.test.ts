/** Where packets go that may pass: with one hop less, or back with an error. */

import {ethernet, icmp, icmpv6, ipv4, ipv6, packet, type Packet} from '../../../src/lab/index.js';
import type {ProgramName} from './guarded-node.js';
import {identities, macs, type Family, type Person} from './people.js';
import {egress, ingress, table, type TableLine, type TableSettings} from './table.js';

const marked = (identity: number) => ({mark: (identity & 0xffff) * 0x1_0000 + 0xf00});

/** As it arrives at an endpoint. */
function arrived(sent: Packet, f: Family): Packet {
	const hops = sent.get('ipv4')?.ttl ?? sent.get('ipv6')?.hopLimit ?? 0;
	const framed = sent.with('ethernet', {source: macs.blueNode, destination: macs.blue});
	return f.is6 ? framed.with('ipv6', {hopLimit: hops - 1}) : framed.with('ipv4', {ttl: hops - 1});
}

/** A datagram of so many bytes from its IP header on. */
function datagram(f: Family, size: number, ip: Parameters<Family['udp']>[0]): Packet {
	return f.udp({...ip, data: new Uint8Array(size - (f.is6 ? 48 : 28)).fill(0xa5)});
}

/** The error about a packet as its sender gets it; of 1500 bytes unless it ran out of hops. */
function error(f: Family, about: Packet, what: 'hops' | 'size', mtu = 1500): Packet {
	const sender = about.get('ipv4') ?? about.get('ipv6');
	const frame = about.get('ethernet');
	const [destination, source] = [sender?.source, f.address.host];
	// Headers and at most twenty bytes of L4.
	const l4 =
		about.offsetOf('udp') ??
		about.offsetOf('tcp') ??
		about.offsetOf(f.is6 ? 'icmpv6' : 'icmp') ??
		0;
	const original = about.bytes.slice(14, l4 + 20);
	const link = ethernet({source: frame?.destination, destination: frame?.source});
	if (f.is6) {
		const type = what === 'hops' ? {type: 3} : {type: 2, mtu};
		return packet(link, ipv6({source, destination}), icmpv6({...type, original}));
	}

	const type = what === 'hops' ? {type: 11} : {type: 3, code: 4, mtu};
	return packet(link, ipv4({source, destination}), icmp({...type, original}));
}

/** Exactly this packet, with nothing in it that contradicts itself. */
const exactly = (wanted: Packet) => (out: Packet) =>
	Buffer.compare(out.bytes, wanted.bytes) === 0 && out.get('payload') === undefined;

interface Path {
	readonly from: Person;
	readonly direction: number;
}

function toBlue(f: Family, {from, direction}: Path): TableLine[] {
	const ip = {from, to: 'blue'} as const;
	const whole = f.tcp({...ip, flags: 'S'});
	const tooBig = datagram(f, 1501, {...ip, dontFragment: true});
	// The checksum of the header overflows on its way.
	const tired = (hops: number) => f.udp({...ip, hops});
	const lines: TableLine[] = [
		{
			name: 'blue gets a packet with one hop less, from the node',
			...{packet: whole, goes: 'peer', out: arrived(whole, f)},
		},
		{
			name: 'a packet of 1500 bytes fits',
			packet: datagram(f, 1500, ip),
			goes: 'peer',
		},
		{
			name: 'a packet that is too big is answered, field by field',
			...{packet: tooBig, goes: 'back', out: exactly(error(f, tooBig, 'size'))},
			counts: [
				[15, direction],
				[136, direction],
			],
		},
		{
			name: 'what was put together from smaller ones is not too big',
			packet: datagram(f, 1501, {...ip, dontFragment: true}),
			context: {gso_size: 1000, gso_segs: 2},
			goes: 'peer',
		},
		...[0, 1].map(hops => ({
			name: `a packet with ${hops} hops left is answered, field by field`,
			...{packet: tired(hops), goes: 'back' as const},
			out: exactly(error(f, tired(hops), 'hops')),
			counts: [[196, direction]] as const,
		})),
		{
			name: 'one with two hops left arrives',
			...{packet: tired(2), goes: 'peer', out: arrived(tired(2), f)},
		},
		{
			name: 'an error that ran out of hops is not answered',
			packet: f.unreachable({...ip, hops: 1}, f.udp({from: 'blue', to: from})),
			drop: [196, direction],
		},
		{
			name: 'blue is asked before it gets a packet',
			policies: {blue: {ingress: []}},
			...{packet: whole, drop: [133, ingress]},
		},
		{
			name: 'a proxy of blue gets it instead',
			policies: {blue: {ingress: [{proxy: 10_001}]}},
			...{packet: whole, goes: 'proxy', contextOut: {mark: 0x1127_0200}},
		},
		{
			name: 'an endpoint in the namespace of the host is asked at its interface',
			policies: {green: {ingress: []}},
			packet: f.tcp({...ip, to: 'green', flags: 'S'}),
			goes: 'interface',
		},
		{
			name: 'an endpoint is found whose slot another one has',
			packet: f.tcp({...ip, to: 'far', flags: 'S'}),
			goes: 'peer',
		},
	];
	if (f.is6) return lines;
	return [
		...lines,
		{
			name: 'a packet that is too big and may be taken apart goes to the stack',
			packet: datagram(f, 1501, ip),
			goes: 'stack',
			out: 'unchanged',
		},
		...Array.from({length: 6}, (_, i) => ({
			name: `the checksum of the header is right after identification ${0xfff0 + i * 3}`,
			packet: f.tcp({...ip, flags: 'S'}).with('ipv4', {identification: 0xfff0 + i * 3}),
			goes: 'peer' as const,
			out: ({isSound}: Packet) => isSound,
		})),
	];
}

const paths: readonly (readonly [ProgramName, Path])[] = [
	['from_endpoint', {from: 'red', direction: egress}],
	['from_netdev', {from: 'world', direction: ingress}],
];
for (const [program, path] of paths) table(program, f => toBlue(f, path));

table('from_endpoint', f => [
	{
		name: 'the stack gets what is for the world, with the identity',
		...{packet: f.tcp({flags: 'S'}), goes: 'stack', out: 'unchanged'},
		contextOut: marked(identities.red),
	},
	{
		name: 'a mark that red set is not passed on',
		...{packet: f.tcp({flags: 'S'}), context: {mark: 0x200}, goes: 'stack'},
		contextOut: marked(identities.red),
	},
	{
		name: 'the stack gets what is for the host',
		...{packet: f.tcp({to: 'host', flags: 'S'}), goes: 'stack', out: 'unchanged'},
		contextOut: marked(identities.red),
	},
	{
		name: 'the stack gets what has no hop left for the world, and answers',
		packet: f.tcp({hops: 1, flags: 'S'}),
		goes: 'stack',
	},
	{
		name: 'what is for red itself comes back',
		...{packet: f.tcp({to: 'red', flags: 'S'}), goes: 'peer'},
	},
	{
		name: 'a later packet finds blue by its flow',
		given: [f.tcp({to: 'blue', flags: 'S'})],
		...{packet: f.tcp({to: 'blue', flags: 'A'}), goes: 'peer'},
	},
	{
		name: 'an answer finds blue, too',
		given: [{packet: f.tcp({from: 'blue', to: 'red', flags: 'S'}), program: 'to_endpoint'}],
		packet: f.tcp({to: 'blue', sourcePort: 80, destinationPort: 40_000, flags: 'SA'}),
		goes: 'peer',
	},
]);

table('from_netdev', f => [
	{
		name: 'what is for the host passes untouched',
		...{packet: f.tcp({from: 'world', to: 'host'}), goes: 'by itself', out: 'unchanged'},
	},
	{
		name: 'what is for others passes untouched',
		...{packet: f.tcp({from: 'world', to: 'lab'}), goes: 'by itself', out: 'unchanged'},
	},
]);

table('to_netdev', f => [
	{
		name: 'nothing is looked at where the host has no policy',
		packet: f.tcp({from: 'host', to: 'world'}),
		...{goes: 'by itself', out: 'unchanged'},
	},
]);

/** Packets for blue where its namespace is not entered. */
const byInterface = (f: Family): TableLine[] => [
	{
		name: 'blue is asked at its interface where there is no peer redirect',
		policies: {blue: {ingress: []}},
		packet: f.tcp({to: 'blue', flags: 'S'}),
		goes: 'interface',
		out: arrived(f.tcp({to: 'blue', flags: 'S'}), f),
		contextOut: marked(identities.red),
	},
];
const noPeer: TableSettings = {constants: {peer_redirect: 0}};
table('from_endpoint', byInterface, noPeer);

/** Where packets for the world are routed by the program. */
const routed: TableSettings = {constants: {fib_routing: 1}};
table(
	'from_endpoint',
	f => [
		{
			name: 'nobody is told of many that ran out of hops',
			packet: f.udp({to: 'multicast', hops: 1}),
			drop: [196, egress],
		},
	],
	routed,
);

/** No gateway, no error. */
const unanswered = (f: Family): TableLine[] => [
	{
		name: 'without a gateway nobody says that hops ran out',
		packet: f.udp({to: 'blue', hops: 1}),
		drop: [196, egress],
	},
	{
		name: 'without a gateway nobody says that a packet is too big',
		packet: datagram(f, 1501, {to: 'blue', dontFragment: true}),
		counts: [[15, egress]],
		drop: [136, egress],
	},
];
table('from_endpoint', unanswered, {gateway: {}});
