/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Services whose backends have addresses of the other family. A packet gets the other family's header
 * and comes from the node, and what answers it is given the service's and the client's back. Of such a
 * flow both NAT and conntrack keep the IPv6 form, in which addresses of IPv4 are mapped.
 */
#ifndef SKEP_LIB_NAT_46X64_H
#define SKEP_LIB_NAT_46X64_H

#include "delivery.h"
#include "nat_entry.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NAT_46X64

#define IPV6_MIN_MTU	1280
#define HEADER_GROWTH	((int)(sizeof(struct ipv6hdr) - sizeof(struct iphdr)))

static __always_inline enum family other_family(enum family family)
{
	return family == IPV6 ? IPV4 : IPV6;
}

/* Why a packet of this family does not become one of the other. */
#define DROP_46X64(family)	((family) == IPV6 ? DROP(DROP_NAT64) : DROP(DROP_NAT46))

/* As NAT and conntrack keep it. */
static __always_inline union v6addr mapped_address(const union v6addr *address, enum family family)
{
	return family == IPV6 ? *address : map_ipv4(address->p1);
}

/* As packets of its own family have it. */
static __always_inline union v6addr own_address(const union v6addr *address, enum family family)
{
	return family == IPV6 ? *address : (union v6addr){ .p1 = address->p4 };
}

/* Bytes by which a packet grows that becomes one of the other family. */
static __always_inline int growth_46x64(enum family family)
{
	return family == IPV6 ? -HEADER_GROWTH : HEADER_GROWTH;
}

/* Whether a packet has nothing but what both families have. */
static __always_inline int is_plain(struct __sk_buff *ctx, const struct packet *packet,
				    enum family family)
{
	__be16 checksum = 1;

	if (packet->fragment ||
	    packet->l4_offset - packet->l3_offset != (family == IPV6 ? 40 : 20))
		return 0;
	if (packet->protocol == IPPROTO_TCP)
		return 1;
	/* IPv6 has no datagram without a sum. */
	return packet->protocol == IPPROTO_UDP &&
	       !bpf_skb_load_bytes(ctx, packet->l4_offset + 6, &checksum, sizeof(checksum)) &&
	       checksum;
}

/* One's complement sum of what a packet's own checksum has of its addresses. */
static __always_inline __u32 sum_addresses(const union v6addr *saddr, const union v6addr *daddr,
					   enum family family)
{
	static const __be32 none[4];

	if (family == IPV4)
		return checksum_fold32((__u64)saddr->p1 + daddr->p1);
	return checksum_fold32((__u64)~checksum_difference16(&saddr->p1, none) +
			       (__u32)~checksum_difference16(&daddr->p1, none));
}

static __always_inline int write_ends(struct __sk_buff *ctx, const struct packet *packet,
				      const struct packet_ends *to, enum family family)
{
	__u32 checksum = packet->l4_offset + checksum_offset(packet, family);
	__u32 optional = packet->protocol == IPPROTO_UDP ? CHECKSUM_F_OPTIONAL : 0;
	__be16 from_ports[2] = { packet->sport, packet->dport };
	__be16 to_ports[2] = { to->sport, to->dport };
	__u32 from_sum, to_sum, ports;

	/* What an ICMP error quoted need not be that much. */
	if (checksum + sizeof(__be16) > packet_length(ctx))
		return packet_store(ctx, packet->l4_offset, to_ports, sizeof(to_ports),
				    CHECKSUM_F_ADDRESS);
	from_sum = sum_addresses(&packet->saddr, &packet->daddr, family);
	to_sum = sum_addresses(&to->saddr, &to->daddr, other_family(family));
	ports = checksum_difference(*(__be32 *)from_ports, *(__be32 *)to_ports);
	return packet_checksum(ctx, checksum, checksum_difference(from_sum, to_sum),
			       CHECKSUM_F_ADDRESS | optional) ||
	       packet_checksum(ctx, checksum, ports, optional) ||
	       packet_store(ctx, packet->l4_offset, to_ports, sizeof(to_ports), 0);
}

