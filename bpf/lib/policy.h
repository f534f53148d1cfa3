/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an endpoint's rules say of a flow.
 *
 * A verdict is kept in the flow's conntrack entry by the revision of the policy that gave it:
 * the sum of the endpoint's and the ipcache's. Both only grow, and are raised behind each
 * change, so the entry of a flow that an older policy let pass never has the present revision.
 */
#ifndef SKEP_LIB_POLICY_H
#define SKEP_LIB_POLICY_H

#include "../include/config.h"
#include "../maps/config.h"
#include "../maps/endpoint.h"
#include "../maps/policy.h"
#include "notify.h"
#include "walk.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_POLICY

struct policy_subject {
	__u32 endpoint;
	__u32 peer;			/* identity */
	enum policy_direction direction;
	__u32 flags;			/* enum lxc_settings_flags */
	/* The verdict's reasons. */
	__u32 cookie;
	__u8 match;			/* enum policy_match */
	__u8 audited;
	__u8 auth_type;
	__u8 pad;
};

static __always_inline __u32 ipcache_revision(void)
{
	__u32 index = RUNTIME_CONFIG_IPCACHE_REVISION;
	volatile __u64 *revision = bpf_map_lookup_elem(&runtime_config, &index);

	return revision ? *revision : 0;
}

/* Read before the rules are: a verdict is never taken for that of a later policy. 0 is none's. */
static __always_inline __u32 policy_revision(const volatile struct lxc_settings *settings)
{
	__u32 revision = settings->policy_revision + ipcache_revision();

	return revision ? revision : 1;
}

static __always_inline int policy_enforced(__u32 flags, enum policy_direction direction)
{
	return !!(flags & (direction == POLICY_EGRESS ? LXC_F_ENFORCE_EGRESS
						      : LXC_F_ENFORCE_INGRESS));
}

