/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_IPCACHE_H
#define SKEP_MAPS_IPCACHE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/ipcache.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 512000);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct ipcache_key);
	__type(value, struct remote_endpoint_info);
} ipcache_v2 SEC(".maps");

#endif