static __always_inline int write_header_ipv6(struct __sk_buff *ctx, const struct packet *packet,
					     const struct packet_ends *to)
{
	struct ipv6hdr ip = { .version = 6, .nexthdr = packet->protocol };
	struct iphdr old;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &old, sizeof(old)))
		return -1;
	ip.priority = old.tos >> 4;
	ip.flow_lbl[0] = old.tos << 4;
	ip.payload_len = bpf_htons(bpf_ntohs(old.tot_len) - sizeof(old));
	ip.hop_limit = old.ttl;
	__builtin_memcpy(&ip.saddr, &to->saddr, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, &to->daddr, sizeof(ip.daddr));
	return bpf_skb_change_proto(ctx, bpf_htons(ETH_P_IPV6), 0) ||
	       packet_store(ctx, ETH_HLEN, &ip, sizeof(ip), CHECKSUM_F_ADDRESS);
}

static __always_inline int write_header_ipv4(struct __sk_buff *ctx, const struct packet *packet,
					     const struct packet_ends *to)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .protocol = packet->protocol };
	struct ipv6hdr old;
	__u32 length;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &old, sizeof(old)))
		return -1;
	ip.tos = old.priority << 4 | old.flow_lbl[0] >> 4;
	ip.tot_len = bpf_htons(bpf_ntohs(old.payload_len) + sizeof(ip));
	length = ctx->gso_size ? largest_segment(ctx, packet)
			       : bpf_ntohs(old.payload_len) + sizeof(old);
	/* Nobody of IPv6 need send smaller ones, though links of IPv4 may be smaller. */
	if (length > IPV6_MIN_MTU)
		ip.frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
	else
		ip.id = bpf_get_prandom_u32();
	ip.ttl = old.hop_limit;
	ip.saddr = to->saddr.p1;
	ip.daddr = to->daddr.p1;
	ip.check = checksum_fold(bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0));
	return bpf_skb_change_proto(ctx, bpf_htons(ETH_P_IP), 0) ||
	       packet_store(ctx, ETH_HLEN, &ip, sizeof(ip), CHECKSUM_F_ADDRESS);
}

/* Makes a packet of this family one of the other, between these ends. Returns 0 or a drop. */
static __always_inline int convert(struct __sk_buff *ctx, struct walk *walk,
				   const struct packet_ends *to, enum family family)
{
	struct packet *packet = &walk->packet;
	enum family other = other_family(family);
	__be16 protocol = bpf_htons(other == IPV6 ? ETH_P_IPV6 : ETH_P_IP);

	if (write_ends(ctx, packet, to, family) ||
	    (other == IPV6 ? write_header_ipv6(ctx, packet, to)
			   : write_header_ipv4(ctx, packet, to)) ||
	    bpf_skb_store_bytes(ctx, ETH_HLEN - 2, &protocol, sizeof(protocol), 0))
		return DROP(DROP_WRITE_ERROR);
	packet->l4_offset += growth_46x64(family);
	packet->saddr = to->saddr;
	packet->daddr = to->daddr;
	packet->sport = to->sport;
	packet->dport = to->dport;
	walk->family = other;
	/* What is told of it is told of what it is now. */
	walk->translated = 0;
	remember_original(walk);
	return 0;
}

__noinline int convert_ipv4(struct __sk_buff *ctx, struct walk *walk, const struct packet_ends *to)
{
	return walk && to ? convert(ctx, walk, to, IPV4) : 0;
}

__noinline int convert_ipv6(struct __sk_buff *ctx, struct walk *walk, const struct packet_ends *to)
{
	return walk && to ? convert(ctx, walk, to, IPV6) : 0;
}

