/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_PREFILTER_H
#define SKEP_MAPS_PREFILTER_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/nat.h"
#include "../types/prefilter.h"

/* Lists of denied sources, as long as they need to be. Two generations of each: one counts, the
 * other is filled meanwhile.
 */
#define PREFILTER_GENERATIONS	2

#define PREFILTER_LIST(name, kind, key_type)				\
	struct name##_list {						\
		__uint(type, kind);					\
		__uint(max_entries, 1024);				\
		__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG); \
		__uint(key_size, sizeof(key_type));			\
		__uint(value_size, sizeof(struct lpm_val));		\
	};								\
	struct {							\
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);		\
		__uint(max_entries, PREFILTER_GENERATIONS);		\
		__uint(pinning, LIBBPF_PIN_BY_NAME);			\
		__type(key, __u32);					\
		__array(values, struct name##_list);			\
	} name SEC(".maps")

/* Whole addresses, then prefixes. */
PREFILTER_LIST(prefilter_v4_fix, BPF_MAP_TYPE_HASH, struct lpm_v4_key);
PREFILTER_LIST(prefilter_v4_dyn, BPF_MAP_TYPE_LPM_TRIE, struct lpm_v4_key);
PREFILTER_LIST(prefilter_v6_fix, BPF_MAP_TYPE_HASH, struct lpm_v6_key);
PREFILTER_LIST(prefilter_v6_dyn, BPF_MAP_TYPE_LPM_TRIE, struct lpm_v6_key);

#endif
