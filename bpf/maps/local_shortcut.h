/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_LOCAL_SHORTCUT_H
#define SKEP_MAPS_LOCAL_SHORTCUT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/shortcut.h"

/* By a hash of the flow, each CPU its own, as in maps/shortcut.h; few enough to stay in its cache. */
#define LOCAL_SHORTCUTS	8192

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOCAL_SHORTCUTS);
	__type(key, __u32);
	__type(value, struct local_shortcut4);
} local_shortcuts4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOCAL_SHORTCUTS);
	__type(key, __u32);
	__type(value, struct local_shortcut6);
} local_shortcuts6 SEC(".maps");

#endif