static __always_inline int find_way(struct __sk_buff *ctx, struct walk *walk,
				    const struct packet_ends *to, enum family family)
{
	struct packet converted = { .saddr = to->saddr, .protocol = walk->packet.protocol };
	struct bpf_fib_lookup route;
	__u32 length = largest_segment(ctx, &walk->packet) + growth_46x64(family);
	long found = find_route(ctx, &converted, other_family(family), &to->daddr, length, &route);

	if (found != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return 0;
	walk->mtu = route.mtu_result - growth_46x64(family);
	return DROP(DROP_FRAGMENTATION_NEEDED);
}

__noinline int find_way_ipv4(struct __sk_buff *ctx, struct walk *walk, const struct packet_ends *to)
{
	return walk && to ? find_way(ctx, walk, to, IPV4) : 0;
}

__noinline int find_way_ipv6(struct __sk_buff *ctx, struct walk *walk, const struct packet_ends *to)
{
	return walk && to ? find_way(ctx, walk, to, IPV6) : 0;
}

/* Whether a packet fits on its way when it is one of the other family. Where it does not, walk->mtu is
 * what it may have now. Returns 0 or a drop.
 */
static __always_inline int check_way(struct __sk_buff *ctx, struct walk *walk,
				     const struct packet_ends *to, enum family family)
{
	return family == IPV6 ? find_way_ipv6(ctx, walk, to) : find_way_ipv4(ctx, walk, to);
}

/* The client of a flow from a backend of this family to the node: NAT_DONE where it has the other,
 * NAT_NONE, or a drop where only NAT knows of it.
 */
static __always_inline int find_client_46x64(const struct packet *packet, enum family family,
					     struct nat_side *client, struct ct_entry **entry)
{
	union v6addr backend = mapped_address(&packet->saddr, family);
	union v6addr node = mapped_address(&packet->daddr, family);
	union ct_key key = {};

	nat_key_make(&key, IPV6, &backend, &node, packet->sport, packet->dport, packet->protocol,
		     TUPLE_F_IN);
	if (!nat_find(&key, IPV6, client) || is_mapped_ipv4(&client->address) != (family == IPV6))
		return NAT_NONE;
	ct_key_make(&key, IPV6, &client->address, &backend, client->port, packet->sport,
		    packet->protocol, TUPLE_F_OUT);
	*entry = ct_find(&key, IPV6, packet->protocol);
	return *entry && (*entry)->node_port ? NAT_DONE : DROP_46X64(family);
}

static __always_inline int return_46x64_family(struct __sk_buff *ctx, struct walk *walk,
					       enum family family)
{
	struct packet *packet = &walk->packet;
	enum family other = other_family(family);
	struct ct_flow flow = { .status = CT_REPLY };
	struct packet_ends to = {};
	struct nat_side client;
	int drop;

	if (!is_service_protocol(packet->protocol))
		return NAT_NONE;
	drop = find_client_46x64(packet, family, &client, &flow.entry);
	if (drop != NAT_DONE)
		return drop;
	if (hops_exceeded(ctx, family))
		return DROP(DROP_TTL_EXCEEDED);
	if (!is_plain(ctx, packet, family) ||
	    !find_frontend(flow.entry->rev_nat_index, other, &to.saddr, &to.sport))
		return DROP_46X64(family);
	ct_follow(ctx, walk, &flow, 1);
	to.daddr = own_address(&client.address, other);
	to.dport = client.port;
	drop = check_way(ctx, walk, &to, family);
	if (drop)
		return drop;
	drop = family == IPV6 ? convert_ipv6(ctx, walk, &to) : convert_ipv4(ctx, walk, &to);
	return drop ? drop : NAT_DONE;
}

__noinline int return_46x64_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? return_46x64_family(ctx, walk, IPV4) : 0;
}

__noinline int return_46x64_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? return_46x64_family(ctx, walk, IPV6) : 0;
}

/* Off it goes by the node's routes, of whichever family; an endpoint of the node is asked on its way. */
__noinline int route_46x64(struct __sk_buff *ctx, struct walk *walk)
{
	struct bpf_fib_lookup route;
	long found;

	if (!walk)
		return 0;
	if (!find_endpoint(&walk->packet.daddr, walk->family))
		ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	found = find_route(ctx, &walk->packet, walk->family, &walk->packet.daddr, 0, &route);
	return send_by_route(ctx, walk, &route, found);
}

static __always_inline int send_46x64(struct __sk_buff *ctx, struct walk *walk, int result)
{
	if (walk->mtu)
		return answer_too_big(ctx, walk, walk->mtu);
	return result < 0 ? result : route_46x64(ctx, walk);
}

/* What such a backend answers goes to the client. Returns NAT_NONE where the packet is none of these,
 * and *verdict is a verdict or a drop otherwise.
 */
static __always_inline int return_46x64(struct __sk_buff *ctx, struct walk *walk,
					enum family family, int *verdict)
{
	int result = family == IPV6 ? return_46x64_ipv6(ctx, walk) : return_46x64_ipv4(ctx, walk);

	if (result == NAT_NONE)
		return NAT_NONE;
	*verdict = send_46x64(ctx, walk, result);
	return NAT_DONE;
}

#endif
