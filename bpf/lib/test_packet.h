/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets for tests in C: built layer by layer, and compared.
 *
 *	PKTGEN("tc", "telnet_is_dropped")
 *	int telnet_is_dropped_pktgen(struct __sk_buff *ctx)
 *	{
 *		struct test_packet packet = {};
 *
 *		build_eth(ctx, &packet, client_mac, server_mac);
 *		build_ipv4(ctx, &packet, TEST_IPV4(192, 0, 2, 1), TEST_IPV4(192, 0, 2, 2));
 *		build_tcp(ctx, &packet, 40000, 23, TEST_TCP_SYN);
 *		return build_finish(ctx, &packet);
 *	}
 *
 * Each gives a pointer to its header, which may be changed until build_finish(),
 * or NULL where the packet has no room for it. Addresses are in network order,
 * ports are not. build_finish() fills in lengths, the numbers of what follows
 * and checksums, cuts the packet to its size, and returns 0 or TEST_ERROR.
 * Works on __sk_buff and on xdp_md.
 */
#ifndef SKEP_TEST_PACKET_H
#define SKEP_TEST_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "test.h"

#define TEST_IPV4(a, b, c, d)	bpf_htonl((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* Eight groups of an IPv6 address: TEST_IPV6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1). */
#define TEST_IPV6(a, b, c, d, e, f, g, h)					\
	((struct in6_addr){ .in6_u.u6_addr16 = {				\
		bpf_htons(a), bpf_htons(b), bpf_htons(c), bpf_htons(d),		\
		bpf_htons(e), bpf_htons(f), bpf_htons(g), bpf_htons(h) } })

#define TEST_TCP_FIN	0x01
#define TEST_TCP_SYN	0x02
#define TEST_TCP_RST	0x04
#define TEST_TCP_PSH	0x08
#define TEST_TCP_ACK	0x10

/* The largest part of a packet that a checksum covers here. */
#define TEST_CHECKSUM_MAX	2048
#define TEST_CHECKSUM_STEP	512	/* what old kernels sum up at once */

/* The packet as far as it is built; begins as zero. Offsets are from its start,
 * and 0 where there is no such header.
 */
struct test_packet {
	__u32 length;
	__u32 network;
	__u32 transport;
	__u32 type;		/* of the last header that names what follows it */
	__u8 family;		/* 4 or 6 */
	__u8 protocol;
};

struct test_vlan {
	__be16 tag;
	__be16 type;		/* of what follows */
};

/* What ICMP and ICMPv6 begin with. */
struct test_icmp {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 sequence;
};

/* A pointer from a field of the context. In assembly, as the compiler would take
 * it for the number of 32 bits that it is declared to be, and copy it as such.
 */
#define test_field(ctx, field)							\
	({									\
		void *test_pointer;						\
										\
		asm volatile("%0 = *(u32 *)(%1 + %2)"				\
			     : "=r"(test_pointer)				\
			     : "r"(ctx), "i"(__builtin_offsetof(typeof(*(ctx)), field)));	\
		test_pointer;							\
	})
#define test_data(ctx)		test_field(ctx, data)
#define test_data_end(ctx)	test_field(ctx, data_end)

static __always_inline void *
test_push(void *data, void *end, struct test_packet *packet, __u32 size)
{
	void *start = data + packet->length;

	if (start + size > end)
		return 0;
	packet->length += size;
	return start;
}

/* Writes what follows into the header before: an EtherType. */
static __always_inline void
test_name_next(void *data, void *end, const struct test_packet *packet, __u16 eth_proto)
{
	__be16 *type = data + packet->type;

	if (packet->type && (void *)(type + 1) <= end)
		*type = bpf_htons(eth_proto);
}

static __always_inline struct ethhdr *
test_build_eth(void *data, void *end, struct test_packet *packet,
	       const __u8 *source, const __u8 *destination)
{
	struct ethhdr *eth = test_push(data, end, packet, sizeof(*eth));

	if (!eth)
		return 0;
	__builtin_memcpy(eth->h_source, source, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, destination, ETH_ALEN);
	packet->type = packet->length - sizeof(eth->h_proto);
	return eth;
}

static __always_inline struct test_vlan *
test_build_vlan(void *data, void *end, struct test_packet *packet, __u16 id)
{
	struct test_vlan *vlan;

	test_name_next(data, end, packet, ETH_P_8021Q);
	vlan = test_push(data, end, packet, sizeof(*vlan));
	if (!vlan)
		return 0;
	vlan->tag = bpf_htons(id);
	packet->type = packet->length - sizeof(vlan->type);
	return vlan;
}

