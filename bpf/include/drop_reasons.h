/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Why packets are dropped, and what else the metrics count. Numbers are never used again. */
#ifndef SKEP_DROP_REASONS_H
#define SKEP_DROP_REASONS_H

enum drop_reason {
	DROP_INVALID_SOURCE_IP = 132,
	DROP_POLICY_DENIED = 133,
	DROP_INVALID_PACKET = 134,
	DROP_INVALID_L4_HEADER = 135,
	DROP_FRAGMENTATION_NEEDED = 136,
	DROP_UNKNOWN_L4_PROTOCOL = 137,
	DROP_UNKNOWN_L3_PROTOCOL = 139,
	DROP_WRITE_ERROR = 141,
	DROP_CSUM_L4 = 154,
	DROP_CONNTRACK_INSERT_FAILED = 155,
	DROP_INVALID_EXTENSION_HEADER = 156,
	DROP_FRAGMENT_UNSUPPORTED = 157,
	DROP_NO_SERVICE = 158,
	DROP_NAT_NO_MAPPING = 167,
	DROP_NAT_UNSUPPORTED_PROTOCOL = 168,
	DROP_FIB_LOOKUP_FAILED = 169,
	DROP_ENCAPSULATION_PROHIBITED = 170,
	DROP_IS_CLUSTER_IP = 174,
	DROP_FRAGMENT_NOT_FOUND = 175,
	DROP_FORBIDDEN_ICMPV6 = 176,
	DROP_NOT_IN_SOURCE_RANGE = 177,
	DROP_POLICY_DENY = 181,
	DROP_VLAN_FILTERED = 182,
	DROP_AUTH_REQUIRED = 189,
	DROP_TTL_EXCEEDED = 196,
	DROP_ENDPOINT_NOT_READY = 203,
	/* Of skep alone: counted down from the last, for Cilium counts up. */
	DROP_PREFILTER = 255,
};

enum metric_reason {
	METRIC_FORWARDED = 0,
	METRIC_FRAGMENT = 9,
	METRIC_FRAGMENT_UPDATE_FAILED = 10,
	METRIC_MTU_ERROR = 15,
	METRIC_NAT_PORTS_SHORT = 64,
};

/* Where in the source a packet was dropped or counted: with a line. */
enum source_file {
	SOURCE_ENDPOINT = 1,
	SOURCE_HOST = 2,
	SOURCE_PACKET = 3,
	SOURCE_FRAGMENT = 4,
	SOURCE_CONNTRACK = 5,
	SOURCE_POLICY = 6,
	SOURCE_GUARD = 7,
	SOURCE_DELIVERY = 8,
	SOURCE_ICMP_ERROR = 9,
	SOURCE_NEIGHBOUR = 10,
	SOURCE_REWRITE = 11,
	SOURCE_NAT = 12,
	SOURCE_SERVICE = 13,
	SOURCE_BALANCE = 14,
	SOURCE_MASQUERADE = 15,
	SOURCE_XDP = 16,
};

/* A drop as functions return it: negative, with its reason and place. Each file defines
 * SOURCE_FILE behind its includes.
 */
#define DROP(reason)	(-(int)((reason) | (__LINE__ & 0xffff) << 8 | SOURCE_FILE << 24))

#define drop_reason(drop)	(-(drop) & 0xff)
#define drop_line(drop)		(-(drop) >> 8 & 0xffff)
#define drop_file(drop)		(-(drop) >> 24 & 0x7f)

#endif
