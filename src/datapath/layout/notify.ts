/** Events. The first `len_cap` bytes of the packet follow each of them. */

import type {StructTable} from './fields.js';

/** What every event begins with. */
export interface NotifyHeader {
	/** 1 drop, 4 trace, 5 policy verdict. */
	readonly type: number;
	/** Drop reason, or trace point. */
	readonly subtype: number;
	/** Endpoint that the program works for. */
	readonly source: number;
	/** Of the packet. */
	readonly hash: number;
	/** Bytes of the packet. */
	readonly len_orig: number;
	/** Bytes of the packet that follow the event. */
	readonly len_cap: number;
	readonly version: number;
	/** From Cilium 1.19. */
	readonly ext_version?: number;
}

/** A packet was dropped. */
export interface DropNotify extends NotifyHeader {
	/** Identity of the source. */
	readonly src_label: number;
	readonly dst_label: number;
	/** Endpoint; 0 on its way out. */
	readonly dst_id: number;
	/** Where the program says so. */
	readonly line: number;
	/** Number of the source file. */
	readonly file: number;
	/** What a helper returned, and the like. */
	readonly ext_error: number;
	readonly ifindex: number;
	/** Bits: 1 IPv6, 2 from a device without Ethernet. From Cilium 1.18. */
	readonly flags?: number;
	/** From Cilium 1.19. */
	readonly ip_trace_id?: bigint;
}

/** A packet passed a place. */
export interface TraceNotify extends NotifyHeader {
	/** Identity of the source. */
	readonly src_label: number;
	readonly dst_label: number;
	/** Endpoint; towards a proxy its port. */
	readonly dst_id: number;
	/** What conntrack says: 0 new, 1 established, 2 reply, 3 related, 5 unknown. */
	readonly reason: number;
	/** Bits: 1 IPv6, 2 from a device without Ethernet. */
	readonly flags: number;
	readonly ifindex: number;
	/** The source before it was translated; null for none, as where it is not given. */
	readonly orig_ip?: string | null;
	/** From Cilium 1.19. */
	readonly ip_trace_id?: bigint;
}

/** A policy decided on a flow. */
export interface PolicyVerdictNotify extends NotifyHeader {
	/** Identity of the peer. */
	readonly remote_label: number;
	/** 0 allowed, above it the proxy's port, below it a drop reason. */
	readonly verdict: number;
	/** Host byte order. */
	readonly dst_port: number;
	/** IP protocol. */
	readonly proto: number;
	/** 1 ingress, 2 egress. */
	readonly dir: number;
	readonly ipv6: boolean;
	/** 0 none, 1 L3, 2 L3 and L4, 3 L4, 4 all, 5 L3 and protocol, 6 protocol. */
	readonly match_type: number;
	readonly audited: boolean;
	/** From a device without Ethernet: from Cilium 1.19. */
	readonly l3?: boolean;
	readonly auth_type: number;
	/** From Cilium 1.19. */
	readonly cookie?: number;
}

/** A socket asks for a peer, or is given another; no packet follows. */
export interface TraceSockNotify {
	/** 7. */
	readonly type: number;
	/** 1 before and 2 behind the translation of what is asked for, 3 and 4 of what is told. */
	readonly xlate_point: number;
	/** 0 unknown, 1 TCP, 2 UDP. */
	readonly l4_proto: number;
	readonly ipv6: boolean;
	/** Host byte order. */
	readonly dst_port: number;
	readonly sock_cookie: bigint;
	readonly cgroup_id: bigint;
	/** 16 bytes: an IPv4 address stands in the first four. */
	readonly dst_ip: string;
}

const common = '0 type u8, 1 subtype u8, 2 source u16, 4 hash u32, 8 len_orig u32, 12 len_cap u16';
const old = `${common}, 14 version u16`;
const extended = `${common}, 14 version u8, 15 ext_version u8`;
const drop =
	'16 src_label u32, 20 dst_label u32, 24 dst_id u32, 28 line u16, 30 file u8, 31 ext_error s8, 32 ifindex u32';
const trace = '16 src_label u32, 20 dst_label u32, 24 dst_id u16, 26 reason u8';
const origin =
	'28 ifindex u32, 32 orig_ip4 _4, 36 orig_pad1 _4, 40 orig_pad2 _4, 44 orig_pad3 _4, 32 orig_ip6 _16';
const verdict =
	'16 remote_label u32, 20 verdict s32, 24 dst_port u16, 26 proto u8, 27.0 dir b2, 27.2 ipv6 flag, 27.3 match_type b3, 27.6 audited flag';

export const notifyStructs: StructTable = {
	drop_notify: [
		['1.15-1.17', 36, `${old}, ${drop}`],
		['1.18', 40, `${old}, ${drop}, 36 flags u8, 37 pad2 _3`],
		['1.19-', 48, `${extended}, ${drop}, 36 flags u8, 37 pad2 _3, 40 ip_trace_id u64`],
	],
	trace_notify: [
		// One bit is the first of what flags became.
		['1.15-1.17', 48, `${old}, ${trace}, 27.0 ipv6 b1 as flags, 27.1 pad _b7, ${origin}`],
		['1.18', 48, `${old}, ${trace}, 27 flags u8, ${origin}`],
		['1.19-', 56, `${extended}, ${trace}, 27 flags u8, ${origin}, 48 ip_trace_id u64`],
	],
	trace_sock_notify: [
		[
			'1.15-1.18',
			38,
			'0 type u8, 1 xlate_point u8, 2 dst_ip ipv6, 18 dst_port u16, 20 sock_cookie u64, 28 cgroup_id u64, 36 l4_proto u8, 37.0 ipv6 flag, 37.1 pad _b7',
		],
		[
			'1.19-',
			40,
			'0 type u8, 1 xlate_point u8, 2 l4_proto u8, 3.0 ipv6 flag, 3.1 pad _b7, 4 dst_port u16, 6 pad2 _2, 8 sock_cookie u64, 16 cgroup_id u64, 24 dst_ip ipv6',
		],
	],
	policy_verdict_notify: [
		[
			'1.15-1.18',
			32,
			`${old}, ${verdict}, 27.7 pad0 _b1, 28 auth_type u8, 29 pad1 _1, 30 pad2 _2`,
		],
		[
			'1.19-',
			40,
			`${extended}, ${verdict}, 27.7 l3 flag, 28 auth_type u8, 29 pad1 _3, 32 cookie u32, 36 pad2 _4`,
		],
	],
};
