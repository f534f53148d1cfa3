/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Token buckets. */
#ifndef SKEP_TYPES_RATELIMIT_H
#define SKEP_TYPES_RATELIMIT_H

#include <linux/types.h>

enum ratelimit_usage {
	RATELIMIT_ICMPV6 = 1,
	RATELIMIT_EVENTS = 2,
};

struct ratelimit_key {
	__u32 usage;
	union {
		struct {
			__u32 netdev_idx;
		} icmpv6;
	} key;
};

struct ratelimit_value {
	__u64 last_topup;	/* nanoseconds */
	__u64 tokens;
};

struct ratelimit_metrics_key {
	__u32 usage;
};

struct ratelimit_metrics_value {
	__u64 dropped;
};

#endif
