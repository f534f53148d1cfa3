/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_SHORTCUT_H
#define SKEP_MAPS_SHORTCUT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/shortcut.h"

/* By a hash of the flow, each CPU its own: found without a call, written without a lock. */
#define SHORTCUT_PAIRS	32768

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SHORTCUT_PAIRS);
	__type(key, __u32);
	__type(value, struct shortcut_pair4);
} shortcuts4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SHORTCUT_PAIRS);
	__type(key, __u32);
	__type(value, struct shortcut_pair6);
} shortcuts6 SEC(".maps");

#endif
