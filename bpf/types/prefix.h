/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Prefixes as keys of an LPM trie, both families in one. */
#ifndef SKEP_TYPES_PREFIX_H
#define SKEP_TYPES_PREFIX_H

#include <linux/types.h>

/* An IPv4 prefix is held as ::ffff:a.b.c.d, its length counted from 96 on. */
struct prefix_key {
	__u32 prefixlen;	/* host byte order, 0 to 128 */
	__u8 address[16];	/* network byte order */
};

struct prefix_count {
	__u64 packets;
};

#endif
