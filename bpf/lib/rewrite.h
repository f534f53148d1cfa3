/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Addresses and ports written into a packet, with all checksums that cover them. */
#ifndef SKEP_LIB_REWRITE_H
#define SKEP_LIB_REWRITE_H

#include "../include/checksum.h"
#include "packet.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_REWRITE

enum rewrite_side {
	REWRITE_SOURCE = 0,
	REWRITE_DESTINATION = 1,
};

/* Of the IP header: what it holds of a side. */
static __always_inline __u32 address_offset(enum family family, __u32 side)
{
	if (family == IPV6)
		return side == REWRITE_DESTINATION ? 24 : 8;
	return side == REWRITE_DESTINATION ? 16 : 12;
}

#define NO_PORT		0xff

/* Of the L4 header: where the port of a side is, or the identifier of an echo. */
static __always_inline __u32 port_offset(const struct packet *packet, enum family family,
					 __u32 side)
{
	__u8 echo;

	if (packet->fragment & FRAGMENT_LATER)
		return NO_PORT;
	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return side == REWRITE_DESTINATION ? 2 : 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (packet->protocol != (family == IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
			return NO_PORT;
		if (side == REWRITE_DESTINATION)
			echo = family == IPV6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY;
		else
			echo = family == IPV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
		return packet->icmp_type == echo ? 4 : NO_PORT;
	}
	return NO_PORT;
}

#define NO_CHECKSUM	0xff

/* Of the L4 header: its checksum. That of SCTP does not cover addresses. */
static __always_inline __u32 checksum_offset(const struct packet *packet, enum family family)
{
	if (packet->fragment & FRAGMENT_LATER)
		return NO_CHECKSUM;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
		return family == IPV4 ? 2 : NO_CHECKSUM;
	case IPPROTO_ICMPV6:
		return family == IPV6 ? 2 : NO_CHECKSUM;
	}
	return NO_CHECKSUM;
}

static __always_inline int write_address(ctx_t *ctx, const struct packet *packet,
					 enum family family, const union v6addr *address,
					 __u32 side, __u32 difference)
{
	struct iphdr *ip;

	if (family == IPV6)
		return packet_store(ctx, packet->l3_offset + address_offset(IPV6, side), address,
				    sizeof(*address), CHECKSUM_F_ADDRESS);

	ip = packet_at(ctx, packet->l3_offset, sizeof(*ip));
	if (!ip)
		return -1;
	if (side == REWRITE_DESTINATION)
		ip->daddr = address->p1;
	else
		ip->saddr = address->p1;
	ip->check = checksum_add(ip->check, difference);
	return 0;
}

static __always_inline int rewrite_family(ctx_t *ctx, struct packet *packet, enum family family,
					  const union v6addr *address, __be16 port, __u32 side)
{
	union v6addr *old = side == REWRITE_DESTINATION ? &packet->daddr : &packet->saddr;
	__be16 *old_port = side == REWRITE_DESTINATION ? &packet->dport : &packet->sport;
	__u32 checksum = checksum_offset(packet, family);
	__u32 port_at = port_offset(packet, family, side);
	__u32 optional = packet->protocol == IPPROTO_UDP ? CHECKSUM_F_OPTIONAL : 0;
	__u32 difference;
	int new_port = port_at != NO_PORT && port != *old_port;

	/* Its checksum covers all of the packet. */
	if (new_port && packet->protocol == IPPROTO_SCTP)
		return DROP(DROP_CSUM_L4);

	difference = family == IPV6 ? checksum_difference16(&old->p1, &address->p1)
				    : checksum_difference(old->p1, address->p1);
	/* That of ICMP is of ICMP alone. */
	if (checksum != NO_CHECKSUM && packet->protocol != IPPROTO_ICMP &&
	    packet_checksum(ctx, packet->l4_offset + checksum, difference,
			    CHECKSUM_F_ADDRESS | optional))
		return DROP(DROP_CSUM_L4);
	if (new_port && checksum != NO_CHECKSUM &&
	    packet_checksum(ctx, packet->l4_offset + checksum,
			    checksum_difference(*old_port, port), optional))
		return DROP(DROP_CSUM_L4);

	if (write_address(ctx, packet, family, address, side, difference))
		return DROP(DROP_WRITE_ERROR);
	*old = *address;
	if (!new_port)
		return 0;
	if (packet_store(ctx, packet->l4_offset + port_at, &port, sizeof(port), 0))
		return DROP(DROP_WRITE_ERROR);
	*old_port = port;
	return 0;
}

__noinline int rewrite_ipv4(ctx_t *ctx, struct packet *packet, const union v6addr *address,
			    __u32 port, __u32 side)
{
	return packet && address ? rewrite_family(ctx, packet, IPV4, address, port, side) : 0;
}

