// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Keeps a table of the TCP connections of a cgroup's processes: who opened
 * them, how long their round trips are, what was sent again, when they ended.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "types/connection.h"

#define AF_INET		2
#define AF_INET6	10

#define WATCHED_CALLBACKS					\
	(BPF_SOCK_OPS_RTT_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | \
	 BPF_SOCK_OPS_STATE_CB_FLAG)

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct connection_key);
	__type(value, struct connection);
} connections SEC(".maps");

/* Connections that found no room in the map. */
__u64 unrecorded;

/* The context is read in words: a compiler that joins two of them makes a load
 * that the verifier refuses.
 */
#define context_word(field)	(*(const volatile __u32 *)&(field))

#define ip_address_set6(to, from)							\
	({										\
		__be32 words[4] = { context_word((from)[0]), context_word((from)[1]),	\
				    context_word((from)[2]), context_word((from)[3]) };	\
		__builtin_memcpy((to)->bytes, words, sizeof(words));			\
	})

static __always_inline int ip_address_is_mapped(const struct ip_address *address)
{
	const __be32 *words = (const void *)address->bytes;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* An IPv6 socket that speaks IPv4 has mapped addresses: its key is the same as
 * that of an IPv4 socket, so a connection's two ends look alike.
 */
static __always_inline int connection_key_of(const struct bpf_sock_ops *ops,
					     struct connection_key *key)
{
	if (ops->family == AF_INET) {
		ip_address_set4(&key->local, ops->local_ip4);
		ip_address_set4(&key->remote, ops->remote_ip4);
		key->family = FAMILY_IPV4;
	} else if (ops->family == AF_INET6) {
		ip_address_set6(&key->local, ops->local_ip6);
		ip_address_set6(&key->remote, ops->remote_ip6);
		key->family = ip_address_is_mapped(&key->remote) ? FAMILY_IPV4 : FAMILY_IPV6;
	} else {
		return -1;
	}

	/* The kernel gives the local port in host order and the remote port as
	 * the upper half of a word in network order.
	 */
	key->local_port = bpf_htons(ops->local_port);
	key->remote_port = bpf_htons(bpf_ntohl(ops->remote_port));
	return 0;
}

static __always_inline void measure(const struct bpf_sock_ops *ops, struct connection *connection)
{
	connection->bytes_acked = ops->bytes_acked;
	connection->bytes_received = ops->bytes_received;
	/* The kernel keeps eight times the mean, to lose no fraction. */
	connection->srtt_us = ops->srtt_us >> 3;
}

static __always_inline void record_established(struct bpf_sock_ops *ops, __u8 origin)
{
	struct connection connection = {
		.established_ns = bpf_ktime_get_ns(),
		.state = BPF_TCP_ESTABLISHED,
		.origin = origin,
	};
	struct connection_key key = {};

	if (connection_key_of(ops, &key))
		return;

	measure(ops, &connection);
	/* Ports are used again: a new connection takes the old one's place. */
	if (bpf_map_update_elem(&connections, &key, &connection, BPF_ANY)) {
		__sync_fetch_and_add(&unrecorded, 1);
		return;
	}
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | WATCHED_CALLBACKS);
}

static __always_inline struct connection *find_connection(const struct bpf_sock_ops *ops)
{
	struct connection_key key = {};

	if (connection_key_of(ops, &key))
		return 0;
	return bpf_map_lookup_elem(&connections, &key);
}

/* Some operations ask for a number, in ops->reply. It is left alone: another
 * program of the cgroup may have answered.
 */
SEC("sockops")
int sock_connections(struct bpf_sock_ops *ops)
{
	struct connection *connection;

	switch (ops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		record_established(ops, CONNECTION_ACTIVE);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		record_established(ops, CONNECTION_PASSIVE);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		connection = find_connection(ops);
		if (connection)
			measure(ops, connection);
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		connection = find_connection(ops);
		if (connection)
			connection->retransmits += ops->args[1];
		break;
	case BPF_SOCK_OPS_STATE_CB:
		connection = find_connection(ops);
		if (!connection)
			break;
		measure(ops, connection);
		connection->state = ops->args[1];
		if (connection->state == BPF_TCP_CLOSE)
			connection->closed_ns = bpf_ktime_get_ns();
		break;
	default:
		break;
	}
	return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
