/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which of the lists of denied sources count. */
#ifndef SKEP_TYPES_PREFILTER_H
#define SKEP_TYPES_PREFILTER_H

/* In one byte, the first of its value in runtime_config: it is written at once, so that each frame
 * meets the lists of one generation, and those that are empty cost nothing.
 */
enum prefilter_state {
	PREFILTER_GENERATION = 1,	/* of the two */
	PREFILTER_V4_FIX = 2,		/* this list has entries */
	PREFILTER_V4_DYN = 4,
	PREFILTER_V6_FIX = 8,
	PREFILTER_V6_DYN = 16,
};

#endif
