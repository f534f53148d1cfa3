/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Source NAT: packets leave with another source, and what answers them finds back. */
#ifndef SKEP_LIB_NAT_H
#define SKEP_LIB_NAT_H

#include "nat_error.h"
#include "nat_port.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NAT

/* Follows a flow of the node's own as conntrack does those of endpoints. */
static __always_inline int nat_follow(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct ct_flow flow = { .status = CT_NEW };

	ct_lookup(ctx, walk, family, POLICY_EGRESS, 0, &flow);
	return flow.status == CT_NEW ? ct_create(ctx, walk, family, POLICY_EGRESS, 0) : 0;
}

__noinline int nat_follow_ipv4(ctx_t *ctx, struct walk *walk)
{
	return walk ? nat_follow(ctx, walk, IPV4) : 0;
}

__noinline int nat_follow_ipv6(ctx_t *ctx, struct walk *walk)
{
	return walk ? nat_follow(ctx, walk, IPV6) : 0;
}

/* Entries leave by themselves when the map is full, each for itself: what is left of a flow gets
 * its other half back, unless another flow has taken its port or the address is the node's no more.
 * Returns NAT_DONE with the flow's entries as they are to be, or NAT_NONE where it has none.
 */
static __always_inline int nat_mend_family(const struct walk *walk, enum family family,
					   const struct nat_target *target, struct nat_side *to)
{
	const struct packet *packet = &walk->packet;
	struct nat_side from = { .address = packet->saddr, .port = packet->sport };
	struct nat_entry *forward, *reply;
	union ct_key key = {};
	struct nat_side back;

	nat_key_forward(&key, family, packet);
	forward = nat_find(&key, family, to);
	if (forward) {
		forward->checked = clock_seconds();
		nat_key_reply(&key, family, packet, to);
		reply = nat_find(&key, family, &back);
		if (address_equal(&to->address, &target->address)) {
			if (reply && nat_side_equal(&back, &from.address, from.port))
				return NAT_DONE;
			if (!reply && !nat_make(&key, family, &from, target->needs_ct))
				return NAT_DONE;
		} else if (reply && nat_side_equal(&back, &from.address, from.port)) {
			nat_delete(&key, family);
		}
		nat_key_forward(&key, family, packet);
		nat_delete(&key, family);
	}
	return NAT_NONE;
}

__noinline int nat_mend_ipv4(const struct walk *walk, const struct nat_target *target,
			     struct nat_side *to)
{
	return walk && target && to ? nat_mend_family(walk, IPV4, target, to) : 0;
}

__noinline int nat_mend_ipv6(const struct walk *walk, const struct nat_target *target,
			     struct nat_side *to)
{
	return walk && target && to ? nat_mend_family(walk, IPV6, target, to) : 0;
}

/* Once a second, and when a connection opens or closes. */
static __always_inline int nat_is_due(const struct nat_entry *entry, const struct packet *packet,
				      const struct nat_target *target)
{
	return entry->checked != clock_seconds() ||
	       (target->needs_ct &&
		packet->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST));
}

/* The flow's entry, where it has one. */
static __always_inline struct nat_entry *nat_find_forward(const struct walk *walk,
							  enum family family,
							  struct nat_side *to)
{
	union ct_key key = {};

	nat_key_forward(&key, family, &walk->packet);
	return nat_find(&key, family, to);
}

/* The source that the target says and a port of its flow's own, for a packet. `entry` and *to are what
 * nat_find_forward() found. Returns 0, and *to says it, or a drop.
 */
static __always_inline int nat_translate(ctx_t *ctx, struct walk *walk, enum family family,
					 const struct nat_target *target,
					 struct nat_entry *entry, struct nat_side *to)
{
	int mended = NAT_NONE;
	int drop;

	if (entry && address_equal(&to->address, &target->address) &&
	    !nat_is_due(entry, &walk->packet, target))
		return 0;
	if (entry)
		mended = family == IPV6 ? nat_mend_ipv6(walk, target, to)
					: nat_mend_ipv4(walk, target, to);
	drop = mended == NAT_DONE ? 0 : nat_create(ctx, walk, family, target, to);
	/* Where the node has a policy its flows are followed already. */
	if (!drop && target->needs_ct && !host_firewall)
		drop = family == IPV6 ? nat_follow_ipv6(ctx, walk) : nat_follow_ipv4(ctx, walk);
	return drop;
}

/* Gives it to the packet. Returns 0 or a drop. */
static __always_inline int nat_forward(ctx_t *ctx, struct walk *walk, enum family family,
				       const struct nat_target *target, struct nat_entry *entry,
				       struct nat_side *to)
{
	struct packet *packet = &walk->packet;
	int drop = nat_translate(ctx, walk, family, target, entry, to);

	if (drop)
		return drop;
	if (nat_side_equal(to, &packet->saddr, packet->sport))
		return 0;
	return rewrite(ctx, packet, family, &to->address, to->port, REWRITE_SOURCE);
}

/* The other half of a flow whose reply is here. */
static __always_inline void nat_mend_forward(const struct walk *walk, enum family family,
					     struct nat_entry *entry, const struct nat_side *from)
{
	const struct packet *packet = &walk->packet;
	struct nat_side to = { .address = packet->daddr, .port = packet->dport }, known;
	union ct_key key = {};

	entry->checked = clock_seconds();
	nat_key_make(&key, family, &from->address, &packet->saddr, from->port, packet->sport,
		     packet->protocol, TUPLE_F_OUT);
	if (!nat_find(&key, family, &known))
		nat_make(&key, family, &to, entry->needs_ct);
}

static __always_inline int nat_reverse_family(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct packet *packet = &walk->packet;
	struct nat_entry *entry;
	union ct_key key = {};
	struct nat_side from;
	int drop;

	nat_key_make(&key, family, &packet->saddr, &packet->daddr, packet->sport, packet->dport,
		     packet->protocol, TUPLE_F_IN);
	entry = nat_find(&key, family, &from);
	if (!entry)
		return NAT_NONE;
	if (entry->checked != clock_seconds())
		nat_mend_forward(walk, family, entry, &from);
	if (nat_side_equal(&from, &packet->daddr, packet->dport))
		return NAT_NONE;
	remember_original(walk);
	drop = rewrite(ctx, packet, family, &from.address, from.port, REWRITE_DESTINATION);
	return drop ? drop : NAT_DONE;
}

__noinline int nat_reverse_ipv4(ctx_t *ctx, struct walk *walk)
{
	if (!walk)
		return 0;
	return walk->packet.icmp_error ? nat_reverse_error(ctx, walk, IPV4)
				       : nat_reverse_family(ctx, walk, IPV4);
}

__noinline int nat_reverse_ipv6(ctx_t *ctx, struct walk *walk)
{
	if (!walk)
		return 0;
	return walk->packet.icmp_error ? nat_reverse_error(ctx, walk, IPV6)
				       : nat_reverse_family(ctx, walk, IPV6);
}

#endif
