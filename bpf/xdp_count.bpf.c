// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Counts packets at XDP by family, protocol and verdict, and drops UDP to one
 * port. Every version of the program that runs under the same map counts under
 * its own generation, so a replacement under traffic can be watched.
 */
#include "include/parse.h"
#include "types/packet_count.h"

/* Written into every key. */
const volatile __u32 generation = 1;

/* UDP to this port is dropped; host byte order, 0 drops nothing. */
const volatile __u16 drop_udp_port;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct packet_key);
	__type(value, struct packet_count);
} packet_counts SEC(".maps");

/* Packets that found no room in the map. */
__u64 uncounted;

static __always_inline void count_packet(const struct packet_key *key, __u64 bytes)
{
	struct packet_count first = { .packets = 1, .bytes = bytes };
	struct packet_count *count = bpf_map_lookup_elem(&packet_counts, key);

	/* Another program cannot come between: this CPU's value is ours. */
	if (count) {
		count->packets++;
		count->bytes += bytes;
		return;
	}

	if (bpf_map_update_elem(&packet_counts, key, &first, BPF_NOEXIST) == 0)
		return;

	/* Another CPU made the element meanwhile. */
	count = bpf_map_lookup_elem(&packet_counts, key);
	if (count) {
		count->packets++;
		count->bytes += bytes;
		return;
	}

	__sync_fetch_and_add(&uncounted, 1);
}

static __always_inline int packet_is_dropped(const struct packet *packet)
{
	return drop_udp_port && packet->l4_proto == IPPROTO_UDP &&
	       packet->destination_port == bpf_htons(drop_udp_port);
}

SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	struct cursor cursor = cursor_of(ctx);
	__u64 bytes = cursor.end - cursor.pos;
	struct packet packet = {};
	int verdict;

	/* What cannot be read to its end is counted by what was read. */
	parse_packet(&cursor, &packet);
	verdict = packet_is_dropped(&packet) ? XDP_DROP : XDP_PASS;

	struct packet_key key = {
		.generation = generation,
		.family = packet.family,
		.l4_proto = packet.l4_proto,
		.verdict = verdict,
	};

	count_packet(&key, bytes);
	return verdict;
}

char _license[] SEC("license") = "Dual BSD/GPL";
