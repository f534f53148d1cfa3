// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A stateful firewall for TCP: connections begin from inside, and only what
 * belongs to one of them comes in.
 */
#include "include/parse.h"
#include <linux/pkt_cls.h>

#define TCP_FLAG_FIN	1
#define TCP_FLAG_SYN	2
#define TCP_FLAG_RST	4
#define TCP_FLAG_ACK	16

enum connection_state {
	SYN_SENT = 1,
	SYN_RECEIVED,
	ESTABLISHED,
	CLOSING,
};

/* From the inside's view, in both directions. */
struct connection_key {
	struct ip_address inside;
	struct ip_address outside;
	__be16 inside_port;
	__be16 outside_port;
	__u32 pad;
};

struct connection {
	enum connection_state state;
	__u32 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct connection_key);
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline int parse_tcp(struct __sk_buff *skb, struct packet *packet)
{
	struct cursor cursor = cursor_of(skb);

	return !parse_packet(&cursor, packet) && packet->l4_proto == IPPROTO_TCP &&
	       !packet->later_fragment;
}

/* What stands in the map after a packet that belongs to the connection. */
static __always_inline void update_connection(const struct connection_key *key,
					      struct connection *connection, __u8 flags)
{
	__sync_fetch_and_add(&connection->packets, 1);
	if (flags & TCP_FLAG_RST)
		bpf_map_delete_elem(&connections, key);
	else if (flags & TCP_FLAG_FIN)
		connection->state = CLOSING;
}

SEC("tc")
int track_egress(struct __sk_buff *skb)
{
	struct connection fresh = { .state = SYN_SENT, .packets = 1 };
	struct connection *connection;
	struct packet packet = {};

	if (!parse_tcp(skb, &packet))
		return TC_ACT_OK;

	struct connection_key key = {
		.inside = packet.source,
		.outside = packet.destination,
		.inside_port = packet.source_port,
		.outside_port = packet.destination_port,
	};

	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection) {
		if (!(packet.tcp_flags & TCP_FLAG_SYN))
			return TC_ACT_SHOT;
		bpf_map_update_elem(&connections, &key, &fresh, BPF_NOEXIST);
		return TC_ACT_OK;
	}

	if (connection->state == SYN_RECEIVED && packet.tcp_flags & TCP_FLAG_ACK)
		connection->state = ESTABLISHED;
	update_connection(&key, connection, packet.tcp_flags);
	return TC_ACT_OK;
}

SEC("tc")
int track_ingress(struct __sk_buff *skb)
{
	__u8 answer = TCP_FLAG_SYN | TCP_FLAG_ACK;
	struct connection *connection;
	struct packet packet = {};

	if (!parse_tcp(skb, &packet))
		return TC_ACT_OK;

	struct connection_key key = {
		.inside = packet.destination,
		.outside = packet.source,
		.inside_port = packet.destination_port,
		.outside_port = packet.source_port,
	};

	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection)
		return TC_ACT_SHOT;

	if (connection->state == SYN_SENT) {
		if ((packet.tcp_flags & answer) != answer && !(packet.tcp_flags & TCP_FLAG_RST))
			return TC_ACT_SHOT;
		connection->state = SYN_RECEIVED;
	}

	update_connection(&key, connection, packet.tcp_flags);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
