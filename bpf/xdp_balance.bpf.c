// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A load balancer: frames to a service go on to the MAC of one of its backends,
 * the same for all packets of a flow. The backend has the service's address, too,
 * and answers the client directly.
 */
#include "include/parse.h"

struct service_key {
	struct ip_address address;
	__be16 port;
	__u8 l4_proto;
	__u8 pad[5];
};

struct service {
	__u32 first;	/* of its backends */
	__u32 count;
};

struct backend {
	__u8 mac[6];
	__u8 pad[2];
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

SEC("xdp")
int xdp_balance(struct xdp_md *ctx)
{
	struct cursor cursor = cursor_of(ctx);
	struct ethhdr *eth = cursor.pos;
	struct packet packet = {};
	struct service_key key = {};
	struct service *service;
	struct backend *backend;
	__u32 slot;

	if (parse_packet(&cursor, &packet) || packet.family == FAMILY_OTHER)
		return XDP_PASS;

	key.address = packet.destination;
	key.port = packet.destination_port;
	key.l4_proto = packet.l4_proto;
	service = bpf_map_lookup_elem(&services, &key);
	if (!service)
		return XDP_PASS;
	if (!service->count)
		return XDP_DROP;

	__builtin_memcpy(&slot, &packet.source.bytes[12], sizeof(slot));
	slot = (slot ^ packet.source_port) * 0x9e3779b1 >> 8;
	slot = service->first + slot % service->count;
	backend = bpf_map_lookup_elem(&backends, &slot);
	if (!backend)
		return XDP_DROP;

	__sync_fetch_and_add(&backend->packets, 1);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, backend->mac, ETH_ALEN);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
