/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Services as sockets find them, and their choice of a backend. */
#ifndef SKEP_LIB_SOCKET_SERVICE_H
#define SKEP_LIB_SOCKET_SERVICE_H

#include <linux/errno.h>

#include "../maps/service.h"
#include "../maps/socket.h"
#include "clock.h"
#include "identity.h"
#include "metrics.h"
#include "socket.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_SOCKET_SERVICE

union socket_service_key {
	struct lb4_key v4;
	struct lb6_key v6;
};

#define service_key_set(key, family, field, value)	\
	do {						\
		if ((family) == IPV6)			\
			(key)->v6.field = (value);	\
		else					\
			(key)->v4.field = (value);	\
	} while (0)

/* Values of both families are laid out alike. */
static __always_inline struct lb4_service *
socket_service_slot(const union socket_service_key *key, enum family family)
{
	struct lb4_service *found;

	found = family == IPV6 ? bpf_map_lookup_elem(&lb6_services_v2, key)
			       : bpf_map_lookup_elem(&lb4_services_v2, key);
	return found;
}

/* The service of an address and port, with its key; the one of inside where it has two. */
static __always_inline struct lb4_service *
socket_service_at(union socket_service_key *key, enum family family, const union v6addr *address,
		  const struct socket_peer *peer)
{
	struct lb4_service *service;

	__builtin_memset(key, 0, sizeof(*key));
	if (family == IPV6)
		key->v6.address = *address;
	else
		key->v4.address = address->p1;
	service_key_set(key, family, dport, peer->port);
	service_key_set(key, family, proto, peer->protocol);
	service = socket_service_slot(key, family);
	/* Without a port either it is what refuses an address's other ports to the network. */
	if (!service && peer->port) {
		service_key_set(key, family, proto, 0);
		service = socket_service_slot(key, family);
	}
	if (service && service->flags2 & SERVICE_F2_TWO_SCOPES) {
		service_key_set(key, family, scope, SERVICE_SCOPE_INTERNAL);
		service = socket_service_slot(key, family);
	}
	return service;
}

static __always_inline int is_host_address(const union v6addr *address, enum family family,
					   int host_socket)
{
	struct endpoint_info *endpoint;

	/* Each namespace has loopback addresses of its own. */
	if (is_any_address(address) || is_loopback(address, family))
		return host_socket;
	endpoint = find_endpoint(address, family);
	return endpoint && is_host(endpoint);
}

static __always_inline int is_node_port(__be16 port)
{
	__u16 number = bpf_ntohs(port);

	return number >= socket_node_port_min && number <= socket_node_port_max;
}

/* The service of a port that every address of a node has; other nodes' for node ports only. */
static __always_inline struct lb4_service *
socket_find_wildcard(union socket_service_key *key, enum family family,
		     const struct socket_peer *peer, int host_socket)
{
	int node_port = is_node_port(peer->port);
	union v6addr any = {};
	struct lb4_service *service;

	if (!is_host_address(&peer->address, family, host_socket) &&
	    !(node_port && identity_of(&peer->address, family) == IDENTITY_REMOTE_NODE))
		return 0;
	service = socket_service_at(key, family, &any, peer);
	if (service && service->flags & (node_port ? SERVICE_F_NODEPORT : SERVICE_F_HOSTPORT))
		return service;
	return 0;
}

static __always_inline struct lb4_service *
socket_find_service(union socket_service_key *key, enum family family,
		    const struct socket_peer *peer, int host_socket)
{
	struct lb4_service *service = 0;

	if (!is_any_address(&peer->address))
		service = socket_service_at(key, family, &peer->address, peer);
	if (!service)
		return socket_find_wildcard(key, family, peer, host_socket);
	/* These are the network's where this node does not have the address. */
	if (service->flags & (SERVICE_F_EXTERNAL_IP | SERVICE_F_HOSTPORT) &&
	    !is_host_address(&peer->address, family, host_socket))
		return 0;
	return service;
}

union socket_affinity_key {
	struct lb4_affinity_key v4;
	struct lb6_affinity_key v6;
};

static __always_inline void affinity_key_make(union socket_affinity_key *key, enum family family,
					      __u64 netns_cookie, __u16 rev_nat_index)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (family == IPV6) {
		key->v6.client_id.client_cookie = netns_cookie;
		key->v6.rev_nat_id = rev_nat_index;
		key->v6.netns_cookie = 1;
	} else {
		key->v4.client_id.client_cookie = netns_cookie;
		key->v4.rev_nat_id = rev_nat_index;
		key->v4.netns_cookie = 1;
	}
}

