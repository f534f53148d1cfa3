/** What the programs read of packets, and what they drop because it cannot be read. */

import {
	ah,
	destinationOptions,
	ethernet,
	fragment,
	hopByHop,
	ipv4,
	ipv6,
	packet,
	routing,
	tcp,
	udp,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import type {ProgramName} from './guarded-node.js';
import type {Family, Person} from './people.js';
import {egress, ingress, table, type TableLine, type TableSettings, type Way} from './table.js';

/** How a program gets packets that pass. */
interface Path {
	/** From whom to whom. */
	readonly ip: {readonly from: Person; readonly to: Person};
	readonly goes: Way;
	readonly direction: number;
	/** What has no addresses is dropped. */
	readonly ownIp: boolean;
}

const paths: readonly (readonly [ProgramName, Path, TableSettings?])[] = [
	[
		'from_endpoint',
		{ip: {from: 'red', to: 'world'}, goes: 'stack', direction: egress, ownIp: true},
	],
	[
		'to_endpoint',
		{ip: {from: 'world', to: 'red'}, goes: 'endpoint', direction: ingress, ownIp: true},
	],
	[
		'from_netdev',
		{ip: {from: 'world', to: 'blue'}, goes: 'peer', direction: ingress, ownIp: false},
	],
	[
		'to_netdev',
		{ip: {from: 'host', to: 'world'}, goes: 'network', direction: egress, ownIp: false},
		{hostFirewall: true},
	],
];

const http = tcp({sourcePort: 40_000, destinationPort: 80, flags: 'S'});
const dns = udp({sourcePort: 40_000, destinationPort: 53});

/** Without its last bytes. */
const cut = ({bytes}: Packet, length: number): Uint8Array => bytes.slice(0, length);

/** With another byte. */
function patched({bytes}: Packet, offset: number, byte: number): Uint8Array {
	const changed = Uint8Array.from(bytes);
	changed[offset] = byte;
	return changed;
}

/** Headers between IPv6 and TCP. */
const chains: readonly (readonly [string, ...PacketPart[]])[] = [
	['hop-by-hop options', hopByHop()],
	['a routing header', routing({segments: ['2001:db8::9']})],
	['destination options', destinationOptions()],
	['an authentication header', ah()],
	['the header of a datagram in one fragment', fragment({identification: 7})],
	['five headers', hopByHop(), destinationOptions(), routing(), fragment(), ah()],
	[
		'six headers',
		hopByHop(),
		destinationOptions(),
		routing(),
		fragment(),
		ah(),
		destinationOptions(),
	],
	['800 bytes of options', ...long(800)],
];

/** Options of so many bytes in all. */
function long(bytes: number): PacketPart[] {
	return Array.from({length: bytes / 200}, () =>
		destinationOptions({options: [{type: 30, data: new Uint8Array(196)}]}),
	);
}

function flows(f: Family, path: Path): TableLine[] {
	const {goes} = path;
	const opens = (map: string, nexthdr: number, sport: number, dport: number) => ({
		[map]: [{key: {nexthdr, sport, dport}, before: undefined}],
	});
	const isTcp = opens(f.tcpFlows, 6, 40_000, 80);
	return [
		{name: 'TCP is a flow', packet: f.tcp({...path.ip, flags: 'S'}), goes, maps: isTcp},
		{
			name: 'UDP is a flow',
			packet: f.udp(path.ip),
			goes,
			maps: opens(f.otherFlows, 17, 40_000, 53),
		},
		{
			name: 'SCTP is a flow',
			packet: f.sctp(path.ip),
			goes,
			maps: opens(f.otherFlows, 132, 40_000, 80),
		},
		{
			name: 'an echo request is a flow by its identifier',
			packet: f.ping({...path.ip, identifier: 77}),
			goes,
			maps: opens(f.otherFlows, f.icmpProtocol, 77, 0),
		},
		...(f.is6
			? chains.map(([name, ...headers]) => ({
					name: `TCP is found behind ${name}`,
					packet: f.ip(path.ip, ...headers, http),
					goes,
					maps: isTcp,
				}))
			: [4, 20, 40].map(size => ({
					name: `TCP is found behind ${size} bytes of options`,
					packet: packet(
						ethernet(),
						ipv4({
							...{
								source: f.address[path.ip.from],
								destination: f.address[path.ip.to],
							},
							options: [{kind: 'raw', type: 30, data: new Uint8Array(size - 2)}],
						}),
						http,
					),
					goes,
					maps: isTcp,
				}))),
	];
}

const ipv4Header = 14;
const l4 = (f: Family): number => 14 + (f.is6 ? 40 : 20);

function malformed(f: Family, path: Path): TableLine[] {
	const {direction} = path;
	const ofIp = path.ownIp ? {drop: [134, direction] as const} : {goes: 'by itself' as const};
	const ofExtension = {drop: [156, direction] as const};
	const [tcpOne, udpOne, ping] = [f.tcp(path.ip), f.udp(path.ip), f.ping(path.ip)];
	const other = (protocol: number) =>
		f.is6
			? packet(
					ethernet(),
					ipv6({
						...{source: f.address[path.ip.from], destination: f.address[path.ip.to]},
						nextHeader: protocol,
					}),
					new Uint8Array(40),
				)
			: packet(
					ethernet(),
					ipv4({
						...{source: f.address[path.ip.from], destination: f.address[path.ip.to]},
						protocol,
					}),
					new Uint8Array(40),
				);
	const lines: TableLine[] = [
		{
			name: 'another version in the IP header',
			packet: patched(tcpOne, ipv4Header, f.is6 ? 0x45 : 0x65),
			...ofIp,
		},
		...[0, 1, 19].map(bytes => ({
			name: `${bytes} bytes of TCP`,
			packet: cut(tcpOne, l4(f) + bytes),
			drop: [135, direction] as const,
		})),
		...[0, 7].map(bytes => ({
			name: `${bytes} bytes of UDP`,
			packet: cut(udpOne, l4(f) + bytes),
			drop: [135, direction] as const,
		})),
		{
			name: '7 bytes of SCTP',
			packet: cut(f.sctp(path.ip), l4(f) + 7),
			drop: [135, direction],
		},
		...[0, 7].map(bytes => ({
			name: `${bytes} bytes of ICMP`,
			packet: cut(ping, l4(f) + bytes),
			drop: [135, direction] as const,
		})),
		...[2, 47, 50, 94, 253, f.is6 ? 1 : 58].map(protocol => ({
			name: `protocol ${protocol}`,
			packet: other(protocol),
			drop: [137, direction] as const,
		})),
	];
	if (!f.is6) {
		return [
			...lines,
			{name: 'a header of 16 bytes', packet: patched(tcpOne, ipv4Header, 0x44), ...ofIp},
			{
				name: 'a header that is longer than the packet',
				packet: cut(f.ip(path.ip, dns), l4(f) + 8).map((byte, i) =>
					i === 14 ? 0x4f : byte,
				),
				drop: [135, direction],
			},
			{name: 'hop-by-hop options', packet: other(0), drop: [137, direction]},
		];
	}

	return [
		...lines,
		{name: 'nothing behind the header', packet: other(59), drop: [137, direction]},
		{
			name: 'nothing behind options',
			packet: f.ip(path.ip, hopByHop({nextHeader: 59})),
			drop: [137, direction],
		},
		{
			name: 'a cut extension header',
			packet: cut(f.ip(path.ip, hopByHop(), http), 61),
			...ofExtension,
		},
		{
			name: 'an extension header that is longer than the packet',
			packet: patched(f.ip(path.ip, hopByHop(), http), 55, 100),
			drop: [135, direction],
		},
		{
			name: 'seven extension headers',
			packet: f.ip(
				path.ip,
				hopByHop(),
				...Array.from({length: 6}, () => destinationOptions()),
				http,
			),
			...ofExtension,
		},
		{
			name: 'a kilobyte of extension headers',
			packet: f.ip(path.ip, ...long(1000), http),
			...ofExtension,
		},
	];
}

function extended(f: Family, path: Path): TableLine[] {
	const {goes} = path;
	const head = {source: f.address[path.ip.from], destination: f.address[path.ip.to]};
	return [2, 47, 50, 253, f.is6 ? 1 : 58].map(protocol => ({
		name: `protocol ${protocol} is a flow without ports where extended protocols are on`,
		packet: packet(
			ethernet(),
			f.is6 ? ipv6({...head, nextHeader: protocol}) : ipv4({...head, protocol}),
			new Uint8Array(3),
		),
		goes,
		maps: {
			[f.otherFlows]: [{key: {nexthdr: protocol, sport: 0, dport: 0}, before: undefined}],
		},
	}));
}

for (const [program, path, settings] of paths) {
	table(program, f => flows(f, path), settings);
	table(
		program,
		f => malformed(f, path).map(line => ({...line, name: `unreadable: ${line.name}`})),
		settings,
	);
	table(program, f => extended(f, path), {...settings, constants: {extended_protocols: 1}});
}
