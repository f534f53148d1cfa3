// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The node's devices, before the stack has made a socket buffer of a frame: drops what comes from
 * denied sources, and sends on what is for services with backends on other nodes.
 */
#define DATAPATH_XDP

#include "lib/notify.h"
#include "lib/prefilter.h"
#include "lib/relay.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_XDP

/* Of frames in several pieces too. */
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

static __noinline int drop_denied(struct xdp_md *ctx)
{
	struct walk *walk = begin_walk(METRIC_INGRESS);
	struct ethhdr *eth = packet_data(ctx);

	METRIC_MANY(DROP_BY_PREFILTER, DROP_PREFILTER, METRIC_INGRESS, frame_length(ctx));
	if (!walk)
		return XDP_DROP;
	if ((void *)(eth + 1) <= packet_end(ctx) && eth->h_proto == bpf_htons(ETH_P_IPV6))
		walk->family = IPV6;
	walk->src_identity = world_identity(walk->family);
	notify_drop(ctx, walk, DROP(DROP_PREFILTER));
	return XDP_DROP;
}

/* Drops are counted and told. */
static __always_inline int relay_end(struct xdp_md *ctx, struct walk *walk, int result)
{
	if (result >= 0)
		return result;

	struct metrics_key key = {
		.reason = drop_reason(result),
		.dir = walk->direction,
		.line = drop_line(result),
		.file = drop_file(result),
	};

	metrics_add(&key, 1, frame_length(ctx));
	notify_drop(ctx, walk, result);
	return XDP_DROP;
}

/* What is for services, and what answers it. */
static __noinline int relay(struct xdp_md *ctx)
{
	struct walk *walk = begin_walk(METRIC_INGRESS);
	struct ethhdr *eth = packet_data(ctx);
	struct relay *state = begin_relay();
	int result = XDP_PASS;

	if (!walk || !state || (void *)(eth + 1) > packet_end(ctx))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		result = relay_frame(ctx, walk, IPV4, state);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		result = relay_frame(ctx, walk, IPV6, state);
	if (result == XDP_PASS)
		hand_over(ctx, &state->handover);
	return relay_end(ctx, walk, result);
}

/* What the network sends. */
SEC("xdp.frags")
int xdp_netdev(struct xdp_md *ctx)
{
	int verdict;

	if (prefilter_denies(ctx))
		return drop_denied(ctx);
	if (!xdp_services)
		return XDP_PASS;
	verdict = take_shortcut(ctx);
	return verdict >= 0 ? verdict : relay(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
