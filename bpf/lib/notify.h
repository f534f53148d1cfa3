/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tells those who listen. */
#ifndef SKEP_LIB_NOTIFY_H
#define SKEP_LIB_NOTIFY_H

#include "../types/policy.h"
#include "listeners.h"
#include "walk.h"

/* The scratch, its header filled in; NULL where nobody listens or the limit is reached. */
static __always_inline struct events_scratch *
notify_begin(ctx_t *ctx, const struct walk *walk, __u8 type, __u8 subtype, __u8 version)
{
	__u32 length = packet_length(ctx);
	struct events_scratch *scratch;
	__u32 zero = 0;

	if (!notify_somebody_listens() || !notify_allowed())
		return (void *)0;
	scratch = bpf_map_lookup_elem(&events_scratch, &zero);
	if (!scratch)
		return scratch;

	__builtin_memset(scratch, 0, sizeof(struct trace_notify));
	scratch->drop.type = type;
	scratch->drop.subtype = subtype;
	scratch->drop.source = walk->source;
	scratch->drop.hash = packet_hash(ctx);
	scratch->drop.len_orig = length;
	scratch->drop.len_cap = length < EVENTS_CAPTURE_MAX ? length : EVENTS_CAPTURE_MAX;
	scratch->drop.version = version;
	return scratch;
}

/* Appends the packet's first bytes to a header of `size` bytes, and sends. */
static __always_inline void notify_send(ctx_t *ctx, struct events_scratch *scratch,
					__u32 size)
{
	__u32 captured = packet_length(ctx);
	__u32 i;

	if (captured > EVENTS_CAPTURE_MAX)
		captured = EVENTS_CAPTURE_MAX;
	if (captured < 1)
		return;
	/* Kernel 6.1 does not see that what is not 0 is at least 1. */
	asm volatile("" : "+r"(captured));
	captured = ((captured - 1) & (EVENTS_CAPTURE_MAX - 1)) + 1;
	if (packet_load(ctx, 0, (void *)scratch + size, captured))
		return;

	for (i = 0; i < EVENTS_LISTENERS; i++) {
		/* As in notify_somebody_listens. */
		__u32 listener = i;
		void *ring = bpf_map_lookup_elem(&events, &listener);

		if (ring && bpf_ringbuf_output(ring, scratch, size + captured, 0))
			notify_count_lost(listener);
	}
}

__noinline int notify_drop(ctx_t *ctx, const struct walk *walk, int drop)
{
	struct events_scratch *scratch;

	if (!walk)
		return 0;
	scratch = notify_begin(ctx, walk, NOTIFY_DROP, drop_reason(drop), NOTIFY_DROP_VERSION);
	if (!scratch)
		return 0;
	scratch->drop.src_label = walk->src_identity;
	scratch->drop.dst_label = walk->dst_identity;
	scratch->drop.dst_id = walk->dst_endpoint;
	scratch->drop.line = drop_line(drop);
	scratch->drop.file = drop_file(drop);
	scratch->drop.ext_error = walk->ext_error;
	scratch->drop.ifindex = packet_ifindex(ctx);
	scratch->drop.flags = walk->family == IPV6 ? NOTIFY_F_IPV6 : 0;
	notify_send(ctx, scratch, sizeof(scratch->drop));
	return 0;
}

__noinline int notify_trace(ctx_t *ctx, const struct walk *walk, __u32 point)
{
	struct events_scratch *scratch;

	if (!walk)
		return 0;
	scratch = notify_begin(ctx, walk, NOTIFY_TRACE, point, NOTIFY_TRACE_VERSION);
	if (!scratch)
		return 0;
	scratch->trace.src_label = walk->src_identity;
	scratch->trace.dst_label = walk->dst_identity;
	scratch->trace.dst_id = point == TRACE_TO_PROXY ? walk->proxy_port : walk->dst_endpoint;
	scratch->trace.reason = walk->trace_reason;
	scratch->trace.flags = walk->family == IPV6 ? NOTIFY_F_IPV6 : 0;
	scratch->trace.ifindex = packet_ifindex(ctx);
	scratch->trace.orig_ip6 = walk->packet.saddr;
	notify_send(ctx, scratch, sizeof(scratch->trace));
	return 0;
}

/* Where a packet leaves: told as the aggregation level says. */
static __always_inline void trace_to(ctx_t *ctx, const struct walk *walk,
				     enum trace_point point)
{
	if (monitor_aggregation < 3 || walk->trace_wanted)
		notify_trace(ctx, walk, point);
}

static __always_inline void trace_from(ctx_t *ctx, const struct walk *walk,
				       enum trace_point point)
{
	if (monitor_aggregation < 1)
		notify_trace(ctx, walk, point);
}

#endif
