// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Keeps a table of the flows that pass an Ethernet device, in both directions. */
#include "include/parse.h"
#include "types/flow.h"

/* TCX_NEXT and TC_ACT_UNSPEC: whoever comes next decides. */
#define VERDICT_NEXT	(-1)

/* Ethernet, two VLAN tags, IPv6, a hop-by-hop and a fragment header, TCP. */
#define HEADERS_LENGTH	(14 + 8 + 40 + 8 + 8 + 20)

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* IP packets that found no room in the map or could not be read to their ports. */
__u64 unrecorded;

static __always_inline void update_flow(struct flow *flow, const struct flow *packet)
{
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, packet->bytes);
	flow->last_seen_ns = packet->last_seen_ns;
	/* Rarely a new flag: so rarely a write that other CPUs wait for. */
	if (packet->tcp_flags & ~flow->tcp_flags)
		flow->tcp_flags |= packet->tcp_flags;
}

static __always_inline void record_packet(const struct flow_key *key, const struct flow *packet)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);

	if (flow) {
		update_flow(flow, packet);
		return;
	}

	if (bpf_map_update_elem(&flows, key, packet, BPF_NOEXIST) == 0)
		return;

	/* Another CPU saw the flow's first packet meanwhile. */
	flow = bpf_map_lookup_elem(&flows, key);
	if (flow)
		update_flow(flow, packet);
	else
		__sync_fetch_and_add(&unrecorded, 1);
}

/* A function of its own, so that both hooks share its instructions. */
static __noinline int record_flow(struct __sk_buff *skb, __u8 direction)
{
	struct packet packet = {};
	struct cursor cursor;
	__u64 now;
	int err;

	/* The headers may lie outside the linear part of the buffer. */
	if (skb->data_end - skb->data < HEADERS_LENGTH && skb->data_end - skb->data < skb->len)
		bpf_skb_pull_data(skb, skb->len < HEADERS_LENGTH ? skb->len : HEADERS_LENGTH);

	cursor = cursor_of(skb);
	err = parse_packet(&cursor, &packet);
	if (packet.family == FAMILY_OTHER)
		return VERDICT_NEXT;
	if (err) {
		__sync_fetch_and_add(&unrecorded, 1);
		return VERDICT_NEXT;
	}

	struct flow_key key = {
		.source = packet.source,
		.destination = packet.destination,
		.source_port = packet.source_port,
		.destination_port = packet.destination_port,
		.family = packet.family,
		.l4_proto = packet.l4_proto,
		.direction = direction,
	};

	now = bpf_ktime_get_ns();

	struct flow seen = {
		.packets = 1,
		.bytes = skb->len,
		.first_seen_ns = now,
		.last_seen_ns = now,
		.tcp_flags = packet.tcp_flags,
	};

	record_packet(&key, &seen);
	return VERDICT_NEXT;
}

SEC("tcx/ingress")
int flows_ingress(struct __sk_buff *skb)
{
	return record_flow(skb, FLOW_INGRESS);
}

SEC("tcx/egress")
int flows_egress(struct __sk_buff *skb)
{
	return record_flow(skb, FLOW_EGRESS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