static __always_inline struct iphdr *
test_build_ipv4(void *data, void *end, struct test_packet *packet,
		__be32 source, __be32 destination)
{
	struct iphdr *ip;

	test_name_next(data, end, packet, ETH_P_IP);
	packet->network = packet->length;
	packet->family = 4;
	ip = test_push(data, end, packet, sizeof(*ip));
	if (!ip)
		return 0;
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->saddr = source;
	ip->daddr = destination;
	return ip;
}

static __always_inline struct ipv6hdr *
test_build_ipv6(void *data, void *end, struct test_packet *packet,
		struct in6_addr source, struct in6_addr destination)
{
	struct ipv6hdr *ip;

	test_name_next(data, end, packet, ETH_P_IPV6);
	packet->network = packet->length;
	packet->family = 6;
	ip = test_push(data, end, packet, sizeof(*ip));
	if (!ip)
		return 0;
	ip->version = 6;
	ip->hop_limit = 64;
	ip->saddr = source;
	ip->daddr = destination;
	return ip;
}

static __always_inline void *
test_push_transport(void *data, void *end, struct test_packet *packet, __u8 protocol, __u32 size)
{
	packet->transport = packet->length;
	packet->protocol = protocol;
	return test_push(data, end, packet, size);
}

static __always_inline struct tcphdr *
test_build_tcp(void *data, void *end, struct test_packet *packet,
	       __u16 source, __u16 destination, __u8 flags)
{
	struct tcphdr *tcp = test_push_transport(data, end, packet, IPPROTO_TCP, sizeof(*tcp));

	if (!tcp)
		return 0;
	tcp->source = bpf_htons(source);
	tcp->dest = bpf_htons(destination);
	tcp->doff = sizeof(*tcp) / 4;
	((__u8 *)tcp)[13] = flags;
	tcp->window = bpf_htons(65535);
	return tcp;
}

static __always_inline struct udphdr *
test_build_udp(void *data, void *end, struct test_packet *packet, __u16 source, __u16 destination)
{
	struct udphdr *udp = test_push_transport(data, end, packet, IPPROTO_UDP, sizeof(*udp));

	if (!udp)
		return 0;
	udp->source = bpf_htons(source);
	udp->dest = bpf_htons(destination);
	return udp;
}

/* ICMP on IPv4, ICMPv6 on IPv6. */
static __always_inline struct test_icmp *
test_build_icmp(void *data, void *end, struct test_packet *packet, __u8 type, __u8 code)
{
	__u8 protocol = packet->family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	struct test_icmp *icmp = test_push_transport(data, end, packet, protocol, sizeof(*icmp));

	if (!icmp)
		return 0;
	icmp->type = type;
	icmp->code = code;
	return icmp;
}

static __always_inline void *
test_build_bytes(void *data, void *end, struct test_packet *packet, const void *bytes, __u32 size)
{
	void *start = test_push(data, end, packet, size);
	__u32 i;

	if (!start)
		return 0;
	for (i = 0; i < size; i++)
		((__u8 *)start)[i] = ((const __u8 *)bytes)[i];
	return start;
}

/* The sum of length bytes, a multiple of 4 and then up to 3; both are constants. */
static __always_inline __u32
test_sum(void *data, void *end, __u32 from, __u32 length, __u32 sum)
{
	__be32 last = 0;
	__u32 at, i;

	if (length > TEST_CHECKSUM_MAX || data + from + length > end)
		return 0;
	for (at = 0; at + TEST_CHECKSUM_STEP <= length; at += TEST_CHECKSUM_STEP)
		sum = bpf_csum_diff(0, 0, data + from + at, TEST_CHECKSUM_STEP, sum);
	if ((length & ~3u) > at)
		sum = bpf_csum_diff(0, 0, data + from + at, (length & ~3u) - at, sum);
	if (length & 3) {
		for (i = 0; i < (length & 3); i++)
			((__u8 *)&last)[i] = ((__u8 *)data)[from + (length & ~3u) + i];
		sum = bpf_csum_diff(0, 0, &last, sizeof(last), sum);
	}
	return sum;
}

