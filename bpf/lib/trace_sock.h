/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tells those who listen what sockets ask for and get. */
#ifndef SKEP_LIB_TRACE_SOCK_H
#define SKEP_LIB_TRACE_SOCK_H

#include "listeners.h"
#include "socket.h"

static __noinline int send_trace_sock(const struct trace_sock_notify *event)
{
	__u32 i;

	for (i = 0; i < EVENTS_LISTENERS; i++) {
		/* The verifier counts what is in a register, and a key is not. */
		__u32 listener = i;
		void *ring = bpf_map_lookup_elem(&events, &listener);

		if (ring && bpf_ringbuf_output(ring, (void *)event, sizeof(*event), 0))
			notify_count_lost(listener);
	}
	return 0;
}

static __always_inline void trace_sock(void *ctx, const struct socket_peer *peer,
				       enum family family, enum trace_sock_point point)
{
	struct trace_sock_notify event = {
		.type = NOTIFY_TRACE_SOCK,
		.xlate_point = point,
		.l4_proto = peer->protocol == IPPROTO_TCP ? TRACE_SOCK_TCP : TRACE_SOCK_UDP,
		.ipv6 = family == IPV6,
		.dst_port = bpf_ntohs(peer->port),
		.dst_ip = peer->address,
	};

	if (!socket_trace || !notify_somebody_listens() || !notify_allowed())
		return;
	event.sock_cookie = bpf_get_socket_cookie(ctx);
	event.cgroup_id = bpf_get_current_cgroup_id();
	send_trace_sock(&event);
}

#endif
