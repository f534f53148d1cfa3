/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Endpoints in the world: behind the node's address. */
#ifndef SKEP_LIB_MASQUERADE_H
#define SKEP_LIB_MASQUERADE_H

#include "identity.h"
#include "nat.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_MASQUERADE

static __always_inline union v6addr nat_address(enum family family)
{
	if (family == IPV6)
		return (union v6addr){ {
			nat_ipv6[0], nat_ipv6[1], nat_ipv6[2], nat_ipv6[3],
		} };
	return (union v6addr){ .p1 = nat_ipv4 };
}

/* From the node. */
static __always_inline struct nat_target nat_target_of(enum family family)
{
	return (struct nat_target){
		.address = nat_address(family),
		.min_port = nat_port_min,
		.max_port = nat_port_max,
	};
}

/* Addresses that know those of endpoints. */
static __always_inline int is_native(const union v6addr *address, enum family family)
{
	if (family == IPV4)
		return native_routing_ipv4_mask &&
		       (address->p1 & native_routing_ipv4_mask) == native_routing_ipv4;
	return native_routing_ipv6_mask[0] &&
	       (address->p1 & native_routing_ipv6_mask[0]) == native_routing_ipv6[0] &&
	       (address->p2 & native_routing_ipv6_mask[1]) == native_routing_ipv6[1] &&
	       (address->p3 & native_routing_ipv6_mask[2]) == native_routing_ipv6[2] &&
	       (address->p4 & native_routing_ipv6_mask[3]) == native_routing_ipv6[3];
}

static __always_inline int is_excluded(const union v6addr *address, enum family family)
{
	if (family == IPV6) {
		struct lpm_v6_key key = { .lpm.prefixlen = 128 };

		__builtin_memcpy(key.addr, address, sizeof(key.addr));
		return !!bpf_map_lookup_elem(&ipmasq_v6, &key);
	} else {
		struct lpm_v4_key key = { .lpm.prefixlen = 32 };

		__builtin_memcpy(key.addr, address, sizeof(key.addr));
		return !!bpf_map_lookup_elem(&ipmasq_v4, &key);
	}
}

/* Whether somebody outside opened the flow, by the endpoint's own address. */
static __always_inline int is_answer(const struct walk *walk, enum family family)
{
	union ct_key key = {};

	ct_key_reverse(&key, family, &walk->packet, TUPLE_F_IN);
	return !!ct_find(&key, family, walk->packet.protocol);
}

/* Whether a flow that has no translation is to have one. */
static __always_inline int wants_masquerade(const struct walk *walk, enum family family)
{
	const struct packet *packet = &walk->packet;
	struct endpoint_info *endpoint = find_endpoint(&packet->saddr, family);
	__u32 opt_out = family == IPV6 ? ENDPOINT_F_NO_SNAT_V6 : ENDPOINT_F_NO_SNAT_V4;

	if (!endpoint || endpoint->flags & (ENDPOINT_F_HOST | opt_out))
		return 0;
	if (is_native(&packet->daddr, family) || is_excluded(&packet->daddr, family))
		return 0;
	if (!masquerade_remote_nodes &&
	    identity_of(&packet->daddr, family) == IDENTITY_REMOTE_NODE)
		return 0;
	return !is_answer(walk, family);
}

__noinline int wants_masquerade_ipv4(const struct walk *walk)
{
	return walk ? wants_masquerade(walk, IPV4) : 0;
}

__noinline int wants_masquerade_ipv6(const struct walk *walk)
{
	return walk ? wants_masquerade(walk, IPV6) : 0;
}

/* Messages of ICMP that are no flows of the endpoint's. */
static __always_inline int icmp_passes(const ctx_t *ctx, const struct packet *packet,
				       enum family family)
{
	if (family == IPV6)
		return packet->icmp_type == ICMPV6_ECHO_REPLY || is_neighbour_message(ctx, packet);
	return packet->icmp_type == ICMP_ECHO_REPLY || packet->icmp_type == ICMP_REDIRECT;
}

static __always_inline int is_echo_request(const struct packet *packet, enum family family)
{
	return packet->icmp_type == (family == IPV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST);
}

/* Whether a port of the node may be one that flows get. Of SCTP all are. */
static __always_inline int may_be_translated(const struct packet *packet, enum family family,
					     __be16 port)
{
	__u16 number = bpf_ntohs(port);

	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return number >= nat_port_min && number <= nat_port_max;
	case IPPROTO_SCTP:
		return 1;
	}
	return is_echo(packet, family);
}

/* What leaves by a device of the node, *walk read to its addresses: NAT_DONE, NAT_NONE, or a
 * drop.
 */
static __always_inline int masquerade(ctx_t *ctx, struct walk *walk, enum family family, int drop)
{
	struct packet *packet = &walk->packet;
	struct nat_target target = nat_target_of(family);
	struct nat_entry *entry;
	struct nat_side to;
	int own;

	if (packet->icmp_error)
		return family == IPV6 ? nat_forward_error_ipv6(ctx, walk)
				      : nat_forward_error_ipv4(ctx, walk);

	own = address_equal(&packet->saddr, &target.address);
	if (own) {
		if (drop || !may_be_translated(packet, family, packet->sport))
			return NAT_NONE;
		if (is_echo(packet, family) && !is_echo_request(packet, family))
			return NAT_NONE;
		target.needs_ct = 1;
		entry = nat_find_forward(walk, family, &to);
	} else {
		entry = drop ? (void *)0 : nat_find_forward(walk, family, &to);
		if (!entry) {
			if (!(family == IPV6 ? wants_masquerade_ipv6(walk)
					     : wants_masquerade_ipv4(walk)))
				return NAT_NONE;
			if (drop)
				return drop_reason(drop) == DROP_UNKNOWN_L4_PROTOCOL
					       ? DROP(DROP_NAT_UNSUPPORTED_PROTOCOL)
					       : drop;
			if (is_echo(packet, family) && !is_echo_request(packet, family))
				return icmp_passes(ctx, packet, family)
					       ? NAT_NONE
					       : DROP(DROP_NAT_UNSUPPORTED_PROTOCOL);
		}
	}

	drop = nat_forward(ctx, walk, family, &target, entry, &to);
	return drop ? drop : NAT_DONE;
}

/* Whether a packet that comes by a device may answer what left with the node's address. */
static __always_inline int may_answer_nat(const struct walk *walk, enum family family)
{
	union v6addr address = nat_address(family);

	return (masquerades(family) || service_nodeport) && address.p1 &&
	       address_equal(&walk->packet.daddr, &address);
}

static __always_inline int unmasquerade(ctx_t *ctx, struct walk *walk, enum family family)
{
	const struct packet *packet = &walk->packet;

	if (!packet->icmp_error && !may_be_translated(packet, family, packet->dport))
		return NAT_NONE;
	return family == IPV6 ? nat_reverse_ipv6(ctx, walk) : nat_reverse_ipv4(ctx, walk);
}

#endif
