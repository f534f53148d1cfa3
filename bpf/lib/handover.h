/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What XDP has found out already. */
#ifndef SKEP_LIB_HANDOVER_H
#define SKEP_LIB_HANDOVER_H

#include "../types/handover.h"
#include "service.h"

#define HANDOVER_NOTHING	0	/* all is to be looked up */

/* HANDOVER_NOTHING or what XDP says of the packet: of HANDOVER_BACKEND, *choice has the backend. */
static __always_inline __u32 read_handover(struct __sk_buff *ctx, enum family family,
					   struct service_choice **choice)
{
	const struct handover *handover = (void *)(long)ctx->data_meta;

	if (!xdp_services || (void *)(handover + 1) > packet_data(ctx) ||
	    handover->magic != HANDOVER_MAGIC)
		return HANDOVER_NOTHING;
	if (handover->flags != HANDOVER_BACKEND)
		return handover->flags;
	*choice = the_choice();
	if (!*choice)
		return HANDOVER_NOTHING;
	(*choice)->service = (struct lb4_service){ .rev_nat_index = handover->rev_nat_index };
	return take_backend(*choice, handover->backend_id, family, 0) ? HANDOVER_BACKEND
								      : HANDOVER_NOTHING;
}

#endif
