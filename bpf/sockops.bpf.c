// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Connections between two sockets of this node that were chosen: what one sends is put into what
 * the other reads, past the network stack. Connections that are open already are left alone.
 */
#include "lib/sockmap.h"

/* Ports stand in words: the local one in host order, the remote one in network order. */
static __always_inline int sock_key_of(struct bpf_sock_ops *ops, struct sock_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (ops->family == AF_INET6 && socket_form_of6(ops->remote_ip6) == SOCKET_IPV6) {
		socket_address_read(&key->local, ops->local_ip6);
		socket_address_read(&key->remote, ops->remote_ip6);
		key->family = ENDPOINT_KEY_IPV6;
	} else if (ops->family == AF_INET6) {
		key->local.p1 = context_word(ops->local_ip6[3]);
		key->remote.p1 = context_word(ops->remote_ip6[3]);
		key->family = ENDPOINT_KEY_IPV4;
	} else if (ops->family == AF_INET) {
		key->local.p1 = context_word(ops->local_ip4);
		key->remote.p1 = context_word(ops->remote_ip4);
		key->family = ENDPOINT_KEY_IPV4;
	} else {
		return -1;
	}
	key->local_port = bpf_htons(ops->local_port);
	key->remote_port = bpf_htons(bpf_ntohl(ops->remote_port));
	key->local_seq = ops->snd_una;
	key->remote_seq = ops->rcv_nxt;
	return 0;
}

static __always_inline void record(struct bpf_sock_ops *ops, struct sock_key *key, int is_client)
{
	struct bpf_sock *sock = ops->sk;
	struct sock_state *state;
	struct sock_peer at = {};
	struct tcp_sock *tcp;

	if (!sock)
		return;
	tcp = bpf_skc_to_tcp_sock(sock);
	if (!tcp)
		return;
	state = bpf_sk_storage_get(&sock_states, sock, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return;
	sock_key_turn(key, &state->peer);
	state->own = (__u64)tcp;
	state->cookie = bpf_get_socket_cookie(ops);
	state->is_client = is_client;
	/* Nothing was read yet that the stack had, as there was nothing. */
	state->on_stack = 1;
	state->answered = -1;

	at.sock = (__u64)tcp;
	at.state = (__u64)state;
	at.cookie = state->cookie;
	if (bpf_map_update_elem(&sock_peers, key, &at, BPF_ANY) ||
	    bpf_sock_hash_update(ops, &sock_ops, key, BPF_ANY))
		return;
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void forget(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sock = ops->sk;
	struct sock_state *state;
	struct sock_key key;

	if (!sock)
		return;
	state = bpf_sk_storage_get(&sock_states, sock, 0, 0);
	if (!state)
		return;
	sock_key_turn(&state->peer, &key);
	bpf_map_delete_elem(&sock_peers, &key);
}

static __always_inline int is_here(const struct sock_key *key)
{
	return key->family == ENDPOINT_KEY_IPV6 ? sock_endpoint(&key->remote, IPV6) != SOCK_NOBODY
						: sock_endpoint(&key->remote, IPV4) != SOCK_NOBODY;
}

/* Clients come first: a server's socket is taken where its client's was. */
SEC("sockops")
int record_socket(struct bpf_sock_ops *ops)
{
	struct sock_key key, peer;

	switch (ops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (!sock_key_of(ops, &key) && is_chosen(&key, bpf_get_socket_cookie(ops)) &&
		    is_here(&key))
			record(ops, &key, 1);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (sock_key_of(ops, &key))
			break;
		sock_key_turn(&key, &peer);
		if (bpf_map_lookup_elem(&sock_peers, &peer))
			record(ops, &key, 0);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[1] == BPF_TCP_CLOSE)
			forget(ops);
		break;
	default:
		break;
	}
	return 1;
}

/* Whatever is not put through is left to the stack: nothing is refused here. */
SEC("sk_msg")
int redirect_message(struct sk_msg_md *msg)
{
	struct bpf_sock *sock = msg->sk;
	struct sock_state *state;

	if (!sock)
		return SK_PASS;
	state = bpf_sk_storage_get(&sock_states, sock, 0, 0);
	if (!state)
		return SK_PASS;
	state->sent++;
	if (may_be_direct(state, msg->size) &&
	    bpf_msg_redirect_hash(msg, &sock_ops, &state->peer, BPF_F_INGRESS) == SK_PASS)
		state->on_stack = 0;
	else
		note_stack(state);
	return SK_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
