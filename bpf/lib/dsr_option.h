/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The frontend in an option of IPv4, or in a header of destination options of IPv6: written, read,
 * taken off. On tc only.
 */
#ifndef SKEP_LIB_DSR_OPTION_H
#define SKEP_LIB_DSR_OPTION_H

#include "dsr.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DSR_OPTION

#define IPV4_MAX_WORDS		15	/* of a header */

static __always_inline __u32 dsr_option_size(enum family family)
{
	return family == IPV6 ? sizeof(struct dsr_option6) : sizeof(struct dsr_option4);
}

/* Adds bytes to the header's length, or takes them from it, and to its checksum. */
static __always_inline void resize_ipv4(struct iphdr *ip, int bytes)
{
	__be32 *first = (void *)ip, old = *first;

	ip->ihl += bytes / 4;
	ip->tot_len = bpf_htons(bpf_ntohs(ip->tot_len) + bytes);
	ip->check = checksum_add(ip->check, checksum_difference(old, *first));
}

static __always_inline int write_option_ipv4(struct __sk_buff *ctx, const struct nat_side *frontend)
{
	struct iphdr *ip = packet_at(ctx, ETH_HLEN, sizeof(*ip));
	struct dsr_option4 *option;
	__be32 *words;

	if (!ip || ip->ihl + sizeof(*option) / 4 > IPV4_MAX_WORDS)
		return DROP(DROP_INVALID_PACKET);
	if (bpf_skb_adjust_room(ctx, sizeof(*option), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO))
		return DROP(DROP_WRITE_ERROR);
	ip = packet_at(ctx, ETH_HLEN, sizeof(*ip) + sizeof(*option));
	if (!ip)
		return DROP(DROP_WRITE_ERROR);
	option = (void *)(ip + 1);
	option->type = DSR_OPTION_IPV4;
	option->length = sizeof(*option);
	option->port = frontend->port;
	option->address = frontend->address.p1;
	words = (void *)option;
	ip->check = checksum_add(ip->check, checksum_fold32((__u64)words[0] + words[1]));
	resize_ipv4(ip, sizeof(*option));
	return 0;
}

/* The header of IPv4 has a sum of its own, so that the device's stays right; this one has none. */
static __always_inline int write_option_ipv6(struct __sk_buff *ctx, const struct nat_side *frontend)
{
	struct dsr_option6 option = {
		.header_length = (sizeof(option) - 8) / 8,
		.type = DSR_OPTION_IPV6,
		.length = sizeof(option) - 4,
		.address = frontend->address,
		.port = frontend->port,
	};
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &ip, sizeof(ip)))
		return DROP(DROP_WRITE_ERROR);
	/* Nothing may stand in front of options for every hop. */
	if (ip.nexthdr == IPPROTO_HOPOPTS)
		return DROP(DROP_INVALID_EXTENSION_HEADER);
	if (bpf_skb_adjust_room(ctx, sizeof(option), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO))
		return DROP(DROP_WRITE_ERROR);
	option.next_header = ip.nexthdr;
	ip.nexthdr = IPPROTO_DSTOPTS;
	ip.payload_len = bpf_htons(bpf_ntohs(ip.payload_len) + sizeof(option));
	if (bpf_skb_store_bytes(ctx, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(ctx, ETH_HLEN + sizeof(ip), &option, sizeof(option),
				BPF_F_RECOMPUTE_CSUM))
		return DROP(DROP_WRITE_ERROR);
	return 0;
}

/* Puts the frontend into a packet. Returns 0 or a drop. */
static __always_inline int write_option(struct __sk_buff *ctx, struct packet *packet,
					enum family family, const struct nat_side *frontend)
{
	int drop = family == IPV6 ? write_option_ipv6(ctx, frontend)
				  : write_option_ipv4(ctx, frontend);

	if (!drop)
		packet->l4_offset += dsr_option_size(family);
	return drop;
}

/* The frontend that a packet carries: 1, or 0 where it carries none. */
static __always_inline int read_option(struct __sk_buff *ctx, const struct packet *packet,
				       enum family family, struct nat_side *frontend)
{
	__u32 base = family == IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	if (packet->l4_offset < ETH_HLEN + base + dsr_option_size(family))
		return 0;
	if (family == IPV6) {
		struct dsr_option6 option;
		__u8 next;

		if (bpf_skb_load_bytes(ctx, ETH_HLEN + 6, &next, sizeof(next)) ||
		    next != IPPROTO_DSTOPTS ||
		    bpf_skb_load_bytes(ctx, ETH_HLEN + base, &option, sizeof(option)) ||
		    option.header_length != (sizeof(option) - 8) / 8 ||
		    option.type != DSR_OPTION_IPV6 || option.length != sizeof(option) - 4)
			return 0;
		frontend->address = option.address;
		frontend->port = option.port;
	} else {
		struct dsr_option4 option;

		if (bpf_skb_load_bytes(ctx, ETH_HLEN + base, &option, sizeof(option)) ||
		    option.type != DSR_OPTION_IPV4 || option.length != sizeof(option))
			return 0;
		frontend->address = (union v6addr){ .p1 = option.address };
		frontend->port = option.port;
	}
	return 1;
}

static __always_inline int clear_option_ipv4(struct __sk_buff *ctx)
{
	struct iphdr *ip = packet_at(ctx, ETH_HLEN, sizeof(*ip) + sizeof(struct dsr_option4));
	__be32 *words = (void *)(ip + 1);

	if (!ip)
		return -1;
	ip->check = checksum_add(ip->check,
				 checksum_fold32((__u64)(__u32)~words[0] + (__u32)~words[1]));
	words[0] = 0;
	words[1] = 0;
	resize_ipv4(ip, -(int)sizeof(struct dsr_option4));
	return 0;
}

static __always_inline int clear_option_ipv6(struct __sk_buff *ctx)
{
	struct dsr_option6 option, none = {};
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(ctx, ETH_HLEN + sizeof(ip), &option, sizeof(option)))
		return -1;
	ip.nexthdr = option.next_header;
	ip.payload_len = bpf_htons(bpf_ntohs(ip.payload_len) - sizeof(option));
	return bpf_skb_store_bytes(ctx, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM) ||
	       bpf_skb_store_bytes(ctx, ETH_HLEN + sizeof(ip), &none, sizeof(none),
				   BPF_F_RECOMPUTE_CSUM);
}

/* Takes off what read_option() has read. Its bytes are zero then, so that no sum misses them.
 * Returns 0 or a drop.
 */
static __always_inline int take_option(struct __sk_buff *ctx, struct packet *packet,
				       enum family family)
{
	int size = dsr_option_size(family);

	if (family == IPV6 ? clear_option_ipv6(ctx) : clear_option_ipv4(ctx))
		return DROP(DROP_WRITE_ERROR);
	if (bpf_skb_adjust_room(ctx, -size, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO))
		return DROP(DROP_WRITE_ERROR);
	packet->l4_offset -= size;
	packet_pull(ctx, packet_headers(family));
	return 0;
}

#endif
