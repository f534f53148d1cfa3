/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What peers are called to applications: remembered by socket, and told again. */
#ifndef SKEP_LIB_SOCKET_REVERSE_H
#define SKEP_LIB_SOCKET_REVERSE_H

#include "socket_service.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_SOCKET_REVERSE

union socket_reverse_key {
	struct ipv4_revnat_tuple v4;
	struct ipv6_revnat_tuple v6;
};

static __always_inline void reverse_key_make(union socket_reverse_key *key, enum family family,
					     __u64 cookie, const struct socket_peer *peer)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (family == IPV6) {
		key->v6.cookie = cookie;
		key->v6.address = peer->address;
		key->v6.port = peer->port;
	} else {
		key->v4.cookie = cookie;
		key->v4.address = peer->address.p1;
		key->v4.port = peer->port;
	}
}

static __always_inline int reverse_remember4(const union socket_reverse_key *key,
					     const struct socket_peer *frontend,
					     __u16 rev_nat_index)
{
	struct ipv4_revnat_entry *known = bpf_map_lookup_elem(&lb4_reverse_sk, key);
	struct ipv4_revnat_entry entry = {
		.address = frontend->address.p1,
		.port = frontend->port,
		.rev_nat_index = rev_nat_index,
	};

	if (known && known->address == entry.address && known->port == entry.port &&
	    known->rev_nat_index == entry.rev_nat_index)
		return 0;
	return bpf_map_update_elem(&lb4_reverse_sk, key, &entry, BPF_ANY);
}

static __always_inline int reverse_remember6(const union socket_reverse_key *key,
					     const struct socket_peer *frontend,
					     __u16 rev_nat_index)
{
	struct ipv6_revnat_entry *known = bpf_map_lookup_elem(&lb6_reverse_sk, key);
	struct ipv6_revnat_entry entry = {
		.address = frontend->address,
		.port = frontend->port,
		.rev_nat_index = rev_nat_index,
	};

	if (known && known->address.d1 == entry.address.d1 &&
	    known->address.d2 == entry.address.d2 && known->port == entry.port &&
	    known->rev_nat_index == entry.rev_nat_index)
		return 0;
	return bpf_map_update_elem(&lb6_reverse_sk, key, &entry, BPF_ANY);
}

/* The socket's application knows the backend as the frontend. Returns 0 or a negative error. */
static __always_inline int socket_remember(void *ctx, enum family family,
					   const struct socket_peer *backend,
					   const struct socket_peer *frontend,
					   __u16 rev_nat_index)
{
	union socket_reverse_key key;
	int err;

	reverse_key_make(&key, family, bpf_get_socket_cookie(ctx), backend);
	err = family == IPV6 ? reverse_remember6(&key, frontend, rev_nat_index)
			     : reverse_remember4(&key, frontend, rev_nat_index);
	if (!err)
		return 0;
	METRIC(METRIC_REVERSE_SOCKET_UPDATE_FAILED, METRIC_EGRESS, 0);
	return -ENOMEM;
}

static __always_inline void reverse_delete(const union socket_reverse_key *key, enum family family,
					   __u8 reason)
{
	long err = family == IPV6 ? bpf_map_delete_elem(&lb6_reverse_sk, key)
				  : bpf_map_delete_elem(&lb4_reverse_sk, key);

	if (!err)
		METRIC(reason, METRIC_INGRESS, 0);
}

/* The socket's application knows the peer by no other name. */
static __always_inline void socket_forget(void *ctx, enum family family,
					  const struct socket_peer *peer)
{
	union socket_reverse_key key;

	reverse_key_make(&key, family, bpf_get_socket_cookie(ctx), peer);
	reverse_delete(&key, family, METRIC_REVERSE_SOCKET_DELETED);
}

/* Puts the frontend in the place of the backend in *peer, where the socket's application knows
 * it by that and the service is still there. Returns 1 where it did.
 */
static __always_inline int socket_recall(void *ctx, enum family family, struct socket_peer *peer)
{
	struct socket_peer frontend = { .protocol = peer->protocol };
	union socket_service_key service_key;
	union socket_reverse_key key;
	struct lb4_service *service;
	__u16 rev_nat_index;

	reverse_key_make(&key, family, bpf_get_socket_cookie(ctx), peer);
	if (family == IPV6) {
		struct ipv6_revnat_entry *known = bpf_map_lookup_elem(&lb6_reverse_sk, &key);

		if (!known)
			return 0;
		frontend.address = known->address;
		frontend.port = known->port;
		rev_nat_index = known->rev_nat_index;
	} else {
		struct ipv4_revnat_entry *known = bpf_map_lookup_elem(&lb4_reverse_sk, &key);

		if (!known)
			return 0;
		frontend.address.p1 = known->address;
		frontend.port = known->port;
		rev_nat_index = known->rev_nat_index;
	}

	service = socket_find_service(&service_key, family, &frontend, is_host_socket(ctx));
	if (!service || service->rev_nat_index != rev_nat_index) {
		reverse_delete(&key, family, METRIC_REVERSE_SOCKET_STALE);
		return 0;
	}
	peer->address = frontend.address;
	peer->port = frontend.port;
	return 1;
}

#endif
