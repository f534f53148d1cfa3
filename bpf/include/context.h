/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a program is given: a socket buffer on tc; on XDP, where DATAPATH_XDP is defined before the
 * first include, the frame as the driver has it.
 */
#ifndef SKEP_CONTEXT_H
#define SKEP_CONTEXT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "checksum.h"

/* What is written into a packet. */
enum checksum_flags {
	CHECKSUM_F_ADDRESS = 1,		/* an address: not in L4, but summed there */
	CHECKSUM_F_OPTIONAL = 2,	/* a checksum of zero says that there is none */
};

#ifdef DATAPATH_XDP

typedef struct xdp_md ctx_t;

/* Of frames in several pieces the first alone is read: what is in none of it is not there. */
static __always_inline __u32 packet_length(const ctx_t *ctx)
{
	void *data, *end;

	/* The compiler takes them for 32 bits and would keep halves of pointers on the stack. */
	asm volatile("%0 = *(u32 *)(%2 + %3)\n"
		     "%1 = *(u32 *)(%2 + %4)"
		     : "=&r"(data), "=&r"(end)
		     : "r"(ctx), "i"(offsetof(struct xdp_md, data)),
		       "i"(offsetof(struct xdp_md, data_end)));
	return end - data;
}

static __always_inline void packet_pull(ctx_t *ctx, __u32 length)
{
	(void)ctx;
	(void)length;
}

static __always_inline __u32 packet_ifindex(const ctx_t *ctx)
{
	return ctx->ingress_ifindex;
}

/* *Kernel:* 5.18. */
static __always_inline long packet_load(ctx_t *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_xdp_load_bytes(ctx, offset, to, size);
}

/* *Kernel:* 5.18. */
static __always_inline long packet_store(ctx_t *ctx, __u32 offset, const void *from, __u32 size,
					 __u32 flags)
{
	(void)flags;
	return bpf_xdp_store_bytes(ctx, offset, (void *)from, size);
}

static __always_inline long packet_checksum(ctx_t *ctx, __u32 offset, __u32 difference,
					    __u32 flags)
{
	__be16 checksum;

	if (packet_load(ctx, offset, &checksum, sizeof(checksum)))
		return -1;
	if (flags & CHECKSUM_F_OPTIONAL && !checksum)
		return 0;
	checksum = checksum_add(checksum, difference);
	if (flags & CHECKSUM_F_OPTIONAL && !checksum)
		checksum = 0xffff;
	return packet_store(ctx, offset, &checksum, sizeof(checksum), 0);
}

static __always_inline void packet_mark(ctx_t *ctx, __u32 mark)
{
	(void)ctx;
	(void)mark;
}

static __always_inline __u32 packet_hash(ctx_t *ctx)
{
	(void)ctx;
	return 0;
}

#else

typedef struct __sk_buff ctx_t;

static __always_inline __u32 packet_length(const ctx_t *ctx)
{
	return ctx->len;
}

/* Brings the first bytes, or all where there are fewer, where they can be read directly. */
static __always_inline void packet_pull(ctx_t *ctx, __u32 length)
{
	__u32 linear = ctx->data_end - ctx->data;

	if (linear < length && linear < ctx->len)
		bpf_skb_pull_data(ctx, ctx->len < length ? ctx->len : length);
}

static __always_inline __u32 packet_ifindex(const ctx_t *ctx)
{
	return ctx->ifindex;
}

/* 0, or negative where the packet has fewer bytes. */
static __always_inline long packet_load(ctx_t *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(ctx, offset, to, size);
}

/* Writes what a checksum of L4 covers; packet_checksum() says so to the checksum. */
static __always_inline long packet_store(ctx_t *ctx, __u32 offset, const void *from, __u32 size,
					 __u32 flags)
{
	/* What the device has summed has L4 and its checksum in it, which make up for each other. */
	return bpf_skb_store_bytes(ctx, offset, from, size,
				   flags & CHECKSUM_F_ADDRESS ? BPF_F_RECOMPUTE_CSUM : 0);
}

/* Adds a difference to the L4 checksum at an offset, whether it is there or the device's to do. */
static __always_inline long packet_checksum(ctx_t *ctx, __u32 offset, __u32 difference,
					    __u32 flags)
{
	return bpf_l4_csum_replace(ctx, offset, 0, difference,
				   (flags & CHECKSUM_F_ADDRESS ? BPF_F_PSEUDO_HDR : 0) |
				   (flags & CHECKSUM_F_OPTIONAL ? BPF_F_MARK_MANGLED_0 : 0));
}

static __always_inline void packet_mark(ctx_t *ctx, __u32 mark)
{
	ctx->mark = mark;
}

static __always_inline __u32 packet_hash(ctx_t *ctx)
{
	return bpf_get_hash_recalc(ctx);
}

#endif

static __always_inline void *packet_data(const ctx_t *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *packet_end(const ctx_t *ctx)
{
	return (void *)(long)ctx->data_end;
}

#endif
