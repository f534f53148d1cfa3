/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Addresses as programs of sockets are given them. */
#ifndef SKEP_LIB_SOCKET_H
#define SKEP_LIB_SOCKET_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../include/config.h"
#include "../types/tuple.h"
#include "packet.h"

/* linux/socket.h does not have them. */
#define AF_INET		2
#define AF_INET6	10

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

/* The other end of a socket; an IPv4 address stands in the first four bytes, the rest is zero. */
struct socket_peer {
	union v6addr address;
	__be16 port;
	__u8 protocol;		/* 0: not one that services have */
};

/* Whose words are whose: an IPv6 socket has IPv4 peers as ::ffff:a.b.c.d. */
enum socket_form {
	SOCKET_IPV4,
	SOCKET_IPV6,
	SOCKET_MAPPED,
};

static __always_inline enum family socket_family(enum socket_form form)
{
	return form == SOCKET_IPV6 ? IPV6 : IPV4;
}

/* The context is read in words: a compiler that joins two of them makes a load that the verifier
 * refuses.
 */
#define context_word(field)	(*(volatile __u32 *)&(field))

static __always_inline int is_mapped(__be32 p1, __be32 p2, __be32 p3)
{
	return !p1 && !p2 && p3 == bpf_htonl(0xffff);
}

#define socket_form_of6(words)							\
	(is_mapped(context_word((words)[0]), context_word((words)[1]),		\
		   context_word((words)[2])) ? SOCKET_MAPPED : SOCKET_IPV6)

#define socket_address_read(address, words)				\
	do {								\
		(address)->p1 = context_word((words)[0]);		\
		(address)->p2 = context_word((words)[1]);		\
		(address)->p3 = context_word((words)[2]);		\
		(address)->p4 = context_word((words)[3]);		\
	} while (0)

static __always_inline __u8 socket_protocol(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		return IPPROTO_TCP;
	case IPPROTO_UDP:
		return IPPROTO_UDP;
	default:
		return 0;
	}
}

/* *peer must be zero. */
static __always_inline void socket_peer_read(struct bpf_sock_addr *ctx, enum socket_form form,
					     struct socket_peer *peer)
{
	if (form == SOCKET_IPV4)
		peer->address.p1 = context_word(ctx->user_ip4);
	else if (form == SOCKET_MAPPED)
		peer->address.p1 = context_word(ctx->user_ip6[3]);
	else
		socket_address_read(&peer->address, ctx->user_ip6);
	peer->port = context_word(ctx->user_port);
	peer->protocol = socket_protocol(ctx->protocol);
}

static __always_inline void socket_peer_write(struct bpf_sock_addr *ctx, enum socket_form form,
					      const union v6addr *address, __be16 port)
{
	if (form == SOCKET_IPV4) {
		context_word(ctx->user_ip4) = address->p1;
	} else if (form == SOCKET_MAPPED) {
		context_word(ctx->user_ip6[3]) = address->p1;
	} else {
		context_word(ctx->user_ip6[0]) = address->p1;
		context_word(ctx->user_ip6[1]) = address->p2;
		context_word(ctx->user_ip6[2]) = address->p3;
		context_word(ctx->user_ip6[3]) = address->p4;
	}
	context_word(ctx->user_port) = port;
}

static __always_inline int is_any_address(const union v6addr *address)
{
	return !address->d1 && !address->d2;
}

static __always_inline int is_loopback(const union v6addr *address, enum family family)
{
	if (family == IPV6)
		return !address->d1 && !address->p3 && address->p4 == bpf_htonl(1);
	return (address->p1 & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* Is the socket of the host's own network namespace? */
static __always_inline int is_host_socket(void *ctx)
{
	__u64 host = host_netns_cookie ? host_netns_cookie : bpf_get_netns_cookie(0);

	return bpf_get_netns_cookie(ctx) == host;
}

#endif
