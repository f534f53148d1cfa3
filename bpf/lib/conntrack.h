/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Flows: found, followed, made.
 *
 * An endpoint has an entry for each flow that it opened (OUT) or that was opened to it (IN). The
 * key is made of the flow's first packet: its ports as they are, its addresses exchanged.
 */
#ifndef SKEP_LIB_CONNTRACK_H
#define SKEP_LIB_CONNTRACK_H

#include <linux/errno.h>

#include "../include/config.h"
#include "../maps/conntrack.h"
#include "../types/dsr.h"
#include "../types/policy.h"
#include "clock.h"
#include "walk.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_CONNTRACK

union ct_key {
	struct ipv4_ct_tuple v4;
	struct ipv6_ct_tuple v6;
};

struct ct_flow {
	struct ct_entry *entry;		/* NULL: CT_NEW */
	enum ct_status status;
};

static __always_inline void ct_key_make(union ct_key *key, enum family family,
					const union v6addr *opener, const union v6addr *peer,
					__be16 sport, __be16 dport, __u8 protocol, __u8 flags)
{
	if (family == IPV6) {
		key->v6.daddr = *opener;
		key->v6.saddr = *peer;
		key->v6.dport = dport;
		key->v6.sport = sport;
		key->v6.nexthdr = protocol;
		key->v6.flags = flags;
	} else {
		key->v4.daddr = opener->p1;
		key->v4.saddr = peer->p1;
		key->v4.dport = dport;
		key->v4.sport = sport;
		key->v4.nexthdr = protocol;
		key->v4.flags = flags;
	}
}

/* The key of the flow that this packet opened, seen from the endpoint's side. */
static __always_inline void ct_key_forward(union ct_key *key, enum family family,
					   const struct packet *packet, __u8 flags)
{
	ct_key_make(key, family, &packet->saddr, &packet->daddr, packet->sport, packet->dport,
		    packet->protocol, flags);
}

/* The key of the flow that this packet answers. */
static __always_inline void ct_key_reverse(union ct_key *key, enum family family,
					   const struct packet *packet, __u8 flags)
{
	ct_key_make(key, family, &packet->daddr, &packet->saddr, packet->dport, packet->sport,
		    packet->protocol, flags);
}

/* Four calls, each of one map: the kernel puts the hash look-up in place of a call only so. */
static __always_inline struct ct_entry *ct_find(const union ct_key *key, enum family family,
						__u8 protocol)
{
	struct ct_entry *entry;

	if (protocol == IPPROTO_TCP) {
		entry = family == IPV6 ? bpf_map_lookup_elem(&ct6_global, key)
				       : bpf_map_lookup_elem(&ct4_global, key);
		/* Keeps the compiler from making one call of two. */
		asm volatile("" : "+r"(entry));
		return entry;
	}
	return family == IPV6 ? bpf_map_lookup_elem(&ct_any6_global, key)
			      : bpf_map_lookup_elem(&ct_any4_global, key);
}

/* Returns 0 or a drop. */
static __always_inline int ct_insert(struct walk *walk, const union ct_key *key,
				     enum family family, const struct ct_entry *entry)
{
	long err;

	if (walk->packet.protocol == IPPROTO_TCP)
		err = family == IPV6 ? bpf_map_update_elem(&ct6_global, key, entry, BPF_ANY)
				     : bpf_map_update_elem(&ct4_global, key, entry, BPF_ANY);
	else
		err = family == IPV6 ? bpf_map_update_elem(&ct_any6_global, key, entry, BPF_ANY)
				     : bpf_map_update_elem(&ct_any4_global, key, entry, BPF_ANY);
	if (err) {
		walk->ext_error = err;
		return DROP(DROP_CONNTRACK_INSERT_FAILED);
	}
	return 0;
}

static __always_inline __u8 ct_flags(enum policy_direction direction)
{
	return direction == POLICY_EGRESS ? TUPLE_F_OUT : TUPLE_F_IN;
}

