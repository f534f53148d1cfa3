/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One side of a flow: conntrack, and the policy where conntrack does not know better. */
#ifndef SKEP_LIB_GUARD_H
#define SKEP_LIB_GUARD_H

#include "conntrack.h"
#include "identity.h"
#include "policy.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_GUARD

/* Looks for where a packet goes. */
static __always_inline void find_destination(struct walk *walk, enum family family)
{
	struct endpoint_info *endpoint = find_endpoint(&walk->packet.daddr, family);

	if (!endpoint) {
		walk->peer_ifindex = PEER_ELSEWHERE;
	} else if (is_host(endpoint)) {
		walk->peer_ifindex = PEER_HOST;
		walk->dst_identity = IDENTITY_HOST;
	} else {
		walk->peer_ifindex = endpoint->ifindex;
		walk->dst_identity = endpoint->sec_id;
	}
}

/* The peer's identity, looked for when it is asked for. */
static __always_inline __u32 guard_peer(struct walk *walk, enum family family,
					enum policy_direction direction)
{
	if (direction == POLICY_INGRESS) {
		if (!walk->src_identity)
			walk->src_identity = identity_of(&walk->packet.saddr, family);
		return walk->src_identity;
	}

	if (walk->peer_ifindex == PEER_UNKNOWN)
		find_destination(walk, family);
	if (!walk->dst_identity)
		walk->dst_identity = identity_of(&walk->packet.daddr, family);
	return walk->dst_identity;
}

/* What conntrack does not decide: the policy, and the flow's entry. */
static __always_inline int guard_by_policy(ctx_t *ctx, struct walk *walk, enum family family,
					   enum policy_direction direction, __u32 endpoint)
{
	struct lxc_settings *settings = bpf_map_lookup_elem(&lxc_settings, &endpoint);
	int is_new = walk->trace_reason == CT_NEW;
	__u32 revision, flags, peer;
	struct ct_entry *entry;
	int drop;

	if (!settings)
		return DROP(DROP_ENDPOINT_NOT_READY);
	/* Before the policy is read. */
	revision = policy_revision(settings);
	flags = *(volatile __u32 *)&settings->flags;

	peer = guard_peer(walk, family, direction);
	/* Endpoints may meet themselves, and a service's proxy knows what it lets pass. */
	if (policy_enforced(flags, direction) && !walk->lb_loopback && !walk->proxy_port) {
		struct policy_subject subject = {
			.endpoint = endpoint,
			.peer = peer,
			.direction = direction,
			.flags = flags,
		};

		drop = policy_verdict(ctx, walk, &subject, is_new);
		if (drop)
			return drop;
	}

	/* A proxy's port is read from the policy for each packet: its entry has no revision. */
	if (walk->proxy_port)
		revision = 0;
	entry = is_new ? (void *)0 : ct_find_forward(walk, family, direction);
	if (entry && entry->proxy_redirect == (walk->proxy_port ? 1 : 0)) {
		entry->peer_ifindex = direction == POLICY_EGRESS ? walk->peer_ifindex
								 : PEER_UNKNOWN;
		entry->policy_revision = revision;
		return 0;
	}
	/* An ICMP error of no flow that is known opens none. */
	if (walk->packet.icmp_error)
		return 0;
	return ct_create(ctx, walk, family, direction, revision);
}

/* Global, like all that is called from many places: the verifier looks at them once and not at
 * each call, which would take it seconds. For that they expect nothing of their arguments.
 */
__noinline int guard_by_policy_ipv4(ctx_t *ctx, struct walk *walk, __u32 direction, __u32 endpoint)
{
	return walk ? guard_by_policy(ctx, walk, IPV4, direction, endpoint) : 0;
}

__noinline int guard_by_policy_ipv6(ctx_t *ctx, struct walk *walk, __u32 direction, __u32 endpoint)
{
	return walk ? guard_by_policy(ctx, walk, IPV6, direction, endpoint) : 0;
}

/* What conntrack decides, in place: a call costs as much as half of it. Returns 1 where the packet
 * passes, 0 where guard_unknown() is to be asked, or a drop.
 */
static __always_inline int guard_known(ctx_t *ctx, struct walk *walk, enum family family,
				       enum policy_direction direction, __u32 endpoint)
{
	struct ct_flow flow = { .status = CT_NEW };
	struct lxc_settings *settings = bpf_map_lookup_elem(&lxc_settings, &endpoint);
	__u32 revision;

	if (!settings)
		return DROP(DROP_ENDPOINT_NOT_READY);
	revision = policy_revision(settings);
	if (direction == POLICY_EGRESS)
		walk->sender_revision = revision;
	else
		walk->receiver_revision = revision;

	walk->reopened = 0;
	ct_lookup(ctx, walk, family, direction, revision, &flow);
	walk->trace_reason = flow.status;
	if (flow.entry && direction == POLICY_EGRESS && flow.entry->policy_revision == revision) {
		if (flow.status == CT_REPLY && flow.entry->peer_ifindex == PEER_UNKNOWN) {
			find_destination(walk, family);
			flow.entry->peer_ifindex = walk->peer_ifindex;
		}
		walk->peer_ifindex = flow.entry->peer_ifindex;
	}
	if (flow.status >= CT_REPLY) {
		if (flow.status == CT_RELATED)
			walk->trace_wanted = 1;
		else if (service_translates())
			ct_follow_translation(walk, flow.entry, direction);
		return 1;
	}
	if (flow.status == CT_ESTABLISHED && service_translates() &&
	    ct_is_translated_anew(flow.entry, walk, direction))
		ct_translate(flow.entry, walk);
	return flow.status == CT_ESTABLISHED && flow.entry->policy_revision == revision;
}

/* What conntrack does not decide. Returns 0, with walk->proxy_port where a proxy is to see the
 * packet, or a drop.
 */
static __always_inline int guard_unknown(ctx_t *ctx, struct walk *walk, enum family family,
					 enum policy_direction direction, __u32 endpoint)
{
	int drop = family == IPV6 ? guard_by_policy_ipv6(ctx, walk, direction, endpoint)
				  : guard_by_policy_ipv4(ctx, walk, direction, endpoint);

	walk->asked = 1;
	if (!drop && walk->reopened)
		ct_forget_answered(walk, direction);
	return drop;
}

/* Whether an endpoint lets the packet pass in this direction: both of them. */
static __always_inline int guard(ctx_t *ctx, struct walk *walk, enum family family,
				 enum policy_direction direction, __u32 endpoint)
{
	int known = guard_known(ctx, walk, family, direction, endpoint);

	if (known)
		return known > 0 ? 0 : known;
	return guard_unknown(ctx, walk, family, direction, endpoint);
}

#endif
