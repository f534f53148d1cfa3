/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_MAPS_SOCKMAP_H
#define SKEP_MAPS_SOCKMAP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../types/sockmap.h"

/* User space reads a socket's cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65535);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct sock_key);
	__type(value, __u64);
} sock_ops SEC(".maps");

/* The same sockets, for those who look for their peer. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct sock_key);
	__type(value, struct sock_peer);
} sock_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct sockmap_port);
	__type(value, __u8);
} sockmap_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct sock_state);
} sock_states SEC(".maps");

#endif
