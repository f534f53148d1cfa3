/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Services: found by what a packet is sent to, and one of their backends chosen for its flow.
 *
 * A client's choice is remembered in a conntrack entry of its own: the key of the flow that the
 * client sees, with TUPLE_F_SERVICE.
 */
#ifndef SKEP_LIB_SERVICE_H
#define SKEP_LIB_SERVICE_H

#include "../maps/service.h"
#include "conntrack.h"
#include "hash.h"
#include "identity.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_SERVICE

union service_key {
	struct lb4_key v4;
	struct lb6_key v6;
	__u32 words[6];
};

/* A service and what was chosen of it. */
struct service_choice {
	union service_key key;		/* as it was found */
	struct lb4_service service;	/* its first slot; both families have the same */
	__u32 backend_id;
	union v6addr address;		/* of the backend */
	__be16 port;
	__u8 pad[2];
	struct packet quoted;		/* by an ICMP error about the service's flow */
};

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct service_choice);
} service_choices SEC(".maps");

/* Where a packet comes from that is for a service. */
enum service_side {
	SERVICE_EAST_WEST,	/* an endpoint or the host */
	SERVICE_NORTH_SOUTH,	/* outside */
};

/* Of a key of either family. */
#define service_key_field(key, family, field)	\
	(*((family) == IPV6 ? &(key)->v6.field : &(key)->v4.field))

/* A word that begins with these bytes. */
static __always_inline __u32 first_bytes(__u32 value, __u32 bytes)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? value << (32 - 8 * bytes) : value;
}

static __always_inline int is_service_protocol(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline const struct lb4_service *
service_lookup(const union service_key *key, enum family family)
{
	return family == IPV6 ? bpf_map_lookup_elem(&lb6_services_v2, key)
			      : bpf_map_lookup_elem(&lb4_services_v2, key);
}

/* In words, as the kernel reads it: what was written in parts just now is slow to read as a whole. */
static __always_inline void service_key_of(union service_key *key, const struct packet *packet,
					   enum family family)
{
	__u32 *port = &key->words[family == IPV6 ? 4 : 1];

	if (family == IPV6)
		key->v6.address = packet->daddr;
	else
		key->v4.address = packet->daddr.p1;
	port[0] = first_bytes(packet->dport, 2);
	port[1] = first_bytes(packet->protocol, 1);
}

static __always_inline struct service_choice *the_choice(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&service_choices, &zero);
}

/* The service that a packet is sent to, with its key and its first slot, or NULL. There is one
 * choice at a time.
 */
static __always_inline struct service_choice *find_service(const struct packet *packet,
							   enum family family,
							   enum service_side side)
{
	const struct lb4_service *service;
	struct service_choice *choice;
	union service_key key;

	if (!is_service_protocol(packet->protocol))
		return (void *)0;
	service_key_of(&key, packet, family);
	service = service_lookup(&key, family);
	if (!service && service_any_protocol) {
		service_key_field(&key, family, proto) = 0;
		service = service_lookup(&key, family);
	}
	if (service && side == SERVICE_EAST_WEST && service->flags2 & SERVICE_F2_TWO_SCOPES) {
		service_key_field(&key, family, scope) = SERVICE_SCOPE_INTERNAL;
		service = service_lookup(&key, family);
	}
	if (!service)
		return (void *)0;
	choice = the_choice();
	if (!choice)
		return choice;
	choice->key = key;
	choice->service = *service;
	return choice;
}

/* The port of a proxy on this node that takes what is for a service, in the place of a backend; host
 * byte order; 0: there is none.
 */
static __always_inline __u16 service_proxy_port(const struct lb4_service *service)
{
	return service->flags2 & SERVICE_F2_L7_LOAD_BALANCER ? service->l7_lb_proxy_port : 0;
}

/* Whether a packet from outside, which is for no service, is sent to an address that has some at
 * other ports: an entry without port and protocol says so.
 */
