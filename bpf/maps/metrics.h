/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_METRICS_H
#define SKEP_MAPS_METRICS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/metrics.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct metrics_key);
	__type(value, struct metrics_value);
} metrics SEC(".maps");

/* In front of `metrics`, whose look-up costs as much as conntrack's: each packet that passes is
 * counted here, and every METRICS_PENDING_MAX of them there.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FORWARD_SLOTS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct metrics_pending);
} metrics_pending SEC(".maps");

#define METRICS_PENDING_MAX	32

#endif
