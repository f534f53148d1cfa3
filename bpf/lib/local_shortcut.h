/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Flows between endpoints of this node that are known: what both sides' conntrack and policies said
 * of one packet counts for those of the same second. A change of what may pass, of the ipcache and
 * of the endpoints counts at once; what opens or closes a connection is always looked at in full.
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

/* Whether anything at all may pass without being told. */
static __always_inline int has_local_shortcuts(void)
{
	return local_shortcuts && peer_redirect && monitor_aggregation >= 3;
}

/* Whether policies and endpoints are what they were when the way was found. */
static __always_inline int local_way_counts(const struct local_way *way,
					    const struct lxc_device *sender,
					    const struct lxc_device *receiver)
{
	__u32 from = sender->lxc_id, to = way->receiver;
	struct lxc_settings *sends = bpf_map_lookup_elem(&lxc_settings, &from);
	struct lxc_settings *receives = bpf_map_lookup_elem(&lxc_settings, &to);

	return way->second == clock_seconds() && receiver->ifindex == way->ifindex &&
	       receiver->lxc_id == way->receiver &&
	       !(receiver->flags & ENDPOINT_F_AT_HOST_NS) && sends && receives &&
	       policy_revision(sends) == way->sender_revision &&
	       policy_revision(receives) == way->receiver_revision;
}

static __always_inline int take_local_way(struct __sk_buff *ctx, struct local_way *way,
					  enum family family, const struct lxc_device *sender,
					  __u8 tcp_flags)
{
	__u32 slot = way->ifindex & 0xffff;
	struct lxc_device *receiver = bpf_map_lookup_elem(&lxc_devices, &slot);

	if (tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST) ||
	    tcp_flags & monitor_flags & ~way->tcp_flags || !receiver ||
	    !local_way_counts(way, sender, receiver) || too_big(ctx, endpoint_mtu) ||
	    forward_headers(ctx, family, &receiver->node_mac, &receiver->mac))
		return 0;
	way->tcp_flags |= tcp_flags;
	way->packets++;
	way->bytes += ctx->len;
	METRIC_FORWARD(FORWARD_BY_SHORTCUT, METRIC_INGRESS, ctx->len);
	return bpf_redirect_peer(way->ifindex, 0);
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

static __always_inline int take_local_ipv4(struct __sk_buff *ctx, const struct lxc_device *sender,
					   struct local_left *left)
{
	struct iphdr *ip = packet_data(ctx) + ETH_HLEN;
	void *end = packet_end(ctx);
	struct local_shortcut4 *known;
	struct shortcut_key4 key;
	__u8 tcp_flags = 0;
	__be16 *ports;
	int verdict;
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
	left->place = slot + 1;
	if (!shortcut_equal4(&known->key, &key))
		return 0;
	verdict = take_local_way(ctx, &known->way, IPV4, sender, tcp_flags);
	if (!verdict)
		leave_local_way(&known->way, left);
	return verdict;
}

static __always_inline int take_local_ipv6(struct __sk_buff *ctx, const struct lxc_device *sender,
					   struct local_left *left)
{
	struct ipv6hdr *ip = packet_data(ctx) + ETH_HLEN;
	void *end = packet_end(ctx);
	struct local_shortcut6 *known;
	struct shortcut_key6 key;
	__u8 tcp_flags = 0;
	__be16 *ports;
	int verdict;
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
	left->place = slot + 1;
	if (!shortcut_equal6(&known->key, &key))
		return 0;
	verdict = take_local_way(ctx, &known->way, IPV6, sender, tcp_flags);
	if (!verdict)
		leave_local_way(&known->way, left);
	return verdict;
}

/* The verdict on a packet of a known flow; 0: it is to be looked at in full, by a walk that is begun. */
static __noinline int take_local_shortcut(struct __sk_buff *ctx, struct walk *walk,
					  const struct lxc_device *sender)
{
	struct local_left left = {};
	int verdict = 0;

	if (has_local_shortcuts() && !ctx->vlan_present) {
		if (ctx->protocol == bpf_htons(ETH_P_IP))
			verdict = take_local_ipv4(ctx, sender, &left);
		else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
			verdict = take_local_ipv6(ctx, sender, &left);
	}
	if (verdict)
		return verdict;
	start_walk(walk, METRIC_EGRESS);
	walk->place = left.place;
	walk->unseen = left.unseen;
	return 0;
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

static __always_inline int make_local_shortcut_family(const struct walk *walk,
						      const struct local_way *way,
						      enum family family)
{
	const struct packet *packet = &walk->packet;
	__u32 slot = walk->place - 1;
	struct packet other = {};

	if (family == IPV6) {
		struct local_shortcut6 *known = bpf_map_lookup_elem(&local_shortcuts6, &slot);

		if (!known || known->way.second == way->second)
			return 0;
		other.saddr = known->key.saddr;
		other.daddr = known->key.daddr;
		other.sport = known->key.sport;
		other.dport = known->key.dport;
		other.protocol = known->key.protocol;
		settle_local_way(&other, IPV6, &known->way);
		known->key = (struct shortcut_key6){ packet->saddr, packet->daddr, packet->sport,
						     packet->dport, packet->protocol };
		known->way = *way;
	} else {
		struct local_shortcut4 *known = bpf_map_lookup_elem(&local_shortcuts4, &slot);

		if (!known || known->way.second == way->second)
			return 0;
		other.saddr.p1 = known->key.saddr;
		other.daddr.p1 = known->key.daddr;
		other.sport = known->key.sport;
		other.dport = known->key.dport;
		other.protocol = known->key.protocol;
		settle_local_way(&other, IPV4, &known->way);
		known->key = (struct shortcut_key4){ packet->saddr.p1, packet->daddr.p1,
						     packet->sport, packet->dport,
						     packet->protocol };
		known->way = *way;
	}
	return 0;
}

/* A place that another flow has had in this second stays its own. */
static __noinline int make_local_shortcut4(const struct walk *walk, const struct local_way *way)
{
	return make_local_shortcut_family(walk, way, IPV4);
}

static __noinline int make_local_shortcut6(const struct walk *walk, const struct local_way *way)
{
	return make_local_shortcut_family(walk, way, IPV6);
}

/* Remembers what became of a packet that was looked at in full and goes to an endpoint at once. */
static __always_inline void make_local_shortcut(const struct walk *walk, enum family family,
						const struct lxc_device *receiver)
{
	const struct packet *packet = &walk->packet;
	struct local_way way;

	/* Flows of one packet need none, and what opens, closes or is translated has none. */
	if (!has_local_shortcuts() || !walk->place || walk->asked || walk->translated ||
	    packet->tcp_flags & (TCP_FLAG_FIN | TCP_FLAG_RST) || ct_is_opening(packet))
		return;
	way = (struct local_way){
		.second = clock_seconds(),
		.sender_revision = walk->sender_revision,
		.receiver_revision = walk->receiver_revision,
		.ifindex = receiver->ifindex,
		.receiver = receiver->lxc_id,
		.tcp_flags = packet->tcp_flags,
	};
	if (family == IPV6)
		make_local_shortcut6(walk, &way);
	else
		make_local_shortcut4(walk, &way);
}

#endif