static __always_inline int is_service_address(const struct packet *packet, enum family family)
{
	union service_key key;

	if (!is_service_protocol(packet->protocol))
		return 0;
	service_key_of(&key, packet, family);
	service_key_field(&key, family, dport) = 0;
	service_key_field(&key, family, proto) = 0;
	return !!service_lookup(&key, family);
}

/* Whether a service lets this client from outside in. Returns 0 or a drop. */
static __always_inline int service_admits(const struct service_choice *choice,
					  const struct packet *packet, enum family family)
{
	const struct lb4_service *service = &choice->service;
	struct lb6_src_range_key key6 = {
		.lpm_key.prefixlen = SOURCE_RANGE_PREFIX_FIXED + 128,
		.rev_nat_id = service->rev_nat_index,
		.addr = packet->saddr,
	};
	struct lb4_src_range_key key4 = {
		.lpm_key.prefixlen = SOURCE_RANGE_PREFIX_FIXED + 32,
		.rev_nat_id = service->rev_nat_index,
		.addr = packet->saddr.p1,
	};
	int named;

	if (!(service->flags & SERVICE_F_ROUTABLE))
		return DROP(DROP_IS_CLUSTER_IP);
	if (!(service->flags & SERVICE_F_SOURCE_RANGE))
		return 0;
	named = family == IPV6 ? !!bpf_map_lookup_elem(&lb6_source_range, &key6)
			       : !!bpf_map_lookup_elem(&lb4_source_range, &key4);
	return named == !(service->flags2 & SERVICE_F2_SOURCE_RANGE_DENY)
		       ? 0
		       : DROP(DROP_NOT_IN_SOURCE_RANGE);
}

/* Chooses a backend by its id: 0 where there is none, or where only an active one will do. */
static __always_inline int take_backend(struct service_choice *choice, __u32 id,
					enum family family, int active_only)
{
	int other = service_46x64 && choice->service.flags2 & SERVICE_F2_NAT_46X64;

	if ((family == IPV6) != other) {
		struct lb6_backend *backend = bpf_map_lookup_elem(&lb6_backends_v3, &id);

		if (!backend || (active_only && backend->flags != BACKEND_ACTIVE))
			return 0;
		choice->address = backend->address;
		choice->port = backend->port;
	} else {
		struct lb4_backend *backend = bpf_map_lookup_elem(&lb4_backends_v3, &id);

		if (!backend || (active_only && backend->flags != BACKEND_ACTIVE))
			return 0;
		choice->address = (union v6addr){ .p1 = backend->address };
		choice->port = backend->port;
	}
	choice->backend_id = id;
	return 1;
}

union affinity_key {
	struct lb4_affinity_key v4;
	struct lb6_affinity_key v6;
};

static __always_inline void affinity_key_of(union affinity_key *key, __u16 rev_nat_index,
					    const struct packet *packet, enum family family)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (family == IPV6) {
		key->v6.client_id.client_ip = packet->saddr;
		key->v6.rev_nat_id = rev_nat_index;
	} else {
		key->v4.client_id.client_ip = packet->saddr.p1;
		key->v4.rev_nat_id = rev_nat_index;
	}
}

static __always_inline struct lb_affinity_val *affinity_lookup(const union affinity_key *key,
							       enum family family)
{
	return family == IPV6 ? bpf_map_lookup_elem(&lb6_affinity, key)
			      : bpf_map_lookup_elem(&lb4_affinity, key);
}

static __always_inline int take_affine_backend(struct service_choice *choice,
					       const struct packet *packet, enum family family)
{
	struct lb_affinity_match match = { .rev_nat_id = choice->service.rev_nat_index };
	__u32 timeout = choice->service.affinity_timeout & SERVICE_AFFINITY_MASK;
	struct lb_affinity_val *last;
	union affinity_key key;

	affinity_key_of(&key, choice->service.rev_nat_index, packet, family);
	last = affinity_lookup(&key, family);
	if (!last || last->last_used + timeout <= clock_seconds())
		return 0;
	match.backend_id = last->backend_id;
	return bpf_map_lookup_elem(&lb_affinity_match, &match) &&
	       take_backend(choice, match.backend_id, family, 1);
}

