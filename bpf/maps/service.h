/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_SERVICE_H
#define SKEP_MAPS_SERVICE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/service.h"

/* Written by user space alone. */
#define SERVICE_MAP(name, kind, map_flags_, key_type, value_type, entries)	\
	struct {								\
		__uint(type, kind);						\
		__uint(max_entries, entries);					\
		__uint(map_flags, (map_flags_) | BPF_F_RDONLY_PROG);		\
		__uint(pinning, LIBBPF_PIN_BY_NAME);				\
		__type(key, key_type);						\
		__type(value, value_type);					\
	} name SEC(".maps")

#define SERVICE_STATE_MAP(name, key_type, value_type, entries)			\
	struct {								\
		__uint(type, BPF_MAP_TYPE_LRU_HASH);				\
		__uint(max_entries, entries);					\
		__uint(pinning, LIBBPF_PIN_BY_NAME);				\
		__type(key, key_type);						\
		__type(value, value_type);					\
	} name SEC(".maps")

SERVICE_MAP(lb4_services_v2, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct lb4_key,
	    struct lb4_service, 65536);
SERVICE_MAP(lb6_services_v2, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct lb6_key,
	    struct lb6_service, 65536);
SERVICE_MAP(lb4_backends_v3, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, __u32, struct lb4_backend,
	    65536);
SERVICE_MAP(lb6_backends_v3, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, __u32, struct lb6_backend,
	    65536);
SERVICE_MAP(lb4_reverse_nat, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, __u16,
	    struct lb4_reverse_nat, 65536);
SERVICE_MAP(lb6_reverse_nat, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, __u16,
	    struct lb6_reverse_nat, 65536);
SERVICE_MAP(lb_affinity_match, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct lb_affinity_match,
	    __u8, 65536);
SERVICE_MAP(lb4_source_range, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
	    struct lb4_src_range_key, __u8, 1000);
SERVICE_MAP(lb6_source_range, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
	    struct lb6_src_range_key, __u8, 1000);

SERVICE_STATE_MAP(lb4_affinity, struct lb4_affinity_key, struct lb_affinity_val, 65536);
SERVICE_STATE_MAP(lb6_affinity, struct lb6_affinity_key, struct lb_affinity_val, 65536);
SERVICE_STATE_MAP(lb4_reverse_sk, struct ipv4_revnat_tuple, struct ipv4_revnat_entry, 262144);
SERVICE_STATE_MAP(lb6_reverse_sk, struct ipv6_revnat_tuple, struct ipv6_revnat_entry, 262144);

/* One table: as many backend ids as the node's tables are long, which is set before load. */
#define MAGLEV_TABLE_SIZE	16381

struct maglev_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, MAGLEV_TABLE_SIZE * sizeof(__u32));
};

#define MAGLEV_MAP(name)							\
	struct {								\
		__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);			\
		__uint(max_entries, 65536);					\
		__uint(map_flags, BPF_F_NO_PREALLOC);				\
		__uint(pinning, LIBBPF_PIN_BY_NAME);				\
		__type(key, __u16);						\
		__array(values, struct maglev_table);				\
	} name SEC(".maps")

MAGLEV_MAP(lb4_maglev);
MAGLEV_MAP(lb6_maglev);

#endif
