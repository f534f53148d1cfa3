/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct server return in tunnels, the node that balances. By IPIP to the backend, what is inside
 * stays as it came: its ports must be the backend's. By Geneve to the backend's node: what is inside
 * is for the backend, and an option has the frontend.
 */
#ifndef SKEP_LIB_DSR_TUNNEL_H
#define SKEP_LIB_DSR_TUNNEL_H

#include <linux/udp.h>

#include "delivery.h"
#include "dsr.h"
#include "masquerade.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DSR_TUNNEL

#define TUNNEL_HOP_LIMIT	64
/* Of UDP: what routers choose ways by. */
#define TUNNEL_MIN_PORT		0xc000

/* What stands in front of the packet: too large for the stack. */
struct tunnel_headers {
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	};
	/* Of Geneve alone, from here on. */
	struct udphdr udp;
	struct geneve_header geneve;
	union {
		struct geneve_dsr4 said4;
		struct geneve_dsr6 said6;
	};
	struct ethhdr eth;
	__u8 pad[2];
};

/* The tunnel that a packet takes. */
struct tunnel {
	union v6addr saddr;
	union v6addr daddr;
	__u32 family;		/* enum family */
	__u32 growth;
	struct tunnel_headers headers;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunnel);
} tunnels SEC(".maps");

static __always_inline struct tunnel *the_tunnel(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&tunnels, &zero);
}

static __always_inline __u32 ip_header_size(enum family family)
{
	return family == IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

static __always_inline __u32 geneve_said_size(enum family family)
{
	return family == IPV6 ? sizeof(struct geneve_dsr6) : sizeof(struct geneve_dsr4);
}

/* Behind the outer IP header, with an option about a packet of this family. */
static __always_inline __u32 geneve_size(enum family family)
{
	return sizeof(struct udphdr) + sizeof(struct geneve_header) + geneve_said_size(family) +
	       sizeof(struct ethhdr);
}

/* Bytes of the packet, or of the largest datagram that it will be cut into; 0: it is cut to fit. */
static __always_inline __u32 largest_part(const struct __sk_buff *ctx, const struct packet *packet)
{
	if (!ctx->gso_size)
		return ctx->len - ETH_HLEN;
	if (packet->protocol != IPPROTO_UDP)
		return 0;
	return packet->l4_offset - ETH_HLEN + sizeof(struct udphdr) + ctx->gso_size;
}

/* Where the tunnel ends. Returns 0 or a drop. */
static __always_inline int find_tunnel(struct tunnel *tunnel, const struct packet *packet,
				       const struct service_choice *choice, enum family family)
{
	tunnel->family = family;
	tunnel->daddr = choice->address;
	tunnel->growth = 0;
	if (dsr_dispatch == DSR_GENEVE) {
		struct remote_endpoint_info *info = find_remote(&choice->address, family);

		if (!info || !info->flag_has_tunnel_ep)
			return DROP(DROP_NO_TUNNEL_ENDPOINT);
		tunnel->family = info->flag_ipv6_tunnel_ep ? IPV6 : IPV4;
		__builtin_memcpy(&tunnel->daddr, &info->tunnel_endpoint, sizeof(tunnel->daddr));
		tunnel->growth = geneve_size(family);
	} else if (choice->port != packet->dport) {
		return DROP(DROP_DSR_ENCAPSULATION_UNSUPPORTED);
	}
	tunnel->growth += ip_header_size(tunnel->family);
	tunnel->saddr = tunnel->family == IPV6 ? nat_address(IPV6) : nat_address(IPV4);
	return tunnel->saddr.p1 ? 0 : DROP(DROP_NO_TUNNEL_ENDPOINT);
}

static __always_inline void fill_ipv4(struct iphdr *ip, const struct tunnel *tunnel, __u32 length)
{
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(length),
		.frag_off = bpf_htons(IPV4_DONT_FRAGMENT),
		.ttl = TUNNEL_HOP_LIMIT,
		.protocol = dsr_dispatch == DSR_GENEVE ? IPPROTO_UDP : IPPROTO_IPIP,
		.saddr = tunnel->saddr.p1,
		.daddr = tunnel->daddr.p1,
	};
	ip->check = checksum_fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0));
}

static __always_inline void fill_ipv6(struct ipv6hdr *ip, const struct tunnel *tunnel, __u32 length)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(length - sizeof(*ip));
	ip->nexthdr = dsr_dispatch == DSR_GENEVE ? IPPROTO_UDP : IPPROTO_IPV6;
	ip->hop_limit = TUNNEL_HOP_LIMIT;
	__builtin_memcpy(&ip->saddr, &tunnel->saddr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &tunnel->daddr, sizeof(ip->daddr));
}

static __always_inline void fill_geneve(struct __sk_buff *ctx, struct tunnel_headers *headers,
					const struct nat_side *frontend, enum family family,
					__u32 length)
{
	struct geneve_option option = {
		.class = bpf_htons(GENEVE_CLASS_DSR),
		.type = GENEVE_TYPE_DSR,
		.length = (geneve_said_size(family) - sizeof(option)) / 4,
	};

	headers->udp = (struct udphdr){
		.source = bpf_htons(packet_hash(ctx) | TUNNEL_MIN_PORT),
		.dest = bpf_htons(tunnel_port ? tunnel_port : GENEVE_PORT),
		.len = bpf_htons(length),
	};
	headers->geneve = (struct geneve_header){
		.length = geneve_said_size(family) / 4,
		.protocol = bpf_htons(ETH_P_TEB),
		.vni = bpf_htonl(GENEVE_VNI_WORLD << 8),
	};
	if (family == IPV6) {
		headers->said6.option = option;
		headers->said6.address = frontend->address;
		headers->said6.port = frontend->port;
		headers->said6.pad = 0;
	} else {
		headers->said4.option = option;
		headers->said4.address = frontend->address.p1;
		headers->said4.port = frontend->port;
		headers->said4.pad = 0;
	}
}

