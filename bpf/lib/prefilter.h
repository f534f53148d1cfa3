/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sources that are denied before anything else looks at their frames. */
#ifndef SKEP_LIB_PREFILTER_H
#define SKEP_LIB_PREFILTER_H

#include "../maps/config.h"
#include "../maps/prefilter.h"
#include "packet.h"

static __always_inline int prefilter_has4(__u32 generation, __u8 lists, __be32 address)
{
	struct lpm_v4_key key = { .lpm.prefixlen = 32 };
	void *list;

	__builtin_memcpy(key.addr, &address, sizeof(address));
	if (lists & PREFILTER_V4_FIX) {
		list = bpf_map_lookup_elem(&prefilter_v4_fix, &generation);
		if (list && bpf_map_lookup_elem(list, &key))
			return 1;
	}
	if (lists & PREFILTER_V4_DYN) {
		list = bpf_map_lookup_elem(&prefilter_v4_dyn, &generation);
		if (list && bpf_map_lookup_elem(list, &key))
			return 1;
	}
	return 0;
}

static __always_inline int prefilter_has6(__u32 generation, __u8 lists, const void *address)
{
	struct lpm_v6_key key = { .lpm.prefixlen = 128 };
	void *list;

	__builtin_memcpy(key.addr, address, sizeof(key.addr));
	if (lists & PREFILTER_V6_FIX) {
		list = bpf_map_lookup_elem(&prefilter_v6_fix, &generation);
		if (list && bpf_map_lookup_elem(list, &key))
			return 1;
	}
	if (lists & PREFILTER_V6_DYN) {
		list = bpf_map_lookup_elem(&prefilter_v6_dyn, &generation);
		if (list && bpf_map_lookup_elem(list, &key))
			return 1;
	}
	return 0;
}

/* Whether a frame's source is denied. What is neither IP nor long enough for an IP header is for
 * those behind to judge, and so are frames of a VLAN, which are no business of this device.
 */
static __always_inline int prefilter_denies(const ctx_t *ctx)
{
	__u32 index = RUNTIME_CONFIG_PREFILTER;
	const __u8 *config = bpf_map_lookup_elem(&runtime_config, &index);
	struct ethhdr *eth = packet_data(ctx);
	void *end = packet_end(ctx);
	__u8 state;

	if (!config || (void *)(eth + 1) > end)
		return 0;
	state = *(const volatile __u8 *)config;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		return state & (PREFILTER_V4_FIX | PREFILTER_V4_DYN) && (void *)(ip + 1) <= end &&
		       prefilter_has4(state & PREFILTER_GENERATION, state, ip->saddr);
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		return state & (PREFILTER_V6_FIX | PREFILTER_V6_DYN) && (void *)(ip + 1) <= end &&
		       prefilter_has6(state & PREFILTER_GENERATION, state, &ip->saddr);
	}
	return 0;
}

#endif
