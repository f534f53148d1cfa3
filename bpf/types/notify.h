/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Events. The first bytes of the packet follow each of them. */
#ifndef SKEP_TYPES_NOTIFY_H
#define SKEP_TYPES_NOTIFY_H

#include "tuple.h"

enum notify_type {
	NOTIFY_DROP = 1,
	NOTIFY_TRACE = 4,
	NOTIFY_POLICY_VERDICT = 5,
	NOTIFY_TRACE_SOCK = 7,
};

#define NOTIFY_DROP_VERSION	3
#define NOTIFY_TRACE_VERSION	2
#define NOTIFY_VERDICT_VERSION	1

/* What all of them begin with. */
#define NOTIFY_CAPTURE_HEADER						\
	__u8 type;		/* enum notify_type */			\
	__u8 subtype;		/* drop reason or trace point */	\
	__u16 source;		/* endpoint that the program works for */ \
	__u32 hash;		/* of the packet */			\
	__u32 len_orig;							\
	__u16 len_cap;							\
	__u8 version;							\
	__u8 ext_version

struct drop_notify {
	NOTIFY_CAPTURE_HEADER;
	__u32 src_label;
	__u32 dst_label;
	__u32 dst_id;		/* endpoint; 0 on its way out */
	__u16 line;
	__u8 file;		/* enum source_file */
	__s8 ext_error;		/* what a helper returned, and the like */
	__u32 ifindex;
	__u8 flags;		/* enum notify_flags */
	__u8 pad2[3];
	__u64 ip_trace_id;
};

struct trace_notify {
	NOTIFY_CAPTURE_HEADER;
	__u32 src_label;
	__u32 dst_label;
	__u16 dst_id;		/* endpoint; towards a proxy its port */
	__u8 reason;		/* enum ct_status, or 5: unknown */
	__u8 flags;
	__u32 ifindex;
	union {
		struct {
			__be32 orig_ip4;
			__u32 orig_pad1;
			__u32 orig_pad2;
			__u32 orig_pad3;
		};
		union v6addr orig_ip6;
	};
	__u64 ip_trace_id;
};

struct policy_verdict_notify {
	NOTIFY_CAPTURE_HEADER;
	__u32 remote_label;
	__s32 verdict;		/* 0: allowed, above: the proxy's port, below: a drop reason */
	__u16 dst_port;		/* host byte order */
	__u8 proto;
	__u8 dir : 2,		/* enum policy_direction */
	     ipv6 : 1,
	     match_type : 3,	/* enum policy_match */
	     audited : 1,
	     l3 : 1;
	__u8 auth_type;
	__u8 pad1[3];
	__u32 cookie;
	__u32 pad2;
};

enum notify_flags {
	NOTIFY_F_IPV6 = 1,
	NOTIFY_F_L3_DEVICE = 2,
};

enum trace_point {
	TRACE_TO_LXC = 0,
	TRACE_TO_PROXY = 1,
	TRACE_TO_HOST = 2,
	TRACE_TO_STACK = 3,
	TRACE_TO_OVERLAY = 4,
	TRACE_FROM_LXC = 5,
	TRACE_FROM_PROXY = 6,
	TRACE_FROM_HOST = 7,
	TRACE_FROM_STACK = 8,
	TRACE_FROM_OVERLAY = 9,
	TRACE_FROM_NETWORK = 10,
	TRACE_TO_NETWORK = 11,
};

#define TRACE_REASON_UNKNOWN	5

/* A socket is given another peer: no packet follows. */
struct trace_sock_notify {
	__u8 type;		/* NOTIFY_TRACE_SOCK */
	__u8 xlate_point;	/* enum trace_sock_point */
	__u8 l4_proto;		/* enum trace_sock_protocol */
	__u8 ipv6 : 1,
	     pad : 7;
	__u16 dst_port;		/* host byte order */
	__u16 pad2;
	__u64 sock_cookie;
	__u64 cgroup_id;
	union v6addr dst_ip;	/* of IPv4 in the first bytes */
};

enum trace_sock_point {
	TRACE_SOCK_PRE_FORWARD = 1,	/* what an application asks for */
	TRACE_SOCK_POST_FORWARD = 2,	/* what it gets */
	TRACE_SOCK_PRE_REVERSE = 3,	/* where a message comes from */
	TRACE_SOCK_POST_REVERSE = 4,	/* what the application is told of it */
};

enum trace_sock_protocol {
	TRACE_SOCK_TCP = 1,
	TRACE_SOCK_UDP = 2,
};

#endif
