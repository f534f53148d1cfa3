/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_LIB_METRICS_H
#define SKEP_LIB_METRICS_H

#include "../maps/metrics.h"

static __always_inline void metrics_count(const struct metrics_key *key, __u64 bytes)
{
	struct metrics_value *value = bpf_map_lookup_elem(&metrics, key);

	if (value) {
		/* Each CPU has its own. */
		value->count++;
		value->bytes += bytes;
		return;
	}

	struct metrics_value first = { .count = 1, .bytes = bytes };

	bpf_map_update_elem(&metrics, key, &first, BPF_ANY);
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
		metrics_count(&metrics_key, (length));			\
	} while (0)

#endif