static __always_inline __be16 policy_port(const struct packet *packet, enum family family)
{
	if (packet->protocol == (family == IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return bpf_htons(packet->icmp_type);
	return packet->dport;
}

/* Its parameters also bring the rules' types into the object: clang leaves those of inner maps out. */
static __noinline void policy_count(const struct policy_subject *subject,
				    const struct policy_key *key,
				    const struct policy_entry *entry, __u32 bytes)
{
	__u8 prefix = entry->lpm_prefix_length;
	struct policy_stats_key stats = {
		.endpoint_id = subject->endpoint,
		.prefix_len = prefix,
		.sec_label = key->sec_label,
		.egress = key->egress,
		.protocol = prefix ? key->protocol : 0,
	};
	struct policy_stats_value *value;

	if (prefix > 8)
		stats.dport = key->dport & bpf_htons(0xffff << (24 - prefix));
	value = bpf_map_lookup_elem(&policystats, &stats);
	if (value) {
		value->packets++;
		value->bytes += bytes;
		return;
	}

	struct policy_stats_value first = { .packets = 1, .bytes = bytes };

	bpf_map_update_elem(&policystats, &stats, &first, BPF_ANY);
}

static __always_inline __u8 policy_match_of(__u8 prefix, int peer)
{
	if (!prefix)
		return peer ? POLICY_MATCH_L3_ONLY : POLICY_MATCH_ALL;
	if (prefix <= 8)
		return peer ? POLICY_MATCH_L3_PROTO : POLICY_MATCH_PROTO_ONLY;
	return peer ? POLICY_MATCH_L3_L4 : POLICY_MATCH_L4_ONLY;
}

/* Of a rule for the peer and one for anybody that one wins which has the higher precedence, then
 * the longer prefix of protocol and port, then the one for the peer.
 */
static __always_inline int policy_prefers_anybody(const struct policy_entry *peer,
						  const struct policy_entry *anybody)
{
	if (!peer)
		return 1;
	if (anybody->precedence != peer->precedence)
		return anybody->precedence > peer->precedence;
	return anybody->lpm_prefix_length > peer->lpm_prefix_length;
}

/* A drop, or 0 and the proxy's port in walk. */
static __always_inline int policy_decide(const ctx_t *ctx, struct walk *walk,
					 struct policy_subject *subject)
{
	struct policy_entry *entry, *peer, *anybody = 0;
	struct policy_key key = {
		.lpm_key.prefixlen = POLICY_PREFIX_FULL,
		.sec_label = subject->peer,
		.egress = subject->direction == POLICY_EGRESS,
		.protocol = walk->packet.protocol,
		.dport = policy_port(&walk->packet, walk->family),
	};
	/* Kernel 6.1 takes no key out of what a global function was given. */
	__u32 endpoint = subject->endpoint;
	void *rules = bpf_map_lookup_elem(&policies, &endpoint);

	if (!rules)
		return DROP(DROP_POLICY_DENIED);

	peer = bpf_map_lookup_elem(rules, &key);
	if (!peer || peer->precedence != POLICY_PRECEDENCE_MAX) {
		key.sec_label = 0;
		anybody = bpf_map_lookup_elem(rules, &key);
	}
	/* In two steps: the compiler would make one of both, by arithmetic on the pointers. */
	entry = peer;
	if (anybody && policy_prefers_anybody(peer, anybody))
		entry = anybody;
	if (!entry)
		return DROP(DROP_POLICY_DENIED);

	if (entry == peer)
		key.sec_label = subject->peer;
	policy_count(subject, &key, entry, packet_length(ctx));
	subject->match = policy_match_of(entry->lpm_prefix_length, entry == peer);
	subject->cookie = entry->cookie;
	if (entry->deny)
		return DROP(DROP_POLICY_DENY);

	subject->auth_type = entry->auth_type;
	if (!entry->has_explicit_auth_type && peer && anybody &&
	    peer->precedence == anybody->precedence) {
		__u8 other = (entry == peer ? anybody : peer)->auth_type;

		if (other > subject->auth_type)
			subject->auth_type = other;
	}
	if (subject->auth_type) {
		walk->ext_error = subject->auth_type;
		return DROP(DROP_AUTH_REQUIRED);
	}
	walk->proxy_port = bpf_ntohs(entry->proxy_port);
	return 0;
}

__noinline int notify_verdict(ctx_t *ctx, const struct walk *walk,
			      const struct policy_subject *subject, int drop)
{
	struct events_scratch *scratch;

	if (!walk || !subject)
		return 0;
	scratch = notify_begin(ctx, walk, NOTIFY_POLICY_VERDICT, 0, NOTIFY_VERDICT_VERSION);
	if (!scratch)
		return 0;
	/* Of two endpoints of this node one program asks both. */
	scratch->verdict.source = subject->endpoint;
	scratch->verdict.remote_label = subject->peer;
	scratch->verdict.verdict = drop && !subject->audited ? -drop_reason(drop)
							     : walk->proxy_port;
	scratch->verdict.dst_port = bpf_ntohs(policy_port(&walk->packet, walk->family));
	scratch->verdict.proto = walk->packet.protocol;
	scratch->verdict.dir = subject->direction;
	scratch->verdict.ipv6 = walk->family == IPV6;
	scratch->verdict.match_type = subject->match;
	scratch->verdict.audited = subject->audited;
	scratch->verdict.auth_type = subject->auth_type;
	scratch->verdict.cookie = subject->cookie;
	notify_send(ctx, scratch, sizeof(scratch->verdict));
	return 0;
}

/* The verdict on a packet that opens a flow, or of a flow that another policy let pass. A drop,
 * or 0 and the proxy's port in walk.
 */
__noinline int policy_verdict(ctx_t *ctx, struct walk *walk,
			      struct policy_subject *subject, int opens)
{
	int drop;

	if (!walk || !subject)
		return 0;
	drop = policy_decide(ctx, walk, subject);
	if (drop && subject->flags & LXC_F_AUDIT)
		subject->audited = 1;
	if (policy_verdicts && (opens || drop))
		notify_verdict(ctx, walk, subject, drop);
	return subject->audited ? 0 : drop;
}

#endif
