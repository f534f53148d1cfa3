/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Services, their backends, and what is remembered of their clients. */
#ifndef SKEP_TYPES_SERVICE_H
#define SKEP_TYPES_SERVICE_H

#include <linux/bpf.h>

#include "tuple.h"

/* A frontend, or with a slot above 0 one of its backends. */
struct lb4_key {
	__be32 address;
	__be16 dport;		/* 0: any */
	__u16 backend_slot;
	__u8 proto;		/* 0: any */
	__u8 scope;		/* enum service_scope */
	__u8 pad[2];
};

struct lb6_key {
	union v6addr address;
	__be16 dport;
	__u16 backend_slot;
	__u8 proto;
	__u8 scope;
	__u8 pad[2];
};

enum service_scope {
	SERVICE_SCOPE_EXTERNAL = 0,
	SERVICE_SCOPE_INTERNAL = 1,
};

/* The value of both families: two names, as their maps' types are told by name. */
#define SERVICE_FIELDS								\
	union {									\
		__u32 backend_id;	/* of slots above 0 */			\
		__u32 affinity_timeout;	/* of slot 0: SERVICE_AFFINITY_MASK */	\
		__u32 l7_lb_proxy_port;	/* of slot 0: host byte order */	\
	};									\
	__u16 count;			/* of slot 0: slots of active backends */ \
	__u16 rev_nat_index;		/* the service's number, network byte order */ \
	__u8 flags;			/* enum service_flags */		\
	__u8 flags2;			/* enum service_flags2 */		\
	__u16 qcount			/* of slot 0: slots in quarantine */

struct lb4_service {
	SERVICE_FIELDS;
};

struct lb6_service {
	SERVICE_FIELDS;
};

/* Of `affinity_timeout`: seconds, below the algorithm. */
#define SERVICE_AFFINITY_MASK	0xffffff
#define SERVICE_ALGORITHM_SHIFT	24

enum service_algorithm {
	SERVICE_ALGORITHM_DEFAULT = 0,
	SERVICE_ALGORITHM_RANDOM = 1,
	SERVICE_ALGORITHM_MAGLEV = 2,
};

enum service_flags {
	SERVICE_F_EXTERNAL_IP = 1,
	SERVICE_F_NODEPORT = 2,
	SERVICE_F_EXT_LOCAL_SCOPE = 4,
	SERVICE_F_HOSTPORT = 8,
	SERVICE_F_AFFINITY = 16,
	SERVICE_F_LOADBALANCER = 32,
	SERVICE_F_ROUTABLE = 64,
	SERVICE_F_SOURCE_RANGE = 128,
};

enum service_flags2 {
	SERVICE_F2_LOCAL_REDIRECT = 1,
	SERVICE_F2_NAT_46X64 = 2,
	SERVICE_F2_L7_LOAD_BALANCER = 4,
	SERVICE_F2_LOOPBACK = 8,		/* with SERVICE_F_HOSTPORT */
	SERVICE_F2_L7_DELEGATE = 8,		/* without */
	SERVICE_F2_INT_LOCAL_SCOPE = 16,
	SERVICE_F2_TWO_SCOPES = 32,
	SERVICE_F2_QUARANTINED = 64,		/* of slots above 0 */
	SERVICE_F2_SOURCE_RANGE_DENY = 64,	/* of slot 0 */
	SERVICE_F2_DSR = 128,
};

struct lb4_backend {
	__be32 address;
	__be16 port;
	__u8 proto;
	__u8 flags;		/* enum backend_state */
	__u16 cluster_id;
	__u8 zone;
	__u8 pad;
};

struct lb6_backend {
	union v6addr address;
	__be16 port;
	__u8 proto;
	__u8 flags;
	__u16 cluster_id;
	__u8 zone;
	__u8 pad;
};

enum backend_state {
	BACKEND_ACTIVE = 0,
	BACKEND_TERMINATING = 1,
	BACKEND_QUARANTINED = 2,
	BACKEND_MAINTENANCE = 3,
};

/* A frontend, as replies have it. */
struct lb4_reverse_nat {
	__be32 address;
	__be16 port;
} __attribute__((packed));

struct lb6_reverse_nat {
	union v6addr address;
	__be16 port;
} __attribute__((packed));

/* A client of a service: its address, or the cookie of its network namespace. */
struct lb4_affinity_key {
	union {
		__be32 client_ip;
		__u64 client_cookie;
	} client_id;
	__u16 rev_nat_id;
	__u8 netns_cookie : 1,
	     reserved : 7;
	__u8 pad1;
	__u32 pad2;
};

struct lb6_affinity_key {
	union {
		union v6addr client_ip;
		__u64 client_cookie;
	} client_id;
	__u16 rev_nat_id;
	__u8 netns_cookie : 1,
	     reserved : 7;
	__u8 pad1;
	__u32 pad2;
};

struct lb_affinity_val {
	__u64 last_used;	/* seconds of the datapath's clock */
	__u32 backend_id;
	__u32 pad;
};

struct lb_affinity_match {
	__u32 backend_id;
	__u16 rev_nat_id;
	__u16 pad;
};

struct lb4_src_range_key {
	struct bpf_lpm_trie_key lpm_key;	/* 32 and the prefix's bits */
	__u16 rev_nat_id;
	__u16 pad;
	__u32 addr;
};

struct lb6_src_range_key {
	struct bpf_lpm_trie_key lpm_key;
	__u16 rev_nat_id;
	__u16 pad;
	union v6addr addr;
};

#define SOURCE_RANGE_PREFIX_FIXED	32

/* A socket's peer as the network knows it, and as its application does. */
struct ipv4_revnat_tuple {
	__u64 cookie;		/* of the socket */
	__be32 address;
	__be16 port;
	__u16 pad;
};

struct ipv4_revnat_entry {
	__be32 address;
	__be16 port;
	__u16 rev_nat_index;
};

struct ipv6_revnat_tuple {
	__u64 cookie;
	union v6addr address;
	__be16 port;
	__u16 pad;
};

struct ipv6_revnat_entry {
	union v6addr address;
	__be16 port;
	__u16 rev_nat_index;
} __attribute__((packed, aligned(4)));

#endif
