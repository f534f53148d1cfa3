/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What conntrack keeps of a flow. */
#ifndef SKEP_TYPES_CONNTRACK_H
#define SKEP_TYPES_CONNTRACK_H

#include "tuple.h"

/* "tx" is the direction of the packet that made the entry. */
struct ct_entry {
	union {
		union v6addr nat_addr;
		struct {
			/* The policy that let the flow pass, as lib/policy.h numbers them; 0: none did. */
			__u32 policy_revision;
			/* Where the endpoint's peer is, as of that revision: its interface on this
			 * node, or PEER_*.
			 */
			__u32 peer_ifindex;
			__u64 backend_id;
		};
	};
	__u64 packets;
	__u64 bytes;
	__u32 lifetime;		/* when it ends, in seconds of the datapath's clock */
	__u16 rx_closing : 1,
	      tx_closing : 1,
	      reserved1 : 1,
	      lb_loopback : 1,
	      seen_non_syn : 1,
	      node_port : 1,
	      proxy_redirect : 1,
	      dsr_internal : 1,
	      from_l7lb : 1,
	      reserved2 : 1,
	      from_tunnel : 1,
	      reserved3 : 5;
	__u16 rev_nat_index;	/* as in the service map */
	__be16 nat_port;
	__u8 tx_flags_seen;	/* TCP */
	__u8 rx_flags_seen;
	__u32 src_sec_id;
	__u32 last_tx_report;	/* seconds of the datapath's clock */
	__u32 last_rx_report;
};

#define PEER_UNKNOWN	0
#define PEER_HOST	0xfffffffe
#define PEER_ELSEWHERE	0xffffffff

enum ct_status {
	CT_NEW = 0,
	CT_ESTABLISHED = 1,
	CT_REPLY = 2,
	CT_RELATED = 3,
};

#endif
