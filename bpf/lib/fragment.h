/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_LIB_FRAGMENT_H
#define SKEP_LIB_FRAGMENT_H

#include "../maps/fragment.h"
#include "metrics.h"
#include "walk.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_FRAGMENT

static __always_inline int follow_fragment_of(const ctx_t *ctx, struct walk *walk)
{
	struct packet *packet = &walk->packet;
	struct ipv4_frag_l4ports ports = { .sport = packet->sport, .dport = packet->dport };
	struct ipv4_frag_l4ports *known;
	struct ipv4_frag_id id4 = {
		.daddr = packet->daddr.p1,
		.saddr = packet->saddr.p1,
		.id = packet->fragment_id,
		.proto = packet->protocol,
	};
	struct ipv6_frag_id id6 = {
		.id = packet->fragment_id,
		.proto = packet->protocol,
		.saddr = packet->saddr,
		.daddr = packet->daddr,
	};
	long err;

	if (!track_fragments)
		return DROP(DROP_FRAGMENT_UNSUPPORTED);

	METRIC(METRIC_FRAGMENT, walk->direction, packet_length(ctx));
	if (packet->fragment & FRAGMENT_LATER) {
		known = walk->family == IPV6 ? bpf_map_lookup_elem(&ipv6_frag_datagrams, &id6)
					     : bpf_map_lookup_elem(&ipv4_frag_datagrams, &id4);
		if (!known)
			return DROP(DROP_FRAGMENT_NOT_FOUND);
		packet->sport = known->sport;
		packet->dport = known->dport;
		return 0;
	}

	err = walk->family == IPV6
		      ? bpf_map_update_elem(&ipv6_frag_datagrams, &id6, &ports, BPF_ANY)
		      : bpf_map_update_elem(&ipv4_frag_datagrams, &id4, &ports, BPF_ANY);
	if (err)
		METRIC(METRIC_FRAGMENT_UPDATE_FAILED, walk->direction, packet_length(ctx));
	return 0;
}

/* The first fragment says the datagram's ports, the later ones get them. Returns 0 or a drop. */
__noinline int follow_fragment(ctx_t *ctx, struct walk *walk)
{
	return walk ? follow_fragment_of(ctx, walk) : 0;
}

/* Reads a packet to its addresses. *walk must be new. Returns 0 or a drop. */
static __always_inline int read_addresses(ctx_t *ctx, struct walk *walk,
					  enum family family)
{
	walk->family = family;
	walk->packet.l3_offset = ETH_HLEN;
	packet_pull(ctx, packet_headers(family));
	return parse_l3(ctx, family, &walk->packet);
}

/* Reads on to its ports, of a fragment too. Returns 0 or a drop. */
static __always_inline int read_ports(ctx_t *ctx, struct walk *walk, enum family family)
{
	int drop = parse_l4(ctx, family, &walk->packet, 0);

	if (!drop && walk->packet.fragment)
		drop = follow_fragment(ctx, walk);
	return drop;
}

#endif
