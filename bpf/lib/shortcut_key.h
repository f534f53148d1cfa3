/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where what is known of a flow stands, and until when it counts. */
#ifndef SKEP_LIB_SHORTCUT_KEY_H
#define SKEP_LIB_SHORTCUT_KEY_H

#include "../maps/config.h"
#include "../types/shortcut.h"
#include "packet.h"

/* 24 bits, spread well enough; who finds flows that share a place slows down his own. */
static __always_inline __u32 shortcut_hash(__u64 a, __u64 b)
{
	return (a ^ b * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd >> 40;
}

static __always_inline __u32 shortcut_hash4(const struct shortcut_key4 *key)
{
	return shortcut_hash(*(const __u64 *)&key->saddr, *(const __u64 *)&key->sport);
}

static __always_inline __u32 shortcut_hash6(const struct shortcut_key6 *key)
{
	return shortcut_hash(key->saddr.d1 ^ key->saddr.d2 << 1 ^ key->daddr.d1 << 2 ^ key->daddr.d2,
			     *(const __u64 *)&key->sport);
}

static __always_inline int shortcut_equal4(const struct shortcut_key4 *a,
					   const struct shortcut_key4 *b)
{
	return *(const __u64 *)&a->saddr == *(const __u64 *)&b->saddr &&
	       *(const __u64 *)&a->sport == *(const __u64 *)&b->sport;
}

static __always_inline int shortcut_equal6(const struct shortcut_key6 *a,
					   const struct shortcut_key6 *b)
{
	return address_equal(&a->saddr, &b->saddr) && address_equal(&a->daddr, &b->daddr) &&
	       *(const __u64 *)&a->sport == *(const __u64 *)&b->sport;
}

static __always_inline __u32 service_revision(void)
{
	__u32 index = RUNTIME_CONFIG_SERVICE_REVISION;
	__u32 *revision = bpf_map_lookup_elem(&runtime_config, &index);

	return revision ? *(volatile __u32 *)revision : 0;
}

#endif
