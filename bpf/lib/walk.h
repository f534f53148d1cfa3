/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is known of a packet on its way through a program. */
#ifndef SKEP_LIB_WALK_H
#define SKEP_LIB_WALK_H

#include "../types/ipcache.h"
#include "packet.h"

struct walk {
	struct packet packet;
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
	__u8 pad;
};

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

static __always_inline void mark_identity(ctx_t *ctx, __u32 identity)
{
	packet_mark(ctx, identity << 16 | (identity >> 16 & 0xff) | MARK_IDENTITY);
}

static __always_inline __u32 marked_identity(__u32 mark)
{
	return mark >> 16 | (mark & 0xff) << 16;
}

#endif
