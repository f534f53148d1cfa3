/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ICMP errors about packets that have changed their family (RFC 7915): what an error quotes is put in
 * its place, becomes the packet that the other side knows, and is told of in that side's family.
 */
#ifndef SKEP_LIB_NAT_46X64_ERROR_H
#define SKEP_LIB_NAT_46X64_ERROR_H

#include "icmp_error_sum.h"
#include "nat_46x64.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NAT_46X64_ERROR

#define ICMP_CODE_HOST			1
#define ICMP_CODE_PROTOCOL		2
#define ICMP_CODE_NETWORK_PROHIBITED	9
#define ICMP_CODE_HOST_PROHIBITED	10
#define ICMP_CODE_PROHIBITED		13
#define ICMP_CODE_PRECEDENCE_VIOLATION	14
#define ICMP_CODE_PRECEDENCE_CUTOFF	15
#define ICMP_CODE_POINTER		0
#define ICMP_CODE_LENGTH		2

#define ICMPV6_CODE_NO_ROUTE		0
#define ICMPV6_CODE_PROHIBITED		1
#define ICMPV6_CODE_SCOPE		2
#define ICMPV6_CODE_ADDRESS		3
#define ICMPV6_CODE_FIELD		0
#define ICMPV6_CODE_NEXT_HEADER		1

/* Where a header says what the next one is. */
#define IPV6_NEXT_HEADER_AT		6
/* A field of the one header that the other has not. */
#define NO_FIELD			0xff

/* An error on its way into the other family. Too large for the stack. */
struct error_crossing {
	struct packet_ends to;		/* of the quoted packet, as the error's receiver knows it */
	struct icmp_error error;	/* of the other family */
	union v6addr source;
	struct icmp_carrier by;
	__u8 from_destination;		/* 1: it comes from whom the quoted packet was for */
	__u32 part[ICMP_ERROR_PART / 4];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct error_crossing);
} error_crossings SEC(".maps");

static __always_inline struct error_crossing *the_error_crossing(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&error_crossings, &zero);
}

/* What an old router is likely to have meant that did not say it: the next of the usual MTUs below a
 * packet's length (RFC 1191).
 */
