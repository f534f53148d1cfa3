// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The node's devices: what comes for endpoints is guarded and delivered here; what is the host's
 * own is guarded where the host has a policy; all else passes untouched.
 */
#include "lib/delivery.h"
#include "lib/dsr_arrive.h"
#include "lib/dsr_forward.h"
#include "lib/dsr_unwrap.h"
#include "lib/fragment.h"
#include "lib/handover.h"
#include "lib/nat_46x64_forward.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_HOST

/* Of what read_addresses() returned: whom the packet is for cannot be read, so it is for the
 * stack to judge. Where only extension headers cannot be read it is known, and guarded.
 */
static __always_inline int has_no_addresses(int drop)
{
	return drop && drop_reason(drop) == DROP_INVALID_PACKET;
}

/* Out by the node's routes what it has made its own. */
static __always_inline int forward(struct __sk_buff *ctx, struct walk *walk)
{
	ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	return deliver_by_route(ctx, walk);
}

/* What is for a service becomes a packet for a backend, here or on another node, or gets a proxy's
 * port in walk. Returns 0, or how its way ends.
 */
static __always_inline int send_to_service(struct __sk_buff *ctx, struct walk *walk,
					   enum family family)
{
	struct service_choice *choice = (void *)0;
	int drop;

	if (walk->packet.icmp_error)
		return translate_error(ctx, walk, family, SERVICE_NORTH_SOUTH);
	switch (read_handover(ctx, family, &choice)) {
	case HANDOVER_NO_SERVICE:
		return 0;
	case HANDOVER_BACKEND:
		break;
	default:
		choice = find_service(&walk->packet, family, SERVICE_NORTH_SOUTH);
		if (!choice)
			return 0;
		drop = service_admits(choice, &walk->packet, family);
		if (!drop) {
			walk->proxy_port = service_proxy_port(&choice->service);
			if (walk->proxy_port)
				return 0;
			if (!service_46x64 && choice->service.flags2 & SERVICE_F2_NAT_46X64)
				return DROP(DROP_NAT_46X64_DISABLED);
			drop = choose_backend(walk, choice, family);
		}
		if (drop)
			return answer_no_service(ctx, walk, drop);
	}
	if (service_46x64 && choice->service.flags2 & SERVICE_F2_NAT_46X64)
		return forward_46x64(ctx, walk, choice, family);
	if (!find_endpoint(&choice->address, family)) {
		if (uses_dsr(&choice->service, &walk->packet))
			return forward_dsr(ctx, walk, choice, family);
		if (!forwards_services(family))
			return 0;
		drop = forward_to_backend(ctx, walk, choice, family);
		return drop ? drop : forward(ctx, walk);
	}
	walk->node_port = 1;
	return translate_to_backend(ctx, walk, choice, family);
}

/* What the host itself does not ask for: a flow of a service is followed without its policy. */
static __always_inline int deliver_to_host(struct __sk_buff *ctx, struct walk *walk,
					   enum family family)
{
	int drop;

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

/* What is for a service, and what answers a flow that is translated. Returns 0, or how the packet's
 * way ends.
 */
static __always_inline int translate_arriving(struct __sk_buff *ctx, struct walk *walk,
					      enum family family)
{
	int result;

	if (service_46x64 && walk->packet.icmp_error &&
	    ((may_answer_nat(walk, family) && return_error_46x64(ctx, walk, family, &result)) ||
	     forward_error_46x64(ctx, walk, family, &result)))
		return result;
	if (service_nodeport) {
		result = send_to_service(ctx, walk, family);
		if (result || walk->node_port || walk->proxy_port)
			return result;
	}
	if (may_answer_nat(walk, family)) {
		if (service_46x64 && return_46x64(ctx, walk, family, &result))
			return result;
		result = unmasquerade(ctx, walk, family);
		if (result < 0)
			return result;
	}
	return 0;
}

static __always_inline int from_netdev_ip(struct __sk_buff *ctx, struct walk *walk,
					  enum family family)
{
	struct lxc_device *destination;
	int drop, result, has_ports;

	drop = read_addresses(ctx, walk, family);
	if (has_no_addresses(drop))
		return WALK_NEXT;
	has_ports = service_nodeport || may_answer_nat(walk, family);
	if (has_ports && !drop) {
		drop = read_ports(ctx, walk, family);
		result = drop ? 0 : take_frontend(ctx, walk, family);
		if (!result && !drop && !walk->dsr)
			result = translate_arriving(ctx, walk, family);
		/* What is of the other family now is on its way already. */
		if (result || (service_46x64 && walk->family != family))
			return result;
		if (walk->proxy_port)
			return deliver_to_proxy(ctx, walk);
	}
	find_destination(walk, family);
	if ((forwards_services(family) || dsr_dispatch) && walk->translated && !walk->node_port &&
	    walk->peer_ifindex == PEER_ELSEWHERE) {
		result = forward_to_client(ctx, walk, family);
		if (result != NAT_NONE)
			return result < 0 ? result : forward(ctx, walk);
	}
	if (walk->peer_ifindex == PEER_ELSEWHERE || walk->peer_ifindex == PEER_HOST) {
		if (service_nodeport && !drop && !walk->node_port &&
		    is_service_address(&walk->packet, family))
			return answer_no_service(ctx, walk, DROP(DROP_NO_SERVICE));
		if (walk->peer_ifindex == PEER_ELSEWHERE ||
		    !(host_firewall || walk->node_port || walk->dsr))
			return WALK_NEXT;
	}

