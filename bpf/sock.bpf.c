// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Services in sockets: a connection to a frontend is one to a backend from its first packet on,
 * and the application is told of the frontend alone.
 */
#include <bpf/bpf_core_read.h>

#include "lib/socket_reverse.h"
#include "lib/trace_sock.h"

#define SOCKET_REFUSE	0
#define SOCKET_PROCEED	1

/* *Kernel:* 5.18; applications of older ones see EPERM. */
static __always_inline int refuse(int error)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_set_retval))
		bpf_set_retval(error);
	return SOCKET_REFUSE;
}

enum socket_call {
	SOCKET_CONNECT,
	SOCKET_SEND,
};

/* Gives the socket a backend in the place of a frontend. Returns what the program returns. */
static __always_inline int socket_forward(struct bpf_sock_addr *ctx, enum socket_form form,
					  enum socket_call call)
{
	enum family family = socket_family(form);
	union socket_service_key key;
	struct lb4_service *service;
	struct socket_peer frontend = {};
	struct socket_peer backend = {};
	int host_socket = is_host_socket(ctx);
	int err;

	if (socket_host_only && !host_socket)
		return SOCKET_PROCEED;
	socket_peer_read(ctx, form, &frontend);
	if (!frontend.protocol)
		return SOCKET_PROCEED;
	service = socket_find_service(&key, family, &frontend, host_socket);
	if (!service) {
		/* It may be a backend that the socket had by a service before. */
		if (call == SOCKET_CONNECT)
			socket_forget(ctx, family, &frontend);
		return SOCKET_PROCEED;
	}
	/* Backends of the other family are reached by packets. */
	if (service->flags2 & SERVICE_F2_NAT_46X64)
		return SOCKET_PROCEED;

	trace_sock(ctx, &frontend, family, TRACE_SOCK_PRE_FORWARD);
	backend.protocol = frontend.protocol;
	if (service->flags2 & SERVICE_F2_L7_LOAD_BALANCER) {
		/* Packets of endpoints are taken to the proxy on their way. */
		if (!host_socket)
			return SOCKET_PROCEED;
		if (family == IPV6)
			backend.address.p4 = bpf_htonl(1);
		else
			backend.address.p1 = bpf_htonl(0x7f000001);
		backend.port = bpf_htons(service->l7_lb_proxy_port);
	} else {
		if (service->flags2 & SERVICE_F2_LOCAL_REDIRECT &&
		    socket_skips(ctx, family, &frontend))
			return SOCKET_PROCEED;
		err = socket_choose_backend(ctx, family, &key, service, &backend);
		if (err)
			return refuse(err);
	}

	err = socket_remember(ctx, family, &backend, &frontend, service->rev_nat_index);
	if (err)
		return refuse(err);
	socket_peer_write(ctx, form, &backend.address, backend.port);
	trace_sock(ctx, &backend, family, TRACE_SOCK_POST_FORWARD);
	return SOCKET_PROCEED;
}

/* Tells the application of the frontend in the place of a backend. */
static __always_inline int socket_reverse(struct bpf_sock_addr *ctx, enum socket_form form)
{
	enum family family = socket_family(form);
	struct socket_peer backend = {};
	struct socket_peer peer;

	socket_peer_read(ctx, form, &backend);
	peer = backend;
	if (!peer.protocol || !socket_recall(ctx, family, &peer))
		return SOCKET_PROCEED;
	trace_sock(ctx, &backend, family, TRACE_SOCK_PRE_REVERSE);
	socket_peer_write(ctx, form, &peer.address, peer.port);
	trace_sock(ctx, &peer, family, TRACE_SOCK_POST_REVERSE);
	return SOCKET_PROCEED;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return socket_forward(ctx, SOCKET_IPV4, SOCKET_CONNECT);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return socket_form_of6(ctx->user_ip6) == SOCKET_MAPPED
		       ? socket_forward(ctx, SOCKET_MAPPED, SOCKET_CONNECT)
		       : socket_forward(ctx, SOCKET_IPV6, SOCKET_CONNECT);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return socket_forward(ctx, SOCKET_IPV4, SOCKET_SEND);
}