/* The backend that the namespace had last, where it may still have it; 0: none. */
static __always_inline __u32 affinity_backend(const union socket_affinity_key *key,
					      enum family family,
					      const struct lb4_service *service, __u64 now)
{
	struct lb_affinity_match match = { .rev_nat_id = service->rev_nat_index };
	struct lb_affinity_val *last;

	last = family == IPV6 ? bpf_map_lookup_elem(&lb6_affinity, key)
			      : bpf_map_lookup_elem(&lb4_affinity, key);
	if (!last || last->last_used + (service->affinity_timeout & SERVICE_AFFINITY_MASK) <= now)
		return 0;
	match.backend_id = last->backend_id;
	return bpf_map_lookup_elem(&lb_affinity_match, &match) ? match.backend_id : 0;
}

static __always_inline void affinity_keep(const union socket_affinity_key *key,
					  enum family family, __u32 backend, __u64 now)
{
	struct lb_affinity_val value = { .last_used = now, .backend_id = backend };

	if (family == IPV6)
		bpf_map_update_elem(&lb6_affinity, key, &value, BPF_ANY);
	else
		bpf_map_update_elem(&lb4_affinity, key, &value, BPF_ANY);
}

/* Writes a backend's address into *to; 0 where there is no such backend. */
static __always_inline int backend_read(__u32 id, enum family family, struct socket_peer *to,
					__u8 *state)
{
	if (family == IPV6) {
		struct lb6_backend *backend = bpf_map_lookup_elem(&lb6_backends_v3, &id);

		if (!backend)
			return 0;
		to->address = backend->address;
		to->port = backend->port;
		*state = backend->flags;
	} else {
		struct lb4_backend *backend = bpf_map_lookup_elem(&lb4_backends_v3, &id);

		if (!backend)
			return 0;
		to->address.p1 = backend->address;
		to->port = backend->port;
		*state = backend->flags;
	}
	return 1;
}

/* A slot by chance; for datagrams by the socket, so that it keeps its backend. */
static __always_inline __u16 socket_slot(void *ctx, __u8 protocol, __u16 count)
{
	__u64 number = protocol == IPPROTO_TCP ? bpf_get_prandom_u32()
					       : bpf_get_socket_cookie(ctx);

	return number % count + 1;
}

/* Puts a backend of the service into *to. Returns 0 or a negative error. */
static __always_inline int socket_choose_backend(void *ctx, enum family family,
						 union socket_service_key *key,
						 struct lb4_service *service,
						 struct socket_peer *to)
{
	union socket_affinity_key client;
	__u64 now = clock_seconds();
	struct lb4_service *slot;
	__u8 state = 0;
	__u32 id = 0;
	__u16 count;

	if (service->flags & SERVICE_F_AFFINITY) {
		affinity_key_make(&client, family, bpf_get_netns_cookie(ctx),
				  service->rev_nat_index);
		id = affinity_backend(&client, family, service, now);
		if (id && (!backend_read(id, family, to, &state) || state != BACKEND_ACTIVE))
			id = 0;
	}
	if (!id) {
		count = service->count;
		if (!count) {
			METRIC(METRIC_NO_BACKEND, METRIC_EGRESS, 0);
			return -EHOSTUNREACH;
		}
		service_key_set(key, family, backend_slot, socket_slot(ctx, to->protocol, count));
		slot = socket_service_slot(key, family);
		if (!slot) {
			METRIC(METRIC_NO_BACKEND_SLOT, METRIC_EGRESS, 0);
			return -EHOSTUNREACH;
		}
		id = slot->backend_id;
		if (!backend_read(id, family, to, &state)) {
			METRIC(METRIC_NO_BACKEND, METRIC_EGRESS, 0);
			return -EHOSTUNREACH;
		}
	}
	if (service->flags & SERVICE_F_AFFINITY)
		affinity_keep(&client, family, id, now);
	return 0;
}

/* Has the namespace asked to reach this frontend as it is? */
static __always_inline int socket_skips(void *ctx, enum family family,
					const struct socket_peer *peer)
{
	if (family == IPV6) {
		struct skip_lb6_key key = {
			.netns_cookie = bpf_get_netns_cookie(ctx),
			.address = peer->address,
			.port = peer->port,
		};

		return !!bpf_map_lookup_elem(&skip_lb6, &key);
	}

	struct skip_lb4_key key = {
		.netns_cookie = bpf_get_netns_cookie(ctx),
		.address = peer->address.p1,
		.port = peer->port,
	};

	return !!bpf_map_lookup_elem(&skip_lb4, &key);
}

#endif
