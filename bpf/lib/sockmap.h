/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whether a message may go straight to its receiver's socket: whether it was asked for, whether
 * the policy lets the flow pass, and whether the order of bytes stays as it is.
 */
#ifndef SKEP_LIB_SOCKMAP_H
#define SKEP_LIB_SOCKMAP_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "../maps/config.h"
#include "../maps/service.h"
#include "../maps/sockmap.h"
#include "conntrack.h"
#include "identity.h"
#include "policy.h"
#include "socket.h"

/* How often conntrack is told of a flow whose messages it does not see. */
#define SOCKMAP_CHECK_SECONDS	5

/* ---- What is read of the kernel's sockets */

struct sock_common___skep {
	struct {
		__s64 counter;
	} skc_cookie;
} __attribute__((preserve_access_index));

struct sock___skep {
	struct sock_common___skep __sk_common;
	struct {
		int owned;
	} sk_lock;
	void *sk_user_data;
} __attribute__((preserve_access_index));

struct tcp_sock___skep {
	__u32 copied_seq;
	__u32 write_seq;
} __attribute__((preserve_access_index));

struct list_head___skep {
	void *next;
} __attribute__((preserve_access_index));

struct sk_psock___skep {
	struct list_head___skep ingress_msg;
} __attribute__((preserve_access_index));

/* The low bits of sk_user_data are flags. */
#define SOCKET_DATA_MASK	(~7UL)

static __always_inline void sock_key_turn(const struct sock_key *key, struct sock_key *peer)
{
	__builtin_memset(peer, 0, sizeof(*peer));
	peer->local = key->remote;
	peer->remote = key->local;
	peer->local_port = key->remote_port;
	peer->remote_port = key->local_port;
	peer->local_seq = key->remote_seq;
	peer->remote_seq = key->local_seq;
	peer->family = key->family;
}

/* ---- What was asked for */

static __always_inline int is_chosen_at(const union v6addr *address, __be16 port, __u8 family)
{
	struct sockmap_port wanted = { .port = port };

	if (bpf_map_lookup_elem(&sockmap_ports, &wanted))
		return 1;
	wanted.address = *address;
	wanted.family = family;
	return !!bpf_map_lookup_elem(&sockmap_ports, &wanted);
}

/* Is the server's port chosen, or the service's by which the client reached it? */
static __always_inline int is_chosen(const struct sock_key *client, __u64 cookie)
{
	if (is_chosen_at(&client->remote, client->remote_port, client->family))
		return 1;
	if (client->family == ENDPOINT_KEY_IPV6) {
		struct ipv6_revnat_entry *frontend;
		struct ipv6_revnat_tuple key;
		union v6addr address;

		/* An initialiser leaves out the bytes behind its last field. */
		__builtin_memset(&key, 0, sizeof(key));
		key.cookie = cookie;
		key.address = client->remote;
		key.port = client->remote_port;
		frontend = bpf_map_lookup_elem(&lb6_reverse_sk, &key);
		if (!frontend)
			return 0;
		address = frontend->address;
		return is_chosen_at(&address, frontend->port, client->family);
	}

	struct ipv4_revnat_tuple key = {
		.cookie = cookie,
		.address = client->remote.p1,
		.port = client->remote_port,
	};
	struct ipv4_revnat_entry *frontend = bpf_map_lookup_elem(&lb4_reverse_sk, &key);
	union v6addr address = {};

	if (!frontend)
		return 0;
	address.p1 = frontend->address;
	return is_chosen_at(&address, frontend->port, client->family);
}

static __always_inline __u32 ports_revision(void)
{
	__u32 index = RUNTIME_CONFIG_SOCKMAP_REVISION;
	__u64 *revision = bpf_map_lookup_elem(&runtime_config, &index);

	return revision ? *(volatile __u64 *)revision : 0;
}

/* ---- Who lets it pass */

/* What stands at one end of a connection. */
#define SOCK_NOBODY	(-1)	/* not of this node, or not known to the datapath */
#define SOCK_FREE	0	/* nobody's policy */

/* An endpoint's id, or SOCK_*. */
static __always_inline int sock_endpoint(const union v6addr *address, enum family family)
{
	struct endpoint_info *endpoint;

	if (is_loopback(address, family))
		return SOCK_FREE;
	endpoint = find_endpoint(address, family);
	if (!endpoint)
		return SOCK_NOBODY;
	if (!is_host(endpoint))
		return endpoint->lxc_id;
	return host_firewall ? host_endpoint_id : SOCK_FREE;
}

static __always_inline __u32 endpoint_revision(__u32 endpoint)
{
	struct lxc_settings *settings;

	if (endpoint == SOCK_FREE)
		return 1;
	settings = bpf_map_lookup_elem(&lxc_settings, &endpoint);
	return settings ? policy_revision(settings) : 0;
}

/* Has conntrack an entry that the policy of this revision let pass? It is kept alive. */
static __always_inline int is_let_pass(const struct sock_key *client, enum family family,
				       enum policy_direction direction, __u32 revision)
{
	union ct_key key = {};
	struct ct_entry *entry;

	ct_key_make(&key, family, &client->local, &client->remote, client->local_port,
		    client->remote_port, IPPROTO_TCP, ct_flags(direction));
	entry = ct_find(&key, family, IPPROTO_TCP);
	if (!entry || entry->policy_revision != revision || entry->proxy_redirect)
		return 0;
	entry->lifetime = clock_seconds() + ct_timeout_tcp;
	return 1;
}

