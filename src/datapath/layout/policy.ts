/** Policies of endpoints, and how often each rule decided. */

import type {StructTable} from './fields.js';

/** Whom and what a rule is about. */
export interface PolicyKey {
	/** Bits that count behind this field: 40 for peer and direction, 48 with the protocol, 49 to 64
	 * with the port's. */
	readonly prefixlen: number;
	/** Identity of the peer; 0: any. */
	readonly sec_label: number;
	/** True for what leaves the endpoint. */
	readonly egress: boolean;
	/** IP protocol; 0 where the prefix leaves it out. */
	readonly protocol: number;
	/** Host byte order; for ICMP the type. */
	readonly dport: number;
}

/** What a rule says. */
export interface PolicyEntry {
	/** Port of the proxy that is to look at the flow, host byte order; 0: none. */
	readonly proxy_port: number;
	readonly deny: boolean;
	/** Bits of protocol and port in the rule's key, 0, 8, 9 to 24: from Cilium 1.17. */
	readonly lpm_prefix_length?: number;
	/** To Cilium 1.16. */
	readonly wildcard_protocol?: boolean;
	readonly wildcard_dport?: boolean;
	readonly auth_type: number;
	/** From Cilium 1.17. */
	readonly has_explicit_auth_type?: boolean;
	/** The higher wins: from Cilium 1.19. */
	readonly precedence?: number;
	/** Names the rule in events: from Cilium 1.19. */
	readonly cookie?: number;
	/** Cilium 1.17 and 1.18. */
	readonly proxy_port_priority?: number;
	/** To Cilium 1.17; `policyStats` has them later. */
	readonly packets?: bigint;
	readonly bytes?: bigint;
}

/** A rule of an endpoint; what the rule leaves out is 0. */
export interface PolicyStatsKey {
	readonly endpoint_id: number;
	/** `lpm_prefix_length` of the rule. */
	readonly prefix_len: number;
	readonly sec_label: number;
	readonly egress: boolean;
	readonly protocol: number;
	/** Host byte order. */
	readonly dport: number;
}

/** How much a rule decided about, on one CPU. */
export interface PolicyStatsValue {
	readonly packets: bigint;
	readonly bytes: bigint;
}

const entry =
	'0 proxy_port be16, 2.0 deny flag, 2.1 reserved _b2, 2.3 lpm_prefix_length b5, 3.0 auth_type b7, 3.7 has_explicit_auth_type flag';
const priority = '4 proxy_port_priority u8, 5 pad1 _1, 6 pad2 _2';

export const policyStructs: StructTable = {
	policy_key: [
		[
			'1.15-',
			12,
			'0 lpm_key u32 as prefixlen, 4 sec_label u32, 8.0 egress flag, 8.1 pad _b7, 9 protocol u8, 10 dport be16',
		],
	],
	policy_entry: [
		[
			'1.15-1.16',
			24,
			'0 proxy_port be16, 2.0 deny flag, 2.1 wildcard_protocol flag, 2.2 wildcard_dport flag, 2.3 pad _b5, 3 auth_type u8, 4 pad1 _2, 6 pad2 _2, 8 packets u64, 16 bytes u64',
		],
		['1.17', 24, `${entry}, ${priority}, 8 packets u64, 16 bytes u64`],
		['1.18', 8, `${entry}, ${priority}`],
		['1.19-', 12, `${entry}, 4 precedence u32, 8 cookie u32`],
	],
	policy_stats_key: [
		[
			'1.18-',
			12,
			'0 endpoint_id u16, 2 pad1 _1, 3 prefix_len u8, 4 sec_label u32, 8.0 egress flag, 8.1 pad _b7, 9 protocol u8, 10 dport be16',
		],
	],
	policy_stats_value: [['1.18-', 16, '0 packets u64, 8 bytes u64']],
};
