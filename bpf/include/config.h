/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Load-time constants: set by name before load, and what they switch off is not loaded. */
#ifndef SKEP_CONFIG_H
#define SKEP_CONFIG_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "../types/tuple.h"

/* ---- Addresses of the node that endpoints see */

/* What endpoints have as their gateway, answered for in ARP and neighbour discovery; source of
 * ICMP errors. Zero: the family has none.
 */
const volatile __be32 gateway_ipv4 = 0;
const volatile __be32 gateway_ipv6[4] = {};
/* 1: ARP and neighbour solicitations for the gateway are answered here, not by the stack. */
const volatile __u8 answer_neighbours = 1;

/* ---- Identities */

/* Of addresses that no prefix covers. */
const volatile __u32 world_ipv4_identity = 9;
const volatile __u32 world_ipv6_identity = 10;

/* ---- Conntrack: seconds */

const volatile __u32 ct_timeout_tcp = 8000;
const volatile __u32 ct_timeout_tcp_syn = 60;
const volatile __u32 ct_timeout_tcp_fin = 10;
const volatile __u32 ct_timeout_any = 60;
/* Of clients' choices of backends. */
const volatile __u32 ct_timeout_service_tcp = 8000;
const volatile __u32 ct_timeout_service_any = 60;
/* How long the ports of a connection that has ended lead to its backend. */
const volatile __u32 ct_service_tcp_grace = 60;
/* 1: entries count packets and bytes. */
const volatile __u8 ct_accounting = 1;
/* 2^32 / ticks of the kernel in a second: the clock counts ticks; 0: it counts nanoseconds. */
const volatile __u64 seconds_per_jiffy_shl32 = 0;
/* Ticks with which the kernel's counter starts. */
const volatile __u64 initial_jiffies = 0;

/* ---- Services */

/* 1: what endpoints send to services is sent to their backends. */
const volatile __u8 service_per_packet = 1;
/* 1: what the network sends to services is sent to their backends. */
const volatile __u8 service_nodeport = 0;
/* 1: entries without a protocol are looked for too. */
const volatile __u8 service_any_protocol = 0;
/* Where the service does not say: enum service_algorithm. */
const volatile __u8 service_algorithm = 1;
/* 1: who asks a service without backends is told that the port cannot be reached. */
const volatile __u8 service_reject = 0;
/* How what the network sends goes on to backends of other nodes: enum service_forwarding. */
const volatile __u8 service_forwarding = 0;
/* What carries the frontend where it goes on by DSR: enum dsr_dispatch; 0: nothing goes on so, and
 * nothing that comes so is known.
 */
const volatile __u8 dsr_dispatch = 0;
/* 1: what the network sends to services whose backends have the other family goes there. */
const volatile __u8 service_46x64 = 0;
/* Under which address an endpoint meets itself as the backend of a service; zero: under its own. */
const volatile __be32 service_loopback_ipv4 = 0;
const volatile __be32 service_loopback_ipv6[4] = {};
/* At most MAGLEV_TABLE_SIZE, to which the tables' values are cut or stretched before load. */
const volatile __u32 maglev_table_size = 16381;
const volatile __u32 maglev_seed_ipv4 = 0x71dcda46;
const volatile __u32 maglev_seed_ipv6 = 0x92505688;

/* ---- Packets */

/* 1: fragments are followed to the ports of their datagram; 0: they are dropped. */
const volatile __u8 track_fragments = 1;
/* 1: protocols other than TCP, UDP, SCTP and ICMP pass as flows without ports. */
const volatile __u8 extended_protocols = 0;
/* UDP port of tunnels between nodes, which endpoints may not send to; 0: none. */
const volatile __u16 tunnel_port = 0;

/* ---- Policy */

/* 1: the host is an endpoint with a policy of its own. */
const volatile __u8 host_firewall = 0;
/* Its id. */
const volatile __u16 host_endpoint_id = 0;

/* ---- NAT */

/* 1: what endpoints send to the world by the node's devices gets the node's address. */
const volatile __u8 masquerade_ipv4 = 0;
const volatile __u8 masquerade_ipv6 = 0;
/* 1: what they send to other nodes, too. */
const volatile __u8 masquerade_remote_nodes = 0;
/* The node's address to the network. Zero: the family has none. */
const volatile __be32 nat_ipv4 = 0;
const volatile __be32 nat_ipv6[4] = {};
/* What ports become: those of services end below. */
const volatile __u16 nat_port_min = 32768;
const volatile __u16 nat_port_max = 65535;
/* Where endpoints' own addresses are known: a prefix, and its mask; no mask: nowhere. */
const volatile __be32 native_routing_ipv4 = 0;
const volatile __be32 native_routing_ipv4_mask = 0;
const volatile __be32 native_routing_ipv6[4] = {};
const volatile __be32 native_routing_ipv6_mask[4] = {};

/* ---- XDP */

/* 1: what is for services with backends on other nodes, and what these answer, goes on from here. */
const volatile __u8 xdp_services = 0;

/* ---- Delivery */

/* 1: packets enter the endpoint's namespace at once. *Kernel:* 5.10. */
const volatile __u8 peer_redirect = 1;
/* From so many packets of a flow between endpoints on, what is known of it counts for those of the same
 * second, which conntrack is told of with the next one: short connections never earn back what that
 * costs. At once where conntrack does not count. 0: each packet is looked at in full.
 */
const volatile __u8 local_shortcuts = 16;
/* 1: what leaves the node is routed here; 0: by the stack. */
const volatile __u8 fib_routing = 0;
/* Of endpoints' interfaces. */
const volatile __u32 endpoint_mtu = 1500;

/* ---- Services in sockets */

/* 1: only sockets of the host's namespace are given backends; others by their packets. */
const volatile __u8 socket_host_only = 0;
/* Cookie of the host's network namespace; 0: the machine's first. */
const volatile __u64 host_netns_cookie = 0;
/* Ports of services on the addresses of every node, host byte order; others are host ports. */
const volatile __u16 socket_node_port_min = 30000;
const volatile __u16 socket_node_port_max = 32767;

/* 1: what sockets ask for and get is told to who listens. */
const volatile __u8 socket_trace = 0;

/* ---- Direct connections between sockets */

/* Larger messages have the stack. */
const volatile __u32 sockmap_max_bytes = 65536;

/* ---- Events */

/* 0: all; 1: none where packets are received; 3: of a running connection one an interval. */
const volatile __u8 monitor_aggregation = 3;
/* Seconds. */
const volatile __u32 monitor_interval = 5;
/* TCP flags that are worth an event when a connection shows them first: FIN, SYN, RST. */
const volatile __u8 monitor_flags = 0x07;
/* Events in a second; 0: no limit. */
const volatile __u32 events_rate = 0;
const volatile __u32 events_burst = 0;
/* 1: verdicts on new flows are told. */
const volatile __u8 policy_verdicts = 1;

#endif
