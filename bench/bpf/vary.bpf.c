// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* In front of the program that is measured: makes the packet of one of many flows out of the one
 * that the kernel repeats, and undoes what the program before it did.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Above every port that a server has here. */
#define FIRST_CLIENT_PORT	32768
#define FIRST_SERVER_PORT	80

/* Of flows less one; their number is a power of two. */
__u32 flow_mask;
/* 1: packets are the server's. */
__u32 reply;
/* In `targets`. */
__u32 target;
__u32 next;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

SEC("tcx/ingress")
int vary(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	/* By an odd step: all flows in turn, neighbours far apart. */
	__u32 flow = next++ * 40503 & flow_mask;
	__be16 client = bpf_htons(FIRST_CLIENT_PORT + (flow & 0x7fff));
	__be16 server = bpf_htons(FIRST_SERVER_PORT + (flow >> 15));
	struct ethhdr *eth = data;
	__be16 *ports;

	if ((void *)(eth + 1) > end)
		return 0;
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		ports = (void *)(ip + 1);
		if ((void *)(ports + 2) > end)
			return 0;
		ip->hop_limit = 64;
	} else {
		struct iphdr *ip = (void *)(eth + 1);

		ports = (void *)(ip + 1);
		if ((void *)(ports + 2) > end)
			return 0;
		ip->ttl = 64;
	}
	ports[0] = reply ? server : client;
	ports[1] = reply ? client : server;
	bpf_tail_call(skb, &targets, target);
	return 0;
}

/* What the kernel and `vary` cost by themselves. */
SEC("tcx/ingress")
int nothing(struct __sk_buff *skb)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
