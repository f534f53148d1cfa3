/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Endpoints by address, by interface and by id. */
#ifndef SKEP_TYPES_ENDPOINT_H
#define SKEP_TYPES_ENDPOINT_H

#include "tuple.h"

enum endpoint_family {
	ENDPOINT_KEY_IPV4 = 1,
	ENDPOINT_KEY_IPV6 = 2,
};

struct endpoint_key {
	union {
		struct {
			__u32 ip4;
			__u32 pad1;
			__u32 pad2;
			__u32 pad3;
		};
		union v6addr ip6;
	};
	__u8 family;
	__u8 key;
	__u16 cluster_id;
} __attribute__((packed));

typedef __u64 mac_t;		/* six bytes, then two of zero */

struct endpoint_info {
	__u32 ifindex;
	__u16 unused;
	__u16 lxc_id;
	__u32 flags;		/* enum endpoint_flags */
	mac_t mac;		/* of the endpoint */
	mac_t node_mac;		/* of the host's end */
	__u32 sec_id;
	__u32 parent_ifindex;
	__u32 pad[2];
};

enum endpoint_flags {
	ENDPOINT_F_HOST = 1,
	ENDPOINT_F_AT_HOST_NS = 2,
	ENDPOINT_F_NO_SNAT_V4 = 4,
	ENDPOINT_F_NO_SNAT_V6 = 8,
};

/* What its host-side interface says of an endpoint: found without hashing. */
struct lxc_device {
	union v6addr ip4;
	union v6addr ip6;
	mac_t mac;
	mac_t node_mac;
	__u32 sec_id;
	__u32 ifindex;		/* 0: nobody's slot */
	__u16 lxc_id;
	__u16 flags;		/* enum endpoint_flags */
	__u32 pad;
};

/* What an endpoint has by its id. */
struct lxc_settings {
	__u32 policy_revision;	/* grows with every change of its policy or identity */
	__u32 flags;		/* enum lxc_settings_flags */
};

enum lxc_settings_flags {
	LXC_F_ENFORCE_INGRESS = 1,	/* only what the policy lets in comes in */
	LXC_F_ENFORCE_EGRESS = 2,
	LXC_F_AUDIT = 4,		/* what the policy denies is told and passes */
};

#endif
