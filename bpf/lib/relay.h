/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Frames for services with backends on other nodes: they go on from the node's address, and what
 * the backends answer goes back to the clients. What cannot be finished here is left to tc as it
 * came.
 */
#ifndef SKEP_LIB_RELAY_H
#define SKEP_LIB_RELAY_H

#include "../types/handover.h"
#include "dsr.h"
#include "fragment.h"
#include "hop.h"
#include "nodeport.h"
#include "shortcut.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_RELAY

#define ADDRESS_FAMILY_INET	2
#define ADDRESS_FAMILY_INET6	10

/* Where a frame goes, found before anything is written to it. */
struct relay_route {
	union v6addr saddr;
	union v6addr daddr;
	mac_t from;
	mac_t to;
	__u32 ifindex;
	__u16 mtu;
	__u16 family;
};

enum relay_kind {
	RELAY_NOTHING,
	RELAY_REQUEST,		/* to a backend */
	RELAY_REPLY,		/* from a backend */
};

/* What is known of a frame while it is looked at in full. */
struct relay {
	enum relay_kind kind;
	struct relay_route route;
	struct nat_side side;
	struct shortcut_way way;
	struct handover handover;
};

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct relay);
} relays SEC(".maps");

static __always_inline struct relay *begin_relay(void)
{
	__u32 zero = 0;
	struct relay *relay = bpf_map_lookup_elem(&relays, &zero);

	if (relay)
		__builtin_memset(relay, 0, sizeof(*relay));
	return relay;
}

/* From route->saddr to route->daddr: 1, there is one, and the next hop is known. A function of its
 * own, as its stack is large.
 */
static __noinline int find_relay_route(struct xdp_md *ctx, const struct packet *packet,
				       struct relay_route *found)
{
	struct bpf_fib_lookup route = {
		.ifindex = ctx->ingress_ifindex,
		.family = found->family == IPV6 ? ADDRESS_FAMILY_INET6 : ADDRESS_FAMILY_INET,
		.l4_protocol = packet->protocol,
		.tot_len = bpf_xdp_get_buff_len(ctx) - ETH_HLEN,
	};

