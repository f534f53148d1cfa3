/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What packets are translated to: entries found, made, deleted.
 *
 * A flow has two, by packets as the network sees them: TUPLE_F_OUT says what the source becomes,
 * TUPLE_F_IN what the destination of replies becomes.
 */
#ifndef SKEP_LIB_NAT_ENTRY_H
#define SKEP_LIB_NAT_ENTRY_H

#include "../maps/nat.h"
#include "conntrack.h"

/* One side of a flow. */
struct nat_side {
	union v6addr address;
	__be16 port;		/* of an echo its identifier */
	__u16 pad[3];
};

static __always_inline void nat_key_make(union ct_key *key, enum family family,
					 const union v6addr *saddr, const union v6addr *daddr,
					 __be16 sport, __be16 dport, __u8 protocol, __u8 flags)
{
	ct_key_make(key, family, daddr, saddr, sport, dport, protocol, flags);
}

/* Of a packet on its way out. */
static __always_inline void nat_key_forward(union ct_key *key, enum family family,
					    const struct packet *packet)
{
	nat_key_make(key, family, &packet->saddr, &packet->daddr, packet->sport, packet->dport,
		     packet->protocol, TUPLE_F_OUT);
}

/* Of what answers that packet when its source is `to`. */
static __always_inline void nat_key_reply(union ct_key *key, enum family family,
					  const struct packet *packet, const struct nat_side *to)
{
	nat_key_make(key, family, &packet->daddr, &to->address, packet->dport, to->port,
		     packet->protocol, TUPLE_F_IN);
}

/* The entry, and what it says. */
static __always_inline struct nat_entry *nat_find(const union ct_key *key, enum family family,
						  struct nat_side *to)
{
	if (family == IPV6) {
		struct ipv6_nat_entry *entry = bpf_map_lookup_elem(&snat_v6_external, key);

		if (!entry)
			return (void *)0;
		to->address = entry->to_saddr;
		to->port = entry->to_sport;
		return &entry->common;
	} else {
		struct ipv4_nat_entry *entry = bpf_map_lookup_elem(&snat_v4_external, key);

		if (!entry)
			return (void *)0;
		to->address = (union v6addr){ .p1 = entry->to_saddr };
		to->port = entry->to_sport;
		return &entry->common;
	}
}

/* Where an entry is put together, and a port looked for: too large for the stack. */
struct nat_scratch {
	union {
		struct ipv4_nat_entry v4;
		struct ipv6_nat_entry v6;
	};
	struct bpf_sock_tuple tuple;
	__u32 pad;
	union ct_key key;
	union ct_key reserved;	/* of IPv4, where a flow of IPv6 has a port of it */
	struct nat_side own;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_scratch);
} nat_scratch SEC(".maps");

/* NULL: never, but the verifier does not know. */
static __always_inline struct nat_scratch *the_nat_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nat_scratch, &zero);
}

/* Makes an entry that must not be there yet: 0, or the kernel's error. */
static __always_inline long nat_make(const union ct_key *key, enum family family,
				     const struct nat_side *to, __u64 needs_ct)
{
	struct nat_scratch *entry = the_nat_scratch();
	__u32 now = clock_seconds();

	if (!entry)
		return -ENOMEM;
	__builtin_memset(&entry->v6, 0, sizeof(entry->v6));
	entry->v4.common.created = now;
	entry->v4.common.checked = now;
	entry->v4.common.needs_ct = needs_ct;
	if (family == IPV6) {
		entry->v6.to_saddr = to->address;
		entry->v6.to_sport = to->port;
		return bpf_map_update_elem(&snat_v6_external, key, entry, BPF_NOEXIST);
	}
	entry->v4.to_saddr = to->address.p1;
	entry->v4.to_sport = to->port;
	return bpf_map_update_elem(&snat_v4_external, key, entry, BPF_NOEXIST);
}

static __always_inline void nat_delete(const union ct_key *key, enum family family)
{
	if (family == IPV6)
		bpf_map_delete_elem(&snat_v6_external, key);
	else
		bpf_map_delete_elem(&snat_v4_external, key);
}

static __always_inline int nat_side_equal(const struct nat_side *side,
					  const union v6addr *address, __be16 port)
{
	return address_equal(&side->address, address) && side->port == port;
}

#endif
