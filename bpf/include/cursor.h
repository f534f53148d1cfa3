/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A place in a packet that only moves forward, and never past the end. */
#ifndef SKEP_CURSOR_H
#define SKEP_CURSOR_H

#include <linux/types.h>

struct cursor {
	void *pos;
	void *end;
};

/* Both contexts, xdp_md and __sk_buff, give their packet as two 32-bit fields. */
#define cursor_of(ctx)						\
	((struct cursor){					\
		.pos = (void *)(long)(ctx)->data,		\
		.end = (void *)(long)(ctx)->data_end,		\
	})

/* The next size bytes, and steps over them; NULL where the packet has fewer. */
static __always_inline void *cursor_take(struct cursor *cursor, __u32 size)
{
	void *taken = cursor->pos;

	if (taken + size > cursor->end)
		return 0;

	cursor->pos = taken + size;
	return taken;
}

/* The verifier must know how far a step of unknown length can go at most. */
#define CURSOR_MAX_SKIP 0x7ff

/* Steps over at most CURSOR_MAX_SKIP bytes; NULL where the packet has fewer. */
static __always_inline void *cursor_skip(struct cursor *cursor, __u32 size)
{
	/* In assembly, as the compiler would drop a mask that changes nothing. */
	asm volatile("%0 &= %1" : "+r"(size) : "i"(CURSOR_MAX_SKIP));
	return cursor_take(cursor, size);
}

#endif
