/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Identities of addresses. */
#ifndef SKEP_TYPES_IPCACHE_H
#define SKEP_TYPES_IPCACHE_H

#include <linux/bpf.h>

#include "tuple.h"

struct ipcache_key {
	struct bpf_lpm_trie_key lpm_key;	/* 32 and the prefix's bits */
	__u16 cluster_id;
	__u8 pad1;
	__u8 family;			/* enum endpoint_family */
	union {
		struct {
			__u32 ip4;
			__u32 pad4;
			__u32 pad5;
			__u32 pad6;
		};
		union v6addr ip6;
	};
} __attribute__((packed));

#define IPCACHE_PREFIX_FIXED	32

struct remote_endpoint_info {
	__u32 sec_identity;
	union {
		struct {
			__u32 ip4;
			__u32 pad1;
			__u32 pad2;
			__u32 pad3;
		};
		__u8 ip6[16];
	} tunnel_endpoint;
	__u16 pad;
	__u8 key;
	__u8 flag_skip_tunnel : 1,
	     flag_has_tunnel_ep : 1,
	     flag_ipv6_tunnel_ep : 1,
	     flag_remote_cluster : 1,
	     pad2 : 4;
};

/* Numbers that no label gets. Single identities start at 256. */
enum reserved_identity {
	IDENTITY_UNKNOWN = 0,
	IDENTITY_HOST = 1,
	IDENTITY_WORLD = 2,
	IDENTITY_UNMANAGED = 3,
	IDENTITY_HEALTH = 4,
	IDENTITY_INIT = 5,
	IDENTITY_REMOTE_NODE = 6,
	IDENTITY_KUBE_APISERVER = 7,
	IDENTITY_INGRESS = 8,
	IDENTITY_WORLD_IPV4 = 9,
	IDENTITY_WORLD_IPV6 = 10,
};

#endif