static __always_inline __u32 usual_mtu(__u32 length)
{
	static const __u16 usual[] = { 32000, 17914, 8166, 4352, 2002, 1492 };
	__u32 i;

#pragma unroll
	for (i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (usual[i] < length)
			return usual[i];
	return 0;
}

/* Where the other family's header has what is at a byte of this one's. */
static __always_inline __u32 ipv6_field(__u32 at)
{
	switch (at) {
	case 0 ... 1:	/* version, traffic class */
		return at;
	case 2 ... 3:	/* length */
		return 4;
	case 8:		/* hops */
		return 7;
	case 9:		/* protocol */
		return IPV6_NEXT_HEADER_AT;
	case 12 ... 15:
		return 8;
	case 16 ... 19:
		return 24;
	}
	return NO_FIELD;
}

static __always_inline __u32 ipv4_field(__u32 at)
{
	switch (at) {
	case 0 ... 1:
		return at;
	case 4 ... 5:
		return 2;
	case IPV6_NEXT_HEADER_AT:
		return 9;
	case 7:
		return 8;
	case 8 ... 23:
		return 12;
	case 24 ... 39:
		return 16;
	}
	return NO_FIELD;
}

/* An error of IPv4 about a packet of this length becomes one of IPv6. Returns 0 or a drop. */
static __always_inline int error_to_ipv6(struct icmp_error *error, __u32 length)
{
	__u32 rest = bpf_ntohl(error->rest);
	__u8 code = error->code;

	error->rest = 0;
	error->code = 0;
	switch (error->type) {
	case ICMP_TIME_EXCEEDED:
		error->type = ICMPV6_TIME_EXCEEDED;
		error->code = code;
		return 0;
	case ICMP_PARAMETER_PROBLEM:
		if (code != ICMP_CODE_POINTER && code != ICMP_CODE_LENGTH)
			return DROP(DROP_UNKNOWN_ICMPV4_CODE);
		rest = ipv6_field(rest >> 24);
		if (rest == NO_FIELD)
			return DROP(DROP_NAT46);
		error->type = ICMPV6_PARAMETER_PROBLEM;
		error->rest = bpf_htonl(rest);
		return 0;
	}
	error->type = ICMPV6_UNREACHABLE;
	switch (code) {
	case ICMP_CODE_FRAG_NEEDED:
		rest &= 0xffff;
		if (!rest)
			rest = usual_mtu(length);
		rest += HEADER_GROWTH;
		error->type = ICMPV6_TOO_BIG;
		error->rest = bpf_htonl(rest < IPV6_MIN_MTU ? IPV6_MIN_MTU : rest);
		break;
	case ICMP_CODE_PROTOCOL:
		error->type = ICMPV6_PARAMETER_PROBLEM;
		error->code = ICMPV6_CODE_NEXT_HEADER;
		error->rest = bpf_htonl(IPV6_NEXT_HEADER_AT);
		break;
	case ICMP_CODE_PORT:
		error->code = ICMPV6_CODE_PORT;
		break;
	case ICMP_CODE_NETWORK_PROHIBITED:
	case ICMP_CODE_HOST_PROHIBITED:
	case ICMP_CODE_PROHIBITED:
	case ICMP_CODE_PRECEDENCE_CUTOFF:
		error->code = ICMPV6_CODE_PROHIBITED;
		break;
	case ICMP_CODE_PRECEDENCE_VIOLATION:
		return DROP(DROP_UNKNOWN_ICMPV4_CODE);
	default:
		if (code > ICMP_CODE_PRECEDENCE_CUTOFF)
			return DROP(DROP_UNKNOWN_ICMPV4_CODE);
		error->code = ICMPV6_CODE_NO_ROUTE;
	}
	return 0;
}

/* The same the other way. */
static __always_inline int error_to_ipv4(struct icmp_error *error)
{
	__u32 rest = bpf_ntohl(error->rest);
	__u8 code = error->code;

	error->rest = 0;
	switch (error->type) {
	case ICMPV6_TIME_EXCEEDED:
		error->type = ICMP_TIME_EXCEEDED;
		return 0;
	case ICMPV6_TOO_BIG:
		if (rest < IPV6_MIN_MTU)
			rest = IPV6_MIN_MTU;
		if (rest > 0xffff)
			rest = 0xffff;
		error->type = ICMP_UNREACHABLE;
		error->code = ICMP_CODE_FRAG_NEEDED;
		error->rest = bpf_htonl(rest - HEADER_GROWTH);
		return 0;
	case ICMPV6_PARAMETER_PROBLEM:
		if (code == ICMPV6_CODE_NEXT_HEADER) {
			error->type = ICMP_UNREACHABLE;
			error->code = ICMP_CODE_PROTOCOL;
			return 0;
		}
		if (code != ICMPV6_CODE_FIELD)
			return DROP(DROP_UNKNOWN_ICMPV6_CODE);
		rest = ipv4_field(rest);
		if (rest == NO_FIELD)
			return DROP(DROP_NAT64);
		error->type = ICMP_PARAMETER_PROBLEM;
		error->rest = bpf_htonl(rest << 24);
		return 0;
	}
	error->type = ICMP_UNREACHABLE;
	switch (code) {
	case ICMPV6_CODE_NO_ROUTE:
	case ICMPV6_CODE_SCOPE:
	case ICMPV6_CODE_ADDRESS:
		error->code = ICMP_CODE_HOST;
		return 0;
	case ICMPV6_CODE_PROHIBITED:
		error->code = ICMP_CODE_HOST_PROHIBITED;
		return 0;
	case ICMPV6_CODE_PORT:
		error->code = ICMP_CODE_PORT;
		return 0;
	}
	return DROP(DROP_UNKNOWN_ICMPV6_CODE);
}

/* The error's own headers, in the other family's terms. */
static __always_inline int read_error(struct __sk_buff *ctx, const struct packet *packet,
				      const struct packet *quoted,
				      struct error_crossing *crossing, enum family family)
{
	__u8 head[9];
	__be16 length;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, head, sizeof(head)) ||
	    bpf_skb_load_bytes(ctx, quoted->l3_offset + 2, &length, sizeof(length)) ||
	    bpf_skb_load_bytes(ctx, packet->l4_offset, &crossing->error, sizeof(crossing->error)))
		return DROP(DROP_INVALID_L4_HEADER);
	crossing->by.hops = family == IPV6 ? head[7] : head[8];
	crossing->by.traffic_class = family == IPV6 ? head[0] << 4 | head[1] >> 4 : head[1];
	if (crossing->by.hops <= 1)
		return DROP(DROP_TTL_EXCEEDED);
	crossing->error.checksum = 0;
	return family == IPV6 ? error_to_ipv4(&crossing->error)
			      : error_to_ipv6(&crossing->error, bpf_ntohs(length));
}

/* An error that is known to be about such a flow is read, and what it quotes put in its place; the rest
 * of crossing is the caller's. Returns NAT_DONE or a drop.
 */
