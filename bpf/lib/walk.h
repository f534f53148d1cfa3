/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is known of a packet on its way through a program. */
#ifndef SKEP_LIB_WALK_H
#define SKEP_LIB_WALK_H

#include "../types/ipcache.h"
#include "../types/metrics.h"
#include "../types/notify.h"
#include "packet.h"

/* A packet's addresses and ports. */
struct packet_ends {
	union v6addr saddr;
	union v6addr daddr;
	__be16 sport;
	__be16 dport;
};

/* Packets of a flow that went by a shortcut, and conntrack was not told of. */
struct ct_unseen {
	__u64 bytes;
	__u32 packets;
	__u8 tcp_flags;
	__u8 pad[3];
};

struct walk {
	struct packet packet;
	struct ct_unseen unseen;
	__u32 place;		/* one more than where the flow's shortcut may stand; 0: nowhere */
	__u32 sender_revision;	/* of policies, as lib/policy.h numbers them */
	__u32 receiver_revision;
	__u32 service_revision;
	__u32 src_identity;	/* 0: not known yet */
	__u32 dst_identity;
	__u32 peer_ifindex;	/* where the packet goes: as in struct ct_entry */
	__u16 source;		/* endpoint that the program works for */
	__u16 dst_endpoint;
	__u16 proxy_port;	/* host byte order */
	__u8 family;		/* enum family */
	__u8 direction;		/* enum metric_direction */
	__u8 trace_reason;	/* enum ct_status, or TRACE_REASON_UNKNOWN */
	__u8 trace_wanted;	/* 1: this packet of its flow is worth an event */
	__s8 ext_error;
	__u8 translated;	/* 1 */
	__u8 lb_loopback;	/* as in struct ct_entry: for the entries that are made */
	__u8 node_port;
	__u16 rev_nat_index;
	__u16 reply_index;	/* of a reply that is to come from its service: the service's number */
	__u8 at_once;		/* 1: into the endpoint's namespace */
	__u8 apart;		/* 1: larger than what it takes */
	__u8 reopened;		/* 1: a SYN met an entry that was closing */
	__u16 mtu;		/* of the way that the packet is too large for; 0: of none */
	__u8 lasting;		/* 1: its flow has had the packets that a shortcut takes */
	__u8 asked;		/* 1: a policy was: the flow was not known */
	__u8 dsr;		/* 1: its flow's replies come from what its client knows */
};

/* A program's own while it runs. The stack would hold it, but not what is called with it, and the
 * verifier, which follows each value on the stack, would take ten times as long.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* NULL: never, but the verifier does not know. */
static __always_inline struct walk *find_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

static __always_inline void start_walk(struct walk *walk, enum metric_direction direction)
{
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->direction = direction;
	walk->trace_reason = TRACE_REASON_UNKNOWN;
}

static __always_inline struct walk *begin_walk(enum metric_direction direction)
{
	struct walk *walk = find_walk();

	if (walk)
		start_walk(walk, direction);
	return walk;
}

/* Of the packet that is translated: as it came. Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_ends);
} originals SEC(".maps");

/* NULL: never, but the verifier does not know. */
static __always_inline struct packet_ends *find_original(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&originals, &zero);
}

static __always_inline void keep_ends(struct packet_ends *ends, const struct packet *packet)
{
	ends->saddr = packet->saddr;
	ends->daddr = packet->daddr;
	ends->sport = packet->sport;
	ends->dport = packet->dport;
}

/* Before the packet is translated: what is said of it to its sender is said of the original. */
static __always_inline void remember_original(struct walk *walk)
{
	struct packet_ends *original = find_original();

	if (walk->translated || !original)
		return;
	walk->translated = 1;
	keep_ends(original, &walk->packet);
}

/* What a walk ends with, beside drops. Who comes next on the hook decides on. */
#define WALK_NEXT	0
#define VERDICT_NEXT	(-1)	/* TC_ACT_UNSPEC, TCX_NEXT */

/* Marks that packets carry through the stack. */
#define MARK_MAGIC_MASK		0x0f00
#define MARK_TO_PROXY		0x0200
#define MARK_HOST		0x0c00
#define MARK_IDENTITY		0x0f00

/* tc_index: this packet was made by the datapath and needs no verdict. */
#define TC_INDEX_FROM_DATAPATH	8
/* Its flow was opened by who gets it: it has the source that they know. */
#define TC_INDEX_REPLY		32

static __always_inline int masquerades(enum family family)
{
	return family == IPV6 ? masquerade_ipv6 : masquerade_ipv4;
}

/* Bits 24 and 25, which say where an identity counts, stand in front of the magic; who has more is
 * looked for again by the address.
 */
static __always_inline void mark_identity(ctx_t *ctx, __u32 identity)
{
	packet_mark(ctx, identity >> 26 ? 0
					: identity << 16 | identity >> 24 << 12 |
						  (identity >> 16 & 0xff) | MARK_IDENTITY);
}

static __always_inline __u32 marked_identity(__u32 mark)
{
	return mark >> 16 | (mark & 0xff) << 16 | (mark & 0x3000) << 12;
}

#endif