/* A known flow replaces nothing that is remembered: its backend may be one that gets no new flows. */
static __always_inline void remember_affinity(const struct service_choice *choice,
					      const struct packet *packet, enum family family,
					      int is_known)
{
	struct lb_affinity_val now = {
		.last_used = clock_seconds(),
		.backend_id = choice->backend_id,
	};
	struct lb_affinity_val *last;
	union affinity_key key;

	affinity_key_of(&key, choice->service.rev_nat_index, packet, family);
	last = affinity_lookup(&key, family);
	if (last && last->backend_id == now.backend_id) {
		if (last->last_used != now.last_used)
			last->last_used = now.last_used;
		return;
	}
	if (last && is_known)
		return;
	if (family == IPV6)
		bpf_map_update_elem(&lb6_affinity, &key, &now, BPF_ANY);
	else
		bpf_map_update_elem(&lb4_affinity, &key, &now, BPF_ANY);
}

static __always_inline int take_maglev_backend(struct service_choice *choice,
					       const struct packet *packet, enum family family)
{
	int affine = choice->service.flags & SERVICE_F_AFFINITY;
	__u32 at = flow_hash(packet, family, affine ? 0 : packet->sport) % maglev_table_size;
	__u16 index = choice->service.rev_nat_index;
	__u32 *slots, zero = 0;
	void *table = family == IPV6 ? bpf_map_lookup_elem(&lb6_maglev, &index)
				     : bpf_map_lookup_elem(&lb4_maglev, &index);

	if (!table)
		return 0;
	slots = bpf_map_lookup_elem(table, &zero);
	if (!slots || at >= maglev_table_size)
		return 0;
	return take_backend(choice, slots[at], family, 0);
}

static __always_inline int take_slot(struct service_choice *choice, enum family family, __u32 slot)
{
	union service_key key = choice->key;
	const struct lb4_service *entry;

	service_key_field(&key, family, backend_slot) = slot;
	entry = service_lookup(&key, family);
	return entry && take_backend(choice, entry->backend_id, family, 0);
}

static __always_inline int take_random_backend(struct service_choice *choice, enum family family)
{
	return take_slot(choice, family, bpf_get_prandom_u32() % choice->service.count + 1);
}

/* Of so many slots in turn, from a random one on: there should be none but those of this node. */
#define LOCAL_REDIRECT_SLOTS	8

static __always_inline int take_local_backend(struct service_choice *choice, enum family family)
{
	__u32 slot = bpf_get_prandom_u32() % choice->service.count;
	__u32 i;

	for (i = 0; i < LOCAL_REDIRECT_SLOTS && i < choice->service.count; i++) {
		slot = slot % choice->service.count + 1;
		if (take_slot(choice, family, slot) && find_endpoint(&choice->address, family))
			return 1;
	}
	return 0;
}

/* For a new flow. Returns 0 or a drop. */
static __always_inline int select_backend(struct service_choice *choice,
					  const struct packet *packet, enum family family)
{
	__u8 algorithm = choice->service.affinity_timeout >> SERVICE_ALGORITHM_SHIFT;

	if (!choice->service.count)
		return DROP(DROP_NO_SERVICE);
	if (choice->service.flags2 & SERVICE_F2_LOCAL_REDIRECT)
		return take_local_backend(choice, family) ? 0 : DROP(DROP_NO_SERVICE);
	if (choice->service.flags & SERVICE_F_AFFINITY &&
	    take_affine_backend(choice, packet, family))
		return 0;
	if (algorithm != SERVICE_ALGORITHM_RANDOM && algorithm != SERVICE_ALGORITHM_MAGLEV)
		algorithm = service_algorithm;
	/* A table that is not there, or older than the backends, does not stop the service. */
	if (algorithm == SERVICE_ALGORITHM_MAGLEV && take_maglev_backend(choice, packet, family))
		return 0;
	return take_random_backend(choice, family) ? 0 : DROP(DROP_NO_SERVICE);
}

