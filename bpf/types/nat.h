/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What packets are translated to. Keys are the tuples of types/tuple.h as the packet has them:
 * TUPLE_F_OUT on its way out, TUPLE_F_IN for what answers it.
 */
#ifndef SKEP_TYPES_NAT_H
#define SKEP_TYPES_NAT_H

#include <linux/bpf.h>

#include "tuple.h"

struct nat_entry {
	__u64 created;		/* seconds of the datapath's clock */
	__u64 needs_ct;		/* 0 or 1 */
	__u64 checked;		/* when its other half was last seen: skep's own */
	__u64 pad2;
};

struct ipv4_nat_entry {
	struct nat_entry common;
	union {
		struct {
			__be32 to_saddr;
			__be16 to_sport;
		};
		struct {
			__be32 to_daddr;
			__be16 to_dport;
		};
	};
};

struct ipv6_nat_entry {
	struct nat_entry common;
	union {
		struct {
			union v6addr to_saddr;
			__be16 to_sport;
		};
		struct {
			union v6addr to_daddr;
			__be16 to_dport;
		};
	};
};

/* Addresses that keep their senders' addresses. */
struct lpm_v4_key {
	struct bpf_lpm_trie_key lpm;
	__u8 addr[4];
};

struct lpm_v6_key {
	struct bpf_lpm_trie_key lpm;
	__u8 addr[16];
};

struct lpm_val {
	__u8 flags;
};

#endif
