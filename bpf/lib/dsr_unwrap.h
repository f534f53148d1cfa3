/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct server return in tunnels, the backend's node: what another node has sent is taken out, and
 * its frontend kept. Other tunnels are left to the stack.
 */
#ifndef SKEP_LIB_DSR_UNWRAP_H
#define SKEP_LIB_DSR_UNWRAP_H

#include "dsr_arrive.h"
#include "dsr_tunnel.h"
#include "fragment.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DSR_UNWRAP

#define GENEVE_CONTROL		0x80

/* *Kernel:* 6.3. */
#ifndef BPF_F_ADJ_ROOM_DECAP_L3_IPV4
#define BPF_F_ADJ_ROOM_DECAP_L3_IPV4	(1ULL << 7)
#define BPF_F_ADJ_ROOM_DECAP_L3_IPV6	(1ULL << 8)
#endif

/* What stands between an outer IP header and an option about a packet of IPv4 or IPv6. */
struct geneve_front {
	struct udphdr udp;
	struct geneve_header geneve;
	struct geneve_option option;
};

/* What is in a tunnel. */
struct inside {
	enum family family;
	__u32 depth;			/* bytes in front of it, behind Ethernet */
	struct nat_side frontend;	/* of Geneve */
	union v6addr backend;		/* of IPIP */
};

/* Of a packet whose outer addresses were read: 1, and *inside says what is in it; 0: it is no
 * tunnel of ours.
 */
static __always_inline int look_inside_ipip(const struct packet *packet, enum family family,
					    struct inside *inside)
{
	if (packet->protocol != (family == IPV6 ? IPPROTO_IPV6 : IPPROTO_IPIP) ||
	    !find_endpoint(&packet->daddr, family))
		return 0;
	inside->family = family;
	inside->depth = packet->l4_offset - ETH_HLEN;
	inside->backend = packet->daddr;
	return 1;
}

static __always_inline int look_inside_geneve(struct __sk_buff *ctx, const struct packet *packet,
					      enum family family, struct inside *inside)
{
	struct endpoint_info *host = find_endpoint(&packet->daddr, family);
	__u32 at = packet->l4_offset + offsetof(struct geneve_front, option);
	struct geneve_front front;
	struct geneve_dsr6 said6;
	struct geneve_dsr4 said4;

	if (packet->protocol != IPPROTO_UDP || !host || !is_host(host) ||
	    bpf_skb_load_bytes(ctx, packet->l4_offset, &front, sizeof(front)) ||
	    front.udp.dest != bpf_htons(tunnel_port ? tunnel_port : GENEVE_PORT) ||
	    front.geneve.protocol != bpf_htons(ETH_P_TEB) ||
	    front.geneve.flags & GENEVE_CONTROL ||
	    front.option.class != bpf_htons(GENEVE_CLASS_DSR) ||
	    front.option.type != GENEVE_TYPE_DSR)
		return 0;
	if (front.geneve.length == sizeof(said4) / 4) {
		if (bpf_skb_load_bytes(ctx, at, &said4, sizeof(said4)))
			return 0;
		inside->family = IPV4;
		inside->frontend.address = (union v6addr){ .p1 = said4.address };
		inside->frontend.port = said4.port;
	} else if (front.geneve.length == sizeof(said6) / 4) {
		if (bpf_skb_load_bytes(ctx, at, &said6, sizeof(said6)))
			return 0;
		inside->family = IPV6;
		inside->frontend.address = said6.address;
		inside->frontend.port = said6.port;
	} else {
		return 0;
	}
	inside->depth = packet->l4_offset - ETH_HLEN + geneve_size(inside->family);
	return 1;
}

