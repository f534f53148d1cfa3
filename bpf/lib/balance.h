/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets for services are sent to their backends, and the replies come from the services. */
#ifndef SKEP_LIB_BALANCE_H
#define SKEP_LIB_BALANCE_H

#include "metrics.h"
#include "rewrite.h"
#include "service.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_BALANCE

static __always_inline union v6addr loopback_address(enum family family)
{
	if (family == IPV4)
		return (union v6addr){ .p1 = service_loopback_ipv4 };
	return (union v6addr){ {
		service_loopback_ipv6[0], service_loopback_ipv6[1], service_loopback_ipv6[2],
		service_loopback_ipv6[3],
	} };
}

static __always_inline int translate_to_backend_family(ctx_t *ctx, struct walk *walk,
						       const struct service_choice *choice,
						       enum family family)
{
	union v6addr loopback = loopback_address(family);
	int drop;

	remember_original(walk);
	walk->rev_nat_index = choice->service.rev_nat_index;
	/* It would not take a packet from itself. */
	if (loopback.p1 && address_equal(&choice->address, &walk->packet.saddr)) {
		walk->lb_loopback = 1;
		drop = rewrite(ctx, &walk->packet, family, &loopback, walk->packet.sport,
			       REWRITE_SOURCE);
		if (drop)
			return drop;
	}
	return rewrite(ctx, &walk->packet, family, &choice->address, choice->port,
		       REWRITE_DESTINATION);
}

__noinline int translate_to_backend_ipv4(ctx_t *ctx, struct walk *walk,
					 const struct service_choice *choice)
{
	return walk && choice ? translate_to_backend_family(ctx, walk, choice, IPV4) : 0;
}

__noinline int translate_to_backend_ipv6(ctx_t *ctx, struct walk *walk,
					 const struct service_choice *choice)
{
	return walk && choice ? translate_to_backend_family(ctx, walk, choice, IPV6) : 0;
}

/* Sends the packet to the backend that was chosen. Returns 0 or a drop. */
static __always_inline int translate_to_backend(ctx_t *ctx, struct walk *walk,
						const struct service_choice *choice,
						enum family family)
{
	return family == IPV6 ? translate_to_backend_ipv6(ctx, walk, choice)
			      : translate_to_backend_ipv4(ctx, walk, choice);
}

static __always_inline int find_frontend(__u16 index, enum family family, union v6addr *address,
					 __be16 *port)
{
	if (family == IPV6) {
		struct lb6_reverse_nat *frontend = bpf_map_lookup_elem(&lb6_reverse_nat, &index);

		if (!frontend)
			return 0;
		__builtin_memcpy(address, &frontend->address, sizeof(*address));
		*port = frontend->port;
	} else {
		struct lb4_reverse_nat *frontend = bpf_map_lookup_elem(&lb4_reverse_nat, &index);

		if (!frontend)
			return 0;
		*address = (union v6addr){ .p1 = frontend->address };
		*port = frontend->port;
	}
	return 1;
}

/* An error about a packet to the backend becomes one about the packet to the service. */
static __always_inline int translate_related(ctx_t *ctx, struct walk *walk,
					     const union v6addr *frontend, __be16 port,
					     enum family family)
{
	struct packet quoted = {};
	union v6addr client;
	int drop, of_backend;

	if (parse_inner_packet(ctx, family, &walk->packet, &quoted))
		return DROP(DROP_INVALID_PACKET);
	of_backend = address_equal(&quoted.daddr, &walk->packet.saddr);
	client = walk->lb_loopback ? quoted.daddr : quoted.saddr;
	drop = rewrite_quoted(ctx, &quoted, family, frontend, port, REWRITE_DESTINATION);
	if (!drop && walk->lb_loopback) {
		drop = rewrite_quoted(ctx, &quoted, family, &client, quoted.sport, REWRITE_SOURCE);
		if (!drop)
			drop = rewrite(ctx, &walk->packet, family, &client, 0,
				       REWRITE_DESTINATION);
	}
	if (!drop && of_backend)
		drop = rewrite(ctx, &walk->packet, family, frontend, 0, REWRITE_SOURCE);
	return drop;
}

static __always_inline int translate_reply_family(ctx_t *ctx, struct walk *walk,
						  enum family family)
{
	union v6addr frontend, client;
	__be16 port;
	int drop;

