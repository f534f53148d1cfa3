/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A packet's next hop. */
#ifndef SKEP_LIB_HOP_H
#define SKEP_LIB_HOP_H

#include "../types/endpoint.h"
#include "packet.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_HOP

/* One hop less, and the addresses of the next hop. Packets are written to directly. */
static __always_inline int forward_headers(ctx_t *ctx, enum family family,
					   const mac_t *from, const mac_t *to)
{
	struct ethhdr *eth = packet_data(ctx);
	void *end = packet_end(ctx);

	if (family == IPV6) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return DROP(DROP_INVALID_PACKET);
		ip->hop_limit--;
	} else {
		struct iphdr *ip = (void *)(eth + 1);
		__u32 check;

		if ((void *)(ip + 1) > end)
			return DROP(DROP_INVALID_PACKET);
		/* One less in the upper byte of its word is one more in the sum's. */
		check = ip->check + bpf_htons(0x0100);
		ip->check = check + (check >= 0xffff);
		ip->ttl--;
	}
	__builtin_memcpy(eth->h_dest, to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, from, ETH_ALEN);
	return 0;
}

/* 1: the packet has no hop left. */
static __always_inline int hops_exceeded(const ctx_t *ctx, enum family family)
{
	__u8 *hops = packet_data(ctx) + ETH_HLEN + (family == IPV6 ? 7 : 8);

	return (void *)(hops + 1) > packet_end(ctx) || *hops <= 1;
}

#endif
