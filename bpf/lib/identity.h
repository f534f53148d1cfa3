/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Who an address is. */
#ifndef SKEP_LIB_IDENTITY_H
#define SKEP_LIB_IDENTITY_H

#include "../include/config.h"
#include "../maps/endpoint.h"
#include "../maps/ipcache.h"
#include "packet.h"

static __always_inline struct endpoint_info *find_endpoint(const union v6addr *address,
							   enum family family)
{
	struct endpoint_key key = {
		.ip6 = *address,
		.family = family == IPV6 ? ENDPOINT_KEY_IPV6 : ENDPOINT_KEY_IPV4,
	};

	return bpf_map_lookup_elem(&lxc, &key);
}

/* The endpoint of an interface; NULL: nobody's. */
static __always_inline struct lxc_device *find_device(__u32 ifindex)
{
	__u32 slot = ifindex & 0xffff;
	struct lxc_device *device = bpf_map_lookup_elem(&lxc_devices, &slot);

	if (!device || device->ifindex != ifindex)
		device = bpf_map_lookup_elem(&lxc_more_devices, &ifindex);
	return device;
}

static __always_inline int is_host(const struct endpoint_info *endpoint)
{
	return !!(endpoint->flags & ENDPOINT_F_HOST);
}

static __always_inline __u32 world_identity(enum family family)
{
	return family == IPV6 ? world_ipv6_identity : world_ipv4_identity;
}

/* By the longest prefix, or NULL where none covers the address. */
static __always_inline struct remote_endpoint_info *find_remote(const union v6addr *address,
								 enum family family)
{
	struct ipcache_key key = {
		.lpm_key.prefixlen = IPCACHE_PREFIX_FIXED + (family == IPV6 ? 128 : 32),
		.family = family == IPV6 ? ENDPOINT_KEY_IPV6 : ENDPOINT_KEY_IPV4,
		.ip6 = *address,
	};

	return bpf_map_lookup_elem(&ipcache_v2, &key);
}

/* World where no prefix covers the address. */
static __always_inline __u32 identity_of(const union v6addr *address, enum family family)
{
	struct remote_endpoint_info *info = find_remote(address, family);

	if (!info || info->sec_identity == IDENTITY_UNKNOWN)
		return world_identity(family);
	return info->sec_identity;
}

/* The same, where the address may be this node's or an endpoint's. */
static __always_inline __u32 identity_of_any(const union v6addr *address, enum family family)
{
	struct endpoint_info *endpoint = find_endpoint(address, family);

	if (endpoint)
		return is_host(endpoint) ? IDENTITY_HOST : endpoint->sec_id;
	return identity_of(address, family);
}

/* Of what the network sends, where nobody is the host, whose address the ipcache has too. */
static __always_inline __u32 identity_from_network(const union v6addr *address,
						   enum family family)
{
	__u32 identity = identity_of(address, family);

	return identity == IDENTITY_HOST ? world_identity(family) : identity;
}

#endif