static __always_inline int take_out(struct __sk_buff *ctx, struct walk *walk,
				    const struct inside *inside, enum family family)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	__be16 protocol;

	if (inside->family != family)
		flags |= inside->family == IPV6 ? BPF_F_ADJ_ROOM_DECAP_L3_IPV6
						: BPF_F_ADJ_ROOM_DECAP_L3_IPV4;
	if (bpf_skb_adjust_room(ctx, -(int)inside->depth, BPF_ADJ_ROOM_MAC, flags))
		return DROP(DROP_INVALID_PACKET);
	protocol = bpf_htons(inside->family == IPV6 ? ETH_P_IPV6 : ETH_P_IP);
	if (inside->family != family &&
	    bpf_skb_store_bytes(ctx, ETH_HLEN - 2, &protocol, sizeof(protocol), 0))
		return DROP(DROP_WRITE_ERROR);
	__builtin_memset(&walk->packet, 0, sizeof(walk->packet));
	return 0;
}

/* What was taken out is for a backend of this node, or becomes so. */
static __always_inline int keep_inside(struct __sk_buff *ctx, struct walk *walk,
				       struct inside *inside, enum family family)
{
	struct packet *packet = &walk->packet;
	int drop = read_addresses(ctx, walk, family);

	if (!drop)
		drop = read_ports(ctx, walk, family);
	if (drop)
		return drop;
	if (!is_service_protocol(packet->protocol))
		return DROP(DROP_DSR_ENCAPSULATION_UNSUPPORTED);
	if (dsr_dispatch == DSR_IPIP) {
		inside->frontend.address = packet->daddr;
		inside->frontend.port = packet->dport;
		drop = rewrite(ctx, packet, family, &inside->backend, packet->dport,
			       REWRITE_DESTINATION);
		if (drop)
			return drop;
	} else if (!find_endpoint(&packet->daddr, family)) {
		return DROP(DROP_NO_SERVICE);
	}
	drop = keep_frontend(walk, family, &inside->frontend);
	if (drop)
		return drop;
	walk->dsr = 1;
	remember_asked(walk, &inside->frontend);
	return 0;
}

__noinline int keep_inside_ipv4(struct __sk_buff *ctx, struct walk *walk, struct inside *inside)
{
	return walk && inside ? keep_inside(ctx, walk, inside, IPV4) : 0;
}

__noinline int keep_inside_ipv6(struct __sk_buff *ctx, struct walk *walk, struct inside *inside)
{
	return walk && inside ? keep_inside(ctx, walk, inside, IPV6) : 0;
}

static __always_inline int unwrap_family(struct __sk_buff *ctx, struct walk *walk,
					 enum family family)
{
	struct inside inside = {};
	int ours, drop;

	if (read_addresses(ctx, walk, family) || walk->packet.fragment)
		return 0;
	ours = dsr_dispatch == DSR_IPIP
		       ? look_inside_ipip(&walk->packet, family, &inside)
		       : look_inside_geneve(ctx, &walk->packet, family, &inside);
	if (!ours || identity_of(&walk->packet.saddr, family) != IDENTITY_REMOTE_NODE)
		return 0;
	drop = take_out(ctx, walk, &inside, family);
	if (drop)
		return drop;
	return inside.family == IPV6 ? keep_inside_ipv6(ctx, walk, &inside)
				     : keep_inside_ipv4(ctx, walk, &inside);
}

__noinline int unwrap_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? unwrap_family(ctx, walk, IPV4) : 0;
}

__noinline int unwrap_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? unwrap_family(ctx, walk, IPV6) : 0;
}

/* Takes a packet out that came by DSR in a tunnel, and sets walk->dsr. What is to be read of it is to
 * be read anew. Returns 0 or a drop.
 */
static __always_inline int unwrap(struct __sk_buff *ctx, struct walk *walk)
{
	int drop = 0;

	if (ctx->protocol == bpf_htons(ETH_P_IP))
		drop = unwrap_ipv4(ctx, walk);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		drop = unwrap_ipv6(ctx, walk);
	if (!drop)
		__builtin_memset(&walk->packet, 0, sizeof(walk->packet));
	return drop;
}

#endif