static __always_inline __u8 ct_reply_flags(enum policy_direction direction)
{
	return direction == POLICY_EGRESS ? TUPLE_F_IN : TUPLE_F_OUT;
}

static __always_inline int ct_is_opening(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP &&
	       (packet->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

/* Whether a packet of a flow by DSR says its frontend: of TCP, by an option, only the first does. */
static __always_inline int dsr_says_frontend(const struct packet *packet)
{
	return dsr_dispatch != DSR_OPTION || packet->protocol != IPPROTO_TCP ||
	       ct_is_opening(packet);
}

static __always_inline __u32 ct_timeout(const struct ct_entry *entry, __u8 protocol)
{
	if (entry->rx_closing && entry->tx_closing)
		return ct_timeout_tcp_fin;
	if (protocol != IPPROTO_TCP)
		return ct_timeout_any;
	return entry->seen_non_syn ? ct_timeout_tcp : ct_timeout_tcp_syn;
}

/* What TCP flags say of a connection's end. */
static __always_inline void ct_follow_close(struct ct_entry *entry, __u8 flags, int reply)
{
	if (flags & TCP_FLAG_RST && !(entry->tx_flags_seen & entry->rx_flags_seen & TCP_FLAG_SYN)) {
		/* Refused before it was open. */
		entry->rx_closing = 1;
		entry->tx_closing = 1;
	} else if (flags & (TCP_FLAG_FIN | TCP_FLAG_RST)) {
		if (reply)
			entry->rx_closing = 1;
		else
			entry->tx_closing = 1;
	}
}

static __always_inline void ct_see_flags(struct ct_entry *entry, __u8 flags, int reply)
{
	if (reply)
		entry->rx_flags_seen |= flags;
	else
		entry->tx_flags_seen |= flags;
}

/* Whether this packet of the flow is worth an event: the first with a flag, and one an interval. */
static __always_inline int ct_report(struct ct_entry *entry, __u8 flags, int reply, __u32 now)
{
	__u32 *last = reply ? &entry->last_rx_report : &entry->last_tx_report;
	__u8 seen = reply ? entry->rx_flags_seen : entry->tx_flags_seen;
	int wanted = (flags & monitor_flags & ~seen) || *last + monitor_interval < now;

	if (wanted)
		*last = now;
	if (flags & ~seen)
		ct_see_flags(entry, flags, reply);
	return wanted;
}

/* Entries are shared with other CPUs: what does not change is not written. */
static __always_inline void ct_follow(const ctx_t *ctx, struct walk *walk,
				      struct ct_flow *flow, int reply)
{
	struct ct_entry *entry = flow->entry;
	const struct packet *packet = &walk->packet;
	__u32 now = clock_seconds();
	__u32 lifetime;

	if (ct_is_opening(packet) && (entry->rx_closing || entry->tx_closing)) {
		flow->status = CT_NEW;
		walk->reopened = 1;
		return;
	}

	walk->trace_wanted |= ct_report(entry, packet->tcp_flags, reply, now);
	if (packet->protocol == IPPROTO_TCP) {
		ct_follow_close(entry, packet->tcp_flags, reply);
		if (!entry->seen_non_syn && !(packet->tcp_flags & TCP_FLAG_SYN))
			entry->seen_non_syn = 1;
	}

	lifetime = now + ct_timeout(entry, packet->protocol);
	if (entry->lifetime != lifetime)
		entry->lifetime = lifetime;
	if (walk->unseen.packets)
		ct_see_flags(entry, walk->unseen.tcp_flags, reply);
	if (ct_accounting) {
		__sync_fetch_and_add(&entry->packets, 1 + walk->unseen.packets);
		__sync_fetch_and_add(&entry->bytes, packet_length(ctx) + walk->unseen.bytes);
		walk->lasting |= entry->packets >= local_shortcuts;
	}
}

/* Whether flows of services are looked for anywhere. */
static __always_inline int service_translates(void)
{
	return service_per_packet || service_nodeport;
}

/* Ports that were of another service's flow, or of none's, have come to this one. */
static __always_inline void ct_translate(struct ct_entry *entry, const struct walk *walk)
{
	entry->rev_nat_index = walk->rev_nat_index;
	entry->lb_loopback = walk->lb_loopback;
	entry->node_port = walk->node_port;
	if (dsr_dispatch)
		entry->dsr_internal = walk->dsr;
}

/* Whether a packet says otherwise than the entry of its flow how replies to it come. */
static __always_inline int ct_is_translated_anew(const struct ct_entry *entry,
						 const struct walk *walk,
						 enum policy_direction direction)
{
	if (entry->rev_nat_index != walk->rev_nat_index)
		return 1;
	return dsr_dispatch && direction == POLICY_INGRESS &&
	       entry->dsr_internal != walk->dsr && dsr_says_frontend(&walk->packet);
}

/* How the packet's flow is translated, which it answers: a flow from outside is translated back
 * where its replies leave the endpoint, others where they arrive.
 */
static __always_inline void ct_follow_translation(struct walk *walk, const struct ct_entry *entry,
						  enum policy_direction direction)
{
	walk->lb_loopback = entry->lb_loopback;
	if (entry->node_port == (direction == POLICY_EGRESS))
		walk->reply_index = entry->rev_nat_index;
	if (dsr_dispatch && direction == POLICY_EGRESS)
		walk->dsr = entry->dsr_internal;
}

static __always_inline int ct_find_related_family(ctx_t *ctx, struct walk *walk,
						  enum family family,
						  enum policy_direction direction)
{
	struct packet inner = {};
	union ct_key key = {};
	struct ct_entry *entry;

	if (parse_inner_packet(ctx, family, &walk->packet, &inner) ||
	    inner.fragment & FRAGMENT_LATER ||
	    !address_equal(&inner.saddr, &walk->packet.daddr))
		return 0;
	/* An error that comes in is about a packet that went out, and the other way about. */
	ct_key_forward(&key, family, &inner, ct_reply_flags(direction));
	entry = ct_find(&key, family, inner.protocol);
	if (entry) {
		ct_follow_translation(walk, entry, direction);
		return 1;
	}
	ct_key_reverse(&key, family, &inner, ct_flags(direction));
	return !!ct_find(&key, family, inner.protocol);
}

/* The flow that an ICMP error is about, from either end of it. Only who sent what it quotes is told. */
__noinline int ct_find_related(ctx_t *ctx, struct walk *walk, __u32 direction)
{
	if (!walk)
		return 0;
	return walk->family == IPV6 ? ct_find_related_family(ctx, walk, IPV6, direction)
				    : ct_find_related_family(ctx, walk, IPV4, direction);
}

static __always_inline struct ct_entry *
ct_find_forward(const struct walk *walk, enum family family, enum policy_direction direction)
{
	union ct_key key = {};

	ct_key_forward(&key, family, &walk->packet, ct_flags(direction));
	return ct_find(&key, family, walk->packet.protocol);
}

static __always_inline struct ct_entry *
ct_find_reverse(const struct walk *walk, enum family family, enum policy_direction direction)
{
	union ct_key key = {};

	ct_key_reverse(&key, family, &walk->packet, ct_reply_flags(direction));
	return ct_find(&key, family, walk->packet.protocol);
}

/* Clients have the higher port nearly always: a guess that saves every second look-up. */
static __always_inline int ct_looks_like_reply(const struct packet *packet)
{
	return bpf_ntohs(packet->sport) < bpf_ntohs(packet->dport);
}

/* Finds the packet's flow and follows it. Where a packet could belong to a flow of each
 * direction, it is the reply: but for one that a policy of this revision let pass as the opener,
 * which the guess may find first.
 */
static __always_inline void ct_lookup(ctx_t *ctx, struct walk *walk, enum family family,
				      enum policy_direction direction, __u32 revision,
				      struct ct_flow *flow)
{
	if (walk->packet.icmp_error) {
		flow->status = ct_find_related(ctx, walk, direction) ? CT_RELATED : CT_NEW;
		return;
	}

	if (!ct_looks_like_reply(&walk->packet)) {
		flow->entry = ct_find_forward(walk, family, direction);
		if (flow->entry && flow->entry->policy_revision == revision)
			goto established;
	}

	{
		struct ct_entry *reply = ct_find_reverse(walk, family, direction);

		if (reply) {
			flow->entry = reply;
			flow->status = CT_REPLY;
			ct_follow(ctx, walk, flow, 1);
			return;
		}
	}

	if (ct_looks_like_reply(&walk->packet))
		flow->entry = ct_find_forward(walk, family, direction);
	if (!flow->entry)
		return;
established:
	flow->status = CT_ESTABLISHED;
	ct_follow(ctx, walk, flow, 0);
}

static __always_inline int ct_create_family(const ctx_t *ctx, struct walk *walk,
					    enum family family, enum policy_direction direction,
					    __u32 revision)
{
	const struct packet *packet = &walk->packet;
	__u32 now = clock_seconds();
	union ct_key key = {};
	struct ct_entry entry = {
		.policy_revision = revision,
		.peer_ifindex = direction == POLICY_EGRESS ? walk->peer_ifindex : PEER_UNKNOWN,
		.packets = ct_accounting ? 1 : 0,
		.bytes = ct_accounting ? packet_length(ctx) : 0,
		.src_sec_id = walk->src_identity,
		.proxy_redirect = !!walk->proxy_port,
		.rev_nat_index = walk->rev_nat_index,
		.lb_loopback = walk->lb_loopback,
		.node_port = walk->node_port,
		.dsr_internal = dsr_dispatch ? walk->dsr : 0,
		.last_tx_report = now,
		.tx_flags_seen = packet->tcp_flags,
	};
	int drop;

	if (packet->protocol == IPPROTO_TCP) {
		entry.seen_non_syn = !(packet->tcp_flags & TCP_FLAG_SYN);
		ct_follow_close(&entry, packet->tcp_flags, 0);
	}
	entry.lifetime = now + ct_timeout(&entry, packet->protocol);

	ct_key_forward(&key, family, packet, ct_flags(direction));
	drop = ct_insert(walk, &key, family, &entry);
	if (drop)
		return drop;
	walk->trace_wanted = 1;
	return 0;
}

/* Functions of their own, as their stack is large. */
__noinline int ct_create_ipv4(ctx_t *ctx, struct walk *walk, __u32 direction,
			      __u32 revision)
{
	return walk ? ct_create_family(ctx, walk, IPV4, direction, revision) : 0;
}

__noinline int ct_create_ipv6(ctx_t *ctx, struct walk *walk, __u32 direction,
			      __u32 revision)
{
	return walk ? ct_create_family(ctx, walk, IPV6, direction, revision) : 0;
}

/* Of a connection that its other end opens anew the old entry goes: it would be taken for the new
 * one's, whose replies look like packets of the end that opened the old one.
 */
__noinline int ct_forget_answered(const struct walk *walk, __u32 direction)
{
	union ct_key key = {};

	if (!walk)
		return 0;
	if (walk->family == IPV6) {
		ct_key_reverse(&key, IPV6, &walk->packet, ct_reply_flags(direction));
		return bpf_map_delete_elem(&ct6_global, &key);
	}
	ct_key_reverse(&key, IPV4, &walk->packet, ct_reply_flags(direction));
	return bpf_map_delete_elem(&ct4_global, &key);
}

/* Makes the entry of a flow that this packet opens. Returns 0 or a drop. */
static __always_inline int ct_create(ctx_t *ctx, struct walk *walk, enum family family,
				     enum policy_direction direction, __u32 revision)
{
	return family == IPV6 ? ct_create_ipv6(ctx, walk, direction, revision)
			      : ct_create_ipv4(ctx, walk, direction, revision);
}

#endif
