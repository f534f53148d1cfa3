/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct server return: a packet for a service carries the address that its client knows, so that
 * the backend's node answers from it. All in network byte order.
 */
#ifndef SKEP_TYPES_DSR_H
#define SKEP_TYPES_DSR_H

#include "tuple.h"

/* How packets for services go on to backends of other nodes. */
enum service_forwarding {
	FORWARDING_SNAT = 0,	/* from this node, by which replies return */
	FORWARDING_DSR = 1,
	FORWARDING_HYBRID = 2,	/* TCP by DSR */
};

/* What carries the address. */
enum dsr_dispatch {
	DSR_OFF = 0,
	DSR_OPTION = 1,		/* of IPv4, or a header of destination options */
	DSR_IPIP = 2,
	DSR_GENEVE = 3,
};

#define DSR_OPTION_IPV4		0x9a	/* copied into each fragment */
#define DSR_OPTION_IPV6		0x1b	/* who does not know it skips it */

/* Behind the IP header's first 20 bytes. */
struct dsr_option4 {
	__u8 type;		/* DSR_OPTION_IPV4 */
	__u8 length;		/* 8 */
	__be16 port;
	__be32 address;
};

/* Behind the IPv6 header. */
struct dsr_option6 {
	__u8 next_header;
	__u8 header_length;	/* 2: in 8 bytes, the first 8 not counted */
	__u8 type;		/* DSR_OPTION_IPV6 */
	__u8 length;		/* 20: of what follows */
	union v6addr address;
	__be16 port;
	__be16 pad;
} __attribute__((packed));

#define GENEVE_PORT		6081
#define GENEVE_VNI_WORLD	2	/* from outside the cluster */
#define GENEVE_CLASS_DSR	0x014b
#define GENEVE_TYPE_DSR		1

struct geneve_header {
	__u8 length;		/* of the options, in 4 bytes; version 0 in the highest bits */
	__u8 flags;
	__be16 protocol;	/* of what follows: an EtherType */
	__be32 vni;		/* in the upper 24 bits */
};

struct geneve_option {
	__be16 class;
	__u8 type;
	__u8 length;		/* of what follows, in 4 bytes */
};

struct geneve_dsr4 {
	struct geneve_option option;
	__be32 address;
	__be16 port;
	__be16 pad;
};

struct geneve_dsr6 {
	struct geneve_option option;
	union v6addr address;
	__be16 port;
	__be16 pad;
} __attribute__((packed));

#endif
