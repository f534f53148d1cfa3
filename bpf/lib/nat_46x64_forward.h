/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets from outside for services whose backends have addresses of the other family, and ICMP errors
 * about what these answer.
 */
#ifndef SKEP_LIB_NAT_46X64_FORWARD_H
#define SKEP_LIB_NAT_46X64_FORWARD_H

#include "nat_46x64_error.h"
#include "nodeport.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NAT_46X64_FORWARD

/* A packet's change of family: too large for the stack. */
struct crossing {
	struct packet_ends from;
	struct packet_ends to;
	struct nat_target target;
	struct nat_side side;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct crossing);
} crossings SEC(".maps");

static __always_inline void read_ends(struct packet_ends *ends, const struct packet *packet)
{
	ends->saddr = packet->saddr;
	ends->daddr = packet->daddr;
	ends->sport = packet->sport;
	ends->dport = packet->dport;
}

static __always_inline struct crossing *the_crossing(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&crossings, &zero);
}

static __always_inline int begin_crossing(struct __sk_buff *ctx, struct walk *walk,
					  const struct service_choice *choice, enum family family)
{
	enum family other = other_family(family);
	struct crossing *crossing = the_crossing();
	union v6addr node = nat_address(other);

	if (!crossing || !is_plain(ctx, &walk->packet, family) || !node.p1)
		return DROP_46X64(family);
	read_ends(&crossing->from, &walk->packet);
	crossing->to.saddr = node;
	crossing->to.daddr = choice->address;
	crossing->to.dport = choice->port;
	crossing->target.address = mapped_address(&node, other);
	crossing->target.min_port = nat_port_min;
	crossing->target.max_port = nat_port_max;
	walk->node_port = 1;
	walk->rev_nat_index = choice->service.rev_nat_index;
	return check_way(ctx, walk, &crossing->to, family);
}

/* The flow as NAT and conntrack keep it: to the backend, of IPv6. */
static __always_inline int follow_crossing(ctx_t *ctx, struct walk *walk, enum family family)
{
	struct crossing *crossing = the_crossing();
	struct packet *packet = &walk->packet;
	struct nat_entry *entry;
	int drop;

	if (!crossing)
		return DROP_46X64(family);
	packet->saddr = mapped_address(&crossing->from.saddr, family);
	packet->daddr = mapped_address(&crossing->to.daddr, other_family(family));
	packet->dport = crossing->to.dport;
	drop = follow_forwarded(ctx, walk, IPV6);
	if (!drop) {
		entry = nat_find_forward(walk, IPV6, &crossing->side);
		drop = nat_translate(ctx, walk, IPV6, &crossing->target, entry, &crossing->side);
	}
	packet->saddr = crossing->from.saddr;
	packet->daddr = crossing->from.daddr;
	packet->dport = crossing->from.dport;
	crossing->to.sport = crossing->side.port;
	/* The backend judges the client. */
	walk->src_identity = identity_from_network(&packet->saddr, family);
	return drop;
}

__noinline int begin_crossing_ipv4(struct __sk_buff *ctx, struct walk *walk,
				   const struct service_choice *choice)
{
	return walk && choice ? begin_crossing(ctx, walk, choice, IPV4) : 0;
}

__noinline int begin_crossing_ipv6(struct __sk_buff *ctx, struct walk *walk,
				   const struct service_choice *choice)
{
	return walk && choice ? begin_crossing(ctx, walk, choice, IPV6) : 0;
}

/* Functions beside each other, as the stack has no room for one in another. */
__noinline int follow_crossing_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? follow_crossing(ctx, walk, IPV4) : 0;
}

__noinline int follow_crossing_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? follow_crossing(ctx, walk, IPV6) : 0;
}

/* A packet for a service goes to a backend of the other family. Returns a verdict or a drop. */
static __always_inline int forward_46x64(struct __sk_buff *ctx, struct walk *walk,
					 const struct service_choice *choice, enum family family)
{
	struct crossing *crossing;
	int drop;

	if (hops_exceeded(ctx, family))
		return answer_ttl_exceeded(ctx, walk);
	drop = family == IPV6 ? begin_crossing_ipv6(ctx, walk, choice)
			      : begin_crossing_ipv4(ctx, walk, choice);
	if (!drop)
		drop = family == IPV6 ? follow_crossing_ipv6(ctx, walk)
				      : follow_crossing_ipv4(ctx, walk);
	crossing = the_crossing();
	if (!drop && crossing)
		drop = family == IPV6 ? convert_ipv6(ctx, walk, &crossing->to)
				      : convert_ipv4(ctx, walk, &crossing->to);
	return send_46x64(ctx, walk, drop);
}

/* An error about what such a service sent to a client of this family. */
static __always_inline int uncover_reply(struct __sk_buff *ctx, struct walk *walk,
					 enum family family)
{
	struct error_crossing *crossing = the_error_crossing();
	struct service_choice *choice =
		find_quoted_service(ctx, walk, family, SERVICE_NORTH_SOUTH);
	enum family other = other_family(family);
	union v6addr client, backend;
	struct packet *quoted;
	union ct_key key = {};
	struct nat_side node;

	if (!crossing || !choice || !(choice->service.flags2 & SERVICE_F2_NAT_46X64))
		return NAT_NONE;
	quoted = &choice->quoted;
	client = mapped_address(&quoted->daddr, family);
	backend = mapped_address(&choice->address, other);
	nat_key_make(&key, IPV6, &client, &backend, quoted->dport, choice->port, quoted->protocol,
		     TUPLE_F_OUT);
	if (!nat_find(&key, IPV6, &node))
		return DROP_46X64(family);
	crossing->to.saddr = choice->address;
	crossing->to.sport = choice->port;
	crossing->to.daddr = own_address(&node.address, other);
	crossing->to.dport = node.port;
	/* The backend judges who sends it. */
	walk->src_identity = identity_from_network(&walk->packet.saddr, family);
	return uncover_quoted(ctx, walk, quoted, crossing, family);
}

__noinline int uncover_reply_ipv4(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? uncover_reply(ctx, walk, IPV4) : 0;
}

__noinline int uncover_reply_ipv6(struct __sk_buff *ctx, struct walk *walk)
{
	return walk ? uncover_reply(ctx, walk, IPV6) : 0;
}

/* An ICMP error from the client's side gets to the backend of the other family that it is about. Returns
 * as return_error_46x64().
 */
static __always_inline int forward_error_46x64(struct __sk_buff *ctx, struct walk *walk,
					       enum family family, int *verdict)
{
	int result = family == IPV6 ? uncover_reply_ipv6(ctx, walk)
				    : uncover_reply_ipv4(ctx, walk);

	if (result == NAT_NONE)
		return NAT_NONE;
	*verdict = result < 0 ? result : send_crossing_error(ctx, walk);
	return NAT_DONE;
}

#endif
