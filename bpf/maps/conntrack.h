/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_CONNTRACK_H
#define SKEP_MAPS_CONNTRACK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/conntrack.h"

#define CONNTRACK_MAP(name, key_type, entries)			\
	struct {						\
		__uint(type, BPF_MAP_TYPE_LRU_HASH);		\
		__uint(max_entries, entries);			\
		__uint(pinning, LIBBPF_PIN_BY_NAME);		\
		__type(key, key_type);				\
		__type(value, struct ct_entry);			\
	} name SEC(".maps")

CONNTRACK_MAP(ct4_global, struct ipv4_ct_tuple, 131072);
CONNTRACK_MAP(ct6_global, struct ipv6_ct_tuple, 131072);
CONNTRACK_MAP(ct_any4_global, struct ipv4_ct_tuple, 65536);
CONNTRACK_MAP(ct_any6_global, struct ipv6_ct_tuple, 65536);

#endif
