/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From an Ethernet frame to addresses and ports, both families. */
#ifndef SKEP_PARSE_H
#define SKEP_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../types/address.h"
#include "cursor.h"

/* The frame ends inside a header, or a header contradicts itself. */
#define PARSE_MALFORMED		(-1)
/* More VLAN tags or extension headers than are followed here. */
#define PARSE_TOO_DEEP		(-2)

#define PARSE_MAX_VLAN_TAGS	2
#define PARSE_MAX_EXTENSIONS	6

#define IP4_OFFSET_MASK		0x1fff
#define IP6_OFFSET_MASK		0xfff8

struct vlan_header {
	__be16 tag;
	__be16 eth_proto;	/* of what follows */
};

struct ipv6_extension {
	__u8 next;
	__u8 length;		/* in 8 bytes, the first 8 not counted; in AH in 4 bytes */
	__u8 body[6];
};

struct ipv6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset;		/* in the high 13 bits, 8 bytes each */
	__be32 id;
};

/* The part that both families' ICMP share; linux/icmp.h needs a C library. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 rest;
};

/* What was found. Fields of layers the frame does not have are zero. */
struct packet {
	struct ip_address source;
	struct ip_address destination;
	__be16 source_port;
	__be16 destination_port;
	__be16 eth_proto;	/* behind VLAN tags */
	__u8 family;		/* enum ip_family */
	__u8 l4_proto;		/* IPPROTO_* behind extension headers */
	__u8 tcp_flags;		/* as in the header: FIN 1, SYN 2, RST 4 ... */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 later_fragment;	/* 1: not the first, so it has no L4 header */
};

static __always_inline int eth_proto_is_vlan(__be16 eth_proto)
{
	return eth_proto == bpf_htons(ETH_P_8021Q) || eth_proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline int parse_eth(struct cursor *cursor, struct packet *packet)
{
	struct ethhdr *eth = cursor_take(cursor, sizeof(*eth));
	struct vlan_header *vlan;
	int i;

	if (!eth)
		return PARSE_MALFORMED;

	packet->eth_proto = eth->h_proto;
#pragma unroll
	for (i = 0; i < PARSE_MAX_VLAN_TAGS; i++) {
		if (!eth_proto_is_vlan(packet->eth_proto))
			return 0;
		vlan = cursor_take(cursor, sizeof(*vlan));
		if (!vlan)
			return PARSE_MALFORMED;
		packet->eth_proto = vlan->eth_proto;
	}
	return eth_proto_is_vlan(packet->eth_proto) ? PARSE_TOO_DEEP : 0;
}

static __always_inline int parse_ipv4(struct cursor *cursor, struct packet *packet)
{
	struct iphdr *ip = cursor_take(cursor, sizeof(*ip));
	__u32 options;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return PARSE_MALFORMED;

	packet->family = FAMILY_IPV4;
	packet->l4_proto = ip->protocol;
	packet->later_fragment = !!(ip->frag_off & bpf_htons(IP4_OFFSET_MASK));
	ip_address_set4(&packet->source, ip->saddr);
	ip_address_set4(&packet->destination, ip->daddr);

	options = (ip->ihl - 5) * 4;
	return cursor_skip(cursor, options) ? 0 : PARSE_MALFORMED;
}

/* Steps over what stands between the IPv6 header and the L4 header. */
static __always_inline int parse_ipv6_extensions(struct cursor *cursor, struct packet *packet)
{
	struct ipv6_extension *extension;
	struct ipv6_fragment *fragment;
	int i;

	for (i = 0; i < PARSE_MAX_EXTENSIONS; i++) {
		switch (packet->l4_proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			extension = cursor_take(cursor, sizeof(*extension));
			if (!extension || !cursor_skip(cursor, extension->length * 8))
				return PARSE_MALFORMED;
			packet->l4_proto = extension->next;
			break;
		case IPPROTO_AH:
			extension = cursor_take(cursor, sizeof(*extension));
			if (!extension || !cursor_skip(cursor, extension->length * 4))
				return PARSE_MALFORMED;
			packet->l4_proto = extension->next;
			break;
		case IPPROTO_FRAGMENT:
			fragment = cursor_take(cursor, sizeof(*fragment));
			if (!fragment)
				return PARSE_MALFORMED;
			packet->l4_proto = fragment->next;
			packet->later_fragment = !!(fragment->offset & bpf_htons(IP6_OFFSET_MASK));
			/* What follows a later fragment's header is payload. */
			if (packet->later_fragment)
				return 0;
			break;
		default:
			return 0;
		}
	}
	return PARSE_TOO_DEEP;
}

static __always_inline int parse_ipv6(struct cursor *cursor, struct packet *packet)
{
	struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));

	if (!ip || ip->version != 6)
		return PARSE_MALFORMED;

	packet->family = FAMILY_IPV6;
	packet->l4_proto = ip->nexthdr;
	__builtin_memcpy(&packet->source, &ip->saddr, sizeof(packet->source));
	__builtin_memcpy(&packet->destination, &ip->daddr, sizeof(packet->destination));
	return parse_ipv6_extensions(cursor, packet);
}

static __always_inline int parse_l4(struct cursor *cursor, struct packet *packet)
{
	struct icmp_header *icmp;
	struct tcphdr *tcp;
	struct udphdr *udp;

	switch (packet->l4_proto) {
	case IPPROTO_TCP:
		tcp = cursor_take(cursor, sizeof(*tcp));
		if (!tcp)
			return PARSE_MALFORMED;
		packet->source_port = tcp->source;
		packet->destination_port = tcp->dest;
		packet->tcp_flags = ((__u8 *)tcp)[13];
		return 0;
	case IPPROTO_UDP:
		udp = cursor_take(cursor, sizeof(*udp));
		if (!udp)
			return PARSE_MALFORMED;
		packet->source_port = udp->source;
		packet->destination_port = udp->dest;
		return 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		icmp = cursor_take(cursor, sizeof(*icmp));
		if (!icmp)
			return PARSE_MALFORMED;
		packet->icmp_type = icmp->type;
		packet->icmp_code = icmp->code;
		return 0;
	default:
		return 0;
	}
}

/* Reads a frame from its Ethernet header on. *packet must be zero.
 *
 * Returns 0, also for what is no IP, or PARSE_*: what was read until then
 * stays in *packet.
 */
static __always_inline int parse_packet(struct cursor *cursor, struct packet *packet)
{
	int err = parse_eth(cursor, packet);

	if (err)
		return err;

	if (packet->eth_proto == bpf_htons(ETH_P_IP))
		err = parse_ipv4(cursor, packet);
	else if (packet->eth_proto == bpf_htons(ETH_P_IPV6))
		err = parse_ipv6(cursor, packet);
	else
		return 0;

	if (err || packet->later_fragment)
		return err;
	return parse_l4(cursor, packet);
}

#endif
