/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a packet to its addresses, protocol and ports: both families, one body. */
#ifndef SKEP_LIB_PACKET_H
#define SKEP_LIB_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../include/config.h"
#include "../include/context.h"
#include "../include/drop_reasons.h"
#include "../types/tuple.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_PACKET

/* The family is a constant wherever these functions are used, so that only one remains of each
 * pair of branches.
 */
enum family {
	IPV4 = 0,
	IPV6 = 1,
};

struct packet {
	union v6addr saddr;
	union v6addr daddr;
	__be16 sport;		/* of an ICMP echo request: its identifier */
	__be16 dport;		/* of an ICMP echo reply: its identifier; of no echo both are its kind */
	__u8 protocol;		/* behind extension headers */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 fragment;		/* enum fragment_flags */
	__u16 l3_offset;
	__u16 l4_offset;
	__be32 fragment_id;	/* of IPv4 in its first two bytes */
	__u8 icmp_error;	/* 1: about another packet, which follows the header */
	__u8 pad[7];
};

enum fragment_flags {
	FRAGMENT_ANY = 1,
	FRAGMENT_LATER = 2,	/* without the L4 header */
};

#define TCP_FLAG_FIN	0x01
#define TCP_FLAG_SYN	0x02
#define TCP_FLAG_RST	0x04
#define TCP_FLAG_ACK	0x10

#define ICMP_ECHO_REPLY		0
#define ICMP_UNREACHABLE	3
#define ICMP_REDIRECT		5
#define ICMP_ECHO_REQUEST	8
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETER_PROBLEM	12
#define ICMP_CODE_PORT		3
#define ICMP_CODE_FRAG_NEEDED	4

#define ICMPV6_UNREACHABLE	1
#define ICMPV6_TOO_BIG		2
#define ICMPV6_TIME_EXCEEDED	3
#define ICMPV6_PARAMETER_PROBLEM 4
#define ICMPV6_CODE_PORT	4
#define ICMPV6_ECHO_REQUEST	128
#define ICMPV6_ECHO_REPLY	129
#define ICMPV6_ROUTER_SOLICITATION 133
#define ICMPV6_ROUTER_ADVERTISEMENT 134
#define ICMPV6_NEIGHBOUR_SOLICITATION 135
#define ICMPV6_NEIGHBOUR_ADVERTISEMENT 136
#define ICMPV6_REDIRECT		137

#define IPV4_MORE_FRAGMENTS	0x2000
#define IPV4_DONT_FRAGMENT	0x4000
#define IPV4_OFFSET_MASK	0x1fff
#define IPV6_OFFSET_MASK	0xfff8
#define IPV6_MORE_FRAGMENTS	0x0001

/* Ethernet, an IP header and TCP, both with no options. No more is asked for: TCP's own packets have
 * their payload elsewhere, and to bring some of it here costs more than all else.
 */
