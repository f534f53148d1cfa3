/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_NAT_H
#define SKEP_MAPS_NAT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/nat.h"

#define NAT_MAP(name, key_type, value_type)			\
	struct {						\
		__uint(type, BPF_MAP_TYPE_LRU_HASH);		\
		__uint(max_entries, 131072);			\
		__uint(pinning, LIBBPF_PIN_BY_NAME);		\
		__type(key, key_type);				\
		__type(value, value_type);			\
	} name SEC(".maps")

NAT_MAP(snat_v4_external, struct ipv4_ct_tuple, struct ipv4_nat_entry);
NAT_MAP(snat_v6_external, struct ipv6_ct_tuple, struct ipv6_nat_entry);

#define NAT_RETRIES	32

/* By the number of ports that were tried in vain; the last one counts those that got none. */
#define NAT_RETRIES_MAP(name)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);	\
		__uint(max_entries, NAT_RETRIES + 1);		\
		__uint(pinning, LIBBPF_PIN_BY_NAME);		\
		__type(key, __u32);				\
		__type(value, __u32);				\
	} name SEC(".maps")

NAT_RETRIES_MAP(snat_v4_alloc_retries);
NAT_RETRIES_MAP(snat_v6_alloc_retries);

#define NAT_EXCLUDED_MAP(name, key_type)				\
	struct {							\
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);			\
		__uint(max_entries, 16384);				\
		__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG); \
		__uint(pinning, LIBBPF_PIN_BY_NAME);			\
		__type(key, key_type);					\
		__type(value, struct lpm_val);				\
	} name SEC(".maps")

NAT_EXCLUDED_MAP(ipmasq_v4, struct lpm_v4_key);
NAT_EXCLUDED_MAP(ipmasq_v6, struct lpm_v6_key);

#endif
