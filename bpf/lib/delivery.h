/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where a packet goes that may pass. */
#ifndef SKEP_LIB_DELIVERY_H
#define SKEP_LIB_DELIVERY_H

#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include "balance.h"
#include "guard.h"
#include "hop.h"
#include "icmp_error.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DELIVERY

#define LOOPBACK_IFINDEX	1
#define ADDRESS_FAMILY_INET	2
#define ADDRESS_FAMILY_INET6	10

/* Packets that were put together from smaller ones are taken apart by the device. */
static __always_inline int too_big(const struct __sk_buff *ctx, __u32 mtu)
{
	return ctx->len - ETH_HLEN > mtu && ctx->gso_size == 0;
}

static __always_inline int may_fragment(const struct __sk_buff *ctx, enum family family)
{
	struct iphdr *ip = packet_data(ctx) + ETH_HLEN;

	return family == IPV4 && (void *)(ip + 1) <= packet_end(ctx) &&
	       !(ip->frag_off & bpf_htons(IPV4_DONT_FRAGMENT));
}

/* To a proxy of this host: the mark says by which port. */
static __always_inline int deliver_to_proxy(struct __sk_buff *ctx, struct walk *walk)
{
	ctx->mark = MARK_TO_PROXY | bpf_htons(walk->proxy_port) << 16;
	METRIC_FORWARD(FORWARD_TO_PROXY, walk->direction, ctx->len);
	trace_to(ctx, walk, TRACE_TO_PROXY);
	return WALK_NEXT;
}

/* The same for what was on its way out to an endpoint: by the loopback device. */
static __always_inline int return_to_proxy(struct __sk_buff *ctx, struct walk *walk)
{
	__u8 none[2 * ETH_ALEN] = {};

	/* Taken by the device as sent to itself. */
	if (bpf_skb_store_bytes(ctx, 0, none, sizeof(none), 0))
		return DROP(DROP_WRITE_ERROR);
	deliver_to_proxy(ctx, walk);
	return bpf_redirect(LOOPBACK_IFINDEX, BPF_F_INGRESS);
}

/* One line for all: two that share a slot of the metrics empty it at each turn. */
static __always_inline void count_to_stack(__u32 length)
{
	METRIC_FORWARD(FORWARD_TO_STACK, METRIC_EGRESS, length);
}

/* To the host itself, or by its routes. */
static __always_inline int deliver_to_stack(struct __sk_buff *ctx, struct walk *walk,
					    enum trace_point point)
{
	mark_identity(ctx, walk->src_identity);
	count_to_stack(ctx->len);
	trace_to(ctx, walk, point);
	return WALK_NEXT;
}

/* What the endpoint's entry is to keep of a service's flow is not known at its interface. */
static __always_inline int is_known_here(const struct walk *walk)
{
	return walk->node_port || walk->lb_loopback || walk->dsr;
}

/* To an endpoint of this node: into its namespace at once where it has let the packet in, else
 * to its interface, where it is asked.
 */
static __always_inline int deliver_to_endpoint(struct __sk_buff *ctx, struct walk *walk,
					       enum family family,
					       const struct lxc_device *endpoint)
{
	int at_once = peer_redirect && !(endpoint->flags & ENDPOINT_F_AT_HOST_NS);
	int drop;

	walk->dst_endpoint = endpoint->lxc_id;
	walk->dst_identity = endpoint->sec_id;
	if (hops_exceeded(ctx, family))
		return answer_ttl_exceeded(ctx, walk);
	walk->apart = too_big(ctx, endpoint_mtu);
	if (walk->apart && !may_fragment(ctx, family))
		return answer_too_big(ctx, walk, endpoint_mtu);
	walk->at_once = at_once && !walk->apart;

	if (walk->at_once || is_known_here(walk)) {
		walk->direction = METRIC_INGRESS;
		drop = guard(ctx, walk, family, POLICY_INGRESS, endpoint->lxc_id);
		if (!drop)
			drop = translate_reply(ctx, walk, family);
		if (drop)
			return drop;
		if (walk->proxy_port)
			return deliver_to_proxy(ctx, walk);
		if (!walk->at_once)
			ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	}
	/* The stack can take it apart; the endpoint is asked on the way. */
	if (walk->apart)
		return deliver_to_stack(ctx, walk, TRACE_TO_STACK);

	drop = forward_headers(ctx, family, &endpoint->node_mac, &endpoint->mac);
	if (drop)
		return drop;
	if (!walk->at_once && !is_known_here(walk)) {
		mark_identity(ctx, walk->src_identity);
		return bpf_redirect(endpoint->ifindex, 0);
	}
	METRIC_FORWARD(FORWARD_TO_PEER, METRIC_INGRESS, ctx->len);
	trace_to(ctx, walk, TRACE_TO_LXC);
	return walk->at_once ? bpf_redirect_peer(endpoint->ifindex, 0)
			     : bpf_redirect(endpoint->ifindex, 0);
}

