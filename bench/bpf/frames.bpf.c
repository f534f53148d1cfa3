// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Frames of many flows for XDP programs: made out of one, which each time is written anew, since
 * the kernel hands the same memory to the program again as the program left it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FRAME_WORDS		10
/* Above every port that a server has here. */
#define FIRST_CLIENT_PORT	32768

/* The one; shorter ones are padded. */
__u64 frame[FRAME_WORDS];
/* Of flows less one; their number is a power of two. */
__u32 flow_mask;
/* In `targets`. */
__u32 target;
__u32 next;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

static __always_inline int write_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	/* By an odd step: all flows in turn, neighbours far apart. */
	__u32 flow = next++ * 40503 & flow_mask;
	__be16 port = bpf_htons(FIRST_CLIENT_PORT + flow);
	struct ethhdr *eth = data;
	__u64 *words = data;

	if ((void *)(words + FRAME_WORDS) > end)
		return 0;
#pragma unroll
	for (int i = 0; i < FRAME_WORDS; i++)
		words[i] = frame[i];
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		*(__be16 *)(data + sizeof(*eth) + sizeof(struct ipv6hdr)) = port;
	else
		*(__be16 *)(data + sizeof(*eth) + sizeof(struct iphdr)) = port;
	return 1;
}

/* In front of the program that is measured. */
SEC("xdp.frags")
int vary(struct xdp_md *ctx)
{
	if (write_frame(ctx))
		bpf_tail_call(ctx, &targets, target);
	return XDP_ABORTED;
}

/* What the kernel and `vary` cost by themselves. */
SEC("xdp.frags")
int nothing(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* Sends them out of the interface that they seem to have come by. */
SEC("xdp.frags")
int send(struct xdp_md *ctx)
{
	return write_frame(ctx) ? XDP_TX : XDP_ABORTED;
}

SEC("xdp.frags")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp.frags")
int back(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 source[ETH_ALEN];

	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	__builtin_memcpy(source, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, source, ETH_ALEN);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