static __always_inline __u64 room_flags(const struct tunnel *tunnel, const struct packet *packet)
{
	__u64 flags = tunnel->family == IPV6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6
					     : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;

	if (dsr_dispatch == DSR_GENEVE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
			 BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN);
	/* Segments of TCP become smaller, datagrams do not. */
	return packet->protocol == IPPROTO_TCP ? flags : flags | BPF_F_ADJ_ROOM_FIXED_GSO;
}

static __always_inline int store_headers(struct __sk_buff *ctx, const struct tunnel *tunnel,
					 enum family family)
{
	const struct tunnel_headers *headers = &tunnel->headers;
	__u32 at = ETH_HLEN;
	long failed;

	failed = tunnel->family == IPV6
			 ? packet_store(ctx, at, &headers->v6, sizeof(headers->v6),
					CHECKSUM_F_ADDRESS)
			 : packet_store(ctx, at, &headers->v4, sizeof(headers->v4),
					CHECKSUM_F_ADDRESS);
	if (failed || dsr_dispatch != DSR_GENEVE)
		return failed;
	at += ip_header_size(tunnel->family);
	failed = packet_store(ctx, at, &headers->udp,
			      sizeof(headers->udp) + sizeof(headers->geneve) +
				      geneve_said_size(family),
			      CHECKSUM_F_ADDRESS);
	at += geneve_size(family) - ETH_HLEN;
	return failed || packet_store(ctx, at, &headers->eth, ETH_HLEN, CHECKSUM_F_ADDRESS);
}

/* Puts a packet into its tunnel. Returns 0 or a drop. */
static __always_inline int wrap(struct __sk_buff *ctx, struct walk *walk, struct tunnel *tunnel,
				const struct service_choice *choice, enum family family)
{
	struct tunnel_headers *headers = &tunnel->headers;
	__u32 length = ctx->len - ETH_HLEN + tunnel->growth;
	int drop;

	if (dsr_dispatch == DSR_GENEVE) {
		struct nat_side frontend = {
			.address = walk->packet.daddr,
			.port = walk->packet.dport,
		};

		drop = rewrite(ctx, &walk->packet, family, &choice->address, choice->port,
			       REWRITE_DESTINATION);
		if (drop)
			return drop;
		fill_geneve(ctx, headers, &frontend, family,
			    length - ip_header_size(tunnel->family));
		if (bpf_skb_load_bytes(ctx, 0, &headers->eth, sizeof(headers->eth)))
			return DROP(DROP_WRITE_ERROR);
	}
	if (tunnel->family == IPV6)
		fill_ipv6(&headers->v6, tunnel, length);
	else
		fill_ipv4(&headers->v4, tunnel, length);
	if (bpf_skb_adjust_room(ctx, tunnel->growth, BPF_ADJ_ROOM_MAC,
				room_flags(tunnel, &walk->packet)) ||
	    store_headers(ctx, tunnel, family))
		return DROP(DROP_WRITE_ERROR);
	if (tunnel->family != family) {
		__be16 protocol = bpf_htons(tunnel->family == IPV6 ? ETH_P_IPV6 : ETH_P_IP);

		if (bpf_skb_store_bytes(ctx, ETH_HLEN - 2, &protocol, sizeof(protocol), 0))
			return DROP(DROP_WRITE_ERROR);
		walk->family = tunnel->family;
	}
	return 0;
}

static __always_inline int forward_tunnelled_family(struct __sk_buff *ctx, struct walk *walk,
						    const struct service_choice *choice,
						    enum family family)
{
	struct tunnel *tunnel = the_tunnel();
	struct packet outer = { .protocol = IPPROTO_UDP };
	struct bpf_fib_lookup route;
	__u32 length;
	int drop;
	long found;

	if (!tunnel)
		return DROP(DROP_NO_TUNNEL_ENDPOINT);
	drop = find_tunnel(tunnel, &walk->packet, choice, family);
	if (drop)
		return drop;
	remember_original(walk);
	outer.saddr = tunnel->saddr;
	length = largest_part(ctx, &walk->packet);
	length = length ? length + tunnel->growth : 0;
	found = tunnel->family == IPV6
			? find_route(ctx, &outer, IPV6, &tunnel->daddr, length, &route)
			: find_route(ctx, &outer, IPV4, &tunnel->daddr, length, &route);
	/* Nobody takes a tunnel's packets apart: the client sends smaller ones. */
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
		walk->mtu = route.mtu_result - tunnel->growth;
		return DROP(DROP_FRAGMENTATION_NEEDED);
	}
	drop = wrap(ctx, walk, tunnel, choice, family);
	return drop ? drop : send_by_route(ctx, walk, &route, found);
}

__noinline int forward_tunnelled_ipv4(struct __sk_buff *ctx, struct walk *walk,
				      const struct service_choice *choice)
{
	return walk && choice ? forward_tunnelled_family(ctx, walk, choice, IPV4) : 0;
}

__noinline int forward_tunnelled_ipv6(struct __sk_buff *ctx, struct walk *walk,
				      const struct service_choice *choice)
{
	return walk && choice ? forward_tunnelled_family(ctx, walk, choice, IPV6) : 0;
}

#endif
