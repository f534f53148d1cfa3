/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Known flows of endpoints to others of this node and to the stack: what conntrack and policies said
 * of one packet, and what services made of it, counts for those of the same second. A change of what
 * may pass, of the ipcache, of endpoints and of services counts at once; what opens or closes a
 * connection is always looked at in full.
 */
#ifndef SKEP_LIB_LOCAL_SHORTCUT_H
#define SKEP_LIB_LOCAL_SHORTCUT_H

#include "../maps/local_shortcut.h"
#include "delivery.h"
#include "shortcut_key.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_LOCAL_SHORTCUT

/* What is left to who looks at the packet in full. */
struct local_left {
	__u32 place;		/* one more than the flow's slot; 0: it has none */
	struct ct_unseen unseen;
};

/* A verdict of its own, as the kernel's for the stack is negative. */
#define LOCAL_TO_STACK	0x100

/* Whether anything at all may pass without being told. */
static __always_inline int has_local_shortcuts(void)
{
	return local_shortcuts && monitor_aggregation >= 3;
}

/* A place that another flow has had in this second stays its own. */
static __always_inline int is_taken(const struct local_way *way)
{
	return way->second == clock_seconds();
}

/* Whether all that decides on a packet is what it was when the way was found, but for its receiver. */
static __always_inline int is_local_way(const struct local_way *way,
					const struct lxc_device *sender, __u8 tcp_flags)
{
	__u32 from = sender->lxc_id;
	struct lxc_settings *sends = bpf_map_lookup_elem(&lxc_settings, &from);

	return sends && way->second == clock_seconds() &&
	       !(tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST)) &&
	       !(tcp_flags & monitor_flags & ~way->tcp_flags) &&
	       policy_revision(sends) == way->sender_revision &&
	       (!way->sides || way->service_revision == service_revision());
}

/* The endpoint that a packet goes to, if it would let it in as when the way was found; else NULL. */
static __always_inline const struct lxc_device *
find_local_receiver(const struct __sk_buff *ctx, const struct local_way *way)
{
	__u32 slot = way->ifindex & 0xffff, to = way->receiver;
	struct lxc_device *receiver = bpf_map_lookup_elem(&lxc_devices, &slot);
	struct lxc_settings *receives = bpf_map_lookup_elem(&lxc_settings, &to);

	if (!receiver || !receives || receiver->ifindex != way->ifindex ||
	    receiver->lxc_id != way->receiver || receiver->flags & ENDPOINT_F_AT_HOST_NS ||
	    policy_revision(receives) != way->receiver_revision || too_big(ctx, endpoint_mtu))
		return (void *)0;
	return receiver;
}

/* Of a service's flow. *key's addresses and ports are in walk->packet. Returns 0 or a drop. */
static __always_inline int translate_local(struct __sk_buff *ctx, struct walk *walk,
					   enum family family, const struct local_way *way,
					   const union v6addr *saddr, const union v6addr *daddr)
{
	struct packet *packet = &walk->packet;

	packet->fragment = 0;
	packet->l3_offset = ETH_HLEN;
	packet->l4_offset = ETH_HLEN + (family == IPV6 ? 40 : 20);
	return way->sides == LOCAL_SOURCE
		       ? rewrite(ctx, packet, family, saddr, way->port, REWRITE_SOURCE)
		       : rewrite(ctx, packet, family, daddr, way->port, REWRITE_DESTINATION);
}

static __always_inline int take_local_way(struct __sk_buff *ctx, struct local_way *way,
					  enum family family, const struct lxc_device *sender,
					  const struct lxc_device *receiver, __u8 tcp_flags)
{
	int drop;

	if (receiver) {
		drop = forward_headers(ctx, family, &receiver->node_mac, &receiver->mac);
		if (drop)
			return drop;
	}
	way->tcp_flags |= tcp_flags;
	way->packets++;
	way->bytes += ctx->len;
	if (receiver) {
		METRIC_FORWARD(FORWARD_BY_SHORTCUT, METRIC_INGRESS, ctx->len);
		return bpf_redirect_peer(way->ifindex, 0);
	}
	mark_identity(ctx, sender->sec_id);
	if (masquerades(family) && way->reply)
		ctx->tc_index |= TC_INDEX_REPLY;
	count_to_stack(ctx->len);
	return LOCAL_TO_STACK;
}

