/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Services from outside whose backend is on another node: packets go on from this one, by its
 * address, and replies come back by it.
 */
#ifndef SKEP_LIB_NODEPORT_H
#define SKEP_LIB_NODEPORT_H

#include "balance.h"
#include "masquerade.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NODEPORT

/* Whether packets may be sent on to other nodes. */
static __always_inline int forwards_services(enum family family)
{
	return service_nodeport && (family == IPV6 ? nat_ipv6[0] : nat_ipv4);
}

/* The flow from the client to the backend, which knows the service of replies. */
static __always_inline int follow_forwarded(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct ct_flow flow = {
		.entry = ct_find_forward(walk, family, POLICY_EGRESS),
		.status = CT_ESTABLISHED,
	};

	if (flow.entry && flow.entry->node_port &&
	    flow.entry->rev_nat_index == walk->rev_nat_index) {
		ct_follow(ctx, walk, &flow, 0);
		if (flow.status != CT_NEW)
			return 0;
	}
	walk->src_identity = world_identity(family);
	return ct_create(ctx, walk, family, POLICY_EGRESS, 0);
}

static __always_inline int forward_to_backend_family(ctx_t *ctx, struct walk *walk,
						     const struct service_choice *choice,
						     enum family family)
{
	int drop;

	remember_original(walk);
	walk->node_port = 1;
	walk->rev_nat_index = choice->service.rev_nat_index;
	drop = rewrite(ctx, &walk->packet, family, &choice->address, choice->port,
		       REWRITE_DESTINATION);
	return drop ? drop : follow_forwarded(ctx, walk, family);
}

__noinline int forward_to_backend_ipv4(ctx_t *ctx, struct walk *walk,
				       const struct service_choice *choice)
{
	return walk && choice ? forward_to_backend_family(ctx, walk, choice, IPV4) : 0;
}

__noinline int forward_to_backend_ipv6(ctx_t *ctx, struct walk *walk,
				       const struct service_choice *choice)
{
	return walk && choice ? forward_to_backend_family(ctx, walk, choice, IPV6) : 0;
}

static __always_inline int nat_from_node_family(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct nat_target target = nat_target_of(family);
	struct nat_side to;
	struct nat_entry *entry = nat_find_forward(walk, family, &to);

	return nat_forward(ctx, walk, family, &target, entry, &to);
}

__noinline int nat_from_node_ipv4(ctx_t *ctx, struct walk *walk)
{
	return walk ? nat_from_node_family(ctx, walk, IPV4) : 0;
}

__noinline int nat_from_node_ipv6(ctx_t *ctx, struct walk *walk)
{
	return walk ? nat_from_node_family(ctx, walk, IPV6) : 0;
}

/* A packet for a service goes to the backend that was chosen, from this node. Returns 0 or a drop;
 * it is then to be routed.
 */
static __always_inline int forward_to_backend(ctx_t *ctx, struct walk *walk,
					      const struct service_choice *choice,
					      enum family family)
{
	int drop = family == IPV6 ? forward_to_backend_ipv6(ctx, walk, choice)
				  : forward_to_backend_ipv4(ctx, walk, choice);

	if (drop)
		return drop;
	return family == IPV6 ? nat_from_node_ipv6(ctx, walk) : nat_from_node_ipv4(ctx, walk);
}

/* What a packet that nat_reverse() has given its client back has to do with a service. */
static __always_inline struct ct_entry *find_forwarded(ctx_t *ctx, const struct walk *walk,
						       enum family family)
{
	const struct packet *packet = &walk->packet;
	struct packet quoted = {};
	union ct_key key = {};
	struct ct_entry *entry;

	if (packet->icmp_error) {
		if (parse_inner_packet(ctx, family, packet, &quoted) ||
		    quoted.fragment & FRAGMENT_LATER)
			return (void *)0;
		ct_key_forward(&key, family, &quoted, TUPLE_F_OUT);
		entry = ct_find(&key, family, quoted.protocol);
	} else {
		ct_key_reverse(&key, family, packet, TUPLE_F_OUT);
		entry = ct_find(&key, family, packet->protocol);
	}
	return entry && entry->node_port ? entry : (void *)0;
}

static __always_inline int find_client_family(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct ct_flow flow = {
		.entry = find_forwarded(ctx, walk, family),
		.status = CT_REPLY,
	};

	if (!flow.entry)
		return NAT_NONE;
	walk->trace_reason = walk->packet.icmp_error ? CT_RELATED : CT_REPLY;
	walk->reply_index = flow.entry->rev_nat_index;
	if (!walk->packet.icmp_error)
		ct_follow(ctx, walk, &flow, 1);
	return NAT_DONE;
}

__noinline int find_client_ipv4(ctx_t *ctx, struct walk *walk)
{
	return walk ? find_client_family(ctx, walk, IPV4) : 0;
}

__noinline int find_client_ipv6(ctx_t *ctx, struct walk *walk)
{
	return walk ? find_client_family(ctx, walk, IPV6) : 0;
}

/* What comes from a backend on another node, its client known again, goes on from the service; and
 * an ICMP error that was translated to be for such a backend, from this node. NAT_DONE: it is to be
 * routed. NAT_NONE: it is neither. Or a drop.
 */
static __always_inline int forward_to_client(ctx_t *ctx, struct walk *walk, enum family family)
{
	int found = family == IPV6 ? find_client_ipv6(ctx, walk) : find_client_ipv4(ctx, walk);
	int drop;

	if (found == NAT_DONE) {
		drop = translate_reply(ctx, walk, family);
		return drop ? drop : NAT_DONE;
	}
	if (!walk->packet.icmp_error)
		return NAT_NONE;
	found = family == IPV6 ? nat_forward_error_ipv6(ctx, walk)
			       : nat_forward_error_ipv4(ctx, walk);
	/* About what a backend sent that answers its clients by itself. */
	return found == NAT_NONE && dsr_dispatch ? NAT_DONE : found;
}

#endif
