// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The look-ups of a packet's way through the datapath, in the same maps, and nothing else: keys are
 * read from fixed places, what is found is not looked at.
 */
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../../bpf/maps/config.h"
#include "../../bpf/maps/conntrack.h"
#include "../../bpf/maps/endpoint.h"
#include "../../bpf/maps/ipcache.h"
#include "../../bpf/maps/metrics.h"
#include "../../bpf/maps/policy.h"

/* As bench/datapath-node.ts sets them up. */
#define RED		1
#define BLUE		2
#define BLUE_IFINDEX	70000
#define BLUE_IDENTITY	400
#define RED_IDENTITY	300
#define WORLD_IDENTITY	500
#define CLOSED_IDENTITY	600

/* Brings the types of inner maps into the object: clang leaves them out. */
struct policy_key key_of_rules;
struct policy_entry value_of_rules;

enum way { DELIVERED, REPLIED, TO_STACK, OPENED, OPENED_TO_STACK, DENIED };

/* Keeps what was found, as the compiler would not look for it otherwise. */
#define USE(value)	asm volatile("" : : "r"(value))

struct headers {
	union v6addr source;
	union v6addr destination;
	__be16 sport;
	__be16 dport;
};

static __always_inline int read_headers(struct __sk_buff *skb, int v6, struct headers *headers)
{
	void *ip = (void *)(long)skb->data + ETH_HLEN;
	int length = v6 ? 40 : 20;
	__be16 *ports = ip + length;

	if ((void *)(ports + 2) > (void *)(long)skb->data_end)
		return -1;
	if (v6) {
		__builtin_memcpy(&headers->source, ip + 8, 16);
		__builtin_memcpy(&headers->destination, ip + 24, 16);
	} else {
		headers->source.p1 = *(__be32 *)(ip + 12);
		headers->destination.p1 = *(__be32 *)(ip + 16);
	}
	headers->sport = ports[0];
	headers->dport = ports[1];
	return 0;
}

static __always_inline void endpoint_by_device(__u32 ifindex, __u32 id)
{
	__u32 slot = ifindex & 0xffff;

	USE(bpf_map_lookup_elem(&lxc_devices, &slot));
	USE(bpf_map_lookup_elem(&lxc_settings, &id));
	slot = RUNTIME_CONFIG_IPCACHE_REVISION;
	USE(bpf_map_lookup_elem(&runtime_config, &slot));
}

/* One map for each of the two calls: only so the kernel puts the look-up in place of them. */
static __always_inline void conntrack(int v6, const struct headers *headers, int answers, __u8 flags,
				      int makes)
{
	struct ct_entry entry = {};

	if (v6) {
		struct ipv6_ct_tuple key = {
			.daddr = answers ? headers->destination : headers->source,
			.saddr = answers ? headers->source : headers->destination,
			.dport = answers ? headers->sport : headers->dport,
			.sport = answers ? headers->dport : headers->sport,
			.nexthdr = 6,
			.flags = flags,
		};

		if (makes)
			bpf_map_update_elem(&ct6_global, &key, &entry, BPF_ANY);
		else
			USE(bpf_map_lookup_elem(&ct6_global, &key));
	} else {
		struct ipv4_ct_tuple key = {
			.daddr = answers ? headers->destination.p1 : headers->source.p1,
			.saddr = answers ? headers->source.p1 : headers->destination.p1,
			.dport = answers ? headers->sport : headers->dport,
			.sport = answers ? headers->dport : headers->sport,
			.nexthdr = 6,
			.flags = flags,
		};

		if (makes)
			bpf_map_update_elem(&ct4_global, &key, &entry, BPF_ANY);
		else
			USE(bpf_map_lookup_elem(&ct4_global, &key));
	}
}

static __always_inline void endpoint_by_address(int v6, const union v6addr *address)
{
	struct endpoint_key key = { .ip6 = *address, .family = v6 ? 2 : 1 };

	USE(bpf_map_lookup_elem(&lxc, &key));
}

static __always_inline void identity(int v6, const union v6addr *address)
{
	struct ipcache_key key = {
		.lpm_key.prefixlen = v6 ? 160 : 64,
		.family = v6 ? 2 : 1,
		.ip6 = *address,
	};

	USE(bpf_map_lookup_elem(&ipcache_v2, &key));
}

static __noinline int policy(__u32 id, __u32 peer, int egress, __u32 dport)
{
	struct policy_stats_key stats = {
		.endpoint_id = id,
		.sec_label = peer,
		.egress = egress,
	};
	struct policy_key key = {
		.lpm_key.prefixlen = POLICY_PREFIX_FULL,
		.sec_label = peer,
		.egress = egress,
		.protocol = 6,
		.dport = dport,
	};
	void *rules = bpf_map_lookup_elem(&policies, &id);

	if (!rules)
		return 0;
	USE(bpf_map_lookup_elem(rules, &key));
	key.sec_label = 0;
	USE(bpf_map_lookup_elem(rules, &key));
	USE(bpf_map_lookup_elem(&policystats, &stats));
	return 0;
}

static __always_inline void count(enum way way)
{
	struct metrics_key key = { .reason = 133 };
	__u32 slot = FORWARD_TO_PEER;

	if (way == DENIED)
		USE(bpf_map_lookup_elem(&metrics, &key));
	else
		USE(bpf_map_lookup_elem(&metrics_pending, &slot));
}

static __always_inline int floor(struct __sk_buff *skb, int v6, enum way way)
{
	int opens = way >= OPENED;
	int replies = way == REPLIED;
	struct headers headers = {};

	if (read_headers(skb, v6, &headers))
		return 0;
	endpoint_by_device(1, RED);
	conntrack(v6, &headers, replies, replies ? TUPLE_F_IN : TUPLE_F_OUT, 0);
	if (opens) {
		conntrack(v6, &headers, 1, TUPLE_F_IN, 0);
		endpoint_by_address(v6, &headers.destination);
		if (way != OPENED)
			identity(v6, &headers.destination);
		policy(RED,
		       way == OPENED ? BLUE_IDENTITY
				     : way == DENIED ? CLOSED_IDENTITY : WORLD_IDENTITY,
		       1, headers.dport);
		if (way != DENIED)
			conntrack(v6, &headers, 0, TUPLE_F_OUT, 1);
	}
	if (way == DELIVERED || way == REPLIED || way == OPENED) {
		endpoint_by_device(BLUE_IFINDEX, BLUE);
		conntrack(v6, &headers, replies, replies ? TUPLE_F_OUT : TUPLE_F_IN, 0);
	}
	if (way == OPENED) {
		conntrack(v6, &headers, 1, TUPLE_F_OUT, 0);
		policy(BLUE, RED_IDENTITY, 0, headers.dport);
		conntrack(v6, &headers, 0, TUPLE_F_IN, 1);
	}
	count(way);
	return 0;
}

#define FLOOR(name, way)							\
	SEC("tcx/ingress") int name##_4(struct __sk_buff *skb) { return floor(skb, 0, way); } \
	SEC("tcx/ingress") int name##_6(struct __sk_buff *skb) { return floor(skb, 1, way); }

FLOOR(established, DELIVERED)
FLOOR(reply, REPLIED)
FLOOR(stack, TO_STACK)
FLOOR(fresh, OPENED)
FLOOR(fresh_stack, OPENED_TO_STACK)
FLOOR(denied, DENIED)

char _license[] SEC("license") = "Dual BSD/GPL";
