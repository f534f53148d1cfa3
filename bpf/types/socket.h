/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets that services leave alone. */
#ifndef SKEP_TYPES_SOCKET_H
#define SKEP_TYPES_SOCKET_H

#include "tuple.h"

/* A namespace whose sockets reach a frontend untranslated. */
struct skip_lb4_key {
	__u64 netns_cookie;
	__u32 address;		/* network byte order */
	__u16 port;		/* network byte order */
	__u16 pad;
};

struct skip_lb6_key {
	__u64 netns_cookie;
	union v6addr address;
	__u32 pad;
	__u16 port;
	__u16 pad2;
};

#endif
