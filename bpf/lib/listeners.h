/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Who events are told to, and how many. */
#ifndef SKEP_LIB_LISTENERS_H
#define SKEP_LIB_LISTENERS_H

#include "../include/config.h"
#include "ratelimit.h"

static __always_inline int notify_allowed(void)
{
	struct ratelimit_key key = { .usage = RATELIMIT_EVENTS };

	return !events_rate || ratelimit_take(&key, events_rate, events_burst);
}

static __always_inline int notify_somebody_listens(void)
{
	__u32 i;

	for (i = 0; i < EVENTS_LISTENERS; i++) {
		/* The verifier counts what is in a register, and a key is not. */
		__u32 listener = i;

		if (bpf_map_lookup_elem(&events, &listener))
			return 1;
	}
	return 0;
}

static __always_inline void notify_count_lost(__u32 listener)
{
	__u64 *lost = bpf_map_lookup_elem(&events_lost, &listener);

	if (lost)
		++*lost;
}

#endif
