// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Drops IPv4 by source prefix, twice: by a list of rules that is walked, and by
 * a trie of the same rules.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct rule {
	__be32 address;
	__be32 mask;
};

struct prefix {
	__u32 prefixlen;
	__be32 address;
};

struct walk {
	__be32 source;
	int verdict;
};

/* How many of the rules there are. */
__u32 count;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct rule);
} list SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} trie SEC(".maps");

/* The frame's source; 0 for what is no IPv4. */
static __always_inline __be32 source_of(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return 0;
	return eth->h_proto == bpf_htons(ETH_P_IP) ? ip->saddr : 0;
}

static long check_rule(__u32 index, struct walk *walk)
{
	struct rule *rule = bpf_map_lookup_elem(&list, &index);

	if (!rule || (walk->source & rule->mask) != rule->address)
		return 0;
	walk->verdict = XDP_DROP;
	return 1;
}

SEC("xdp")
int walk_list(struct xdp_md *ctx)
{
	struct walk walk = { .source = source_of(ctx), .verdict = XDP_PASS };

	bpf_loop(count, check_rule, &walk, 0);
	return walk.verdict;
}

SEC("xdp")
int look_up_trie(struct xdp_md *ctx)
{
	struct prefix prefix = { .prefixlen = 32, .address = source_of(ctx) };

	return bpf_map_lookup_elem(&trie, &prefix) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
