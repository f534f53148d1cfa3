/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Flows that are known: what was found out of one packet counts for those of the same second. So
 * conntrack, translations, routes and neighbours are looked at once a second, and what opens or
 * closes a connection is always looked at in full.
 */
#ifndef SKEP_LIB_SHORTCUT_H
#define SKEP_LIB_SHORTCUT_H

#include "../include/checksum.h"
#include "../maps/config.h"
#include "../maps/shortcut.h"
#include "conntrack.h"
#include "metrics.h"
#include "nat_entry.h"
#include "shortcut_key.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_SHORTCUT

union shortcut_key {
	struct shortcut_key4 v4;
	struct shortcut_key6 v6;
};

static __always_inline void *shortcut_at(enum family family, __u32 hash)
{
	__u32 slot = hash & (SHORTCUT_PAIRS - 1);

	return family == IPV6 ? bpf_map_lookup_elem(&shortcuts6, &slot)
			      : bpf_map_lookup_elem(&shortcuts4, &slot);
}

static __always_inline int shortcut_counts(const struct xdp_md *ctx,
					   const struct shortcut_way *way)
{
	return way->second == clock_seconds() && way->revision == service_revision() &&
	       ctx->data_end - ctx->data <= ETH_HLEN + (__u32)way->mtu;
}

/* What is common to both families, behind the IP header: ports, their checksum, Ethernet. */
static __always_inline int shortcut_take(struct xdp_md *ctx, struct ethhdr *eth, __be16 *ports,
					 __be16 *check, __u8 protocol, struct shortcut_way *way)
{
	__u32 length = ctx->data_end - ctx->data;
	__be16 sum = checksum_add(*check, way->l4_difference);

	/* Of UDP there may be none. */
	if (protocol == IPPROTO_UDP)
		sum = !*check ? 0 : sum ? sum : 0xffff;
	*check = sum;
	ports[0] = way->sport;
	ports[1] = way->dport;
	__builtin_memcpy(eth->h_dest, way->to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way->from, ETH_ALEN);
	way->packets++;
	way->bytes += length;
	METRIC_FORWARD(FORWARD_BY_XDP, METRIC_EGRESS, length);
	return way->ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(way->ifindex, 0);
}

/* The checksum of an L4 header that is there and says no more than that its flow goes on, or NULL. */
static __always_inline __be16 *shortcut_checksum(void *l4, void *end, __u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return l4 + sizeof(struct tcphdr) > end ||
				       ((__u8 *)l4)[13] & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST)
			       ? (void *)0
			       : l4 + 16;
	return protocol != IPPROTO_UDP || l4 + 8 > end ? (void *)0 : l4 + 6;
}

static __always_inline int shortcut_ipv4(struct xdp_md *ctx, struct ethhdr *eth, void *end)
{
	struct iphdr *ip = (void *)(eth + 1);
	__be16 *ports = (void *)(ip + 1), *check;
	struct shortcut_pair4 *pair;
	struct shortcut_key4 key;
	struct shortcut4 *known;

	if ((void *)(ip + 1) > end || *(__u8 *)ip != 0x45 ||
	    ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK) || ip->ttl <= 1)
		return -1;
	check = shortcut_checksum(ports, end, ip->protocol);
	if (!check)
		return -1;
	key = (struct shortcut_key4){ ip->saddr, ip->daddr, ports[0], ports[1], ip->protocol };
	pair = shortcut_at(IPV4, shortcut_hash4(&key));
	if (!pair)
		return -1;
	known = &pair->flows[0];
	if (!shortcut_equal4(&known->key, &key)) {
		known = &pair->flows[1];
		if (!shortcut_equal4(&known->key, &key))
			return -1;
	}
	if (!shortcut_counts(ctx, &known->way))
		return -1;
	ip->saddr = known->saddr;
	ip->daddr = known->daddr;
	ip->ttl--;
	ip->check = checksum_add(ip->check, known->way.ip_difference);
	return shortcut_take(ctx, eth, ports, check, key.protocol, &known->way);
}

static __always_inline int shortcut_ipv6(struct xdp_md *ctx, struct ethhdr *eth, void *end)
{
	struct ipv6hdr *ip = (void *)(eth + 1);
	__be16 *ports = (void *)(ip + 1), *check;
	struct shortcut_pair6 *pair;
	struct shortcut_key6 key;
	struct shortcut6 *known;

	if ((void *)(ip + 1) > end || ip->version != 6 || ip->hop_limit <= 1)
		return -1;
	check = shortcut_checksum(ports, end, ip->nexthdr);
	if (!check)
		return -1;
	__builtin_memcpy(&key.saddr, &ip->saddr, 2 * sizeof(key.saddr));
	key.sport = ports[0];
	key.dport = ports[1];
	key.protocol = ip->nexthdr;
	pair = shortcut_at(IPV6, shortcut_hash6(&key));
	if (!pair)
		return -1;
	known = &pair->flows[0];
	if (!shortcut_equal6(&known->key, &key)) {
		known = &pair->flows[1];
		if (!shortcut_equal6(&known->key, &key))
			return -1;
	}
	if (!shortcut_counts(ctx, &known->way))
		return -1;
	__builtin_memcpy(&ip->saddr, &known->saddr, 2 * sizeof(known->saddr));
	ip->hop_limit--;
	return shortcut_take(ctx, eth, ports, check, key.protocol, &known->way);
}

