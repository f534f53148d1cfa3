/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_POLICY_H
#define SKEP_MAPS_POLICY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/policy.h"

/* One per endpoint; pinned as policy_v2_ and the endpoint's id in five digits. */
struct policy_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG);
	__type(key, struct policy_key);
	__type(value, struct policy_entry);
};

/* By endpoint id. An empty slot is a policy without rules. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 65536);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__array(values, struct policy_map);
} policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_COMMON_LRU);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct policy_stats_key);
	__type(value, struct policy_stats_value);
} policystats SEC(".maps");

#endif
