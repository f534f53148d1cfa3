/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Map flows of tc_flows. Keys are compared as bytes, so padding is a field and
 * is always zero.
 */
#ifndef SKEP_TYPES_FLOW_H
#define SKEP_TYPES_FLOW_H

#include "address.h"

enum flow_direction {
	FLOW_INGRESS = 1,	/* came in by the device */
	FLOW_EGRESS = 2,	/* went out by the device */
};

struct flow_key {
	struct ip_address source;
	struct ip_address destination;
	__be16 source_port;	/* 0 for protocols without ports and later fragments */
	__be16 destination_port;
	__u8 family;		/* enum ip_family */
	__u8 l4_proto;		/* IPPROTO_* */
	__u8 direction;		/* enum flow_direction */
	__u8 pad;
};

struct flow {
	__u64 packets;
	__u64 bytes;		/* as the socket buffer counts them: one per GSO packet */
	__u64 first_seen_ns;	/* CLOCK_MONOTONIC */
	__u64 last_seen_ns;	/* CLOCK_MONOTONIC */
	__u8 tcp_flags;		/* every flag seen: FIN 1, SYN 2, RST 4, PSH 8, ACK 16 ... */
	__u8 pad[7];
};

#endif
