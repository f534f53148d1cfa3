/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Map connections of sock_connections. Keys are compared as bytes, so padding
 * is a field and is always zero.
 */
#ifndef SKEP_TYPES_CONNECTION_H
#define SKEP_TYPES_CONNECTION_H

#include "address.h"

enum connection_origin {
	CONNECTION_ACTIVE = 1,	/* opened from this side, by connect() */
	CONNECTION_PASSIVE = 2,	/* accepted by a listening socket */
};

struct connection_key {
	struct ip_address local;
	struct ip_address remote;
	__be16 local_port;
	__be16 remote_port;
	__u8 family;		/* enum ip_family, of the addresses, not of the socket */
	__u8 pad[3];
};

struct connection {
	__u64 established_ns;	/* CLOCK_MONOTONIC */
	__u64 closed_ns;	/* CLOCK_MONOTONIC, 0 while open */
	__u64 bytes_acked;	/* sent and acknowledged; SYN and FIN count one each */
	__u64 bytes_received;	/* likewise */
	__u32 srtt_us;		/* smoothed round-trip time, microseconds */
	__u32 retransmits;	/* segments */
	__u32 state;		/* BPF_TCP_*: 1 established, 7 closed ... */
	__u8 origin;		/* enum connection_origin */
	__u8 pad[3];
};

#endif
