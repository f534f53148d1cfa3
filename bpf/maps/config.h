/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is changed while programs run. */
#ifndef SKEP_MAPS_CONFIG_H
#define SKEP_MAPS_CONFIG_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum runtime_config_index {
	RUNTIME_CONFIG_UTIME_OFFSET = 0,
	RUNTIME_CONFIG_AGENT_LIVENESS = 1,
	/* Grows with every change of the ipcache: flows are judged again. */
	RUNTIME_CONFIG_IPCACHE_REVISION = 128,
	/* In its first byte enum prefilter_state. */
	RUNTIME_CONFIG_PREFILTER = 129,
	/* Grows with every change of the lists of denied sources. */
	RUNTIME_CONFIG_PREFILTER_REVISION = 130,
	/* Grows with every change of services and backends. */
	RUNTIME_CONFIG_SERVICE_REVISION = 131,
	/* Grows with every change of which connections are direct. */
	RUNTIME_CONFIG_SOCKMAP_REVISION = 132,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} runtime_config SEC(".maps");

#endif
