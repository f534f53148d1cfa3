/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What XDP has found out of a packet that it leaves to tc: in front of the packet. */
#ifndef SKEP_TYPES_HANDOVER_H
#define SKEP_TYPES_HANDOVER_H

#include <linux/types.h>

struct handover {
	__u32 magic;		/* HANDOVER_MAGIC */
	__u16 flags;		/* enum handover_flags */
	__u16 rev_nat_index;	/* of the service, where a backend was chosen */
	__u32 backend_id;
};

/* Another program might leave something else there. */
#define HANDOVER_MAGIC	0x736b6570

enum handover_flags {
	HANDOVER_NO_SERVICE = 1,	/* it is for none */
	HANDOVER_BACKEND = 8,		/* for one that lets it in; its backend was chosen */
};

#endif