	if (!has_ports && !drop)
		drop = read_ports(ctx, walk, family);
	if (drop)
		return drop;
	/* Without neighbours the host has no link, whatever its policy says. */
	if (family == IPV6 && is_neighbour_message(ctx, &walk->packet))
		return WALK_NEXT;
	trace_from(ctx, walk, TRACE_FROM_NETWORK);
	walk->src_identity = identity_from_network(&walk->packet.saddr, family);
	if (walk->peer_ifindex == PEER_HOST)
		return deliver_to_host(ctx, walk, family);
	destination = find_device(walk->peer_ifindex);
	return destination ? deliver_to_endpoint(ctx, walk, family, destination)
			   : DROP(DROP_ENDPOINT_NOT_READY);
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
	struct walk *walk;
	int result = WALK_NEXT;

	/* Whoever sent it may be on this machine too and have set it. */
	ctx->tc_index = 0;
	if (ctx->vlan_present)
		return VERDICT_NEXT;
	walk = begin_walk(METRIC_INGRESS);
	if (!walk)
		return TC_ACT_SHOT;
	if (dsr_dispatch > DSR_OPTION)
		result = unwrap(ctx, walk);
	if (result < 0)
		return walk_end(ctx, walk, result);
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		result = from_netdev_ipv4(ctx, walk);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		result = from_netdev_ipv6(ctx, walk);
	return walk_end(ctx, walk, result);
}

/* The host's own flows of services, which are followed though it has no policy. */
static __always_inline void follow_service_reply(struct __sk_buff *ctx, struct walk *walk,
						 enum family family)
{
	struct ct_flow flow = { .status = CT_REPLY };

	if (walk->packet.icmp_error) {
		ct_find_related(ctx, walk, POLICY_EGRESS);
		return;
	}
	flow.entry = ct_find_reverse(walk, family, POLICY_EGRESS);
	if (!flow.entry || !(flow.entry->node_port || flow.entry->dsr_internal))
		return;
	ct_follow(ctx, walk, &flow, 1);
	walk->trace_reason = CT_REPLY;
	ct_follow_translation(walk, flow.entry, POLICY_EGRESS);
}

/* The host's own packets are guarded here, those of endpoints were where they came from. */
static __always_inline int to_netdev_ip(struct __sk_buff *ctx, struct walk *walk,
					enum family family)
{
	int translates = masquerades(family) && !(ctx->tc_index & TC_INDEX_REPLY);
	struct endpoint_info *source;
	int drop, done, own = 0;

	drop = read_addresses(ctx, walk, family);
	if (has_no_addresses(drop))
		return WALK_NEXT;
	if (host_firewall || service_nodeport) {
		source = find_endpoint(&walk->packet.saddr, family);
		own = source && is_host(source);
	}
	if (!own && !translates)
		return WALK_NEXT;

	if (!drop)
		drop = read_ports(ctx, walk, family);
	/* Without neighbours the host has no link, whatever its policy says. */
	if (!drop && family == IPV6 && is_neighbour_message(ctx, &walk->packet))
		return WALK_NEXT;
	if (own && host_firewall) {
		if (drop)
			return drop;
		walk->src_identity = IDENTITY_HOST;
		walk->source = host_endpoint_id;
		drop = guard(ctx, walk, family, POLICY_EGRESS, host_endpoint_id);
		if (drop)
			return drop;
	} else if (own && service_nodeport && !drop) {
		follow_service_reply(ctx, walk, family);
	}
	if (walk->reply_index || walk->dsr) {
		drop = walk->dsr ? answer_from_frontend(ctx, walk, family)
				 : translate_reply(ctx, walk, family);
		if (drop)
			return drop;
	} else if (translates) {
		done = masquerade(ctx, walk, family, drop);
		if (done < 0)
			return done;
		if (done == NAT_NONE && !(own && host_firewall))
			return WALK_NEXT;
	} else if (!host_firewall) {
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
	struct walk *walk;
	int result = WALK_NEXT;

	if (ctx->tc_index & TC_INDEX_FROM_DATAPATH) {
		ctx->tc_index &= ~TC_INDEX_FROM_DATAPATH;
		return VERDICT_NEXT;
	}
	if (!(host_firewall || service_nodeport || masquerade_ipv4 || masquerade_ipv6) ||
	    ctx->vlan_present)
		return VERDICT_NEXT;
	walk = begin_walk(METRIC_EGRESS);
	if (!walk)
		return TC_ACT_SHOT;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		result = to_netdev_ipv4(ctx, walk);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		result = to_netdev_ipv6(ctx, walk);
	return walk_end(ctx, walk, result);
}

char _license[] SEC("license") = "Dual BSD/GPL";
