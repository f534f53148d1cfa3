/** Reads the demo's pinned maps into rows of a table. */

import {openPinnedMap, type BpfMap} from 'skep';

export interface PacketKey {
	readonly generation: number;
	readonly family: number;
	readonly l4_proto: number;
	readonly verdict: number;
}

export interface PacketCount {
	readonly packets: bigint;
	readonly bytes: bigint;
}

const protocols: Readonly<Record<number, string>> = {
	0: '-',
	1: 'icmp',
	6: 'tcp',
	17: 'udp',
	58: 'icmpv6',
};
const families: Readonly<Record<number, string>> = {0: 'other', 4: 'ipv4', 6: 'ipv6'};
const verdicts: Readonly<Record<number, string>> = {1: 'drop', 2: 'pass'};

function sum(values: readonly PacketCount[], field: keyof PacketCount): bigint {
	return values.reduce((total, value) => total + value[field], 0n);
}

/** Packets and bytes per family, protocol and verdict, of all CPUs together. */
export function packetCounts(map: BpfMap<PacketKey, PacketCount[]>) {
	return [...map]
		.sort(
			([a], [b]) =>
				a.generation - b.generation || a.family - b.family || a.l4_proto - b.l4_proto,
		)
		.map(([key, values]) => ({
			generation: key.generation,
			family: families[key.family] ?? key.family,
			protocol: protocols[key.l4_proto] ?? key.l4_proto,
			verdict: verdicts[key.verdict] ?? key.verdict,
			packets: sum(values, 'packets'),
			bytes: sum(values, 'bytes'),
		}));
}

/** Packets that a generation of the program counted, of one protocol. */
export function packetsOf(
	map: BpfMap<PacketKey, PacketCount[]>,
	generation: number,
	protocol: number,
): bigint {
	let total = 0n;
	for (const [key, values] of map) {
		if (key.generation === generation && key.l4_proto === protocol) {
			total += sum(values, 'packets');
		}
	}

	return total;
}

interface FlowKey {
	readonly source: {readonly bytes: string};
	readonly destination: {readonly bytes: string};
	readonly source_port: number;
	readonly destination_port: number;
	readonly l4_proto: number;
	readonly direction: number;
}

interface Flow extends PacketCount {
	readonly tcp_flags: number;
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`; a mapped address is one of IPv4. */
function endpoint(address: {readonly bytes: string}, port: number): string {
	const ipv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address.bytes)?.[1];
	if (port === 0) return ipv4 ?? address.bytes;
	return ipv4 === undefined ? `[${address.bytes}]:${port}` : `${ipv4}:${port}`;
}

export function flows(path: string) {
	using map = openPinnedMap<FlowKey, Flow>(path, {
		key: {
			source: {bytes: 'ipv6'},
			destination: {bytes: 'ipv6'},
			source_port: 'be16',
			destination_port: 'be16',
		},
	});
	return [...map]
		.filter(([key]) => key.source_port !== 0)
		.map(([key, flow]) => ({
			dir: key.direction === 1 ? 'in' : 'out',
			proto: protocols[key.l4_proto] ?? key.l4_proto,
			source: endpoint(key.source, key.source_port),
			destination: endpoint(key.destination, key.destination_port),
			packets: flow.packets,
			bytes: flow.bytes,
		}))
		.sort((a, b) => a.source.localeCompare(b.source) || a.dir.localeCompare(b.dir));
}

interface ConnectionKey {
	readonly local: {readonly bytes: string};
	readonly remote: {readonly bytes: string};
	readonly local_port: number;
	readonly remote_port: number;
}

interface Connection {
	readonly established_ns: bigint;
	readonly closed_ns: bigint;
	readonly bytes_acked: bigint;
	readonly bytes_received: bigint;
	readonly srtt_us: number;
	readonly origin: number;
}

export function connections(path: string) {
	using map = openPinnedMap<ConnectionKey, Connection>(path, {
		key: {
			local: {bytes: 'ipv6'},
			remote: {bytes: 'ipv6'},
			local_port: 'be16',
			remote_port: 'be16',
		},
	});
	return [...map]
		.map(([key, value]) => ({
			by: value.origin === 1 ? 'us' : 'peer',
			local: endpoint(key.local, key.local_port),
			remote: endpoint(key.remote, key.remote_port),
			sent: value.bytes_acked,
			recv: value.bytes_received,
			rtt_us: value.srtt_us,
			ms:
				value.closed_ns === 0n
					? 'open'
					: (value.closed_ns - value.established_ns) / 1_000_000n,
		}))
		.sort((a, b) => a.local.localeCompare(b.local));
}
