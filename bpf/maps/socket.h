/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_SOCKET_H
#define SKEP_MAPS_SOCKET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/socket.h"

#define SKIP_LB_MAP(name, key_type)					\
	struct {							\
		__uint(type, BPF_MAP_TYPE_HASH);			\
		__uint(max_entries, 100);				\
		__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG); \
		__uint(pinning, LIBBPF_PIN_BY_NAME);			\
		__type(key, key_type);					\
		__type(value, __u8);					\
	} name SEC(".maps")

SKIP_LB_MAP(skip_lb4, struct skip_lb4_key);
SKIP_LB_MAP(skip_lb6, struct skip_lb6_key);

#endif
