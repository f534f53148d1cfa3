/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whether the checksum of an ICMP error that came is right. */
#ifndef SKEP_LIB_ICMP_ERROR_SUM_H
#define SKEP_LIB_ICMP_ERROR_SUM_H

#include "../include/checksum.h"
#include "packet.h"

/* Bytes that are summed at once, and how often at most: no error quotes more than one packet. */
#define ICMP_ERROR_PART		256
#define ICMP_ERROR_PARTS	8

/* Of what IPv6 sums beside the message. */
static __always_inline __s64 sum_pseudo_header(const struct packet *packet, __u32 length)
{
	struct {
		union v6addr saddr;
		union v6addr daddr;
		__be32 length;
		__be32 next;
	} pseudo = {
		.saddr = packet->saddr,
		.daddr = packet->daddr,
		.length = bpf_htonl(length),
		.next = bpf_htonl(IPPROTO_ICMPV6),
	};

	return bpf_csum_diff(0, 0, (__be32 *)&pseudo, sizeof(pseudo), 0);
}

static __always_inline int is_sound_error_family(struct __sk_buff *ctx,
						 const struct packet *packet, enum family family,
						 __u32 part[ICMP_ERROR_PART / 4])
{
	__u32 at = packet->l4_offset, left, size, i;
	__be16 length;
	__s64 sum = 0;

	/* Of IPv4 with its header, of IPv6 without. */
	if (bpf_skb_load_bytes(ctx, ETH_HLEN + (family == IPV6 ? 4 : 2), &length, sizeof(length)))
		return 0;
	left = ETH_HLEN + (family == IPV6 ? sizeof(struct ipv6hdr) : 0) + bpf_ntohs(length) - at;
	if (family == IPV6)
		sum = sum_pseudo_header(packet, left);
	for (i = 0; i < ICMP_ERROR_PARTS && left; i++) {
		size = left < ICMP_ERROR_PART ? left : ICMP_ERROR_PART;
		__builtin_memset(part, 0, ICMP_ERROR_PART);
		/* Kernel 6.1 does not see that what is not 0 is at least 1. */
		asm volatile("" : "+r"(size));
		size = ((size - 1) & (ICMP_ERROR_PART - 1)) + 1;
		if (bpf_skb_load_bytes(ctx, at, part, size))
			return 0;
		sum = bpf_csum_diff(0, 0, part, ICMP_ERROR_PART, sum);
		at += size;
		left -= size;
	}
	return !left && !checksum_fold(sum);
}

static __noinline int is_sound_error_ipv4(struct __sk_buff *ctx, const struct packet *packet,
					  __u32 *part)
{
	return is_sound_error_family(ctx, packet, IPV4, part);
}

static __noinline int is_sound_error_ipv6(struct __sk_buff *ctx, const struct packet *packet,
					  __u32 *part)
{
	return is_sound_error_family(ctx, packet, IPV6, part);
}

/* An error whose addresses and ports were read: 1 where its checksum is right. `part` is for what is
 * summed.
 */
static __always_inline int is_sound_error(struct __sk_buff *ctx, const struct packet *packet,
					  enum family family, __u32 part[ICMP_ERROR_PART / 4])
{
	return family == IPV6 ? is_sound_error_ipv6(ctx, packet, part)
			      : is_sound_error_ipv4(ctx, packet, part);
}

#endif
