/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef SKEP_LIB_CLOCK_H
#define SKEP_LIB_CLOCK_H

#include <bpf/bpf_helpers.h>

#include "../include/config.h"

/* Seconds since the machine started. Ticks cost a tenth of what nanoseconds cost to read; they
 * run behind the monotonic clock by what time synchronisation shifts it, so user space asks
 * this program's clock and not its own.
 */
static __always_inline __u32 clock_seconds(void)
{
	if (!seconds_per_jiffy_shl32)
		return bpf_ktime_get_ns() / 1000000000;
	return (bpf_jiffies64() - initial_jiffies) * seconds_per_jiffy_shl32 >> 32;
}

#endif