static __always_inline int judge_family(struct sock_state *state, const struct sock_key *client,
					enum family family, __u64 cookie)
{
	__u32 ports = ports_revision();
	__u32 client_revision, server_revision;
	int from, to;

	if (!is_chosen(client, cookie))
		return 0;
	from = sock_endpoint(&client->local, family);
	to = sock_endpoint(&client->remote, family);
	if (from == SOCK_NOBODY || to == SOCK_NOBODY)
		return 0;
	/* An endpoint's own connections never pass its programs. */
	if (from == to) {
		from = SOCK_FREE;
		to = SOCK_FREE;
	}
	client_revision = endpoint_revision(from);
	server_revision = endpoint_revision(to);
	if (from != SOCK_FREE && !is_let_pass(client, family, POLICY_EGRESS, client_revision))
		return 0;
	if (to != SOCK_FREE && !is_let_pass(client, family, POLICY_INGRESS, server_revision))
		return 0;
	state->client_endpoint = from;
	state->server_endpoint = to;
	state->client_revision = client_revision;
	state->server_revision = server_revision;
	state->ports_revision = ports;
	return 1;
}

/* Functions of their own, as their stack is large. */
__noinline int judge_ipv4(struct sock_state *state, const struct sock_key *client, __u64 cookie)
{
	return state && client ? judge_family(state, client, IPV4, cookie) : 0;
}

__noinline int judge_ipv6(struct sock_state *state, const struct sock_key *client, __u64 cookie)
{
	return state && client ? judge_family(state, client, IPV6, cookie) : 0;
}

/* Looks at the policy again after each change of it, and now and then to keep the flow alive: what
 * is not let pass is left to the packets' programs, which judge the flow anew.
 */
static __always_inline int may_pass(struct sock_state *state)
{
	__u32 now = clock_seconds();
	struct sock_key client;
	__u64 cookie;
	int allowed;

	if (state->checked && now - state->checked < SOCKMAP_CHECK_SECONDS &&
	    state->ports_revision == ports_revision() &&
	    state->client_revision == endpoint_revision(state->client_endpoint) &&
	    state->server_revision == endpoint_revision(state->server_endpoint))
		return 1;

	if (state->is_client) {
		sock_key_turn(&state->peer, &client);
		cookie = state->cookie;
	} else {
		client = state->peer;
		cookie = state->at.cookie;
	}
	allowed = client.family == ENDPOINT_KEY_IPV6 ? judge_ipv6(state, &client, cookie)
						     : judge_ipv4(state, &client, cookie);
	state->checked = allowed ? now : 0;
	return allowed;
}

/* ---- Order */

/* Learns where the peer is. */
static __always_inline int find_peer(struct sock_state *state)
{
	struct sock_peer *peer;

	if (state->at.sock)
		return 1;
	peer = bpf_map_lookup_elem(&sock_peers, &state->peer);
	if (!peer)
		return 0;
	state->at = *peer;
	return 1;
}

/* Has the peer read all that the stack had for it, and left the kernel with it? Then what is put
 * into its queue of direct messages is read next. A reader that is about to take more from the
 * stack holds the socket; one that waits for answers does not. It has answered since, so it is
 * not one that waits for more of the same message.
 */
static __always_inline int has_read_stack(struct sock_state *state)
{
	struct sock_state *peer_state = (void *)state->at.state;
	struct tcp_sock___skep *tcp = (void *)state->at.sock;
	struct sock___skep *sock = (void *)state->at.sock;
	struct tcp_sock___skep *own = (void *)state->own;
	__u32 sent = 0;

	if (BPF_CORE_READ(sock, __sk_common.skc_cookie.counter) != (__s64)state->at.cookie)
		return 0;
	bpf_probe_read_kernel(&sent, sizeof(sent), &peer_state->sent);
	if (sent == state->answered)
		return 0;
	if (BPF_CORE_READ(own, write_seq) != BPF_CORE_READ(tcp, copied_seq))
		return 0;
	/* In this order on every CPU: a full barrier. */
	__sync_fetch_and_add(&state->barrier, 1);
	if (BPF_CORE_READ(sock, sk_lock.owned))
		return 0;
	state->queue = ((__u64)BPF_CORE_READ(sock, sk_user_data) & SOCKET_DATA_MASK) +
		       bpf_core_field_offset(struct sk_psock___skep, ingress_msg);
	return 1;
}

/* One direct message at a time: who sends more than is read has the stack, with its buffers that
 * have an end, its windows and its large packets.
 */
static __always_inline int is_queue_empty(const struct sock_state *state)
{
	struct list_head___skep *queue = (void *)state->queue;

	return (__u64)BPF_CORE_READ(queue, next) == state->queue;
}

static __always_inline int may_be_direct(struct sock_state *state, __u32 size)
{
	if (size > sockmap_max_bytes || !find_peer(state))
		return 0;
	if (state->on_stack && !has_read_stack(state))
		return 0;
	return is_queue_empty(state) && may_pass(state);
}

/* The stack has this message. */
static __always_inline void note_stack(struct sock_state *state)
{
	struct sock_state *peer_state = (void *)state->at.state;
	__u32 sent = 0;

	state->on_stack = 1;
	if (!peer_state)
		return;
	bpf_probe_read_kernel(&sent, sizeof(sent), &peer_state->sent);
	state->answered = sent;
}

#endif
