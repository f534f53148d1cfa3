/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Map packet_counts of xdp_count. Keys are compared as bytes, so padding is a
 * field and is always zero.
 */
#ifndef SKEP_TYPES_PACKET_COUNT_H
#define SKEP_TYPES_PACKET_COUNT_H

#include <linux/types.h>

struct packet_key {
	__u32 generation;	/* which version of the program saw the packet */
	__u8 family;		/* enum ip_family */
	__u8 l4_proto;		/* IPPROTO_*, 0 when there is no IP header */
	__u8 verdict;		/* XDP_PASS or XDP_DROP */
	__u8 pad;
};

struct packet_count {
	__u64 packets;
	__u64 bytes;		/* of whole frames, Ethernet header included */
};

#endif
