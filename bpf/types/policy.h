/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rules of an endpoint, and how often each decided. */
#ifndef SKEP_TYPES_POLICY_H
#define SKEP_TYPES_POLICY_H

#include <linux/bpf.h>
#include <linux/types.h>

struct policy_key {
	struct bpf_lpm_trie_key lpm_key;	/* bits behind this field */
	__u32 sec_label;		/* of the peer; 0: any */
	__u8 egress : 1,
	     pad : 7;
	__u8 protocol;
	__be16 dport;			/* ICMP: the type */
};

/* Prefix lengths: a port counts only with its protocol. */
#define POLICY_PREFIX_PEER	40
#define POLICY_PREFIX_FULL	64

struct policy_entry {
	__be16 proxy_port;
	__u8 deny : 1,
	     reserved : 2,
	     lpm_prefix_length : 5;	/* of protocol and port: 0, 8, 9 to 24 */
	__u8 auth_type : 7,
	     has_explicit_auth_type : 1;
	__u32 precedence;		/* the higher wins */
	__u32 cookie;
};

#define POLICY_PRECEDENCE_MAX	0xffffffff

struct policy_stats_key {
	__u16 endpoint_id;
	__u8 pad1;
	__u8 prefix_len;
	__u32 sec_label;
	__u8 egress : 1,
	     pad : 7;
	__u8 protocol;
	__be16 dport;
};

struct policy_stats_value {
	__u64 packets;
	__u64 bytes;
};

enum policy_direction {
	POLICY_INGRESS = 1,
	POLICY_EGRESS = 2,
};

enum policy_match {
	POLICY_MATCH_NONE = 0,
	POLICY_MATCH_L3_ONLY = 1,
	POLICY_MATCH_L3_L4 = 2,
	POLICY_MATCH_L4_ONLY = 3,
	POLICY_MATCH_ALL = 4,
	POLICY_MATCH_L3_PROTO = 5,
	POLICY_MATCH_PROTO_ONLY = 6,
};

#endif