static __always_inline __u32 packet_headers(enum family family)
{
	return ETH_HLEN + (family == IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
	       sizeof(struct tcphdr);
}

/* Of the headers that stand between IPv6 and L4. */
#define IPV6_MAX_EXTENSIONS	6
#define PACKET_MAX_OFFSET	0x3ff

/* The bytes at an offset, or NULL where the packet has fewer. */
static __always_inline void *packet_at(const ctx_t *ctx, __u32 offset, __u32 size)
{
	void *at;

	/* In assembly, as the compiler would drop a mask that changes nothing. */
	asm volatile("%0 &= %1" : "+r"(offset) : "i"(PACKET_MAX_OFFSET));
	at = packet_data(ctx) + offset;
	return at + size > packet_end(ctx) ? (void *)0 : at;
}

static __always_inline int address_equal(const union v6addr *a, const union v6addr *b)
{
	return a->d1 == b->d1 && a->d2 == b->d2;
}

/* An address of IPv4 in the form of IPv6. */
static __always_inline union v6addr map_ipv4(__be32 address)
{
	return (union v6addr){ { 0, 0, bpf_htonl(0xffff), address } };
}

static __always_inline int is_mapped_ipv4(const union v6addr *address)
{
	return !address->d1 && address->p3 == bpf_htonl(0xffff);
}

static __always_inline int is_icmp_error(__u8 type, enum family family)
{
	if (family == IPV6)
		return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM;
	return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETER_PROBLEM;
}

static __always_inline int parse_icmp(const ctx_t *ctx, enum family family,
				      struct packet *packet)
{
	struct {
		__u8 type;
		__u8 code;
		__be16 checksum;
		__be16 id;
		__be16 sequence;
	} *icmp = packet_at(ctx, packet->l4_offset, sizeof(*icmp));

	if (!icmp)
		return DROP(DROP_INVALID_L4_HEADER);

	packet->icmp_type = icmp->type;
	if (icmp->type == (family == IPV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST)) {
		packet->sport = icmp->id;
	} else if (icmp->type == (family == IPV6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY)) {
		packet->dport = icmp->id;
	} else if (is_icmp_error(icmp->type, family)) {
		packet->icmp_error = 1;
	} else {
		/* Nobody's echo, even of the identifier 0. A question and its answer are alike. */
		packet->sport = bpf_htons((icmp->type - 1) | 1);
		packet->dport = packet->sport;
	}
	return 0;
}

/* Reads what follows parse_l3(). Later fragments have no ports: lib/fragment.h knows them. Of a
 * packet inside an ICMP error only the first eight bytes need to be there. Returns 0 or a drop.
 */
static __always_inline int parse_l4(const ctx_t *ctx, enum family family,
				    struct packet *packet, int inner)
{
	__be16 *ports;

	if (packet->fragment & FRAGMENT_LATER)
		return 0;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		if (!inner) {
			struct tcphdr *tcp = packet_at(ctx, packet->l4_offset, sizeof(*tcp));

			if (!tcp)
				return DROP(DROP_INVALID_L4_HEADER);
			packet->sport = tcp->source;
			packet->dport = tcp->dest;
			packet->tcp_flags = ((__u8 *)tcp)[13];
			return 0;
		}
		/* fall through */
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		ports = packet_at(ctx, packet->l4_offset, 8);
		if (!ports)
			return DROP(DROP_INVALID_L4_HEADER);
		packet->sport = ports[0];
		packet->dport = ports[1];
		return 0;
	case IPPROTO_ICMP:
		if (family == IPV4)
			return parse_icmp(ctx, family, packet);
		break;
	case IPPROTO_ICMPV6:
		if (family == IPV6)
			return parse_icmp(ctx, family, packet);
		break;
	}
	return extended_protocols ? 0 : DROP(DROP_UNKNOWN_L4_PROTOCOL);
}

static __always_inline int parse_ipv4(ctx_t *ctx, struct packet *packet)
{
	struct iphdr *ip = packet_at(ctx, packet->l3_offset, sizeof(*ip));
	__u16 offset;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return DROP(DROP_INVALID_PACKET);

	packet->saddr.p1 = ip->saddr;
	packet->daddr.p1 = ip->daddr;
	packet->protocol = ip->protocol;
	packet->l4_offset = packet->l3_offset + ip->ihl * 4;
	offset = bpf_ntohs(ip->frag_off);
	if (offset & (IPV4_OFFSET_MASK | IPV4_MORE_FRAGMENTS)) {
		packet->fragment = FRAGMENT_ANY | (offset & IPV4_OFFSET_MASK ? FRAGMENT_LATER : 0);
		packet->fragment_id = ip->id;
	}
	if (ip->ihl > 5)
		packet_pull(ctx, packet->l4_offset + sizeof(struct tcphdr));
	return 0;
}