/* The verdict on a frame of a known flow, or -1: it is to be looked at in full. */
static __always_inline int take_shortcut(struct xdp_md *ctx)
{
	struct ethhdr *eth = packet_data(ctx);
	void *end = packet_end(ctx);

	if ((void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return shortcut_ipv4(ctx, eth, end);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return shortcut_ipv6(ctx, eth, end);
	return -1;
}

/* Tells conntrack what went by the shortcut. Its flow is that of the client to the backend. */
static __always_inline void shortcut_settle(enum family family, const union v6addr *saddr,
					    const union v6addr *daddr, __be16 sport, __be16 dport,
					    __u8 protocol, struct shortcut_way *way)
{
	struct ct_entry *entry;
	union ct_key key = {};

	if (!ct_accounting || !way->packets)
		return;
	ct_key_make(&key, family, saddr, daddr, sport, dport, protocol, TUPLE_F_OUT);
	entry = ct_find(&key, family, protocol);
	if (entry) {
		__sync_fetch_and_add(&entry->packets, way->packets);
		__sync_fetch_and_add(&entry->bytes, way->bytes);
	}
	way->packets = 0;
	way->bytes = 0;
}

static __always_inline void shortcut_settle4(struct shortcut4 *known)
{
	union v6addr client = { .p1 = known->way.reply ? known->daddr : known->key.saddr };
	union v6addr backend = { .p1 = known->way.reply ? known->key.saddr : known->daddr };
	__be16 sport = known->way.reply ? known->way.dport : known->key.sport;
	__be16 dport = known->way.reply ? known->key.sport : known->way.dport;

	shortcut_settle(IPV4, &client, &backend, sport, dport, known->key.protocol, &known->way);
}

static __always_inline void shortcut_settle6(struct shortcut6 *known)
{
	int reply = known->way.reply;
	__be16 sport = reply ? known->way.dport : known->key.sport;
	__be16 dport = reply ? known->key.sport : known->way.dport;

	shortcut_settle(IPV6, reply ? &known->daddr : &known->key.saddr,
			reply ? &known->key.saddr : &known->daddr, sport, dport,
			known->key.protocol, &known->way);
}

static __always_inline void shortcut_differences(struct shortcut_way *way,
						 const struct packet_ends *from,
						 const struct packet *to, enum family family)
{
	__u64 ip, l4;

	if (family == IPV6) {
		ip = (__u64)checksum_difference16(&from->saddr.p1, &to->saddr.p1) +
		     checksum_difference16(&from->daddr.p1, &to->daddr.p1);
	} else {
		ip = (__u64)checksum_difference(from->saddr.p1, to->saddr.p1) +
		     checksum_difference(from->daddr.p1, to->daddr.p1);
	}
	l4 = ip + checksum_difference(from->sport, to->sport) +
	     checksum_difference(from->dport, to->dport);
	/* One hop less. */
	way->ip_difference = ~checksum_fold(ip + bpf_htons(0xfeff));
	way->l4_difference = ~checksum_fold(l4);
}

/* Remembers what became of a packet that was `from` and is walk->packet now. */
static __noinline int make_shortcut(const struct walk *walk, const struct packet_ends *from,
				    const struct shortcut_way *way, enum family family)
{
	const struct packet *to = &walk->packet;

	if (!from || (to->protocol != IPPROTO_TCP && to->protocol != IPPROTO_UDP))
		return 0;
	if (family == IPV6) {
		struct shortcut_key6 key = {
			from->saddr, from->daddr, from->sport, from->dport, to->protocol,
		};
		struct shortcut_pair6 *pair = shortcut_at(IPV6, shortcut_hash6(&key));
		struct shortcut6 *place;

		if (!pair)
			return 0;
		place = &pair->flows[0];
		if (!shortcut_equal6(&place->key, &key)) {
			shortcut_settle6(&pair->flows[1]);
			pair->flows[1] = *place;
		} else {
			shortcut_settle6(place);
		}
		place->key = key;
		place->way = *way;
		place->saddr = to->saddr;
		place->daddr = to->daddr;
		shortcut_differences(&place->way, from, to, IPV6);
	} else {
		struct shortcut_key4 key = {
			from->saddr.p1, from->daddr.p1, from->sport, from->dport, to->protocol,
		};
		struct shortcut_pair4 *pair = shortcut_at(IPV4, shortcut_hash4(&key));
		struct shortcut4 *place;

		if (!pair)
			return 0;
		place = &pair->flows[0];
		if (!shortcut_equal4(&place->key, &key)) {
			shortcut_settle4(&pair->flows[1]);
			pair->flows[1] = *place;
		} else {
			shortcut_settle4(place);
		}
		place->key = key;
		place->way = *way;
		place->saddr = to->saddr.p1;
		place->daddr = to->daddr.p1;
		shortcut_differences(&place->way, from, to, IPV4);
	}
	return 0;
}

#endif
