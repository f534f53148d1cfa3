/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets and bytes by what became of them. */
#ifndef SKEP_TYPES_METRICS_H
#define SKEP_TYPES_METRICS_H

#include <linux/types.h>

struct metrics_key {
	__u8 reason;		/* enum drop_reason, or enum metric_reason below 128 */
	__u8 dir : 2,		/* enum metric_direction */
	     pad : 6;
	__u16 line;
	__u8 file;		/* enum source_file */
	__u8 reserved[3];
} __attribute__((aligned(8)));

struct metrics_value {
	__u64 count;
	__u64 bytes;
};

/* What a CPU has counted and not yet put into the metrics. */
struct metrics_pending {
	struct metrics_key key;
	__u64 count;
	__u64 bytes;
};

/* Places that see the most packets, each with a slot of its own. */
enum metrics_slot {
	FORWARD_TO_PEER,
	FORWARD_TO_ENDPOINT,
	FORWARD_TO_HOST,
	FORWARD_TO_STACK,
	FORWARD_TO_NETWORK,
	FORWARD_TO_PROXY,
	FORWARD_BY_ROUTE,
	FORWARD_BY_XDP,
	DROP_BY_PREFILTER,
	FORWARD_BY_SHORTCUT,
	FORWARD_SLOTS,
};

enum metric_direction {
	METRIC_INGRESS = 1,
	METRIC_EGRESS = 2,
	METRIC_SERVICE = 3,
};

#endif
