/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct server return, the node that balances: a packet goes on to a backend of another node from
 * its client, and carries the frontend.
 */
#ifndef SKEP_LIB_DSR_FORWARD_H
#define SKEP_LIB_DSR_FORWARD_H

#include "dsr_option.h"
#include "dsr_tunnel.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DSR_FORWARD

/* The backend instead of the frontend, which the packet says itself where it is to. */
static __always_inline int write_dsr(struct __sk_buff *ctx, struct walk *walk,
				     const struct service_choice *choice, enum family family,
				     __u32 growth)
{
	struct nat_side frontend = {
		.address = walk->packet.daddr,
		.port = walk->packet.dport,
	};
	int drop = rewrite(ctx, &walk->packet, family, &choice->address, choice->port,
			   REWRITE_DESTINATION);

	if (drop || !growth)
		return drop;
	return write_option(ctx, &walk->packet, family, &frontend);
}

static __always_inline int forward_dsr_family(struct __sk_buff *ctx, struct walk *walk,
					      const struct service_choice *choice,
					      enum family family)
{
	const struct packet *packet = &walk->packet;
	__u32 growth = dsr_says_frontend(packet) ? dsr_option_size(family) : 0;
	__u32 length = largest_part(ctx, packet);
	struct bpf_fib_lookup route;
	int drop;
	long err;

	remember_original(walk);
	err = find_route(ctx, packet, family, &choice->address, length ? length + growth : 0,
			 &route);
	if (err == BPF_FIB_LKUP_RET_FRAG_NEEDED && !may_fragment(ctx, family)) {
		walk->mtu = route.mtu_result - growth;
		return DROP(DROP_FRAGMENTATION_NEEDED);
	}
	drop = write_dsr(ctx, walk, choice, family, growth);
	return drop ? drop : send_by_route(ctx, walk, &route, err);
}

__noinline int forward_dsr_ipv4(struct __sk_buff *ctx, struct walk *walk,
				const struct service_choice *choice)
{
	return walk && choice ? forward_dsr_family(ctx, walk, choice, IPV4) : 0;
}

__noinline int forward_dsr_ipv6(struct __sk_buff *ctx, struct walk *walk,
				const struct service_choice *choice)
{
	return walk && choice ? forward_dsr_family(ctx, walk, choice, IPV6) : 0;
}

/* A packet for a service goes to the backend that was chosen, from its client. Returns a verdict or
 * a drop.
 */
static __always_inline int forward_dsr(struct __sk_buff *ctx, struct walk *walk,
				       const struct service_choice *choice, enum family family)
{
	int result;

	if (hops_exceeded(ctx, family))
		return answer_ttl_exceeded(ctx, walk);
	ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	if (dsr_dispatch == DSR_OPTION)
		result = family == IPV6 ? forward_dsr_ipv6(ctx, walk, choice)
					: forward_dsr_ipv4(ctx, walk, choice);
	else
		result = family == IPV6 ? forward_tunnelled_ipv6(ctx, walk, choice)
					: forward_tunnelled_ipv4(ctx, walk, choice);
	return walk->mtu ? answer_too_big(ctx, walk, walk->mtu) : result;
}

#endif