/* The flow is looked at in full: conntrack is told what it was not. */
static __always_inline void leave_local_way(struct local_way *way, struct local_left *left)
{
	left->unseen.packets = way->packets;
	left->unseen.bytes = way->bytes;
	left->unseen.tcp_flags = way->tcp_flags;
	way->second = 0;
	way->packets = 0;
	way->bytes = 0;
}

/* The ports of a TCP or UDP header that is there, or NULL. */
static __always_inline __be16 *local_ports(void *l4, void *end, __u8 protocol, __u8 *tcp_flags)
{
	if (protocol == IPPROTO_TCP && l4 + sizeof(struct tcphdr) <= end) {
		*tcp_flags = ((__u8 *)l4)[13];
		return l4;
	}
	return protocol == IPPROTO_UDP && l4 + 8 <= end ? l4 : (void *)0;
}

static __always_inline int take_local_ipv4(struct __sk_buff *ctx, struct walk *walk,
					   const struct lxc_device *sender,
					   struct local_left *left)
{
	struct iphdr *ip = packet_data(ctx) + ETH_HLEN;
	void *end = packet_end(ctx);
	struct local_shortcut4 *known;
	const struct lxc_device *receiver = (void *)0;
	struct shortcut_key4 key;
	__u8 tcp_flags = 0;
	__be16 *ports;
	__u32 slot;

	if ((void *)(ip + 1) > end || *(__u8 *)ip != 0x45 ||
	    ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK) || ip->ttl <= 1 ||
	    ip->saddr != sender->ip4.p1)
		return 0;
	ports = local_ports(ip + 1, end, ip->protocol, &tcp_flags);
	if (!ports)
		return 0;
	key = (struct shortcut_key4){ ip->saddr, ip->daddr, ports[0], ports[1], ip->protocol };
	slot = shortcut_hash4(&key) & (LOCAL_SHORTCUTS - 1);
	known = bpf_map_lookup_elem(&local_shortcuts4, &slot);
	if (!known)
		return 0;
	if (!shortcut_equal4(&known->key, &key)) {
		left->place = is_taken(&known->way) ? 0 : slot + 1;
		return 0;
	}
	left->place = slot + 1;
	if (known->way.ifindex)
		receiver = find_local_receiver(ctx, &known->way);
	if (!is_local_way(&known->way, sender, tcp_flags) || (known->way.ifindex && !receiver)) {
		leave_local_way(&known->way, left);
		return 0;
	}
	if (service_per_packet && known->way.sides) {
		union v6addr saddr = { .p1 = known->saddr }, daddr = { .p1 = known->daddr };
		int drop;

		walk->packet.saddr = (union v6addr){ .p1 = key.saddr };
		walk->packet.daddr = (union v6addr){ .p1 = key.daddr };
		walk->packet.sport = key.sport;
		walk->packet.dport = key.dport;
		walk->packet.protocol = key.protocol;
		drop = translate_local(ctx, walk, IPV4, &known->way, &saddr, &daddr);
		if (drop)
			return drop;
	}
	return take_local_way(ctx, &known->way, IPV4, sender, receiver, tcp_flags);
}

static __always_inline int take_local_ipv6(struct __sk_buff *ctx, struct walk *walk,
					   const struct lxc_device *sender,
					   struct local_left *left)
{
	struct ipv6hdr *ip = packet_data(ctx) + ETH_HLEN;
	void *end = packet_end(ctx);
	struct local_shortcut6 *known;
	const struct lxc_device *receiver = (void *)0;
	struct shortcut_key6 key;
	__u8 tcp_flags = 0;
	__be16 *ports;
	__u32 slot;

