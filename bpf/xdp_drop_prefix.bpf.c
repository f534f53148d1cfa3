// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Drops at XDP what comes from listed prefixes, and counts it by prefix. */
#include "include/parse.h"
#include "types/prefix.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_key);
	__type(value, struct prefix_count);
} dropped_prefixes SEC(".maps");

SEC("xdp")
int xdp_drop_prefix(struct xdp_md *ctx)
{
	struct prefix_key key = { .prefixlen = 128 };
	struct cursor cursor = cursor_of(ctx);
	struct packet packet = {};
	struct prefix_count *count;

	/* Addresses stay read where what follows them is malformed. */
	parse_packet(&cursor, &packet);
	if (packet.family == FAMILY_OTHER)
		return XDP_PASS;

	__builtin_memcpy(key.address, &packet.source, sizeof(key.address));
	count = bpf_map_lookup_elem(&dropped_prefixes, &key);
	if (!count)
		return XDP_PASS;

	__sync_fetch_and_add(&count->packets, 1);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
