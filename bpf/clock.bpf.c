// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The datapath's clock, for user space to read by a test run. */
#include <linux/bpf.h>

#include "lib/clock.h"

SEC("socket")
int clock(struct __sk_buff *ctx)
{
	(void)ctx;
	return clock_seconds();
}

char _license[] SEC("license") = "Dual BSD/GPL";
