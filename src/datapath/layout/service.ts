/** Services and their backends. All ports and numbers of services are in host byte order. */

import type {StructTable} from './fields.js';

/** A frontend, or one of its backend slots. */
export interface ServiceKey {
	readonly address: string;
	/** 0: any. */
	readonly dport: number;
	/** 0 is the service itself, 1 to `count` its backends. */
	readonly backend_slot: number;
	/** IP protocol; 0: any. */
	readonly proto: number;
	/** 0 external, 1 internal. */
	readonly scope: number;
}

/** A service, or one of its slots. The first three are one number with three meanings. */
export interface ServiceValue {
	/** Of slots from 1 on. */
	readonly backend_id?: number;
	/** Of slot 0: seconds in the low 24 bits, the algorithm above them. */
	readonly affinity_timeout?: number;
	/** Of slot 0 where an L7 proxy takes the flow. */
	readonly l7_lb_proxy_port?: number;
	/** Of slot 0. */
	readonly count: number;
	readonly rev_nat_index: number;
	readonly flags: number;
	readonly flags2: number;
	/** Slots in quarantine: from Cilium 1.17. */
	readonly qcount?: number;
}

/** A real server. */
export interface BackendValue {
	readonly address: string;
	readonly port: number;
	readonly proto: number;
	/** Its state. */
	readonly flags: number;
	readonly cluster_id: number;
	/** From Cilium 1.16. */
	readonly zone?: number;
}

/** The frontend that replies come from. */
export interface ReverseNatValue {
	readonly address: string;
	readonly port: number;
}

/** A client of a service. */
export interface AffinityKey {
	/** An address, or as bigint the cookie of a network namespace. */
	readonly client: string | bigint;
	readonly rev_nat_id: number;
}

/** The backend a client had last. */
export interface AffinityValue {
	/** Time of the monotonic clock. */
	readonly last_used: bigint;
	readonly backend_id: number;
}

/** A backend that clients of the service may keep. */
export interface AffinityMatch {
	readonly backend_id: number;
	readonly rev_nat_id: number;
}

/** Clients that may use a service. */
export interface SourceRangeKey {
	readonly prefix: string;
	readonly rev_nat_id: number;
}

/** A socket's peer as the network knows it. */
export interface ReverseSocketKey {
	/** Of the socket. */
	readonly cookie: bigint;
	readonly address: string;
	readonly port: number;
}

/** A socket's peer as its application knows it. */
export interface ReverseSocketValue {
	readonly address: string;
	readonly port: number;
	readonly rev_nat_index: number;
}

/** A frontend that a network namespace reaches untranslated. */
export interface SkipServiceKey {
	/** Of the namespace. */
	readonly netns_cookie: bigint;
	readonly address: string;
	readonly port: number;
}

const number =
	'0 backend_id u32, 0 affinity_timeout u32, 0 l7_lb_proxy_port u32, 4 count u16, 6 rev_nat_index be16, 8 flags u8, 9 flags2 u8';
const service = [
	['1.15-1.16', 12, `${number}, 10 pad _2`],
	['1.17-', 12, `${number}, 10 qcount u16`],
] as const;
const backend4 = '0 address ipv4, 4 port be16, 6 proto u8, 7 flags u8, 8 cluster_id u16';
const backend6 = '0 address ipv6, 16 port be16, 18 proto u8, 19 flags u8, 20 cluster_id u16';

export const serviceStructs: StructTable = {
	lb4_key: [
		[
			'1.15-',
			12,
			'0 address ipv4, 4 dport be16, 6 backend_slot u16, 8 proto u8, 9 scope u8, 10 pad _2',
		],
	],
	lb6_key: [
		[
			'1.15-',
			24,
			'0 address ipv6, 16 dport be16, 18 backend_slot u16, 20 proto u8, 21 scope u8, 22 pad _2',
		],
	],
	lb4_service: service,
	lb6_service: service,
	lb4_backend: [
		['1.15', 12, `${backend4}, 10 pad _2`],
		['1.16-', 12, `${backend4}, 10 zone u8, 11 pad _1`],
	],
	lb6_backend: [
		['1.15', 24, `${backend6}, 22 pad _2`],
		['1.16-', 24, `${backend6}, 22 zone u8, 23 pad _1`],
	],
	lb4_reverse_nat: [['1.15-', 6, '0 address ipv4, 4 port be16']],
	lb6_reverse_nat: [['1.15-', 18, '0 address ipv6, 16 port be16']],
	lb4_affinity_key: [
		[
			'1.15-',
			16,
			'0 client_id _8, 8 rev_nat_id be16, 10.0 netns_cookie _b1, 10.1 reserved _b7, 11 pad1 _1, 12 pad2 _4',
		],
	],
	lb6_affinity_key: [
		[
			'1.15-',
			24,
			'0 client_id _16, 16 rev_nat_id be16, 18.0 netns_cookie _b1, 18.1 reserved _b7, 19 pad1 _1, 20 pad2 _4',
		],
	],
	lb_affinity_val: [['1.15-', 16, '0 last_used u64, 8 backend_id u32, 12 pad _4']],
	lb_affinity_match: [['1.15-', 8, '0 backend_id u32, 4 rev_nat_id be16, 6 pad _2']],
	lb4_src_range_key: [['1.15-', 12, '0 lpm_key _4, 4 rev_nat_id be16, 6 pad _2, 8 addr _4']],
	lb6_src_range_key: [['1.15-', 24, '0 lpm_key _4, 4 rev_nat_id be16, 6 pad _2, 8 addr _16']],
	ipv4_revnat_tuple: [['1.15-', 16, '0 cookie u64, 8 address ipv4, 12 port be16, 14 pad _2']],
	ipv6_revnat_tuple: [['1.15-', 32, '0 cookie u64, 8 address ipv6, 24 port be16, 26 pad _2']],
	skip_lb4_key: [['1.16-', 16, '0 netns_cookie u64, 8 address ipv4, 12 port be16, 14 pad _2']],
	skip_lb6_key: [
		['1.16-', 32, '0 netns_cookie u64, 8 address ipv6, 24 pad _4, 28 port be16, 30 pad2 _2'],
	],
	ipv4_revnat_entry: [['1.15-', 8, '0 address ipv4, 4 port be16, 6 rev_nat_index be16']],
	ipv6_revnat_entry: [['1.15-', 20, '0 address ipv6, 16 port be16, 18 rev_nat_index be16']],
};
