/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What became of a flow's packet when all was looked up that decides on it: the same becomes of
 * those that follow within the second.
 */
#ifndef SKEP_TYPES_SHORTCUT_H
#define SKEP_TYPES_SHORTCUT_H

#include "tuple.h"

struct shortcut_way {
	__u32 second;		/* of the datapath's clock, in which it counts; 0: none */
	__u32 revision;		/* of services */
	__u32 ifindex;		/* where it leaves */
	__u16 ip_difference;	/* by which the checksums' sums grow */
	__u16 l4_difference;
	__u8 to[6];
	__u8 from[6];
	__be16 sport;		/* what becomes of the ports */
	__be16 dport;
	__u8 reply;		/* 1: of a backend */
	__u8 pad;
	__u16 mtu;		/* of the route */
	__u32 packets;		/* that conntrack was not told of yet */
	__u64 bytes;
};

struct shortcut_key4 {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u32 protocol;
};

struct shortcut_key6 {
	union v6addr saddr;
	union v6addr daddr;
	__be16 sport;
	__be16 dport;
	__u32 protocol;
};

struct shortcut4 {
	struct shortcut_key4 key;
	struct shortcut_way way;
	__be32 saddr;		/* what becomes of the addresses */
	__be32 daddr;
} __attribute__((aligned(8)));

struct shortcut6 {
	struct shortcut_key6 key;
	struct shortcut_way way;
	union v6addr saddr;
	union v6addr daddr;
} __attribute__((aligned(8)));

/* Two flows may share a place: the one that came later stands first. */
struct shortcut_pair4 {
	struct shortcut4 flows[2];
};

struct shortcut_pair6 {
	struct shortcut6 flows[2];
};

/* From an endpoint to another of the node, or to the stack. */
struct local_way {
	__u32 second;		/* as above */
	__u32 sender_revision;	/* of the policies, as lib/policy.h numbers them */
	__u32 receiver_revision;
	__u32 ifindex;		/* of the receiver; 0: the stack */
	__u16 receiver;		/* its id */
	__u8 tcp_flags;		/* that packets have shown */
	__u8 sides;		/* enum local_sides: what becomes other than it came */
	__u32 packets;		/* that conntrack was not told of yet */
	__u64 bytes;
	__u32 service_revision;	/* where a side becomes other */
	__be16 port;		/* that side's, as it becomes */
	__u8 reply;		/* 1: the flow was opened by who gets this */
	__u8 pad;
};

/* One of them at most. */
enum local_sides {
	LOCAL_SOURCE = 1,	/* a reply, which comes from its service */
	LOCAL_DESTINATION = 2,	/* for a service: goes to a backend, as conntrack knows it */
};

struct local_shortcut4 {
	struct shortcut_key4 key;
	struct local_way way;
	__be32 saddr;		/* what becomes of the addresses */
	__be32 daddr;
};

struct local_shortcut6 {
	struct shortcut_key6 key;
	struct local_way way;
	union v6addr saddr;
	union v6addr daddr;
};

#endif
