/** Metrics, fragments, and token buckets. */

import type {StructTable} from './fields.js';

/** What became of packets. */
export interface MetricsKey {
	/** A drop reason, or below 128 another one. */
	readonly reason: number;
	/** 1 ingress, 2 egress, 3 service. */
	readonly dir: number;
	/** Where the program says so: from Cilium 1.16. */
	readonly line?: number;
	/** Number of the source file: from Cilium 1.16. */
	readonly file?: number;
}

/** How much, on one CPU. */
export interface MetricsValue {
	readonly count: bigint;
	readonly bytes: bigint;
}

/** What one CPU has counted and not yet put into the metrics: skep only. */
export interface MetricsPending extends MetricsKey, MetricsValue {}

/** A datagram that came in fragments. */
export interface FragmentKey {
	readonly daddr: string;
	readonly saddr: string;
	/** As in the packet: 16 bits for IPv4, 32 for IPv6; host byte order. */
	readonly id: number;
	/** IP protocol. */
	readonly proto: number;
}

/** The datagram's ports, host byte order. */
export interface FragmentPorts {
	readonly sport: number;
	readonly dport: number;
}

/** A token bucket. */
export interface RatelimitKey {
	/** 1 ICMPv6, 2 events: from Cilium 1.17. */
	readonly usage?: number;
	/** For ICMPv6. */
	readonly netdev_idx: number;
}

/** What is left in a token bucket. */
export interface RatelimitValue {
	/** When it was filled: nanoseconds of the monotonic clock. */
	readonly last_topup: bigint;
	readonly tokens: bigint;
}

/** What a token bucket is for. */
export interface RatelimitMetricsKey {
	/** 1 ICMPv6, 2 events. */
	readonly usage: number;
}

/** What a token bucket held back. */
export interface RatelimitMetricsValue {
	readonly dropped: bigint;
}

export const counterStructs: StructTable = {
	metrics_key: [
		['1.15', 8, '0 reason u8, 1.0 dir b2, 1.2 pad _b6, 2 reserved _6'],
		['1.16-', 8, '0 reason u8, 1.0 dir b2, 1.2 pad _b6, 2 line u16, 4 file u8, 5 reserved _3'],
	],
	metrics_pending: [
		[
			'skep',
			24,
			'0 key.reason u8 as reason, 1.0 key.dir b2 as dir, 1.2 key.pad _b6, 2 key.line u16 as line, 4 key.file u8 as file, 5 key.reserved _3, 8 count u64, 16 bytes u64',
		],
	],
	metrics_value: [['1.15-', 16, '0 count u64, 8 bytes u64']],
	ipv4_frag_id: [['1.15-', 12, '0 daddr ipv4, 4 saddr ipv4, 8 id be16, 10 proto u8, 11 pad _1']],
	ipv4_frag_l4ports: [['1.15-', 4, '0 sport be16, 2 dport be16']],
	ipv6_frag_id: [['1.18-', 40, '0 id be32, 4 proto u8, 5 pad _3, 8 saddr ipv6, 24 daddr ipv6']],
	ipv6_frag_l4ports: [['1.18-', 4, '0 sport be16, 2 dport be16']],
	ratelimit_key: [
		['1.15-1.16', 4, '0 netdev_idx u32'],
		['1.17-', 8, '0 usage u32, 4 key.icmpv6.netdev_idx u32 as netdev_idx'],
	],
	ratelimit_value: [['1.15-', 16, '0 last_topup u64, 8 tokens u64']],
	ratelimit_metrics_key: [['1.17-', 4, '0 usage u32']],
	ratelimit_metrics_value: [['1.17-', 8, '0 dropped u64']],
};