	if ((void *)(ip + 1) > end || ip->version != 6 || ip->hop_limit <= 1)
		return 0;
	ports = local_ports(ip + 1, end, ip->nexthdr, &tcp_flags);
	if (!ports)
		return 0;
	__builtin_memcpy(&key.saddr, &ip->saddr, 2 * sizeof(key.saddr));
	if (!address_equal(&key.saddr, &sender->ip6))
		return 0;
	key.sport = ports[0];
	key.dport = ports[1];
	key.protocol = ip->nexthdr;
	slot = shortcut_hash6(&key) & (LOCAL_SHORTCUTS - 1);
	known = bpf_map_lookup_elem(&local_shortcuts6, &slot);
	if (!known)
		return 0;
	if (!shortcut_equal6(&known->key, &key)) {
		left->place = is_taken(&known->way) ? 0 : slot + 1;
		return 0;
	}
	left->place = slot + 1;
	if (known->way.ifindex)
		receiver = find_local_receiver(ctx, &known->way);
	if (!is_local_way(&known->way, sender, tcp_flags) || (known->way.ifindex && !receiver)) {
		leave_local_way(&known->way, left);
		return 0;
	}
	if (service_per_packet && known->way.sides) {
		int drop;

		walk->packet.saddr = key.saddr;
		walk->packet.daddr = key.daddr;
		walk->packet.sport = key.sport;
		walk->packet.dport = key.dport;
		walk->packet.protocol = key.protocol;
		drop = translate_local(ctx, walk, IPV6, &known->way, &known->saddr, &known->daddr);
		if (drop)
			return drop;
	}
	return take_local_way(ctx, &known->way, IPV6, sender, receiver, tcp_flags);
}

/* The verdict on a packet of a known flow; 0: it is to be looked at in full, and a walk is begun. */
static __noinline int take_local_shortcut(struct __sk_buff *ctx, struct walk *walk,
					  const struct lxc_device *sender)
{
	struct local_left left = {};
	int verdict = 0;

	if (has_local_shortcuts() && !ctx->vlan_present) {
		if (ctx->protocol == bpf_htons(ETH_P_IP))
			verdict = take_local_ipv4(ctx, walk, sender, &left);
		else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
			verdict = take_local_ipv6(ctx, walk, sender, &left);
	}
	if (verdict > 0)
		return verdict;
	start_walk(walk, METRIC_EGRESS);
	walk->place = left.place;
	walk->unseen = left.unseen;
	walk->service_revision = service_revision();
	walk->source = sender->lxc_id;
	walk->src_identity = sender->sec_id;
	return verdict ? walk_end(ctx, walk, verdict) : 0;
}

static __always_inline void settle_local_entry(struct ct_entry *entry, int reply,
					       const struct local_way *way)
{
	__sync_fetch_and_add(&entry->packets, way->packets);
	__sync_fetch_and_add(&entry->bytes, way->bytes);
	ct_see_flags(entry, way->tcp_flags, reply);
}

/* One side of the flow: it was opened by this direction's packets, or by those of the other. */
static __always_inline void settle_local_side(const struct packet *packet, enum family family,
					      enum policy_direction direction,
					      const struct local_way *way)
{
	union ct_key key = {};
	struct ct_entry *entry;
	int reply = 0;

	ct_key_forward(&key, family, packet, ct_flags(direction));
	entry = ct_find(&key, family, packet->protocol);
	if (!entry) {
		reply = 1;
		ct_key_reverse(&key, family, packet, ct_reply_flags(direction));
		entry = ct_find(&key, family, packet->protocol);
	}
	if (entry)
		settle_local_entry(entry, reply, way);
}

/* Another flow gets the place: conntrack is told what went by it. */
static __always_inline void settle_local_way(const struct packet *packet, enum family family,
					     struct local_way *way)
{
	if (!ct_accounting || !way->packets)
		return;
	settle_local_side(packet, family, POLICY_EGRESS, way);
	settle_local_side(packet, family, POLICY_INGRESS, way);
}

/* What conntrack knows the flow as that had the place: a service's as that of its backend. */
static __always_inline void local_packet(struct packet *packet, const struct local_way *way,
					 const union v6addr *saddr, const union v6addr *daddr,
					 __be16 sport, __be16 dport, __u8 protocol)
{
	packet->saddr = *saddr;
	packet->daddr = *daddr;
	packet->sport = sport;
	packet->dport = way->sides == LOCAL_DESTINATION ? way->port : dport;
	packet->protocol = protocol;
}