/* Follows the chain of extension headers. Read by copies: it may be long and is rare. */
__noinline int parse_extensions(ctx_t *ctx, struct packet *packet)
{
	struct {
		__u8 next;
		__u8 length;
		__be16 offset;
		__be32 id;
	} header;
	int i;

	if (!packet)
		return 0;
	/* Once more, to see that L4 follows the last one. Unrolled, as clang 14 makes of it a loop whose end
	 * falls through into its start, which kernel 6.1 refuses. */
#pragma unroll
	for (i = 0; i <= IPV6_MAX_EXTENSIONS; i++) {
		__u8 protocol = packet->protocol;

		if (protocol != IPPROTO_HOPOPTS && protocol != IPPROTO_ROUTING &&
		    protocol != IPPROTO_DSTOPTS && protocol != IPPROTO_AH &&
		    protocol != IPPROTO_FRAGMENT)
			return 0;
		if (i == IPV6_MAX_EXTENSIONS ||
		    packet_load(ctx, packet->l4_offset, &header, sizeof(header)))
			return DROP(DROP_INVALID_EXTENSION_HEADER);

		packet->protocol = header.next;
		if (protocol == IPPROTO_FRAGMENT) {
			__u16 offset = bpf_ntohs(header.offset);

			packet->l4_offset += sizeof(header);
			/* A datagram in one fragment is none. */
			if (!(offset & (IPV6_OFFSET_MASK | IPV6_MORE_FRAGMENTS)))
				continue;
			packet->fragment = FRAGMENT_ANY;
			packet->fragment_id = header.id;
			if (offset & IPV6_OFFSET_MASK) {
				packet->fragment |= FRAGMENT_LATER;
				return 0;
			}
		} else if (protocol == IPPROTO_AH) {
			packet->l4_offset += (header.length + 2) * 4;
		} else {
			packet->l4_offset += (header.length + 1) * 8;
		}
		if (packet->l4_offset > PACKET_MAX_OFFSET)
			return DROP(DROP_INVALID_EXTENSION_HEADER);
	}
	return DROP(DROP_INVALID_EXTENSION_HEADER);
}

static __always_inline int parse_ipv6(ctx_t *ctx, struct packet *packet)
{
	struct ipv6hdr *ip = packet_at(ctx, packet->l3_offset, sizeof(*ip));
	int err;

	if (!ip || ip->version != 6)
		return DROP(DROP_INVALID_PACKET);

	__builtin_memcpy(&packet->saddr, &ip->saddr, sizeof(packet->saddr));
	__builtin_memcpy(&packet->daddr, &ip->daddr, sizeof(packet->daddr));
	packet->protocol = ip->nexthdr;
	packet->l4_offset = packet->l3_offset + sizeof(*ip);
	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_ICMPV6:
		return 0;
	}
	err = parse_extensions(ctx, packet);
	if (err)
		return err;
	packet_pull(ctx, packet->l4_offset + sizeof(struct tcphdr));
	return 0;
}

/* Reads the IP header at l3_offset; *packet must be zero but for that offset. Returns 0 or a
 * drop.
 */
static __always_inline int parse_l3(ctx_t *ctx, enum family family,
				    struct packet *packet)
{
	return family == IPV6 ? parse_ipv6(ctx, packet) : parse_ipv4(ctx, packet);
}

/* With less a message comes from behind a router. */
#define ND_HOP_LIMIT		255

/* Messages of one link: who has an address, who is a router. None of them is a flow. */
static __always_inline int is_neighbour_message(const ctx_t *ctx, const struct packet *packet)
{
	const __u8 *hops;

	if (packet->protocol != IPPROTO_ICMPV6 || packet->fragment ||
	    packet->icmp_type < ICMPV6_ROUTER_SOLICITATION || packet->icmp_type > ICMPV6_REDIRECT)
		return 0;
	hops = packet_at(ctx, packet->l3_offset + 7, sizeof(*hops));
	return hops && *hops == ND_HOP_LIMIT;
}

/* The packet that an ICMP error is about. */
static __always_inline int parse_inner_packet(ctx_t *ctx, enum family family,
					      const struct packet *error, struct packet *packet)
{
	int err;

	packet->l3_offset = error->l4_offset + 8;
	packet_pull(ctx, packet->l3_offset + 40 + sizeof(struct tcphdr));
	err = parse_l3(ctx, family, packet);
	return err ? err : parse_l4(ctx, family, packet, 1);
}

#endif