	if (found->family == IPV6) {
		__builtin_memcpy(route.ipv6_src, &found->saddr, sizeof(route.ipv6_src));
		__builtin_memcpy(route.ipv6_dst, &found->daddr, sizeof(route.ipv6_dst));
	} else {
		route.ipv4_src = found->saddr.p1;
		route.ipv4_dst = found->daddr.p1;
	}
	if (bpf_fib_lookup(ctx, &route, sizeof(route), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	found->ifindex = route.ifindex;
	found->mtu = route.mtu_result;
	found->from = 0;
	found->to = 0;
	__builtin_memcpy(&found->from, route.smac, ETH_ALEN);
	__builtin_memcpy(&found->to, route.dmac, ETH_ALEN);
	return 1;
}

static __always_inline const struct packet_ends *relay_original(struct walk *walk)
{
	remember_original(walk);
	return find_original();
}

/* Sends the frame off, and those that follow it. Returns a verdict or a drop. */
static __always_inline int relay_send(struct xdp_md *ctx, struct walk *walk, enum family family,
				      struct relay *relay)
{
	const struct relay_route *route = &relay->route;
	struct shortcut_way *way = &relay->way;
	int drop = forward_headers(ctx, family, &route->from, &route->to);

	if (drop)
		return drop;
	way->second = clock_seconds();
	way->revision = service_revision();
	way->ifindex = route->ifindex;
	way->mtu = route->mtu;
	way->sport = walk->packet.sport;
	way->dport = walk->packet.dport;
	__builtin_memcpy(way->from, &route->from, ETH_ALEN);
	__builtin_memcpy(way->to, &route->to, ETH_ALEN);
	make_shortcut(walk, relay_original(walk), way, family);
	METRIC_FORWARD(FORWARD_BY_XDP, METRIC_EGRESS, bpf_xdp_get_buff_len(ctx));
	return route->ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(route->ifindex, 0);
}

/* What is for such a service changes in more than its ends, or goes to the stack. */
static __always_inline int needs_tc(const struct lb4_service *service, const struct packet *packet)
{
	return uses_dsr(service, packet) ||
	       service->flags2 & (SERVICE_F2_NAT_46X64 | SERVICE_F2_L7_LOAD_BALANCER);
}

/* Of what is for a service. Returns 0 or a drop. */
static __always_inline int find_request(struct xdp_md *ctx, struct walk *walk, enum family family,
					struct service_choice *choice, struct relay *relay)
{
	struct handover *handover = &relay->handover;
	struct relay_route *route = &relay->route;
	int drop;

	drop = service_admits(choice, &walk->packet, family);
	if (drop)
		return drop;
	if (needs_tc(&choice->service, &walk->packet))
		return 0;
	/* Who is answered that there is none, is answered by tc. */
	if (choose_backend(walk, choice, family))
		return 0;
	handover->flags = HANDOVER_BACKEND;
	handover->rev_nat_index = choice->service.rev_nat_index;
	handover->backend_id = choice->backend_id;

	route->family = family;
	route->saddr = nat_address(family);
	route->daddr = choice->address;
	if (!find_endpoint(&choice->address, family) && forwards_services(family) &&
	    find_relay_route(ctx, &walk->packet, route))
		relay->kind = RELAY_REQUEST;
	return 0;
}

/* Of what may be from a backend. */
static __always_inline void find_reply(struct xdp_md *ctx, struct walk *walk, enum family family,
				       struct relay *relay)
{
	struct relay_route *route = &relay->route;
	struct packet *packet = &walk->packet;
	struct nat_side *client = &relay->side;
	struct nat_entry *translation;
	union ct_key key = {};
	struct ct_entry *entry;
	__be16 port;

	nat_key_make(&key, family, &packet->saddr, &packet->daddr, packet->sport, packet->dport,
		     packet->protocol, TUPLE_F_IN);
	translation = nat_find(&key, family, client);
	if (!translation)
		return;
	ct_key_make(&key, family, &client->address, &packet->saddr, client->port, packet->sport,
		    packet->protocol, TUPLE_F_OUT);
	entry = ct_find(&key, family, packet->protocol);
	if (!entry || !entry->node_port ||
	    !find_frontend(entry->rev_nat_index, family, &route->saddr, &port))
		return;
	route->family = family;
	route->daddr = client->address;
	if (!find_relay_route(ctx, packet, route))
		return;
	if (translation->checked != clock_seconds())
		nat_mend_forward(walk, family, translation, client);
	relay->kind = RELAY_REPLY;
}

static __always_inline int find_relay(struct xdp_md *ctx, struct walk *walk, enum family family,
				      struct relay *relay)
{
	struct service_choice *choice;

	/* What is in pieces, what is no flow, and what cannot be read is tc's. */
	if (read_addresses(ctx, walk, family) || walk->packet.fragment ||
	    parse_l4(ctx, family, &walk->packet, 0) || walk->packet.icmp_error ||
	    hops_exceeded(ctx, family))
		return 0;
	choice = find_service(&walk->packet, family, SERVICE_NORTH_SOUTH);
	if (choice)
		return find_request(ctx, walk, family, choice, relay);
	relay->handover.flags = HANDOVER_NO_SERVICE;
	if (is_service_protocol(walk->packet.protocol))
		find_reply(ctx, walk, family, relay);
	return 0;
}

/* Looks everything up before anything is written: relay->kind, or a drop. */
static __noinline int find_relay_ipv4(struct xdp_md *ctx, struct walk *walk, struct relay *relay)
{
	return find_relay(ctx, walk, IPV4, relay);
}

static __noinline int find_relay_ipv6(struct xdp_md *ctx, struct walk *walk, struct relay *relay)
{
	return find_relay(ctx, walk, IPV6, relay);
}

/* To the backend, from the node. Returns a verdict or a drop. */
static __always_inline int relay_request(struct xdp_md *ctx, struct walk *walk, enum family family,
					 struct relay *relay)
{
	struct service_choice *choice = the_choice();
	int drop;

	if (!choice)
		return XDP_PASS;
	drop = forward_to_backend(ctx, walk, choice, family);
	return drop ? drop : relay_send(ctx, walk, family, relay);
}

/* To the client, from the service. Returns a verdict or a drop. */
static __always_inline int relay_reply(struct xdp_md *ctx, struct walk *walk, enum family family,
				       struct relay *relay)
{
	const struct nat_side *client = &relay->side;
	int drop = rewrite(ctx, &walk->packet, family, &client->address, client->port,
			   REWRITE_DESTINATION);

	if (!drop)
		drop = forward_to_client(ctx, walk, family);
	if (drop < 0)
		return drop;
	relay->way.reply = 1;
	return relay_send(ctx, walk, family, relay);
}

static __always_inline int relay_write(struct xdp_md *ctx, struct walk *walk, enum family family,
				       struct relay *relay)
{
	remember_original(walk);
	return relay->kind == RELAY_REQUEST ? relay_request(ctx, walk, family, relay)
					    : relay_reply(ctx, walk, family, relay);
}

static __noinline int relay_write_ipv4(struct xdp_md *ctx, struct walk *walk, struct relay *relay)
{
	return relay_write(ctx, walk, IPV4, relay);
}

static __noinline int relay_write_ipv6(struct xdp_md *ctx, struct walk *walk, struct relay *relay)
{
	return relay_write(ctx, walk, IPV6, relay);
}

/* Sends a frame on that is for a service, or answers it. Returns a verdict or a drop. */
static __always_inline int relay_frame(struct xdp_md *ctx, struct walk *walk, enum family family,
				       struct relay *relay)
{
	int drop = family == IPV6 ? find_relay_ipv6(ctx, walk, relay)
				  : find_relay_ipv4(ctx, walk, relay);

	if (drop || relay->kind == RELAY_NOTHING)
		return drop ? drop : XDP_PASS;
	return family == IPV6 ? relay_write_ipv6(ctx, walk, relay)
			      : relay_write_ipv4(ctx, walk, relay);
}

/* Puts what was found out in front of the packet, where the driver has room for it. */
static __always_inline void hand_over(struct xdp_md *ctx, const struct handover *handover)
{
	struct handover *place;

	if (!handover->flags || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*handover)))
		return;
	place = (void *)(long)ctx->data_meta;
	if ((void *)(place + 1) > packet_data(ctx))
		return;
	*place = *handover;
	place->magic = HANDOVER_MAGIC;
}

#endif
