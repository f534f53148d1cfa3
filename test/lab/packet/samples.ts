/** One packet of everything that can be built. */

import {
	ah,
	arp,
	destinationOptions,
	ethernet,
	fragment,
	geneve,
	hopByHop,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	packet,
	padding,
	routing,
	sctp,
	tcp,
	udp,
	vlan,
	vxlan,
	type PacketPart,
} from '../../../src/lab/index.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const syn = tcp({
	destinationPort: 443,
	flags: 'S',
	options: [
		{kind: 'mss', size: 1460},
		{kind: 'sackPermitted'},
		{kind: 'timestamps', value: 1, echo: 0},
		{kind: 'nop'},
		{kind: 'windowScale', shift: 7},
	],
});

/** To a port of which nobody knows what it carries. */
const datagram = udp({destinationPort: 9});

export const samples = {
	'a TCP SYN with options': [ethernet(), ipv4(), syn],
	'TCP over IPv6': [ethernet(), ipv6(), syn],
	'UDP in two VLAN tags': [
		ethernet(),
		vlan({tag: 0x88a8, id: 7, priority: 5}),
		vlan({id: 8, dropEligible: true}),
		ipv4(),
		datagram,
		'payload',
	],
	'an ARP reply in a frame of minimum size': [
		ethernet(),
		arp({operation: 'reply'}),
		padding({bytes: new Uint8Array(18)}),
	],
	'UDP in a frame of minimum size': [
		ethernet(),
		ipv4(),
		datagram,
		'x',
		padding({bytes: new Uint8Array(17)}),
	],
	'IPv4 options': [
		ethernet(),
		ipv4({
			options: [
				{kind: 'routerAlert', value: 0},
				{kind: 'recordRoute', pointer: 4, addresses: ['0.0.0.0', '192.0.2.9']},
				{kind: 'raw', type: 68, data: bytes(5, 0)},
				{kind: 'nop'},
			],
		}),
		datagram,
	],
	'every extension header': [
		ethernet(),
		ipv6(),
		hopByHop({options: [{type: 5, data: bytes(0, 0)}]}),
		destinationOptions({options: [{type: 0x1e, data: bytes(1, 2, 3)}]}),
		routing({segments: ['2001:db8::9', '2001:db8::2'], segmentsLeft: 1}),
		ah(),
		datagram,
		'data',
	],
	'a first fragment': [ethernet(), ipv6(), fragment({moreFragments: true}), datagram, 'datagram'],
	'a last fragment': [ethernet(), ipv4({fragmentOffset: 1480, protocol: 17}), 'rest'],
	'an ICMP echo': [ethernet(), ipv4(), icmp({identifier: 9, sequence: 3}), 'ping'],
	'an ICMP error': [
		ethernet(),
		ipv4(),
		icmp({
			type: 'unreachable',
			code: 'fragmentationNeeded',
			mtu: 1400,
			original: packet(ethernet(), ipv4(), datagram, 'what was sent'),
		}),
	],
	'an ICMPv6 error': [
		ethernet(),
		ipv6(),
		icmpv6({type: 'packetTooBig', mtu: 1300, original: packet(ipv6(), tcp(), 'sent')}),
	],
	'a neighbour solicitation': [
		ethernet(),
		ipv6({hopLimit: 255}),
		icmpv6({
			type: 'neighbourSolicitation',
			target: '2001:db8::5',
			options: [{kind: 'sourceLinkLayer', mac: '02:00:00:00:00:09'}],
		}),
	],
	'a router advertisement': [
		ethernet(),
		ipv6({hopLimit: 255}),
		icmpv6({
			type: 'routerAdvertisement',
			hopLimit: 64,
			managed: true,
			routerLifetime: 1800,
			reachableTime: 1,
			retransmitTime: 2,
			options: [
				{kind: 'mtu', mtu: 1500},
				{
					kind: 'prefix',
					prefix: '2001:db8:1::',
					length: 64,
					onLink: true,
					autonomous: true,
					validLifetime: 0xffffffff,
					preferredLifetime: 3600,
				},
				{kind: 'dnsServers', lifetime: 60, servers: ['2001:db8::53']},
			],
		}),
	],
	'SCTP chunks': [
		ethernet(),
		ipv4(),
		sctp({
			chunks: [
				{
					kind: 'init',
					tag: 1,
					window: 65535,
					outboundStreams: 10,
					inboundStreams: 10,
					tsn: 5,
				},
				{kind: 'data', tsn: 1, stream: 0, sequence: 0, data: bytes(1, 2, 3)},
				{kind: 'raw', type: 11, data: bytes()},
			],
		}),
	],
	VXLAN: [ethernet(), ipv6(), udp(), vxlan({vni: 77}), ethernet(), ipv4(), syn, 'inner'],
	Geneve: [
		ethernet(),
		ipv4(),
		udp(),
		geneve({vni: 5, options: [{class: 0x102, type: 0x80, data: bytes(1, 2, 3, 4)}]}),
		ethernet(),
		ipv6(),
		datagram,
		'inner',
	],
	'IP in IP': [ethernet(), ipv4(), ipv6(), ipv4(), datagram, 'inner'],
} satisfies Readonly<Record<string, readonly PacketPart[]>>;
