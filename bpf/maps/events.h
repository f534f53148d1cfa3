/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_EVENTS_H
#define SKEP_MAPS_EVENTS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/notify.h"
#include "../types/ratelimit.h"

/* Who listens brings a ring of its own: several may, and nothing is written for nobody. A slot is
 * that process's which holds a lock of the folder listeners/SLOT beside the pinned maps; the kernel
 * lets the lock go when its process ends, however that happens.
 */
#define EVENTS_LISTENERS	4

struct events_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, EVENTS_LISTENERS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__array(values, struct events_ring);
} events SEC(".maps");

/* Events that found a listener's ring full, by slot. Never set back: slots have many owners. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENTS_LISTENERS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} events_lost SEC(".maps");

#define EVENTS_CAPTURE_MAX	128

/* Where an event is put together: too large for the stack. */
struct events_scratch {
	union {
		struct drop_notify drop;
		struct trace_notify trace;
		struct policy_verdict_notify verdict;
	};
	__u8 room[EVENTS_CAPTURE_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct events_scratch);
} events_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct ratelimit_key);
	__type(value, struct ratelimit_value);
} ratelimit SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct ratelimit_metrics_key);
	__type(value, struct ratelimit_metrics_value);
} ratelimit_metrics SEC(".maps");

#endif