static __always_inline int uncover_quoted(struct __sk_buff *ctx, struct walk *walk,
					  struct packet *quoted,
					  struct error_crossing *crossing, enum family family)
{
	int size = quoted->l3_offset - ETH_HLEN;
	int drop;

	if (!is_plain(ctx, quoted, family))
		return DROP_46X64(family);
	/* A new checksum would make a damaged error a sound one. */
	if (!is_sound_error(ctx, &walk->packet, family, crossing->part))
		return DROP(DROP_CSUM_L4);
	drop = read_error(ctx, &walk->packet, quoted, crossing, family);
	if (drop)
		return drop;
	crossing->from_destination = address_equal(&quoted->daddr, &walk->packet.saddr);
	if (bpf_skb_adjust_room(ctx, -size, BPF_ADJ_ROOM_MAC, 0))
		return DROP(DROP_WRITE_ERROR);
	quoted->l3_offset = ETH_HLEN;
	quoted->l4_offset -= size;
	walk->packet = *quoted;
	walk->trace_reason = CT_RELATED;
	return NAT_DONE;
}

/* An error about what went to a backend of this family. */
static __always_inline int uncover_request(struct __sk_buff *ctx, struct walk *walk,
					   enum family family)
{
	struct error_crossing *crossing = the_error_crossing();
	struct service_choice *choice = the_choice();
	enum family other = other_family(family);
	struct nat_side client;
	struct ct_entry *entry;
	struct packet *quoted;
	int found;

	if (!crossing || !choice)
		return NAT_NONE;
	quoted = &choice->quoted;
	__builtin_memset(quoted, 0, sizeof(*quoted));
	if (parse_inner_packet(ctx, family, &walk->packet, quoted) ||
	    quoted->fragment & FRAGMENT_LATER)
		return NAT_NONE;
	turn_packet(quoted);
	found = find_client_46x64(quoted, family, &client, &entry);
	if (found != NAT_DONE)
		return found;
	turn_packet(quoted);
	if (!find_frontend(entry->rev_nat_index, other, &crossing->to.daddr, &crossing->to.dport))
		return DROP_46X64(family);
	crossing->to.saddr = own_address(&client.address, other);
	crossing->to.sport = client.port;
	return uncover_quoted(ctx, walk, quoted, crossing, family);
}

__noinline int uncover_request_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? uncover_request(ctx, walk, IPV4) : 0;
}

__noinline int uncover_request_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? uncover_request(ctx, walk, IPV6) : 0;
}

/* Tells the sender of the packet. Who the packet was for tells it by the address that the sender
 * knows; a router, whose address has no form in this family, by the node's. Returns 0 or a drop.
 */
__noinline int tell_crossing(struct __sk_buff *ctx, struct walk *walk)
{
	struct error_crossing *crossing = the_error_crossing();
	struct packet *packet;

	if (!walk || !crossing)
		return 0;
	packet = &walk->packet;
	crossing->source = gateway_address(walk->family);
	if (crossing->from_destination || !crossing->source.p1)
		crossing->source = packet->daddr;
	if (write_icmp_error(ctx, walk, &crossing->error, crossing->by, &crossing->source))
		return DROP(DROP_WRITE_ERROR);
	packet->daddr = packet->saddr;
	packet->saddr = crossing->source;
	packet->sport = 0;
	packet->dport = 0;
	packet->protocol = walk->family == IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	packet->icmp_type = crossing->error.type;
	packet->icmp_error = 1;
	return 0;
}

/* An error whose quoted packet is in its place goes to that one's sender. Returns a verdict or a drop. */
__noinline int send_crossing_error(struct __sk_buff *ctx, struct walk *walk)
{
	struct error_crossing *crossing = the_error_crossing();
	int drop;

	if (!walk || !crossing)
		return 0;
	drop = walk->family == IPV6 ? convert_ipv6(ctx, walk, &crossing->to)
				    : convert_ipv4(ctx, walk, &crossing->to);
	if (!drop)
		drop = tell_crossing(ctx, walk);
	return drop ? drop : route_46x64(ctx, walk);
}

/* An ICMP error about what went to a backend of the other family gets to the client. Returns NAT_NONE
 * where it is none of these, and *verdict is a verdict or a drop otherwise.
 */
static __always_inline int return_error_46x64(struct __sk_buff *ctx, struct walk *walk,
					      enum family family, int *verdict)
{
	int result = family == IPV6 ? uncover_request_ipv6(ctx, walk)
				    : uncover_request_ipv4(ctx, walk);

	if (result == NAT_NONE)
		return NAT_NONE;
	*verdict = result < 0 ? result : send_crossing_error(ctx, walk);
	return NAT_DONE;
}

#endif