__noinline int rewrite_ipv6(ctx_t *ctx, struct packet *packet, const union v6addr *address,
			    __u32 port, __u32 side)
{
	return packet && address ? rewrite_family(ctx, packet, IPV6, address, port, side) : 0;
}

/* Gives the packet another source, or another destination: address and port, in *packet, too. Where
 * it has no port, as a later fragment, none is written. The IP header must be within the first
 * bytes, as after read_addresses(). Returns 0 or a drop.
 */
static __always_inline int rewrite(ctx_t *ctx, struct packet *packet, enum family family,
				   const union v6addr *address, __be16 port,
				   enum rewrite_side side)
{
	return family == IPV6 ? rewrite_ipv6(ctx, packet, address, port, side)
			      : rewrite_ipv4(ctx, packet, address, port, side);
}

/* Replaces bytes that an ICMP error quotes: its own checksum covers them. */
static __always_inline int rewrite_quoted_bytes(ctx_t *ctx, const struct packet *quoted,
						__u32 offset, const void *bytes, __u32 size,
						__u32 difference)
{
	/* The error's header stands in front of what it quotes. */
	if (packet_checksum(ctx, quoted->l3_offset - 8 + 2, difference, 0))
		return -1;
	return packet_store(ctx, offset, bytes, size, 0);
}

static __always_inline int rewrite_quoted_checksum(ctx_t *ctx, const struct packet *quoted,
						   __u32 offset, __u32 difference, int optional)
{
	__be16 old, new;

	/* An error need not quote that much. */
	if (packet_load(ctx, offset, &old, sizeof(old)) || (optional && !old))
		return 0;
	new = checksum_add(old, difference);
	/* 0 would say that there is none. */
	if (optional && !new)
		new = 0xffff;
	return rewrite_quoted_bytes(ctx, quoted, offset, &new, sizeof(new),
				    checksum_difference(old, new));
}

static __always_inline int rewrite_quoted_family(ctx_t *ctx, struct packet *quoted,
						 enum family family, const union v6addr *address,
						 __be16 port, __u32 side)
{
	union v6addr *old = side == REWRITE_DESTINATION ? &quoted->daddr : &quoted->saddr;
	__be16 *old_port = side == REWRITE_DESTINATION ? &quoted->dport : &quoted->sport;
	__u32 checksum = checksum_offset(quoted, family);
	__u32 port_at = port_offset(quoted, family, side);
	__u32 at = quoted->l3_offset + address_offset(family, side);
	__u32 difference = family == IPV6 ? checksum_difference16(&old->p1, &address->p1)
					  : checksum_difference(old->p1, address->p1);
	__u32 covered = quoted->protocol == IPPROTO_ICMP ? 0 : difference;
	int failed;

	if (family == IPV6) {
		failed = rewrite_quoted_bytes(ctx, quoted, at, address, 16, difference);
	} else {
		failed = rewrite_quoted_bytes(ctx, quoted, at, address, 4, difference) ||
			 rewrite_quoted_checksum(ctx, quoted, quoted->l3_offset + 10, difference,
						 0);
	}
	*old = *address;
	if (port_at != NO_PORT && port != *old_port) {
		__u32 of_port = checksum_difference(*old_port, port);

		failed = failed || rewrite_quoted_bytes(ctx, quoted, quoted->l4_offset + port_at,
							&port, sizeof(port), of_port);
		covered = checksum_fold32((__u64)covered + of_port);
		*old_port = port;
	}
	if (checksum != NO_CHECKSUM)
		failed = failed || rewrite_quoted_checksum(ctx, quoted, quoted->l4_offset + checksum,
							   covered,
							   quoted->protocol == IPPROTO_UDP);
	return failed ? DROP(DROP_WRITE_ERROR) : 0;
}

__noinline int rewrite_quoted_ipv4(ctx_t *ctx, struct packet *quoted, const union v6addr *address,
				   __u32 port, __u32 side)
{
	return quoted && address ? rewrite_quoted_family(ctx, quoted, IPV4, address, port, side)
				 : 0;
}

__noinline int rewrite_quoted_ipv6(ctx_t *ctx, struct packet *quoted, const union v6addr *address,
				   __u32 port, __u32 side)
{
	return quoted && address ? rewrite_quoted_family(ctx, quoted, IPV6, address, port, side)
				 : 0;
}

/* The same within an ICMP error, of the packet that it quotes, as parse_inner_packet() read it. */
static __always_inline int rewrite_quoted(ctx_t *ctx, struct packet *quoted, enum family family,
					  const union v6addr *address, __be16 port,
					  enum rewrite_side side)
{
	return family == IPV6 ? rewrite_quoted_ipv6(ctx, quoted, address, port, side)
			      : rewrite_quoted_ipv4(ctx, quoted, address, port, side);
}

#endif
