// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The node's devices: what comes for endpoints is guarded and delivered here; what is the host's
 * own is guarded where the host has a policy; all else passes untouched.
 */
#include "lib/delivery.h"
#include "lib/fragment.h"
#include "lib/masquerade.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_HOST

/* Of what read_addresses() returned: whom the packet is for cannot be read, so it is for the
 * stack to judge. Where only extension headers cannot be read it is known, and guarded.
 */
static __always_inline int has_no_addresses(int drop)
{
	return drop && drop_reason(drop) == DROP_INVALID_PACKET;
}

static __always_inline int from_netdev_ip(struct __sk_buff *ctx, struct walk *walk,
					  enum family family)
{
	struct lxc_device *destination;
	int drop, answers;

	drop = read_addresses(ctx, walk, family);
	if (has_no_addresses(drop))
		return WALK_NEXT;
	answers = may_answer_nat(walk, family);
	if (answers) {
		if (!drop)
			drop = read_ports(ctx, walk, family);
		if (!drop) {
			int done = unmasquerade(ctx, walk, family);

			if (done < 0)
				return done;
		}
	}
	find_destination(walk, family);
	if (walk->peer_ifindex == PEER_ELSEWHERE ||
	    (walk->peer_ifindex == PEER_HOST && !host_firewall))
		return WALK_NEXT;

	if (!drop && !answers)
		drop = read_ports(ctx, walk, family);
	if (drop)
		return drop;
	/* Without neighbours the host has no link, whatever its policy says. */
	if (family == IPV6 && is_neighbour_message(&walk->packet))
		return WALK_NEXT;
	trace_from(ctx, walk, TRACE_FROM_NETWORK);
	walk->src_identity = identity_of(&walk->packet.saddr, family);
	if (walk->peer_ifindex != PEER_HOST) {
		destination = find_device(walk->peer_ifindex);
		return destination ? deliver_to_endpoint(ctx, walk, family, destination)
				   : DROP(DROP_ENDPOINT_NOT_READY);
	}

	walk->dst_endpoint = host_endpoint_id;
	walk->source = host_endpoint_id;
	drop = guard(ctx, walk, family, POLICY_INGRESS, host_endpoint_id);
	if (drop)
		return drop;
	if (walk->proxy_port)
		return deliver_to_proxy(ctx, walk);
	METRIC_FORWARD(FORWARD_TO_HOST, METRIC_INGRESS, ctx->len);
	trace_to(ctx, walk, TRACE_TO_HOST);
	return WALK_NEXT;
}

static __noinline int from_netdev_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return from_netdev_ip(ctx, walk, IPV4);
}

static __noinline int from_netdev_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return from_netdev_ip(ctx, walk, IPV6);
}

/* What the network sends. */
SEC("tcx/ingress")
int from_netdev(struct __sk_buff *ctx)
{
	struct walk walk = {
		.direction = METRIC_INGRESS,
		.trace_reason = TRACE_REASON_UNKNOWN,
	};
	int result = WALK_NEXT;

	if (ctx->vlan_present)
		return VERDICT_NEXT;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		result = from_netdev_ipv4(ctx, &walk);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		result = from_netdev_ipv6(ctx, &walk);
	return walk_end(ctx, &walk, result);
}

/* The host's own packets are guarded here, those of endpoints were where they came from. */
static __always_inline int to_netdev_ip(struct __sk_buff *ctx, struct walk *walk,
					enum family family)
{
	int translates = masquerades(family) && !(ctx->tc_index & TC_INDEX_REPLY);
	struct endpoint_info *source;
	int drop, done, guards = 0;

	drop = read_addresses(ctx, walk, family);
	if (has_no_addresses(drop))
		return WALK_NEXT;
	if (host_firewall) {
		source = find_endpoint(&walk->packet.saddr, family);
		guards = source && is_host(source);
	}
	if (!guards && !translates)
		return WALK_NEXT;

	if (!drop)
		drop = read_ports(ctx, walk, family);
	/* Without neighbours the host has no link, whatever its policy says. */
	if (!drop && family == IPV6 && is_neighbour_message(&walk->packet))
		return WALK_NEXT;
	if (guards) {
		if (drop)
			return drop;
		walk->src_identity = IDENTITY_HOST;
		walk->source = host_endpoint_id;
		drop = guard(ctx, walk, family, POLICY_EGRESS, host_endpoint_id);
		if (drop)
			return drop;
	}
	if (translates) {
		done = masquerade(ctx, walk, family, drop);
		if (done < 0)
			return done;
		if (done == NAT_NONE && !guards)
			return WALK_NEXT;
	}
	METRIC_FORWARD(FORWARD_TO_NETWORK, METRIC_EGRESS, ctx->len);
	trace_to(ctx, walk, TRACE_TO_NETWORK);
	return WALK_NEXT;
}

static __noinline int to_netdev_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return to_netdev_ip(ctx, walk, IPV4);
}

static __noinline int to_netdev_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return to_netdev_ip(ctx, walk, IPV6);
}

/* What goes to the network. */
SEC("tcx/egress")
int to_netdev(struct __sk_buff *ctx)
{
	struct walk walk = {
		.direction = METRIC_EGRESS,
		.trace_reason = TRACE_REASON_UNKNOWN,
	};
	int result = WALK_NEXT;

	if ((!host_firewall && !masquerade_ipv4 && !masquerade_ipv6) || ctx->vlan_present)
		return VERDICT_NEXT;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		result = to_netdev_ipv4(ctx, &walk);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		result = to_netdev_ipv6(ctx, &walk);
	return walk_end(ctx, &walk, result);
}

char _license[] SEC("license") = "Dual BSD/GPL";