/* The neighbour is asked for. */
static __always_inline int redirect_to_neighbour(const struct bpf_fib_lookup *route)
{
	struct bpf_redir_neigh neighbour = { .nh_family = route->family };

	if (route->family == ADDRESS_FAMILY_INET6)
		__builtin_memcpy(neighbour.ipv6_nh, route->ipv6_dst, sizeof(neighbour.ipv6_nh));
	else
		neighbour.ipv4_nh = route->ipv4_dst;
	return bpf_redirect_neigh(route->ifindex, &neighbour, sizeof(neighbour), 0);
}

/* The way of a packet of so many bytes to an address, by the node's routes; 0 bytes: any. Returns what
 * the kernel answers, which is told of the packet as it came.
 */
static __always_inline long find_route(struct __sk_buff *ctx, const struct packet *packet,
				       enum family family, const union v6addr *daddr,
				       __u32 length, struct bpf_fib_lookup *route)
{
	__builtin_memset(route, 0, sizeof(*route));
	route->ifindex = ctx->ifindex;
	route->family = family == IPV6 ? ADDRESS_FAMILY_INET6 : ADDRESS_FAMILY_INET;
	route->l4_protocol = packet->protocol;
	route->sport = packet->sport;
	route->dport = packet->dport;
	route->tot_len = length;
	if (family == IPV6) {
		__builtin_memcpy(route->ipv6_src, &packet->saddr, sizeof(route->ipv6_src));
		__builtin_memcpy(route->ipv6_dst, daddr, sizeof(route->ipv6_dst));
	} else {
		route->ipv4_src = packet->saddr.p1;
		route->ipv4_dst = daddr->p1;
	}
	return bpf_fib_lookup(ctx, route, sizeof(*route), 0);
}

/* By what find_route() has found and answered. The stack takes what needs it, but no replies of
 * services, which come from addresses that may be its own.
 */
static __always_inline int send_by_route(struct __sk_buff *ctx, struct walk *walk,
					 const struct bpf_fib_lookup *route, long found)
{
	mac_t from = 0, to = 0;
	int drop;

	switch (found) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		break;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		walk->ext_error = found;
		return DROP(DROP_FIB_LOOKUP_FAILED);
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		if (walk->translated)
			break;
		/* fall through */
	default:
		/* Its own addresses, neighbours that are not known yet, what is to be taken apart,
		 * encapsulating routes.
		 */
		return deliver_to_stack(ctx, walk, TRACE_TO_STACK);
	}

	__builtin_memcpy(&from, route->smac, ETH_ALEN);
	__builtin_memcpy(&to, route->dmac, ETH_ALEN);
	drop = walk->family == IPV6 ? forward_headers(ctx, IPV6, &from, &to)
				    : forward_headers(ctx, IPV4, &from, &to);
	if (drop)
		return drop;
	mark_identity(ctx, walk->src_identity);
	METRIC_FORWARD(FORWARD_BY_ROUTE, METRIC_EGRESS, ctx->len);
	trace_to(ctx, walk, TRACE_TO_NETWORK);
	return found == BPF_FIB_LKUP_RET_NO_NEIGH ? redirect_to_neighbour(route)
						  : bpf_redirect(route->ifindex, 0);
}

/* Bytes of the packet, or of the largest that it will be cut into. */
static __always_inline __u32 largest_segment(struct __sk_buff *ctx, const struct packet *packet)
{
	__u32 header = sizeof(struct udphdr);
	__u8 offset;

	if (!ctx->gso_size)
		return ctx->len - ETH_HLEN;
	if (packet->protocol == IPPROTO_TCP &&
	    !bpf_skb_load_bytes(ctx, packet->l4_offset + 12, &offset, sizeof(offset)))
		header = (offset >> 4) * 4;
	return packet->l4_offset - ETH_HLEN + header + ctx->gso_size;
}

/* Whether the stack takes a packet apart. Nothing of IPv4 gets to it that comes from the node's own
 * address.
 */
static __always_inline int is_taken_apart(const struct __sk_buff *ctx, const struct walk *walk)
{
	struct endpoint_info *sender;

	if (!may_fragment(ctx, walk->family))
		return 0;
	sender = walk->translated ? find_endpoint(&walk->packet.saddr, IPV4) : (void *)0;
	return !sender || !is_host(sender);
}

/* Out of the node by its routes. */
static __always_inline int deliver_by_route(struct __sk_buff *ctx, struct walk *walk)
{
	const struct packet *packet = &walk->packet;
	struct bpf_fib_lookup route;
	long found;

	if (hops_exceeded(ctx, walk->family))
		return answer_ttl_exceeded(ctx, walk);
	found = find_route(ctx, packet, walk->family, &packet->daddr, largest_segment(ctx, packet),
			   &route);
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED && !is_taken_apart(ctx, walk))
		return answer_too_big(ctx, walk, route.mtu_result);
	return send_by_route(ctx, walk, &route, found);
}

/* The end of each program: a verdict of tc; drops are counted and told. */
static __always_inline int walk_end(struct __sk_buff *ctx, struct walk *walk, int result)
{
	if (result >= 0)
		return result == WALK_NEXT ? VERDICT_NEXT : result;

	struct metrics_key key = {
		.reason = drop_reason(result),
		.dir = walk->direction,
		.line = drop_line(result),
		.file = drop_file(result),
	};

	metrics_add(&key, 1, ctx->len);
	notify_drop(ctx, walk, result);
	return TC_ACT_SHOT;
}

#endif
