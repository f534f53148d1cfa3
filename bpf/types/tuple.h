/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Addresses and the keys of conntrack and NAT. */
#ifndef SKEP_TYPES_TUPLE_H
#define SKEP_TYPES_TUPLE_H

#include <linux/types.h>

/* 16 bytes in network byte order; an IPv4 address stands in the first four, the rest is zero. */
union v6addr {
	struct {
		__be32 p1;
		__be32 p2;
		__be32 p3;
		__be32 p4;
	};
	struct {
		__u64 d1;
		__u64 d2;
	};
	__u8 addr[16];
};

/* How conntrack keys are made of a packet is said in lib/conntrack.h. */
struct ipv4_ct_tuple {
	__be32 daddr;
	__be32 saddr;
	__be16 dport;
	__be16 sport;
	__u8 nexthdr;
	__u8 flags;		/* enum tuple_flags */
} __attribute__((packed));

struct ipv6_ct_tuple {
	union v6addr daddr;
	union v6addr saddr;
	__be16 dport;
	__be16 sport;
	__u8 nexthdr;
	__u8 flags;
} __attribute__((packed));

enum tuple_flags {
	TUPLE_F_OUT = 0,
	TUPLE_F_IN = 1,
	TUPLE_F_RELATED = 2,
	TUPLE_F_SERVICE = 4,
};

#endif