static __always_inline void follow_choice(struct ct_entry *entry, const struct packet *packet)
{
	__u32 now = clock_seconds();
	__u32 lifetime = ct_timeout_service_any;

	ct_report(entry, packet->tcp_flags, 0, now);
	if (packet->protocol == IPPROTO_TCP) {
		if (packet->tcp_flags & (TCP_FLAG_FIN | TCP_FLAG_RST)) {
			/* What the backend says of the end is not seen. */
			entry->rx_closing = 1;
			entry->tx_closing = 1;
		} else if (ct_is_opening(packet) && entry->tx_closing) {
			entry->rx_closing = 0;
			entry->tx_closing = 0;
			entry->seen_non_syn = 0;
			entry->tx_flags_seen = packet->tcp_flags;
		}
		if (!entry->seen_non_syn && !(packet->tcp_flags & TCP_FLAG_SYN))
			entry->seen_non_syn = 1;
		lifetime = entry->tx_closing	   ? ct_timeout_tcp_fin
			   : entry->seen_non_syn ? ct_timeout_service_tcp
						 : ct_timeout_tcp_syn;
	}
	lifetime += now;
	if (entry->lifetime != lifetime)
		entry->lifetime = lifetime;
}

static __always_inline int remember_choice(const struct service_choice *choice,
					   struct walk *walk, const union ct_key *key,
					   enum family family)
{
	struct ct_entry entry = {
		.backend_id = choice->backend_id,
		.rev_nat_index = choice->service.rev_nat_index,
		.src_sec_id = walk->src_identity,
	};

	follow_choice(&entry, &walk->packet);
	return ct_insert(walk, key, family, &entry);
}

/* Of a connection that ended a while ago: its ports' next one is as any new one. */
static __always_inline int choice_has_ended(const struct ct_entry *entry,
					    const struct packet *packet)
{
	return entry->tx_closing && ct_is_opening(packet) &&
	       entry->last_tx_report + ct_service_tcp_grace <= clock_seconds();
}

static __always_inline int choose_backend_family(struct walk *walk, struct service_choice *choice,
						 enum family family)
{
	const struct packet *packet = &walk->packet;
	union ct_key key = {};
	struct ct_entry *entry;
	int is_known = 0;
	int drop;

	ct_key_forward(&key, family, packet, TUPLE_F_SERVICE);
	entry = ct_find(&key, family, packet->protocol);
	if (entry && entry->rev_nat_index == choice->service.rev_nat_index &&
	    !choice_has_ended(entry, packet)) {
		/* One that is on its way out keeps the connections that it has. */
		is_known = take_backend(choice, entry->backend_id, family, ct_is_opening(packet));
		if (!is_known) {
			drop = select_backend(choice, packet, family);
			if (drop)
				return drop;
			entry->backend_id = choice->backend_id;
		}
		follow_choice(entry, packet);
	} else {
		drop = select_backend(choice, packet, family);
		if (!drop)
			drop = remember_choice(choice, walk, &key, family);
		if (drop)
			return drop;
	}
	if (choice->service.flags & SERVICE_F_AFFINITY)
		remember_affinity(choice, packet, family, is_known);
	return 0;
}

__noinline int choose_backend_ipv4(struct walk *walk, struct service_choice *choice)
{
	return walk && choice ? choose_backend_family(walk, choice, IPV4) : 0;
}

__noinline int choose_backend_ipv6(struct walk *walk, struct service_choice *choice)
{
	return walk && choice ? choose_backend_family(walk, choice, IPV6) : 0;
}

/* Chooses the backend of the packet's flow, after find_service(): the flow's own, or one by
 * the service's algorithm. Returns 0, and *choice has the backend's id, address and port, or a drop.
 */
static __always_inline int choose_backend(struct walk *walk, struct service_choice *choice,
					  enum family family)
{
	return family == IPV6 ? choose_backend_ipv6(walk, choice)
			      : choose_backend_ipv4(walk, choice);
}

#endif
