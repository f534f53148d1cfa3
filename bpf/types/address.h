/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Address families and addresses as map keys hold them. */
#ifndef SKEP_TYPES_ADDRESS_H
#define SKEP_TYPES_ADDRESS_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

enum ip_family {
	FAMILY_OTHER = 0,	/* ARP and whatever else is no IP */
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

/* Both families in one key: an IPv4 address is held as ::ffff:a.b.c.d. Aligned,
 * so that it is copied and compared in words.
 */
struct ip_address {
	__u8 bytes[16];		/* network byte order */
} __attribute__((aligned(8)));

static __always_inline void ip_address_set4(struct ip_address *to, __be32 from)
{
	*to = (struct ip_address){ { [10] = 0xff, [11] = 0xff } };
	__builtin_memcpy(&to->bytes[12], &from, sizeof(from));
}

#endif
