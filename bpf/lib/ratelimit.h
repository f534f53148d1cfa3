/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_LIB_RATELIMIT_H
#define SKEP_LIB_RATELIMIT_H

#include "../maps/events.h"

#define NANOSECONDS	1000000000ULL

static __always_inline void ratelimit_count_dropped(__u32 usage)
{
	struct ratelimit_metrics_key key = { .usage = usage };
	struct ratelimit_metrics_value first = { .dropped = 1 };
	struct ratelimit_metrics_value *value = bpf_map_lookup_elem(&ratelimit_metrics, &key);

	if (value)
		__sync_fetch_and_add(&value->dropped, 1);
	else
		bpf_map_update_elem(&ratelimit_metrics, &key, &first, BPF_NOEXIST);
}

/* Takes a token from a bucket that gets `rate` a second and holds `burst`, or `rate` where that is
 * 0: 1, or 0 where there is none. Two CPUs may take the same token: a limit, not an account.
 */
static __always_inline int ratelimit_take(struct ratelimit_key *key, __u32 rate, __u32 burst)
{
	__u64 now = bpf_ktime_get_ns();
	struct ratelimit_value *bucket = bpf_map_lookup_elem(&ratelimit, key);
	__u64 interval = rate < NANOSECONDS ? NANOSECONDS / rate : 1;
	__u64 last, gained;

	if (!burst)
		burst = rate;
	if (!bucket) {
		struct ratelimit_value full = { .last_topup = now, .tokens = burst - 1 };

		bpf_map_update_elem(&ratelimit, key, &full, BPF_ANY);
		return 1;
	}

	last = bucket->last_topup;
	/* Another CPU may have read its clock later. */
	gained = now > last ? (now - last) / interval : 0;
	if (gained) {
		__u64 tokens = bucket->tokens + gained;

		bucket->tokens = tokens > burst ? burst : tokens;
		/* What was not enough for a token counts for the next. */
		bucket->last_topup = last + gained * interval;
	}
	if (!bucket->tokens) {
		ratelimit_count_dropped(key->usage);
		return 0;
	}
	bucket->tokens--;
	return 1;
}

#endif
