/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ports of datagrams, for the fragments that do not carry them. */
#ifndef SKEP_TYPES_FRAGMENT_H
#define SKEP_TYPES_FRAGMENT_H

#include "tuple.h"

struct ipv4_frag_id {
	__be32 daddr;
	__be32 saddr;
	__be16 id;
	__u8 proto;
	__u8 pad;
} __attribute__((packed));

struct ipv4_frag_l4ports {
	__be16 sport;
	__be16 dport;
} __attribute__((packed));

struct ipv6_frag_id {
	__be32 id;
	__u8 proto;
	__u8 pad[3];
	union v6addr saddr;
	union v6addr daddr;
} __attribute__((packed));

struct ipv6_frag_l4ports {
	__be16 sport;
	__be16 dport;
} __attribute__((packed));

#endif
