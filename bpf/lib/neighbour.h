/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Answers those who ask for the gateway's link-layer address. */
#ifndef SKEP_LIB_NEIGHBOUR_H
#define SKEP_LIB_NEIGHBOUR_H

#include "../types/endpoint.h"
#include "icmp_error.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_NEIGHBOUR

#define ARP_ETHERNET		0x0001
#define ARP_MAC_LENGTH		6
#define ARP_IPV4_LENGTH		4
#define ARP_REQUEST		1
#define ARP_REPLY		2
#define ND_OPTION_TARGET	2
/* The advertisement's flags: solicited, override, from a router. */
#define ND_FLAGS		0xe0000000

struct arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__be32 sender;
	__u8 target_mac[ETH_ALEN];
	__be32 target;
} __attribute__((packed));

static __always_inline int write_answer_ethernet(struct __sk_buff *ctx, const mac_t *from)
{
	struct ethhdr eth;

	if (bpf_skb_load_bytes(ctx, 0, &eth, sizeof(eth)))
		return -1;
	__builtin_memcpy(eth.h_dest, eth.h_source, ETH_ALEN);
	__builtin_memcpy(eth.h_source, from, ETH_ALEN);
	return bpf_skb_store_bytes(ctx, 0, &eth, sizeof(eth), 0);
}

/* WALK_NEXT for what is no request for the gateway. */
static __always_inline int answer_arp(struct __sk_buff *ctx, const mac_t *node_mac)
{
	struct arp arp;

	if (!answer_neighbours || !gateway_ipv4)
		return WALK_NEXT;
	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &arp, sizeof(arp)))
		return DROP(DROP_INVALID_PACKET);
	if (arp.hardware != bpf_htons(ARP_ETHERNET) || arp.hardware_length != ARP_MAC_LENGTH ||
	    arp.protocol != bpf_htons(ETH_P_IP) || arp.protocol_length != ARP_IPV4_LENGTH ||
	    arp.operation != bpf_htons(ARP_REQUEST) || arp.target != gateway_ipv4)
		return WALK_NEXT;

	arp.operation = bpf_htons(ARP_REPLY);
	arp.target = arp.sender;
	__builtin_memcpy(arp.target_mac, arp.sender_mac, ETH_ALEN);
	arp.sender = gateway_ipv4;
	__builtin_memcpy(arp.sender_mac, node_mac, ETH_ALEN);
	if (bpf_skb_store_bytes(ctx, ETH_HLEN, &arp, sizeof(arp), 0) ||
	    write_answer_ethernet(ctx, node_mac))
		return DROP(DROP_WRITE_ERROR);
	ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	return bpf_redirect(ctx->ifindex, 0);
}

struct neighbour_discovery {
	struct ipv6hdr ip;
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 flags;
	union v6addr target;
	__u8 option;
	__u8 option_length;	/* in 8 bytes */
	__u8 mac[ETH_ALEN];
};

/* WALK_NEXT for what is no solicitation for the gateway. */
static __noinline int answer_neighbour_solicitation(struct __sk_buff *ctx,
						    const struct walk *walk,
						    const mac_t *node_mac)
{
	struct neighbour_discovery message = {};
	struct {
		__be32 length;
		__be32 next;
	} pseudo = {
		.length = bpf_htonl(32),
		.next = bpf_htonl(IPPROTO_ICMPV6),
	};
	union v6addr asked, gateway = gateway_ipv6_address();
	__s64 sum;

	if (walk->packet.icmp_type != ICMPV6_NEIGHBOUR_SOLICITATION || !answer_neighbours ||
	    !gateway.p1 || !walk->packet.saddr.p1 ||
	    bpf_skb_load_bytes(ctx, walk->packet.l4_offset + 8, &asked, sizeof(asked)) ||
	    !address_equal(&asked, &gateway))
		return WALK_NEXT;

	message.ip.version = 6;
	message.ip.payload_len = bpf_htons(32);
	message.ip.nexthdr = IPPROTO_ICMPV6;
	message.ip.hop_limit = ND_HOP_LIMIT;
	__builtin_memcpy(&message.ip.saddr, &gateway, sizeof(gateway));
	__builtin_memcpy(&message.ip.daddr, &walk->packet.saddr, sizeof(gateway));
	message.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT;
	message.flags = bpf_htonl(ND_FLAGS);
	message.target = gateway;
	message.option = ND_OPTION_TARGET;
	message.option_length = 1;
	__builtin_memcpy(message.mac, node_mac, ETH_ALEN);
	sum = bpf_csum_diff(0, 0, (__be32 *)&message.ip.saddr, 32 + 32, 0);
	sum = bpf_csum_diff(0, 0, (__be32 *)&pseudo, sizeof(pseudo), sum);
	message.checksum = checksum_fold(sum);

	if (bpf_skb_change_tail(ctx, ETH_HLEN + sizeof(message), 0) ||
	    bpf_skb_store_bytes(ctx, ETH_HLEN, &message, sizeof(message), 0) ||
	    write_answer_ethernet(ctx, node_mac))
		return DROP(DROP_WRITE_ERROR);
	ctx->tc_index |= TC_INDEX_FROM_DATAPATH;
	return bpf_redirect(ctx->ifindex, 0);
}

#endif