/* The kernel sends to mapped addresses as an IPv4 socket does. */
SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return socket_forward(ctx, SOCKET_IPV6, SOCKET_SEND);
}

SEC("cgroup/recvmsg4")
int recvmsg4(struct bpf_sock_addr *ctx)
{
	return socket_reverse(ctx, SOCKET_IPV4);
}

SEC("cgroup/recvmsg6")
int recvmsg6(struct bpf_sock_addr *ctx)
{
	return socket_form_of6(ctx->user_ip6) == SOCKET_MAPPED
		       ? socket_reverse(ctx, SOCKET_MAPPED)
		       : socket_reverse(ctx, SOCKET_IPV6);
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	return socket_reverse(ctx, SOCKET_IPV4);
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	return socket_form_of6(ctx->user_ip6) == SOCKET_MAPPED
		       ? socket_reverse(ctx, SOCKET_MAPPED)
		       : socket_reverse(ctx, SOCKET_IPV6);
}

/* Is the port that of a service of the node? A socket there would never hear of clients. */
static __always_inline int is_taken(enum family family, const struct socket_peer *own)
{
	union socket_service_key key;
	struct lb4_service *service = 0;

	if (!is_any_address(&own->address))
		service = socket_service_at(&key, family, &own->address, own);
	if (!service)
		service = socket_find_wildcard(&key, family, own, 1);
	return service && service->flags & (SERVICE_F_NODEPORT | SERVICE_F_EXTERNAL_IP |
					    SERVICE_F_LOADBALANCER);
}

SEC("cgroup/post_bind4")
int post_bind4(struct bpf_sock *ctx)
{
	struct socket_peer own = {
		.address.p1 = context_word(ctx->src_ip4),
		.port = bpf_htons(ctx->src_port),
		.protocol = socket_protocol(ctx->protocol),
	};

	if (!own.protocol || !is_host_socket(ctx))
		return SOCKET_PROCEED;
	return is_taken(IPV4, &own) ? refuse(-EADDRINUSE) : SOCKET_PROCEED;
}

SEC("cgroup/post_bind6")
int post_bind6(struct bpf_sock *ctx)
{
	enum socket_form form = socket_form_of6(ctx->src_ip6);
	struct socket_peer own = {
		.port = bpf_htons(ctx->src_port),
		.protocol = socket_protocol(ctx->protocol),
	};

	if (!own.protocol || !is_host_socket(ctx))
		return SOCKET_PROCEED;
	if (form == SOCKET_MAPPED) {
		own.address.p1 = context_word(ctx->src_ip6[3]);
		return is_taken(IPV4, &own) ? refuse(-EADDRINUSE) : SOCKET_PROCEED;
	}
	socket_address_read(&own.address, ctx->src_ip6);
	if (is_taken(IPV6, &own))
		return refuse(-EADDRINUSE);
	/* Most sockets that listen on any address of IPv6 do so on those of IPv4. */
	if (is_any_address(&own.address) && is_taken(IPV4, &own))
		return refuse(-EADDRINUSE);
	return SOCKET_PROCEED;
}

SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	struct socket_peer peer = { .port = ctx->dst_port };

	if (!peer.port || !socket_protocol(ctx->protocol))
		return SOCKET_PROCEED;
	if (ctx->family == AF_INET6 && socket_form_of6(ctx->dst_ip6) == SOCKET_IPV6) {
		socket_address_read(&peer.address, ctx->dst_ip6);
		socket_forget(ctx, IPV6, &peer);
		return SOCKET_PROCEED;
	}
	/* Which IPv6 sockets have as well. */
	peer.address.p1 = context_word(ctx->dst_ip4);
	socket_forget(ctx, IPV4, &peer);
	return SOCKET_PROCEED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
