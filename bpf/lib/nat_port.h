/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ports for flows that are to leave with another source. */
#ifndef SKEP_LIB_NAT_PORT_H
#define SKEP_LIB_NAT_PORT_H

#include "metrics.h"
#include "nat_entry.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NAT

/* What flows become. */
struct nat_target {
	union v6addr address;
	__u16 min_port;		/* host byte order */
	__u16 max_port;
	__u8 needs_ct;		/* 1: nobody else has a conntrack entry of the flow */
	__u8 pad[3];
};

static __always_inline int is_echo(const struct packet *packet, enum family family)
{
	return family == IPV6 ? packet->protocol == IPPROTO_ICMPV6 : packet->protocol == IPPROTO_ICMP;
}

/* Of others the checksum covers all of the packet, or there is no port. */
static __always_inline int nat_has_ports(const struct packet *packet, enum family family)
{
	return packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP ||
	       is_echo(packet, family);
}

/* Whether a socket of the node would get what answers a port. It may be older than the datapath,
 * or listen.
 */
static __always_inline int nat_port_has_socket(ctx_t *ctx, enum family family,
					       const struct packet *packet,
					       const struct nat_side *to,
					       struct bpf_sock_tuple *tuple)
{
	struct bpf_sock *socket;
	__u32 size;

	if (family == IPV6) {
		__builtin_memcpy(tuple->ipv6.saddr, &packet->daddr, sizeof(tuple->ipv6.saddr));
		__builtin_memcpy(tuple->ipv6.daddr, &to->address, sizeof(tuple->ipv6.daddr));
		tuple->ipv6.sport = packet->dport;
		tuple->ipv6.dport = to->port;
		size = sizeof(tuple->ipv6);
	} else {
		tuple->ipv4.saddr = packet->daddr.p1;
		tuple->ipv4.daddr = to->address.p1;
		tuple->ipv4.sport = packet->dport;
		tuple->ipv4.dport = to->port;
		size = sizeof(tuple->ipv4);
	}
	if (packet->protocol == IPPROTO_TCP)
		socket = bpf_skc_lookup_tcp(ctx, tuple, size, BPF_F_CURRENT_NETNS, 0);
	else if (packet->protocol == IPPROTO_UDP)
		socket = bpf_sk_lookup_udp(ctx, tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		return 0;
	if (!socket)
		return 0;
	bpf_sk_release(socket);
	return 1;
}

/* How many ports were tried in vain: seen before there is none left. */
static __always_inline void nat_count_retries(const ctx_t *ctx, const struct walk *walk,
					      enum family family, __u32 retries)
{
	__u32 *count = family == IPV6 ? bpf_map_lookup_elem(&snat_v6_alloc_retries, &retries)
				      : bpf_map_lookup_elem(&snat_v4_alloc_retries, &retries);

	if (count)
		++*count;
	if (retries > NAT_RETRIES / 2)
		METRIC(METRIC_NAT_PORTS_SHORT, walk->direction, packet_length(ctx));
}

/* Any of so many. */
static __always_inline __u32 nat_random_port(__u32 first, __u32 count)
{
	return first + ((bpf_get_prandom_u32() & 0xffff) * count >> 16);
}

/* The port of a flow to a backend of IPv4 is nobody else's among those of IPv4, too: 0, or the
 * kernel's error.
 */
static __always_inline long nat_reserve_ipv4(const struct packet *packet,
					     const struct nat_side *to,
					     struct nat_scratch *scratch)
{
	union ct_key *key = &scratch->reserved;

	scratch->own.address.p1 = to->address.p4;
	scratch->own.port = to->port;
	key->v4.daddr = to->address.p4;
	key->v4.saddr = packet->daddr.p4;
	key->v4.dport = to->port;
	key->v4.sport = packet->dport;
	key->v4.nexthdr = packet->protocol;
	key->v4.flags = TUPLE_F_IN;
	return nat_make(key, IPV4, &scratch->own, 0);
}

/* A port for a flow that has none, and its entries: first that of replies, which two flows may want.
 * The first choice is the port that it has, then any. Steps of one length, even of a random one,
 * would stay among the neighbours of a port that is taken, and they are often taken, too.
 */
static __always_inline int nat_create_family(ctx_t *ctx, struct walk *walk, enum family family,
					     const struct nat_target *target, struct nat_side *to)
{
	const struct packet *packet = &walk->packet;
	struct nat_side from = { .address = packet->saddr, .port = packet->sport };
	__u32 first = is_echo(packet, family) ? 0 : target->min_port;
	__u32 last = is_echo(packet, family) ? 0xffff : target->max_port;
	__u32 port = bpf_ntohs(packet->sport);
	__u32 count = last - first + 1;
	int has_ports = nat_has_ports(packet, family);
	struct nat_scratch *scratch = the_nat_scratch();
	union ct_key *key;
	__u32 retries;
	long err = 0;

	if (!scratch)
		return DROP(DROP_NAT_NO_MAPPING);
	key = &scratch->key;
	if (last < first || count > 0x10000)
		count = 1;
	if (has_ports && (port < first || port > last))
		port = nat_random_port(first, count);

	to->address = target->address;
	for (retries = 0; retries < NAT_RETRIES; retries++) {
		to->port = bpf_htons(port);
		if (target->needs_ct ||
		    !nat_port_has_socket(ctx, family, packet, to, &scratch->tuple)) {
			nat_key_reply(key, family, packet, to);
			err = nat_make(key, family, &from, target->needs_ct);
			if (!err && service_46x64 && family == IPV6 && is_mapped_ipv4(&to->address)) {
				err = nat_reserve_ipv4(packet, to, scratch);
				if (err)
					nat_delete(key, family);
			}
			if (!err)
				break;
		}
		if (!has_ports)
			break;
		/* Few enough to try them all: one after the other. */
		if (retries && count < NAT_RETRIES)
			port = port == last ? first : port + 1;
		else
			port = nat_random_port(first, count);
	}
	if (retries == NAT_RETRIES || err) {
		nat_count_retries(ctx, walk, family, NAT_RETRIES);
		walk->ext_error = err;
		return DROP(DROP_NAT_NO_MAPPING);
	}
	nat_count_retries(ctx, walk, family, retries);
	walk->trace_wanted = 1;

	nat_key_forward(key, family, packet);
	err = nat_make(key, family, to, target->needs_ct);
	if (!err)
		return 0;

	nat_key_reply(key, family, packet, to);
	nat_delete(key, family);
	/* Another CPU has the flow's next packet. */
	nat_key_forward(key, family, packet);
	if (err == -EEXIST && nat_find(key, family, to))
		return 0;
	walk->ext_error = err;
	return DROP(DROP_NAT_NO_MAPPING);
}

/* Global, as of guard_ipv4(). */
__noinline int nat_create_ipv4(ctx_t *ctx, struct walk *walk, const struct nat_target *target,
			       struct nat_side *to)
{
	return walk && target && to ? nat_create_family(ctx, walk, IPV4, target, to) : 0;
}

__noinline int nat_create_ipv6(ctx_t *ctx, struct walk *walk, const struct nat_target *target,
			       struct nat_side *to)
{
	return walk && target && to ? nat_create_family(ctx, walk, IPV6, target, to) : 0;
}

static __always_inline int nat_create(ctx_t *ctx, struct walk *walk, enum family family,
				      const struct nat_target *target, struct nat_side *to)
{
	return family == IPV6 ? nat_create_ipv6(ctx, walk, target, to)
			      : nat_create_ipv4(ctx, walk, target, to);
}

#endif
