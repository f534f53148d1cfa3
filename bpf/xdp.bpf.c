// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The node's devices, before the stack has made a socket buffer of a frame: drops what comes from
 * denied sources.
 */
#define DATAPATH_XDP

#include "lib/identity.h"
#include "lib/metrics.h"
#include "lib/notify.h"
#include "lib/prefilter.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_XDP

/* Of frames in several pieces too. */
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

static __noinline int drop_denied(struct xdp_md *ctx)
{
	int drop = DROP(DROP_PREFILTER);
	struct ethhdr *eth = packet_data(ctx);
	struct walk walk = { .direction = METRIC_INGRESS };

	METRIC_MANY(DROP_BY_PREFILTER, DROP_PREFILTER, METRIC_INGRESS, frame_length(ctx));
	if ((void *)(eth + 1) <= packet_end(ctx) && eth->h_proto == bpf_htons(ETH_P_IPV6))
		walk.family = IPV6;
	walk.src_identity = world_identity(walk.family);
	notify_drop(ctx, &walk, drop);
	return XDP_DROP;
}

/* What the network sends. */
SEC("xdp.frags")
int xdp_netdev(struct xdp_md *ctx)
{
	if (prefilter_denies(ctx))
		return drop_denied(ctx);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
