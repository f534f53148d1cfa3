/** Conntrack and NAT. */

import type {StructTable} from './fields.js';

/**
 * A flow, as the maps of conntrack and NAT know it.
 *
 * In conntrack the addresses stand exchanged and the ports as they are: `daddr` is the source of the
 * packet that opened the flow and `saddr` its destination, `dport` and `sport` are its destination
 * and source port. NAT has all four as the packet has them. Ports are numbers in host byte order.
 */
export interface CtTuple {
	readonly daddr: string;
	readonly saddr: string;
	readonly dport: number;
	/** For ICMP echo its id. */
	readonly sport: number;
	/** IP protocol: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, 132 SCTP. */
	readonly nexthdr: number;
	/** Bits: 0 out, 1 in, 2 related, 4 service. */
	readonly flags: number;
}

/** What conntrack keeps of a flow. `tx` is the direction of the packet that made the entry. */
export interface CtEntry {
	/** The policy that let the flow pass: skep only. */
	readonly policy_revision?: number;
	/** Interface of the endpoint's peer as of that revision; 0 unknown, 2^32 - 2 the host, 2^32 - 1
	 * not on this node: skep only. */
	readonly peer_ifindex?: number;
	/** Of a node's entries that translate, IPv4 in the last four bytes: Cilium 1.19. */
	readonly nat_addr?: string;
	/** Of entries with the service flag. */
	readonly backend_id?: bigint;
	/** Both directions together: from Cilium 1.16. */
	readonly packets?: bigint;
	readonly bytes?: bigint;
	/** By direction: Cilium 1.15. `rx_bytes` and `backend_id` are the same bytes. */
	readonly rx_packets?: bigint;
	readonly rx_bytes?: bigint;
	readonly tx_packets?: bigint;
	readonly tx_bytes?: bigint;
	/** When it ends: seconds of the datapath's clock. */
	readonly lifetime: number;
	readonly rx_closing: boolean;
	readonly tx_closing: boolean;
	readonly lb_loopback: boolean;
	readonly seen_non_syn: boolean;
	readonly node_port: boolean;
	readonly proxy_redirect: boolean;
	readonly dsr_internal: boolean;
	readonly from_l7lb: boolean;
	readonly from_tunnel: boolean;
	/** As service maps have it; host byte order. */
	readonly rev_nat_index: number;
	/** To Cilium 1.17. */
	readonly ifindex?: number;
	/** From Cilium 1.19; host byte order. */
	readonly nat_port?: number;
	/** Every TCP flag seen. */
	readonly tx_flags_seen: number;
	readonly rx_flags_seen: number;
	/** Identity of the source. */
	readonly src_sec_id: number;
	/** When an event was told last: seconds of the datapath's clock. */
	readonly last_tx_report: number;
	readonly last_rx_report: number;
}

/** What a packet's source becomes, or for replies its destination. */
export interface NatEntry {
	/** Seconds of the datapath's clock. */
	readonly created: bigint;
	/** 0 or 1. */
	readonly needs_ct: bigint;
	readonly to_address: string;
	/** Host byte order; for ICMP echo the id. */
	readonly to_port: number;
}

const counters = '0 reserved0 _8, 8 backend_id u64, 16 packets u64, 24 bytes u64';
const lifetime = '32 lifetime u32, 36.0 rx_closing flag, 36.1 tx_closing flag';
const flags =
	'36.3 lb_loopback flag, 36.4 seen_non_syn flag, 36.5 node_port flag, 36.6 proxy_redirect flag, 37.0 from_l7lb flag, 37.2 from_tunnel flag';
const unused = '36.2 reserved1 _b1, 36.7 dsr_internal flag, 37.1 reserved2 _b1, 37.3 reserved3 _b5';
const tail =
	'38 rev_nat_index be16, 42 tx_flags_seen u8, 43 rx_flags_seen u8, 44 src_sec_id u32, 48 last_tx_report u32, 52 last_rx_report u32';
const nat = '0 common.created u64 as created, 8 common.needs_ct u64 as needs_ct, 24 common.pad2 _8';
const nat4 =
	'32 to_saddr ipv4 as to_address, 36 to_sport be16 as to_port, 32 to_daddr _4, 36 to_dport _2';
const nat6 =
	'32 to_saddr ipv6 as to_address, 48 to_sport be16 as to_port, 32 to_daddr _16, 48 to_dport _2';

export const conntrackStructs: StructTable = {
	ipv4_ct_tuple: [
		[
			'1.15-',
			14,
			'0 daddr ipv4, 4 saddr ipv4, 8 dport be16, 10 sport be16, 12 nexthdr u8, 13 flags u8',
		],
	],
	ipv6_ct_tuple: [
		[
			'1.15-',
			38,
			'0 daddr ipv6, 16 saddr ipv6, 32 dport be16, 34 sport be16, 36 nexthdr u8, 37 flags u8',
		],
	],
	ct_entry: [
		[
			'1.15',
			56,
			`0 rx_packets u64, 8 rx_bytes u64, 8 backend_id u64, 16 tx_packets u64, 24 tx_bytes u64, ${lifetime}, 36.2 unused_nat46 _b1, 36.7 dsr flag as dsr_internal, 37.1 reserved1 _b1, 37.3 reserved _b5, ${flags}, 40 ifindex u16, ${tail}`,
		],
		['1.16-1.17', 56, `${counters}, ${lifetime}, ${unused}, ${flags}, 40 ifindex u16, ${tail}`],
		['1.18', 56, `${counters}, ${lifetime}, ${unused}, ${flags}, 40 reserved4 _2, ${tail}`],
		[
			'1.19',
			56,
			`0 nat_addr ipv6, ${counters}, ${lifetime}, ${unused}, ${flags}, 40 nat_port be16, ${tail}`,
		],
		[
			'skep',
			56,
			`0 nat_addr _16, 0 policy_revision u32, 4 peer_ifindex u32, 8 backend_id u64, 16 packets u64, 24 bytes u64, ${lifetime}, ${unused}, ${flags}, 40 nat_port be16, ${tail}`,
		],
	],
	ipv4_nat_entry: [
		['1.15-1.19', 40, `${nat}, 16 common.pad1 _8, 32 nat_info _6, ${nat4}`],
		['skep', 40, `${nat}, 16 common.checked _8, ${nat4}`],
	],
	ipv6_nat_entry: [
		['1.15-1.19', 56, `${nat}, 16 common.pad1 _8, 32 nat_info _18, ${nat6}`],
		['skep', 56, `${nat}, 16 common.checked _8, ${nat6}`],
	],
};
