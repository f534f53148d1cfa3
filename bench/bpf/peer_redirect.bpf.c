// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* From endpoint to endpoint, and nothing else: what no datapath can be faster than. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct way {
	__u32 ifindex;
	__u8 from[ETH_ALEN];
	__u8 to[ETH_ALEN];
};

/* By the interface that a packet comes from: there are two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct way);
} ways SEC(".maps");

SEC("tcx/ingress")
int peer_redirect(struct __sk_buff *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 ifindex = ctx->ifindex;
	struct way *way = bpf_map_lookup_elem(&ways, &ifindex);

	if (!way || (void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		__u32 check;

		if ((void *)(ip + 1) > end)
			return -1;
		check = ip->check + bpf_htons(0x0100);
		ip->check = check + (check >= 0xffff);
		ip->ttl--;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		/* Neighbours' messages stay on the link. */
		if ((void *)(ip + 1) > end || ip->hop_limit == 255)
			return -1;
		ip->hop_limit--;
	} else {
		return -1;
	}
	__builtin_memcpy(eth->h_source, way->from, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, way->to, ETH_ALEN);
	return bpf_redirect_peer(way->ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
