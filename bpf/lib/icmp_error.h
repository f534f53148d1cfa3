/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Turns a packet that cannot go on into the ICMP error that says so, back to its sender. */
#ifndef SKEP_LIB_ICMP_ERROR_H
#define SKEP_LIB_ICMP_ERROR_H

#include "../include/checksum.h"
#include "metrics.h"
#include "ratelimit.h"
#include "rewrite.h"
#include "walk.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_ICMP_ERROR

#define ICMP_ERROR_HOP_LIMIT	64
/* How much of the packet is told at most: headers with some options. */
#define ICMP_ERROR_QUOTE_MAX	128
/* Of L4: the kernel cuts no packet in front of a checksum that its device is to fill in. */
#define ICMP_ERROR_QUOTE_L4	20

struct icmp_error {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 rest;		/* the MTU, where there is one */
};

static __always_inline union v6addr gateway_ipv6_address(void)
{
	return (union v6addr){ {
		gateway_ipv6[0], gateway_ipv6[1], gateway_ipv6[2], gateway_ipv6[3],
	} };
}

/* The sum of a quote, which is a multiple of four bytes and stands at an offset. */
static __always_inline __s64 checksum_packet(struct __sk_buff *ctx, __u32 offset, __u32 size,
					     __u32 seed)
{
	__u32 words[ICMP_ERROR_QUOTE_MAX / 4] = {};

	/* Kernel 6.1 sees both bounds only in two comparisons of the very register. */
	asm volatile("" : "+r"(size));
	if (size > sizeof(words))
		return -1;
	asm volatile("" : "+r"(size));
	if (size < 4 || bpf_skb_load_bytes(ctx, offset, words, size))
		return -1;
	return bpf_csum_diff(0, 0, words, sizeof(words), seed);
}

/* Exchanges the Ethernet addresses: the packet goes back where it came from. */
static __always_inline int turn_ethernet(struct __sk_buff *ctx)
{
	struct ethhdr eth, turned;

	if (bpf_skb_load_bytes(ctx, 0, &eth, sizeof(eth)))
		return -1;
	turned.h_proto = eth.h_proto;
	__builtin_memcpy(turned.h_dest, eth.h_source, ETH_ALEN);
	__builtin_memcpy(turned.h_source, eth.h_dest, ETH_ALEN);
	return bpf_skb_store_bytes(ctx, 0, &turned, sizeof(turned), 0);
}

/* How much is told, in words. */
static __always_inline __u32 icmp_error_quote(const struct __sk_buff *ctx,
					      const struct packet *packet)
{
	__u32 quote = packet->l4_offset - ETH_HLEN + ICMP_ERROR_QUOTE_L4;

	if (quote > ICMP_ERROR_QUOTE_MAX)
		quote = ICMP_ERROR_QUOTE_MAX;
	if (quote > ctx->len - ETH_HLEN)
		quote = ctx->len - ETH_HLEN;
	return quote & ~3U;
}

static __always_inline union v6addr gateway_address(enum family family)
{
	return family == IPV6 ? gateway_ipv6_address() : (union v6addr){ .p1 = gateway_ipv4 };
}

/* A port that nobody has is told of by the address that was asked for it, the rest by the node. */
static __always_inline union v6addr icmp_error_source(const struct walk *walk,
						      const struct icmp_error *error)
{
	int v6 = walk->family == IPV6;

	if (error->type == (v6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE) &&
	    error->code == (v6 ? ICMPV6_CODE_PORT : ICMP_CODE_PORT))
		return walk->packet.daddr;
	return gateway_address(walk->family);
}

/* What carries an error, beside addresses. */
struct icmp_carrier {
	__u8 hops;
	__u8 traffic_class;
};

