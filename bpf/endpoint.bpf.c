// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Guards endpoints at the host's end of their interfaces: one set of programs for all of them. */
#include "lib/delivery.h"
#include "lib/dsr.h"
#include "lib/fragment.h"
#include "lib/local_shortcut.h"
#include "lib/nat_46x64_error.h"
#include "lib/neighbour.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_ENDPOINT

/* An endpoint sends from its own addresses only. */
static __always_inline int is_own_address(const struct __sk_buff *ctx, const struct walk *walk,
					  enum family family, const struct lxc_device *device)
{
	struct endpoint_info *owner;

	/* Of a family that it has not, an endpoint has the address of zeros. */
	if (family == IPV6 ? address_equal(&walk->packet.saddr, &device->ip6)
			   : walk->packet.saddr.p1 == device->ip4.p1)
		return walk->packet.saddr.d1 || walk->packet.saddr.d2;
	owner = find_endpoint(&walk->packet.saddr, family);
	return owner && owner->ifindex == ctx->ifindex;
}

static __always_inline int is_link_local(const union v6addr *address)
{
	return address->addr[0] == 0xfe && (address->addr[1] & 0xc0) == 0x80;
}

/* What neighbours ask and answer from: an address of the link, or none yet. */
static __always_inline int is_link_address(const union v6addr *address)
{
	return is_link_local(address) || (!address->d1 && !address->d2);
}

/* What an endpoint may say to neighbours, and to no others: it is no router. */
static __always_inline int is_for_link(const struct __sk_buff *ctx, const struct packet *packet)
{
	const union v6addr *to = &packet->daddr;
	struct endpoint_info *host;

	if (!is_neighbour_message(ctx, packet) ||
	    packet->icmp_type == ICMPV6_ROUTER_ADVERTISEMENT ||
	    packet->icmp_type == ICMPV6_REDIRECT)
		return 0;
	if (is_link_address(to) || (to->addr[0] == 0xff && (to->addr[1] & 0x0f) <= 2))
		return 1;
	host = find_endpoint(to, IPV6);
	return host && is_host(host);
}

/* What only nodes may send to each other. */
static __always_inline int is_tunnelled(const struct packet *packet, enum family family)
{
	if (dsr_dispatch == DSR_IPIP &&
	    packet->protocol == (family == IPV6 ? IPPROTO_IPV6 : IPPROTO_IPIP))
		return 1;
	return tunnel_port && packet->protocol == IPPROTO_UDP &&
	       packet->dport == bpf_htons(tunnel_port);
}

/* To the host itself, which may be an endpoint with a policy of its own. */
static __always_inline int deliver_to_host(struct __sk_buff *ctx, struct walk *walk,
					   enum family family)
{
	int drop;

	walk->dst_identity = IDENTITY_HOST;
	if (host_firewall) {
		walk->direction = METRIC_INGRESS;
		walk->dst_endpoint = host_endpoint_id;
		drop = guard(ctx, walk, family, POLICY_INGRESS, host_endpoint_id);
		if (drop)
			return drop;
		if (walk->proxy_port)
			return deliver_to_proxy(ctx, walk);
	}
	return deliver_to_stack(ctx, walk, TRACE_TO_HOST);
}

static __always_inline int send_to_service_family(struct __sk_buff *ctx, struct walk *walk,
						  enum family family)
{
	struct service_choice *choice = the_choice();
	int drop;

	if (walk->packet.icmp_error)
		return translate_error(ctx, walk, family, SERVICE_EAST_WEST);
	if (!choice)
		return 0;
	walk->proxy_port = service_proxy_port(&choice->service);
	if (walk->proxy_port)
		return 0;
	if (choice->service.flags2 & SERVICE_F2_NAT_46X64)
		return DROP(DROP_NAT_46X64_DISABLED);
	drop = choose_backend(walk, choice, family);
	if (drop)
		return answer_no_service(ctx, walk, drop);
	return translate_to_backend(ctx, walk, choice, family);
}

/* What is for a service, as find_service() found, becomes a packet for one of its backends, or gets a
 * proxy's port in walk; an ICMP error about what a service sent, likewise. Returns 0, or how its way
 * ends.
 */
__noinline int send_to_service(struct __sk_buff *ctx, struct walk *walk)
{
	if (!walk)
		return 0;
	return walk->family == IPV6 ? send_to_service_family(ctx, walk, IPV6)
				    : send_to_service_family(ctx, walk, IPV4);
}

static __always_inline int from_endpoint_ip(struct __sk_buff *ctx, struct walk *walk,
					    enum family family, const struct lxc_device *device)
{
	struct lxc_device *destination;
	int drop, own, known, reply;

