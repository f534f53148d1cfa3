/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One's complement sums, as IP, TCP, UDP and ICMP have them. */
#ifndef SKEP_CHECKSUM_H
#define SKEP_CHECKSUM_H

#include <linux/types.h>

/* The sum that goes into a header. */
static __always_inline __be16 checksum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* What a header's sum becomes when what it covers grows by a difference. */
static __always_inline __be16 checksum_add(__be16 checksum, __u32 difference)
{
	return checksum_fold((__u64)(__u16)~checksum + difference);
}

static __always_inline __u32 checksum_fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return sum + (sum >> 32);
}

/* By how much a sum grows when words are replaced. */
static __always_inline __u32 checksum_difference(__be32 from, __be32 to)
{
	return checksum_fold32((__u64)(__u32)~from + to);
}

static __always_inline __u32 checksum_difference16(const __be32 from[4], const __be32 to[4])
{
	__u64 sum = 0;
	int i;

#pragma unroll
	for (i = 0; i < 4; i++)
		sum += (__u64)(__u32)~from[i] + to[i];
	return checksum_fold32(sum);
}

#endif