static __always_inline int icmp_error_ipv4(struct __sk_buff *ctx, const struct walk *walk,
					   const struct icmp_error *error, struct icmp_carrier by,
					   const union v6addr *source, __u32 quote)
{
	struct {
		struct iphdr ip;
		struct icmp_error icmp;
	} header = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tos = by.traffic_class,
			.ttl = by.hops,
			.protocol = IPPROTO_ICMP,
			.saddr = source->p1,
			.daddr = walk->packet.saddr.p1,
		},
		.icmp = *error,
	};
	__s64 sum;

	header.ip.tot_len = bpf_htons(sizeof(header) + quote);
	header.ip.check = checksum_fold(bpf_csum_diff(0, 0, (__be32 *)&header.ip,
						      sizeof(header.ip), 0));
	if (bpf_skb_adjust_room(ctx, sizeof(header), BPF_ADJ_ROOM_MAC, 0))
		return -1;
	sum = bpf_csum_diff(0, 0, (__be32 *)&header.icmp, sizeof(header.icmp), 0);
	sum = checksum_packet(ctx, ETH_HLEN + sizeof(header), quote, sum);
	if (sum < 0)
		return -1;
	header.icmp.checksum = checksum_fold(sum);
	return packet_store(ctx, ETH_HLEN, &header, sizeof(header), CHECKSUM_F_ADDRESS);
}

static __always_inline int icmp_error_ipv6(struct __sk_buff *ctx, const struct walk *walk,
					   const struct icmp_error *error, struct icmp_carrier by,
					   const union v6addr *source, __u32 quote)
{
	struct {
		struct ipv6hdr ip;
		struct icmp_error icmp;
	} header = {
		.ip = {
			.version = 6,
			.priority = by.traffic_class >> 4,
			.flow_lbl = { by.traffic_class << 4 },
			.nexthdr = IPPROTO_ICMPV6,
			.hop_limit = by.hops,
		},
		.icmp = *error,
	};
	struct {
		__be32 length;
		__be32 next;
	} pseudo = {
		.length = bpf_htonl(sizeof(header.icmp) + quote),
		.next = bpf_htonl(IPPROTO_ICMPV6),
	};
	__s64 sum;

	header.ip.payload_len = bpf_htons(sizeof(header.icmp) + quote);
	__builtin_memcpy(&header.ip.saddr, source, sizeof(*source));
	__builtin_memcpy(&header.ip.daddr, &walk->packet.saddr, sizeof(walk->packet.saddr));
	if (bpf_skb_adjust_room(ctx, sizeof(header), BPF_ADJ_ROOM_MAC, 0))
		return -1;
	sum = bpf_csum_diff(0, 0, (__be32 *)&header.ip.saddr, 32, 0);
	sum = bpf_csum_diff(0, 0, (__be32 *)&pseudo, sizeof(pseudo), sum);
	sum = bpf_csum_diff(0, 0, (__be32 *)&header.icmp, sizeof(header.icmp), sum);
	sum = checksum_packet(ctx, ETH_HLEN + sizeof(header), quote, sum);
	if (sum < 0)
		return -1;
	header.icmp.checksum = checksum_fold(sum);
	return packet_store(ctx, ETH_HLEN, &header, sizeof(header), CHECKSUM_F_ADDRESS);
}

/* Cuts a packet down to what is told of it and puts an error to its sender in front. */
static __always_inline int write_icmp_error(struct __sk_buff *ctx, const struct walk *walk,
					    const struct icmp_error *error, struct icmp_carrier by,
					    const union v6addr *source)
{
	__u32 quote = icmp_error_quote(ctx, &walk->packet);

	if (bpf_skb_change_tail(ctx, ETH_HLEN + quote, 0))
		return -1;
	return walk->family == IPV6 ? icmp_error_ipv6(ctx, walk, error, by, source, quote)
				    : icmp_error_ipv4(ctx, walk, error, by, source, quote);
}

static __always_inline int restore_family(ctx_t *ctx, struct walk *walk, enum family family,
					  const struct packet_ends *original)
{
	int drop = rewrite(ctx, &walk->packet, family, &original->saddr, original->sport,
			   REWRITE_SOURCE);

	return drop ? drop
		    : rewrite(ctx, &walk->packet, family, &original->daddr, original->dport,
			      REWRITE_DESTINATION);
}