static __always_inline __u8 local_sides(const struct packet_ends *came,
					const struct packet *packet)
{
	__u8 sides = 0;

	if (came->sport != packet->sport || !address_equal(&came->saddr, &packet->saddr))
		sides |= LOCAL_SOURCE;
	if (came->dport != packet->dport || !address_equal(&came->daddr, &packet->daddr))
		sides |= LOCAL_DESTINATION;
	return sides;
}

static __always_inline int make_local_shortcut_family(const struct walk *walk,
						      const struct lxc_device *receiver,
						      enum family family)
{
	const struct packet *packet = &walk->packet;
	struct packet_ends *came = find_original();
	__u32 slot = walk->place - 1;
	struct packet other = {};
	struct local_way way;

	if (!came)
		return 0;
	if (!walk->translated)
		keep_ends(came, packet);
	way = (struct local_way){
		.second = clock_seconds(),
		.sender_revision = walk->sender_revision,
		.receiver_revision = walk->receiver_revision,
		.ifindex = receiver ? receiver->ifindex : 0,
		.receiver = receiver ? receiver->lxc_id : 0,
		.tcp_flags = packet->tcp_flags,
		.sides = local_sides(came, packet),
		.service_revision = walk->service_revision,
		.reply = walk->trace_reason == CT_REPLY,
	};
	way.port = way.sides == LOCAL_SOURCE ? packet->sport : packet->dport;
	/* To itself. */
	if (way.sides == (LOCAL_SOURCE | LOCAL_DESTINATION))
		return 0;

	if (family == IPV6) {
		struct local_shortcut6 *known = bpf_map_lookup_elem(&local_shortcuts6, &slot);

		if (!known)
			return 0;
		local_packet(&other, &known->way, &known->key.saddr,
			     known->way.sides == LOCAL_DESTINATION ? &known->daddr
								  : &known->key.daddr,
			     known->key.sport, known->key.dport, known->key.protocol);
		settle_local_way(&other, IPV6, &known->way);
		known->key = (struct shortcut_key6){ came->saddr, came->daddr, came->sport,
						     came->dport, packet->protocol };
		known->way = way;
		known->saddr = packet->saddr;
		known->daddr = packet->daddr;
	} else {
		struct local_shortcut4 *known = bpf_map_lookup_elem(&local_shortcuts4, &slot);
		union v6addr saddr = {}, daddr = {};

		if (!known)
			return 0;
		saddr.p1 = known->key.saddr;
		daddr.p1 = known->way.sides == LOCAL_DESTINATION ? known->daddr : known->key.daddr;
		local_packet(&other, &known->way, &saddr, &daddr, known->key.sport,
			     known->key.dport, known->key.protocol);
		settle_local_way(&other, IPV4, &known->way);
		known->key = (struct shortcut_key4){ came->saddr.p1, came->daddr.p1, came->sport,
						     came->dport, packet->protocol };
		known->way = way;
		known->saddr = packet->saddr.p1;
		known->daddr = packet->daddr.p1;
	}
	return 0;
}

static __noinline int make_local_shortcut4(const struct walk *walk,
					   const struct lxc_device *receiver)
{
	return make_local_shortcut_family(walk, receiver, IPV4);
}

static __noinline int make_local_shortcut6(const struct walk *walk,
					   const struct lxc_device *receiver)
{
	return make_local_shortcut_family(walk, receiver, IPV6);
}

/* Remembers what became of a packet that was looked at in full and goes to an endpoint at once, or,
 * without a receiver, to the stack.
 */
static __always_inline void make_local_shortcut(const struct walk *walk, enum family family,
						const struct lxc_device *receiver)
{
	const struct packet *packet = &walk->packet;

	/* Short flows need none, and what opens or closes has none. */
	if (!has_local_shortcuts() || !walk->place || walk->asked || walk->dsr ||
	    (ct_accounting && !walk->lasting) ||
	    packet->tcp_flags & (TCP_FLAG_FIN | TCP_FLAG_RST) || ct_is_opening(packet))
		return;
	if (family == IPV6)
		make_local_shortcut6(walk, receiver);
	else
		make_local_shortcut4(walk, receiver);
}

#endif
