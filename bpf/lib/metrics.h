/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_LIB_METRICS_H
#define SKEP_LIB_METRICS_H

#include "../include/drop_reasons.h"
#include "../maps/metrics.h"

static __always_inline void metrics_add(const struct metrics_key *key, __u64 count, __u64 bytes)
{
	struct metrics_value *value = bpf_map_lookup_elem(&metrics, key);

	if (value) {
		/* Each CPU has its own. */
		value->count += count;
		value->bytes += bytes;
		return;
	}

	struct metrics_value first = { .count = count, .bytes = bytes };

	bpf_map_update_elem(&metrics, key, &first, BPF_ANY);
}

static __always_inline int metrics_key_equal(const struct metrics_key *a,
					     const struct metrics_key *b)
{
	return *(const __u64 *)a == *(const __u64 *)b;
}

/* Reads the key from the slot: a global function, as of guard_by_policy_ipv4(). */
__noinline int metrics_flush(__u32 slot)
{
	struct metrics_pending *pending = bpf_map_lookup_elem(&metrics_pending, &slot);
	struct metrics_key key;

	if (!pending || !pending->count)
		return 0;
	key = pending->key;
	metrics_add(&key, pending->count, pending->bytes);
	pending->count = 0;
	pending->bytes = 0;
	return 0;
}

static __always_inline void metrics_forward(__u32 slot, const struct metrics_key *key, __u64 bytes)
{
	struct metrics_pending *pending = bpf_map_lookup_elem(&metrics_pending, &slot);

	if (!pending)
		return;
	/* Two directions by one place, or another version's lines. */
	if (!metrics_key_equal(&pending->key, key)) {
		metrics_flush(slot);
		pending->key = *key;
	}
	pending->bytes += bytes;
	if (++pending->count >= METRICS_PENDING_MAX)
		metrics_flush(slot);
}

/* Counts here; each file defines SOURCE_FILE behind its includes. */
#define METRIC(metric, direction, length)				\
	do {								\
		struct metrics_key metrics_key = {			\
			.reason = (metric),				\
			.dir = (direction),				\
			.line = __LINE__,				\
			.file = SOURCE_FILE,				\
		};							\
		metrics_add(&metrics_key, 1, (length));			\
	} while (0)

/* The same where there are many, by a slot of their own. */
#define METRIC_MANY(slot, metric, direction, length)			\
	do {								\
		struct metrics_key metrics_key = {			\
			.reason = (metric),				\
			.dir = (direction),				\
			.line = __LINE__,				\
			.file = SOURCE_FILE,				\
		};							\
		metrics_forward((slot), &metrics_key, (length));	\
	} while (0)

/* A packet that passes. */
#define METRIC_FORWARD(slot, direction, length)				\
	METRIC_MANY(slot, METRIC_FORWARDED, direction, length)

#endif