/* A packet that was translated becomes the one that its sender knows. Returns 0 or a drop. */
__noinline int restore_original(ctx_t *ctx, struct walk *walk)
{
	struct packet_ends *original = find_original();

	if (!walk || !original || !walk->translated)
		return 0;
	walk->translated = 0;
	return walk->family == IPV6 ? restore_family(ctx, walk, IPV6, original)
				    : restore_family(ctx, walk, IPV4, original);
}

static __always_inline int is_unicast(const union v6addr *address, enum family family)
{
	if (family == IPV6)
		return address->addr[0] != 0xff && (address->d1 || address->d2);
	return address->addr[0] && (address->addr[0] & 0xf0) != 0xe0 && ~address->p1;
}

/* Answers with an error of this type and code, out of the interface that the packet came in by.
 * Errors are not answered, nor are fragments but the first, nor multicast. Returns the verdict,
 * or `drop` where no answer is due.
 */
__noinline int send_icmp_error(struct __sk_buff *ctx, struct walk *walk,
			       const struct icmp_error *error, int drop)
{
	struct icmp_carrier by = { .hops = ICMP_ERROR_HOP_LIMIT };
	union v6addr source;

	if (!walk || !error || !is_unicast(&walk->packet.saddr, walk->family) ||
	    !is_unicast(&walk->packet.daddr, walk->family))
		return drop;
	source = icmp_error_source(walk, error);
	if (walk->packet.icmp_error || walk->packet.fragment & FRAGMENT_LATER ||
	    icmp_error_quote(ctx, &walk->packet) < 8 || !source.p1)
		return drop;

	METRIC(drop_reason(drop), walk->direction, ctx->len);
	if (write_icmp_error(ctx, walk, error, by, &source) || turn_ethernet(ctx))
		return DROP(DROP_WRITE_ERROR);
	ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	return bpf_redirect(ctx->ifindex, 0);
}

static __always_inline int answer_icmp_error(struct __sk_buff *ctx, struct walk *walk,
					     const struct icmp_error *error, int drop)
{
	int failed = restore_original(ctx, walk);

	return failed ? failed : send_icmp_error(ctx, walk, error, drop);
}

static __always_inline int answer_ttl_exceeded(struct __sk_buff *ctx, struct walk *walk)
{
	struct icmp_error error = {
		.type = walk->family == IPV6 ? ICMPV6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED,
	};

	return answer_icmp_error(ctx, walk, &error, DROP(DROP_TTL_EXCEEDED));
}

/* As many a second at most, and as many at once. */
#define ICMP_REJECT_RATE	100
#define ICMP_REJECT_BURST	1000

/* Of a service that nobody serves: told where that is wished, and not too often. */
static __always_inline int answer_no_service(struct __sk_buff *ctx, struct walk *walk, int drop)
{
	struct ratelimit_key key = { .usage = RATELIMIT_ICMPV6 };
	struct icmp_error error = {
		.type = walk->family == IPV6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE,
		.code = walk->family == IPV6 ? ICMPV6_CODE_PORT : ICMP_CODE_PORT,
	};

	key.key.icmpv6.netdev_idx = ctx->ifindex;
	if (!service_reject || drop_reason(drop) != DROP_NO_SERVICE ||
	    !ratelimit_take(&key, ICMP_REJECT_RATE, ICMP_REJECT_BURST))
		return drop;
	return answer_icmp_error(ctx, walk, &error, drop);
}

static __always_inline int answer_too_big(struct __sk_buff *ctx, struct walk *walk, __u32 mtu)
{
	struct icmp_error error = {
		.type = walk->family == IPV6 ? ICMPV6_TOO_BIG : ICMP_UNREACHABLE,
		.code = walk->family == IPV6 ? 0 : ICMP_CODE_FRAG_NEEDED,
		.rest = bpf_htonl(mtu),
	};

	METRIC(METRIC_MTU_ERROR, walk->direction, ctx->len);
	return answer_icmp_error(ctx, walk, &error, DROP(DROP_FRAGMENTATION_NEEDED));
}

#endif
