/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_FRAGMENT_H
#define SKEP_MAPS_FRAGMENT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/fragment.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct ipv4_frag_id);
	__type(value, struct ipv4_frag_l4ports);
} ipv4_frag_datagrams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct ipv6_frag_id);
	__type(value, struct ipv6_frag_l4ports);
} ipv6_frag_datagrams SEC(".maps");

#endif
