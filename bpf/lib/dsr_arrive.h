/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct server return, the backend's node: what a packet carries is taken off and kept for the
 * replies.
 */
#ifndef SKEP_LIB_DSR_ARRIVE_H
#define SKEP_LIB_DSR_ARRIVE_H

#include "dsr_option.h"
#include "identity.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DSR_ARRIVE

/* Whether replies may come from there: a service that is known here and open to the network, or
 * an address of another node, whose ports only that node knows. Others could have an endpoint speak
 * for anybody.
 */
static __always_inline int is_frontend(const struct nat_side *side, __u8 protocol,
				       enum family family)
{
	const struct lb4_service *service;
	union service_key key = {};

	if (identity_of(&side->address, family) == IDENTITY_REMOTE_NODE)
		return 1;
	if (family == IPV6)
		key.v6.address = side->address;
	else
		key.v4.address = side->address.p1;
	service_key_field(&key, family, dport) = side->port;
	service_key_field(&key, family, proto) = protocol;
	service = service_lookup(&key, family);
	if (!service && service_any_protocol) {
		service_key_field(&key, family, proto) = 0;
		service = service_lookup(&key, family);
	}
	return service && service->flags & SERVICE_F_ROUTABLE;
}

/* Keeps what replies to this packet come from. Returns 0 or a drop. */
static __always_inline int keep_frontend(struct walk *walk, enum family family,
					 const struct nat_side *frontend)
{
	const struct packet *packet = &walk->packet;
	struct nat_entry *entry;
	struct nat_side known;
	union ct_key key = {};
	long err;

	nat_key_make(&key, family, &packet->daddr, &packet->saddr, packet->dport, packet->sport,
		     packet->protocol, TUPLE_F_OUT);
	entry = nat_find(&key, family, &known);
	if (entry && nat_side_equal(&known, &frontend->address, frontend->port))
		return 0;
	if (!is_frontend(frontend, packet->protocol, family))
		return DROP(DROP_NO_SERVICE);
	if (entry)
		nat_delete(&key, family);
	err = nat_make(&key, family, frontend, 0);
	/* Another CPU has the flow's next packet. */
	if (!err || err == -EEXIST)
		return 0;
	walk->ext_error = err;
	return DROP(DROP_NAT_NO_MAPPING);
}

/* Who sent the packet knows it as one to its frontend. */
static __always_inline void remember_asked(struct walk *walk, const struct nat_side *frontend)
{
	struct packet_ends *original = find_original();

	remember_original(walk);
	if (!original)
		return;
	original->daddr = frontend->address;
	original->dport = frontend->port;
}

static __always_inline int take_frontend_family(struct __sk_buff *ctx, struct walk *walk,
						enum family family)
{
	struct nat_side frontend;
	int drop;

	if (!read_option(ctx, &walk->packet, family, &frontend) ||
	    !find_endpoint(&walk->packet.daddr, family))
		return 0;
	drop = take_option(ctx, &walk->packet, family);
	if (!drop)
		drop = keep_frontend(walk, family, &frontend);
	if (drop)
		return drop;
	walk->dsr = 1;
	remember_asked(walk, &frontend);
	return 0;
}

__noinline int take_frontend_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? take_frontend_family(ctx, walk, IPV4) : 0;
}

__noinline int take_frontend_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? take_frontend_family(ctx, walk, IPV6) : 0;
}

/* Takes off what a packet for a backend of this node carries, and sets walk->dsr. Its ports were
 * read. Returns 0 or a drop.
 */
static __always_inline int take_frontend(struct __sk_buff *ctx, struct walk *walk,
					 enum family family)
{
	if (dsr_dispatch != DSR_OPTION || !is_service_protocol(walk->packet.protocol))
		return 0;
	return family == IPV6 ? take_frontend_ipv6(ctx, walk) : take_frontend_ipv4(ctx, walk);
}

#endif