static __always_inline __u16 test_fold(__u64 sum)
{
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int test_fill_network(void *data, void *end, const struct test_packet *packet)
{
	__u32 size = packet->length - packet->network;

	if (packet->family == 4) {
		struct iphdr *ip = data + packet->network;

		if ((void *)(ip + 1) > end)
			return -1;
		if (!ip->protocol)
			ip->protocol = packet->protocol;
		ip->tot_len = bpf_htons(size);
		ip->check = 0;
		ip->check = test_fold(test_sum(data, end, packet->network, sizeof(*ip), 0));
	} else if (packet->family == 6) {
		struct ipv6hdr *ip = data + packet->network;

		if ((void *)(ip + 1) > end)
			return -1;
		if (!ip->nexthdr)
			ip->nexthdr = packet->protocol;
		ip->payload_len = bpf_htons(size - sizeof(*ip));
	}
	return 0;
}

static __always_inline int
test_fill_transport(void *data, void *end, const struct test_packet *packet)
{
	/* The addresses end where the network header does, in both families. */
	__u32 addresses = packet->family == 6 ? 32 : 8;
	__u32 header = packet->family == 6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	__u32 size = packet->length - packet->transport;
	__u32 checksum = 0, sum = 0;
	__be32 pseudo[2] = { bpf_htonl(size), bpf_htonl(packet->protocol) };
	struct udphdr *udp = data + packet->transport;
	__sum16 *place;

	switch (packet->protocol) {
	case IPPROTO_TCP:
		checksum = 16;
		break;
	case IPPROTO_UDP:
		if ((void *)(udp + 1) > end)
			return -1;
		udp->len = bpf_htons(size);
		checksum = 6;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		checksum = 2;
		break;
	default:
		return 0;
	}

	place = data + packet->transport + checksum;
	if ((void *)(place + 1) > end)
		return -1;
	*place = 0;
	if (packet->protocol != IPPROTO_ICMP) {
		sum = bpf_csum_diff(0, 0, pseudo, sizeof(pseudo), 0);
		sum = test_sum(data, end, packet->network + header - addresses, addresses, sum);
	}
	*place = test_fold(test_sum(data, end, packet->transport, size, sum));
	/* 0 would say that there is none. */
	if (packet->protocol == IPPROTO_UDP && !*place)
		*place = 0xffff;
	return 0;
}

static __always_inline int test_cut_skb(struct __sk_buff *ctx, __u32 length)
{
	return bpf_skb_change_tail(ctx, length, 0);
}

static __always_inline int test_cut_xdp(struct xdp_md *ctx, __u32 length)
{
	long before = test_data_end(ctx) - test_data(ctx);

	return bpf_xdp_adjust_tail(ctx, length - before);
}

static __always_inline int test_load_skb(struct __sk_buff *ctx, __u32 at, void *to, __u32 size)
{
	return bpf_skb_load_bytes(ctx, at, to, size);
}

static __always_inline int test_load_xdp(struct xdp_md *ctx, __u32 at, void *to, __u32 size)
{
	return bpf_xdp_load_bytes(ctx, at, to, size);
}

static __always_inline __u32 test_length_skb(struct __sk_buff *ctx)
{
	return ctx->len;
}

static __always_inline __u32 test_length_xdp(struct xdp_md *ctx)
{
	return test_data_end(ctx) - test_data(ctx);
}

#define test_for_context(ctx, name)						\
	_Generic((ctx), struct __sk_buff *: name##_skb, struct xdp_md *: name##_xdp)

#define packet_length(ctx)	test_for_context(ctx, test_length)(ctx)

#define build_eth(ctx, packet, source, destination)				\
	test_build_eth(test_data(ctx), test_data_end(ctx), packet, source, destination)
#define build_vlan(ctx, packet, id)						\
	test_build_vlan(test_data(ctx), test_data_end(ctx), packet, id)
#define build_ipv4(ctx, packet, source, destination)				\
	test_build_ipv4(test_data(ctx), test_data_end(ctx), packet, source, destination)
#define build_ipv6(ctx, packet, source, destination)				\
	test_build_ipv6(test_data(ctx), test_data_end(ctx), packet, source, destination)
#define build_tcp(ctx, packet, source, destination, flags)			\
	test_build_tcp(test_data(ctx), test_data_end(ctx), packet, source, destination, flags)
#define build_udp(ctx, packet, source, destination)				\
	test_build_udp(test_data(ctx), test_data_end(ctx), packet, source, destination)
#define build_icmp(ctx, packet, type, code)					\
	test_build_icmp(test_data(ctx), test_data_end(ctx), packet, type, code)
#define build_bytes(ctx, packet, bytes, size)					\
	test_build_bytes(test_data(ctx), test_data_end(ctx), packet, bytes, size)

#define build_finish(ctx, packet)						\
	({									\
		void *build_data = test_data(ctx), *build_end = test_data_end(ctx);	\
										\
		test_fill_network(build_data, build_end, packet) ||		\
		test_fill_transport(build_data, build_end, packet) ||		\
		test_for_context(ctx, test_cut)(ctx, (packet)->length) ? TEST_ERROR : 0; \
	})

#define TEST_NAME_MAX		64
#define TEST_COMPARE_MAX	1532
#define TEST_COMPARISONS	8

/* A packet that is not what it should be, as the runner reads it. */
struct scapy_assert {
	char name[TEST_NAME_MAX];
	char file[TEST_NAME_MAX];
	char lnum[TEST_NAME_MAX];
	char first_layer[TEST_NAME_MAX];
	__u16 exp_len;
	__u8 exp_buf[TEST_COMPARE_MAX];
	__u16 got_len;
	__u8 got_buf[TEST_COMPARE_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TEST_COMPARISONS);
	__type(key, __u32);
	__type(value, struct scapy_assert);
} scapy_assert_map SEC(".maps");

/* An entry for one more comparison; those of a case that has more share the last. */
static __always_inline struct scapy_assert *test_comparison(void)
{
	struct test_results *results = test_results();
	__u32 index;

	if (!results)
		return 0;
	index = results->compared;
	if (index >= TEST_COMPARISONS)
		index = TEST_COMPARISONS - 1;
	return bpf_map_lookup_elem(&scapy_assert_map, &index);
}

/* A size of at least 1 that the verifier, too, knows to fit; it loses sight of a plain comparison. */
static __always_inline __u64 test_bound(__u64 size)
{
	if (size > TEST_COMPARE_MAX)
		size = TEST_COMPARE_MAX;
	asm volatile("%0 &= 0x7ff\n\t"
		     "if %0 <= %1 goto +1\n\t"
		     "%0 = %1\n\t"
		     "if %0 != 0 goto +1\n\t"
		     "%0 = 1"
		     : "+r"(size)
		     : "i"(TEST_COMPARE_MAX));
	return size;
}

/* Whether what was loaded into the entry is what is expected; notes it where not. */
static __attribute__((noinline, unused)) int
test_is_expected(struct scapy_assert *entry, const __u8 *expected, __u32 size)
{
	struct test_results *results = test_results();
	int same = 1;
	__u32 i;

	if (!entry || !results)
		return 0;
	if (entry->got_len != size)
		same = 0;
	for (i = 0; i < size && i < TEST_COMPARE_MAX; i++) {
		entry->exp_buf[i] = expected[i];
		if (entry->got_buf[i] != expected[i])
			same = 0;
	}
	entry->exp_len = size;
	if (!same) {
		results->compared++;
		return 0;
	}
	/* Nothing to tell; the next comparison has the entry. */
	entry->name[0] = 0;
	entry->exp_len = 0;
	entry->got_len = 0;
	return 1;
}

#define test_compare(ctx, at, expected, size, text)				\
	({									\
		struct scapy_assert *test_entry = test_comparison();		\
		__u32 test_size = packet_length(ctx);				\
		int test_same = 0;						\
										\
		if (test_entry && test_size > (at)) {				\
			__u64 test_got = test_bound(test_size - (at));		\
										\
			__builtin_memset(test_entry, 0, 4 * TEST_NAME_MAX);	\
			__builtin_memcpy(test_entry->name, text, sizeof(text));	\
			__builtin_memcpy(test_entry->file, __FILE_NAME__, sizeof(__FILE_NAME__)); \
			__builtin_memcpy(test_entry->lnum, TEST_STRING(__LINE__),	\
					 sizeof(TEST_STRING(__LINE__)));	\
			test_entry->got_len = test_got;				\
			if (!test_for_context(ctx, test_load)(ctx, at, test_entry->got_buf, \
							      test_got))	\
				test_same = test_is_expected(test_entry,	\
							     (const __u8 *)(expected), size); \
		}								\
		test_same;							\
	})

/* The packet from byte at on is these bytes, of which there are at most 1532, and
 * nothing else. A failure shows both. text is a literal of at most 63 bytes.
 */
#define assert_packet(ctx, at, expected, size, text)				\
	do {									\
		_Static_assert(sizeof(text) <= TEST_NAME_MAX, "the text is too long");	\
		_Static_assert(sizeof(__FILE_NAME__) <= TEST_NAME_MAX,		\
			       "the file's name is too long");			\
		if (!test_compare(ctx, at, expected, size, text))		\
			test_fail("packet differs: " text);			\
	} while (0)

#endif