	drop = read_addresses(ctx, walk, family);
	if (drop)
		return drop;
	/* What is not its own never gets to the fragments, where it could take a datagram's place. */
	own = is_own_address(ctx, walk, family, device);
	if (!own && !(family == IPV6 && is_link_address(&walk->packet.saddr)))
		return DROP(DROP_INVALID_SOURCE_IP);
	drop = read_ports(ctx, walk, family);
	if (drop)
		return drop;
	if (family == IPV6 && is_for_link(ctx, &walk->packet))
		return answer_neighbour_solicitation(ctx, walk, &device->node_mac);
	if (!own)
		return DROP(DROP_INVALID_SOURCE_IP);
	if (is_tunnelled(&walk->packet, family))
		return DROP(DROP_ENCAPSULATION_PROHIBITED);
	trace_from(ctx, walk, TRACE_FROM_LXC);

	/* At the other end of an endpoint's link is the host. */
	if (family == IPV6 && is_link_local(&walk->packet.daddr)) {
		walk->peer_ifindex = PEER_HOST;
		walk->dst_identity = IDENTITY_HOST;
	}

	/* A service's flows are known as those of its backend: what is known is for no service. Who
	 * adds one raises the ipcache's revision.
	 */
	known = service_per_packet && walk->packet.icmp_error
			? 0
			: guard_known(ctx, walk, family, POLICY_EGRESS, device->lxc_id);
	if (!known && service_per_packet &&
	    (walk->packet.icmp_error ||
	     find_service(&walk->packet, family, SERVICE_EAST_WEST))) {
		drop = send_to_service(ctx, walk);
		if (drop)
			return drop;
		known = guard_known(ctx, walk, family, POLICY_EGRESS, device->lxc_id);
	}
	drop = known ? 0 : guard_unknown(ctx, walk, family, POLICY_EGRESS, device->lxc_id);
	if (known < 0)
		drop = known;
	if (drop)
		return drop;
	walk->rev_nat_index = 0;
	reply = service_nodeport && walk->reply_index;
	drop = translate_reply(ctx, walk, family);
	if (!drop && dsr_dispatch && walk->dsr) {
		reply = 1;
		drop = answer_from_frontend(ctx, walk, family);
	}
	if (drop)
		return drop;
	if (walk->proxy_port)
		return deliver_to_proxy(ctx, walk);
	if (masquerades(family) && walk->trace_reason == CT_REPLY)
		ctx->tc_index |= TC_INDEX_REPLY;

	if (walk->lb_loopback)
		walk->peer_ifindex = device->ifindex;
	else if (walk->peer_ifindex == PEER_UNKNOWN)
		find_destination(walk, family);
	if (service_46x64 && walk->peer_ifindex == PEER_HOST &&
	    (walk->packet.icmp_error ? return_error_46x64(ctx, walk, family, &drop)
				     : return_46x64(ctx, walk, family, &drop)))
		return drop;
	if (walk->peer_ifindex == PEER_HOST)
		return deliver_to_host(ctx, walk, family);
	destination = walk->peer_ifindex == PEER_ELSEWHERE ? (void *)0
							   : find_device(walk->peer_ifindex);
	if (destination) {
		drop = deliver_to_endpoint(ctx, walk, family, destination);
		if (drop == TC_ACT_REDIRECT && walk->at_once)
			make_local_shortcut(walk, family, destination);
		return drop;
	}
	/* The stack takes nothing that comes from its own addresses, as a service's may be. */
	if (fib_routing || reply)
		return deliver_by_route(ctx, walk);
	make_local_shortcut(walk, family, (void *)0);
	return deliver_to_stack(ctx, walk, TRACE_TO_STACK);
}

static __noinline int from_endpoint_ipv4(struct __sk_buff *ctx, struct walk *walk,
					 const struct lxc_device *device)
{
	return from_endpoint_ip(ctx, walk, IPV4, device);
}

static __noinline int from_endpoint_ipv6(struct __sk_buff *ctx, struct walk *walk,
					 const struct lxc_device *device)
{
	return from_endpoint_ip(ctx, walk, IPV6, device);
}