	/* What was a service's goes on as it is. */
	if (!find_frontend(walk->reply_index, family, &frontend, &port))
		return 0;
	remember_original(walk);
	if (walk->packet.icmp_error)
		return translate_related(ctx, walk, &frontend, port, family);
	if (walk->lb_loopback) {
		client = walk->packet.saddr;
		drop = rewrite(ctx, &walk->packet, family, &client, walk->packet.dport,
			       REWRITE_DESTINATION);
		if (drop)
			return drop;
	}
	return rewrite(ctx, &walk->packet, family, &frontend, port, REWRITE_SOURCE);
}

__noinline int translate_reply_ipv4(ctx_t *ctx, struct walk *walk)
{
	return walk ? translate_reply_family(ctx, walk, IPV4) : 0;
}

__noinline int translate_reply_ipv6(ctx_t *ctx, struct walk *walk)
{
	return walk ? translate_reply_family(ctx, walk, IPV6) : 0;
}

/* After guard(): a reply to a service's client comes from the service. Returns 0 or a drop. */
static __always_inline int translate_reply(ctx_t *ctx, struct walk *walk, enum family family)
{
	int drop;

	if (!service_translates() || !walk->reply_index)
		return 0;
	drop = family == IPV6 ? translate_reply_ipv6(ctx, walk) : translate_reply_ipv4(ctx, walk);
	walk->reply_index = 0;
	return drop;
}

/* The other direction's: of the flow as its client opened it, where a reply is quoted. */
static __always_inline void turn_packet(struct packet *packet)
{
	union v6addr saddr = packet->saddr;
	__be16 sport = packet->sport;

	packet->saddr = packet->daddr;
	packet->daddr = saddr;
	packet->sport = packet->dport;
	packet->dport = sport;
}

/* The service that sent what an ICMP error quotes, and the backend of the flow, or NULL. */
static __always_inline struct service_choice *
find_quoted_service(ctx_t *ctx, struct walk *walk, enum family family, enum service_side side)
{
	struct service_choice *choice = the_choice();
	struct packet *quoted;
	union ct_key key = {};
	struct ct_entry *entry;

	if (!choice)
		return choice;
	quoted = &choice->quoted;
	__builtin_memset(quoted, 0, sizeof(*quoted));
	if (parse_inner_packet(ctx, family, &walk->packet, quoted) ||
	    quoted->fragment & FRAGMENT_LATER)
		return (void *)0;
	turn_packet(quoted);
	choice = find_service(quoted, family, side);
	if (!choice)
		return choice;
	ct_key_forward(&key, family, quoted, TUPLE_F_SERVICE);
	entry = ct_find(&key, family, quoted->protocol);
	if (!entry || entry->rev_nat_index != choice->service.rev_nat_index ||
	    !take_backend(choice, entry->backend_id, family, 0))
		return (void *)0;
	turn_packet(quoted);
	return choice;
}

static __always_inline int translate_error_family(ctx_t *ctx, struct walk *walk,
						  enum family family, enum service_side side)
{
	struct service_choice *choice = find_quoted_service(ctx, walk, family, side);
	union v6addr loopback = loopback_address(family);
	struct packet *quoted;
	int drop;

	if (!choice || choice->service.flags2 & SERVICE_F2_NAT_46X64)
		return 0;
	quoted = &choice->quoted;
	remember_original(walk);
	if (loopback.p1 && address_equal(&choice->address, &walk->packet.saddr)) {
		walk->lb_loopback = 1;
		drop = rewrite_quoted(ctx, quoted, family, &loopback, quoted->dport,
				      REWRITE_DESTINATION);
		if (!drop)
			drop = rewrite(ctx, &walk->packet, family, &loopback, 0, REWRITE_SOURCE);
		if (drop)
			return drop;
	}
	drop = rewrite_quoted(ctx, quoted, family, &choice->address, choice->port,
			      REWRITE_SOURCE);
	if (drop)
		return drop;
	return rewrite(ctx, &walk->packet, family, &choice->address, 0, REWRITE_DESTINATION);
}

__noinline int translate_error_ipv4(ctx_t *ctx, struct walk *walk, __u32 side)
{
	return walk ? translate_error_family(ctx, walk, IPV4, side) : 0;
}

__noinline int translate_error_ipv6(ctx_t *ctx, struct walk *walk, __u32 side)
{
	return walk ? translate_error_family(ctx, walk, IPV6, side) : 0;
}

/* An ICMP error about what a service sent becomes one about what its backend sent, to the
 * backend; others stay as they are. Returns 0 or a drop.
 */
static __always_inline int translate_error(ctx_t *ctx, struct walk *walk, enum family family,
					   enum service_side side)
{
	return family == IPV6 ? translate_error_ipv6(ctx, walk, side)
			      : translate_error_ipv4(ctx, walk, side);
}

#endif
