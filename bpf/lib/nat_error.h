/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ICMP errors about packets that were translated. */
#ifndef SKEP_LIB_NAT_ERROR_H
#define SKEP_LIB_NAT_ERROR_H

#include "nat_entry.h"
#include "rewrite.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NAT_ERROR

/* What functions of NAT return, beside drops. */
#define NAT_NONE	0	/* there is no translation: the packet is as it was */
#define NAT_DONE	1

/* Gives the packet that an ICMP error quotes back the source that it had, and the error its
 * destination.
 */
static __always_inline int nat_reverse_error(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct packet *packet = &walk->packet;
	struct packet quoted = {};
	union ct_key key = {};
	struct nat_side from;
	int drop;

	if (parse_inner_packet(ctx, family, packet, &quoted) || quoted.fragment & FRAGMENT_LATER)
		return NAT_NONE;
	nat_key_make(&key, family, &quoted.daddr, &quoted.saddr, quoted.dport, quoted.sport,
		     quoted.protocol, TUPLE_F_IN);
	if (!nat_find(&key, family, &from) ||
	    nat_side_equal(&from, &quoted.saddr, quoted.sport))
		return NAT_NONE;

	remember_original(walk);
	drop = rewrite_quoted(ctx, &quoted, family, &from.address, from.port, REWRITE_SOURCE);
	if (!drop)
		drop = rewrite(ctx, packet, family, &from.address, packet->dport,
			       REWRITE_DESTINATION);
	return drop ? drop : NAT_DONE;
}

/* The same for an error on its way out: about a reply, whose destination was not the one that its
 * sender knows.
 */
static __always_inline int nat_forward_error_family(ctx_t *ctx, struct walk *walk,
						    enum family family)
{
	struct packet *packet = &walk->packet;
	struct packet quoted = {};
	union ct_key key = {};
	struct nat_side to;
	int drop;

	if (parse_inner_packet(ctx, family, packet, &quoted) || quoted.fragment & FRAGMENT_LATER)
		return NAT_NONE;
	nat_key_make(&key, family, &quoted.daddr, &quoted.saddr, quoted.dport, quoted.sport,
		     quoted.protocol, TUPLE_F_OUT);
	if (!nat_find(&key, family, &to) || nat_side_equal(&to, &quoted.daddr, quoted.dport))
		return NAT_NONE;

	drop = rewrite_quoted(ctx, &quoted, family, &to.address, to.port, REWRITE_DESTINATION);
	if (!drop)
		drop = rewrite(ctx, packet, family, &to.address, packet->sport, REWRITE_SOURCE);
	return drop ? drop : NAT_DONE;
}

__noinline int nat_forward_error_ipv4(ctx_t *ctx, struct walk *walk)
{
	return walk ? nat_forward_error_family(ctx, walk, IPV4) : 0;
}

__noinline int nat_forward_error_ipv6(ctx_t *ctx, struct walk *walk)
{
	return walk ? nat_forward_error_family(ctx, walk, IPV6) : 0;
}

#endif