/* What an endpoint sends. */
SEC("tcx/ingress")
int from_endpoint(struct __sk_buff *ctx)
{
	struct lxc_device *device = find_device(ctx->ifindex);
	struct walk *walk = find_walk();
	int result;

	if (!walk)
		return TC_ACT_SHOT;
	/* Whatever was set before is not the datapath's. */
	ctx->mark = 0;
	ctx->tc_index = 0;
	if (!device) {
		start_walk(walk, METRIC_EGRESS);
		result = DROP(DROP_ENDPOINT_NOT_READY);
		goto end;
	}
	result = take_local_shortcut(ctx, walk, device);
	if (result)
		return result == LOCAL_TO_STACK ? VERDICT_NEXT : result;

	if (ctx->vlan_present)
		result = DROP(DROP_VLAN_FILTERED);
	else if (ctx->protocol == bpf_htons(ETH_P_IP))
		result = from_endpoint_ipv4(ctx, walk, device);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		result = from_endpoint_ipv6(ctx, walk, device);
	else if (ctx->protocol == bpf_htons(ETH_P_ARP))
		result = answer_arp(ctx, &device->node_mac);
	else
		result = DROP(DROP_UNKNOWN_L3_PROTOCOL);
end:
	return walk_end(ctx, walk, result);
}

/* Who sent what the stack brings. */
static __always_inline __u32 identity_of_sender(const struct __sk_buff *ctx,
						const struct walk *walk, enum family family)
{
	switch (ctx->mark & MARK_MAGIC_MASK) {
	case MARK_IDENTITY:
		return marked_identity(ctx->mark);
	case MARK_HOST:
		return IDENTITY_HOST;
	default:
		return identity_of_any(&walk->packet.saddr, family);
	}
}

static __always_inline int to_endpoint_ip(struct __sk_buff *ctx, struct walk *walk,
					  enum family family, const struct lxc_device *device)
{
	int drop;

	drop = read_addresses(ctx, walk, family);
	if (!drop)
		drop = read_ports(ctx, walk, family);
	if (drop)
		return drop;
	if (family == IPV6 && is_neighbour_message(ctx, &walk->packet))
		return WALK_NEXT;

	walk->src_identity = identity_of_sender(ctx, walk, family);
	/* Of an endpoint's flow the host may say what becomes of it: it routes it. */
	if (host_firewall && walk->src_identity == IDENTITY_HOST &&
	    !(walk->packet.icmp_error && ct_find_related(ctx, walk, POLICY_INGRESS))) {
		walk->direction = METRIC_EGRESS;
		drop = guard(ctx, walk, family, POLICY_EGRESS, host_endpoint_id);
		if (drop)
			return drop;
		/* What the host sends has no proxy, here as to the network. */
		walk->proxy_port = 0;
		walk->direction = METRIC_INGRESS;
	}
	drop = guard(ctx, walk, family, POLICY_INGRESS, device->lxc_id);
	if (!drop)
		drop = translate_reply(ctx, walk, family);
	if (drop)
		return drop;
	if (walk->proxy_port)
		return return_to_proxy(ctx, walk);
	METRIC_FORWARD(FORWARD_TO_ENDPOINT, METRIC_INGRESS, ctx->len);
	trace_to(ctx, walk, TRACE_TO_LXC);
	return WALK_NEXT;
}

static __noinline int to_endpoint_ipv4(struct __sk_buff *ctx, struct walk *walk,
				       const struct lxc_device *device)
{
	return to_endpoint_ip(ctx, walk, IPV4, device);
}

static __noinline int to_endpoint_ipv6(struct __sk_buff *ctx, struct walk *walk,
				       const struct lxc_device *device)
{
	return to_endpoint_ip(ctx, walk, IPV6, device);
}

/* What the host's stack sends to an endpoint. */
SEC("tcx/egress")
int to_endpoint(struct __sk_buff *ctx)
{
	struct lxc_device *device;
	struct walk *walk;
	int result;

	if (ctx->tc_index & TC_INDEX_FROM_DATAPATH) {
		ctx->tc_index &= ~TC_INDEX_FROM_DATAPATH;
		return VERDICT_NEXT;
	}
	walk = begin_walk(METRIC_INGRESS);
	if (!walk)
		return TC_ACT_SHOT;
	device = find_device(ctx->ifindex);
	if (!device) {
		result = DROP(DROP_ENDPOINT_NOT_READY);
		goto end;
	}

	walk->source = device->lxc_id;
	walk->dst_endpoint = device->lxc_id;
	walk->dst_identity = device->sec_id;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		result = to_endpoint_ipv4(ctx, walk, device);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		result = to_endpoint_ipv6(ctx, walk, device);
	else if (ctx->protocol == bpf_htons(ETH_P_ARP))
		result = WALK_NEXT;
	else
		result = DROP(DROP_UNKNOWN_L3_PROTOCOL);
end:
	return walk_end(ctx, walk, result);
}

char _license[] SEC("license") = "Dual BSD/GPL";
