/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Jenkins' hash as the kernel has it, and by it the places of flows in Maglev tables: all nodes
 * that have a service's table agree on them.
 */
#ifndef SKEP_LIB_HASH_H
#define SKEP_LIB_HASH_H

#include "packet.h"

#define JHASH_START	0xdeadbeef

struct jhash {
	__u32 a;
	__u32 b;
	__u32 c;
};

static __always_inline __u32 rotate_left(__u32 word, __u32 bits)
{
	return word << bits | word >> (32 - bits);
}

static __always_inline void jhash_mix(struct jhash *h)
{
	h->a -= h->c;
	h->a ^= rotate_left(h->c, 4);
	h->c += h->b;
	h->b -= h->a;
	h->b ^= rotate_left(h->a, 6);
	h->a += h->c;
	h->c -= h->b;
	h->c ^= rotate_left(h->b, 8);
	h->b += h->a;
	h->a -= h->c;
	h->a ^= rotate_left(h->c, 16);
	h->c += h->b;
	h->b -= h->a;
	h->b ^= rotate_left(h->a, 19);
	h->a += h->c;
	h->c -= h->b;
	h->c ^= rotate_left(h->b, 4);
	h->b += h->a;
}

static __always_inline __u32 jhash_final(struct jhash *h)
{
	h->c ^= h->b;
	h->c -= rotate_left(h->b, 14);
	h->a ^= h->c;
	h->a -= rotate_left(h->c, 11);
	h->b ^= h->a;
	h->b -= rotate_left(h->a, 25);
	h->c ^= h->b;
	h->c -= rotate_left(h->b, 16);
	h->a ^= h->c;
	h->a -= rotate_left(h->c, 4);
	h->b ^= h->a;
	h->b -= rotate_left(h->a, 14);
	h->c ^= h->b;
	h->c -= rotate_left(h->b, 24);
	return h->c;
}

static __always_inline __u32 jhash_3words(__u32 a, __u32 b, __u32 c, __u32 seed)
{
	__u32 start = seed + JHASH_START + (3 << 2);
	struct jhash h = { .a = a + start, .b = b + start, .c = c + start };

	return jhash_final(&h);
}

/* Of a client's flow to a service. The destination's address is left out: a client comes to the
 * same backend by all addresses of a service. `sport` is 0 where it is not to count.
 */
static __always_inline __u32 flow_hash(const struct packet *packet, enum family family,
				       __be16 sport)
{
	__u32 ports = (__u32)packet->dport << 16 | sport;
	struct jhash h;

	if (family == IPV4)
		return jhash_3words(packet->saddr.p1, ports, packet->protocol, maglev_seed_ipv4);

	h = (struct jhash){ packet->saddr.p1, packet->saddr.p2, packet->saddr.p3 };
	jhash_mix(&h);
	h.a += packet->saddr.p4;
	h.b += ports;
	h.c += packet->protocol;
	jhash_mix(&h);
	h.a += maglev_seed_ipv6;
	return jhash_final(&h);
}

#endif
