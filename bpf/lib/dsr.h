/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct server return: what is sent so, and what answers it.
 *
 * The backend's node keeps a translation of the replies' source, and marks the flow's entry with
 * dsr_internal.
 */
#ifndef SKEP_LIB_DSR_H
#define SKEP_LIB_DSR_H

#include "../types/dsr.h"
#include "nat_error.h"
#include "service.h"

#undef SOURCE_FILE
#define SOURCE_FILE SOURCE_DSR

/* Whether a packet of a service keeps its client's address on its way to another node. */
static __always_inline int uses_dsr(const struct lb4_service *service, const struct packet *packet)
{
	if (!dsr_dispatch)
		return 0;
	if (service->flags2 & SERVICE_F2_DSR || service_forwarding == FORWARDING_DSR)
		return 1;
	return service_forwarding == FORWARDING_HYBRID && packet->protocol == IPPROTO_TCP;
}

static __always_inline int answer_from_frontend_family(ctx_t *ctx, struct walk *walk,
						       enum family family)
{
	struct packet *packet = &walk->packet;
	union ct_key key = {};
	struct nat_side to;

	nat_key_forward(&key, family, packet);
	/* The client would take it for a stranger's. */
	if (!nat_find(&key, family, &to))
		return DROP(DROP_NAT_NO_MAPPING);
	return rewrite(ctx, packet, family, &to.address, to.port, REWRITE_SOURCE);
}

__noinline int answer_from_frontend_ipv4(ctx_t *ctx, struct walk *walk)
{
	return walk ? answer_from_frontend_family(ctx, walk, IPV4) : 0;
}

__noinline int answer_from_frontend_ipv6(ctx_t *ctx, struct walk *walk)
{
	return walk ? answer_from_frontend_family(ctx, walk, IPV6) : 0;
}

/* After guard(): a reply of a flow with walk->dsr comes from what its client knows. Returns 0 or a
 * drop.
 */
static __always_inline int answer_from_frontend(ctx_t *ctx, struct walk *walk, enum family family)
{
	int result;

	walk->dsr = 0;
	remember_original(walk);
	if (walk->packet.icmp_error) {
		result = family == IPV6 ? nat_forward_error_ipv6(ctx, walk)
					: nat_forward_error_ipv4(ctx, walk);
		return result < 0 ? result : 0;
	}
	return family == IPV6 ? answer_from_frontend_ipv6(ctx, walk)
			      : answer_from_frontend_ipv4(ctx, walk);
}

#endif
