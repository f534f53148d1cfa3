/** Who sends packets in the tables, and packets of both families between them. */

import {
	ethernet,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	packet,
	sctp,
	tcp,
	udp,
	type IcmpOptions,
	type Icmpv6Options,
	type Packet,
	type PacketPart,
	type SctpOptions,
	type TcpOptions,
	type UdpLayerOptions,
} from '../../../src/lab/index.js';

/**
 * `red` is the endpoint that programs work for; `blue` is another one, `green` one in the host's
 * namespace, `far` one whose interface shares its slot with red's; `lab`, `room` and `desk` are
 * prefixes within each other, `node` is a remote node; `other` is a second address of red's. `service` is
 * nobody's, `loopback` what red sees itself under.
 */
export type Person =
	| 'red'
	| 'other'
	| 'blue'
	| 'green'
	| 'far'
	| 'host'
	| 'world'
	| 'lab'
	| 'room'
	| 'desk'
	| 'node'
	| 'multicast'
	| 'nobody'
	| 'service'
	| 'loopback';

export const identities = {
	...{red: 300, blue: 400, green: 401, far: 402, host: 1, lab: 500, room: 501, desk: 502},
	node: 6,
} as const;

export const macs = {
	red: '02:00:00:00:01:01',
	redNode: '02:00:00:00:01:fe',
	blue: '02:00:00:00:02:01',
	blueNode: '02:00:00:00:02:fe',
} as const;

const ipv4Of: Record<Person, string> = {
	red: '10.0.1.1',
	other: '10.0.1.100',
	blue: '10.0.1.2',
	green: '10.0.1.3',
	far: '10.0.1.4',
	host: '10.0.1.254',
	world: '192.0.2.77',
	lab: '198.51.100.1',
	room: '198.51.100.129',
	desk: '198.51.100.130',
	node: '10.0.9.1',
	multicast: '224.0.0.251',
	nobody: '0.0.0.0',
	service: '10.96.0.10',
	loopback: '169.254.42.1',
};

const ipv6Of: Record<Person, string> = {
	red: 'fd00:1::1',
	other: 'fd00:1::100',
	blue: 'fd00:1::2',
	green: 'fd00:1::3',
	far: 'fd00:1::4',
	host: 'fd00:1::fe',
	world: '2001:db8::77',
	lab: 'fd00:2::1',
	room: 'fd00:2:1::1',
	desk: 'fd00:2:1::2',
	node: 'fd00:9::1',
	multicast: 'ff02::fb',
	nobody: '::',
	service: 'fd00:96::a',
	loopback: 'fdc4:b1d0:5ad3::a9fe:2a01',
};

/** Fields of an IP header that both families have. */
export interface Ip {
	readonly from?: Person;
	readonly to?: Person;
	/** TTL or hop limit; 64 unless given. */
	readonly hops?: number;
	readonly dontFragment?: boolean;
}

/** A family of addresses, and packets of it: from red to the world unless given. */
export class Family {
	readonly name: 'IPv4' | 'IPv6';
	readonly is6: boolean;
	readonly address: Readonly<Record<Person, string>>;
	readonly prefixes: {readonly lab: string; readonly room: string};
	/** Numbers of protocols. */
	readonly icmpProtocol: number;
	readonly worldIdentity: number;
	/** The maps of its flows and fragments. */
	readonly tcpFlows: 'ctTcp4' | 'ctTcp6';
	readonly otherFlows: 'ctAny4' | 'ctAny6';
	readonly fragments: 'fragments4' | 'fragments6';
	/** The maps of translations. */
	readonly nat: 'nat4' | 'nat6';
	readonly natRetries: 'natRetries4' | 'natRetries6';

	constructor(is6: boolean) {
		this.is6 = is6;
		this.name = is6 ? 'IPv6' : 'IPv4';
		this.address = is6 ? ipv6Of : ipv4Of;
		this.prefixes = is6
			? {lab: 'fd00:2::/32', room: 'fd00:2:1::/48'}
			: {lab: '198.51.100.0/24', room: '198.51.100.128/25'};
		this.icmpProtocol = is6 ? 58 : 1;
		this.worldIdentity = is6 ? 10 : 9;
		this.tcpFlows = is6 ? 'ctTcp6' : 'ctTcp4';
		this.otherFlows = is6 ? 'ctAny6' : 'ctAny4';
		this.fragments = is6 ? 'fragments6' : 'fragments4';
		this.nat = is6 ? 'nat6' : 'nat4';
		this.natRetries = is6 ? 'natRetries6' : 'natRetries4';
	}

	/** A packet with this in its IP header. */
	ip({from = 'red', to = 'world', hops = 64, dontFragment = false}: Ip, ...parts: PacketPart[]) {
		const [source, destination] = [this.address[from], this.address[to]];
		const header = this.is6
			? ipv6({source, destination, hopLimit: hops})
			: ipv4({source, destination, ttl: hops, dontFragment});
		return packet(ethernet(), header, ...parts);
	}

	tcp(options: Ip & TcpOptions = {}): Packet {
		const [ip, own] = split(options);
		return this.ip(ip, tcp({sourcePort: 40_000, destinationPort: 80, ...own}));
	}

	udp(options: Ip & UdpLayerOptions & {readonly data?: Uint8Array} = {}): Packet {
		const [ip, {data, ...own}] = split(options);
		return this.ip(
			ip,
			udp({sourcePort: 40_000, destinationPort: 53, ...own}),
			...(data === undefined ? [] : [data]),
		);
	}

	sctp(options: Ip & SctpOptions = {}): Packet {
		const [ip, own] = split(options);
		return this.ip(ip, sctp({sourcePort: 40_000, destinationPort: 80, ...own}));
	}

	/** A packet of any protocol with nothing in it. */
	protocol(protocol: number, {from = 'red', to = 'world'}: Ip = {}): Packet {
		const [source, destination] = [this.address[from], this.address[to]];
		const header = this.is6
			? ipv6({source, destination, nextHeader: protocol})
			: ipv4({source, destination, protocol});
		return packet(ethernet(), header);
	}

	/** An echo request. */
	ping(options: Ip & {readonly identifier?: number} = {}): Packet {
		const [ip, own] = split(options);
		return this.ip(ip, this.is6 ? icmpv6({type: 128, ...own}) : icmp({type: 8, ...own}));
	}

	/** An echo reply. */
	pong(options: Ip & {readonly identifier?: number} = {}): Packet {
		const [ip, own] = split(options);
		return this.ip(ip, this.is6 ? icmpv6({type: 129, ...own}) : icmp({type: 0, ...own}));
	}

	/** Any message of ICMP or ICMPv6. */
	icmp(ip: Ip, options4: IcmpOptions, options6: Icmpv6Options): Packet {
		return this.ip(ip, this.is6 ? icmpv6(options6) : icmp(options4));
	}

	/** "Destination unreachable" about a packet. */
	unreachable(ip: Ip, original: Packet | Uint8Array): Packet {
		return this.icmp(
			ip,
			{type: 'unreachable', code: 3, original},
			{type: 'unreachable', code: 4, original},
		);
	}
}

function split<T extends Ip>(options: T): [Ip, Omit<T, keyof Ip>] {
	const {from, to, hops, dontFragment, ...own} = options;
	return [
		{
			...(from !== undefined && {from}),
			...(to !== undefined && {to}),
			...(hops !== undefined && {hops}),
			...(dontFragment !== undefined && {dontFragment}),
		},
		own,
	];
}

/** Every table is for both. */
export const families = [new Family(false), new Family(true)] as const;
