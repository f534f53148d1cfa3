/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Connections between two sockets of this node. */
#ifndef SKEP_TYPES_SOCKMAP_H
#define SKEP_TYPES_SOCKMAP_H

#include "tuple.h"

/* A socket. What it first sends and receives stands in its key, numbers that the kernel draws: so
 * no socket passes for another by taking its addresses in a namespace of its own.
 */
struct sock_key {
	union v6addr local;	/* IPv4 in the first four bytes */
	union v6addr remote;
	__be16 local_port;
	__be16 remote_port;
	__u32 local_seq;	/* of the first byte that it sends */
	__u32 remote_seq;	/* of the first byte that it receives */
	__u8 family;		/* enum endpoint_family */
	__u8 pad[3];
};

/* Where the kernel has a socket; addresses that are read with care, as it may be gone. */
struct sock_peer {
	__u64 sock;
	__u64 state;		/* struct sock_state */
	__u64 cookie;
};

/* Whose connections are to be direct: a frontend, a server, or a port of all servers. */
struct sockmap_port {
	union v6addr address;	/* zero: any of both families */
	__be16 port;
	__u8 family;		/* enum endpoint_family; 0 with any address */
	__u8 pad[5];
};

/* What a socket keeps for itself. */
struct sock_state {
	struct sock_key peer;		/* its peer's key */
	struct sock_peer at;		/* its peer; zero: not known yet */
	__u64 own;			/* where the kernel has the socket */
	__u64 cookie;
	__u64 queue;			/* its peer's queue of direct messages */
	__u64 barrier;
	__u32 client_revision;		/* as of which both ends' policies let the flow pass */
	__u32 server_revision;
	__u32 ports_revision;
	__u32 checked;			/* seconds of the datapath's clock; 0: never */
	__u32 client_endpoint;
	__u32 server_endpoint;
	__u32 sent;			/* messages */
	__u32 answered;			/* its peer's messages when the stack had its last one */
	__u8 is_client;
	__u8 on_stack;			/* the stack had its last message */
	__u8 pad[2];
};

#endif
