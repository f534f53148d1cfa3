/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tests of eBPF C in eBPF C, which `skep lab test FILE.o` runs.
 *
 *	PKTGEN("tc", "telnet_is_dropped")	makes the packet; optional
 *	SETUP("tc", "telnet_is_dropped")	fills maps, calls what is tested; optional
 *	CHECK("tc", "telnet_is_dropped")	judges
 *
 * Packet and context go from one to the next. Where there is a SETUP, the packet
 * of its CHECK starts with the 4 bytes that SETUP returned: setup_status().
 *
 *	CHECK("tc", "telnet_is_dropped")
 *	int telnet_is_dropped_check(struct __sk_buff *ctx)
 *	{
 *		assert_equal(setup_status(ctx), TC_ACT_SHOT);
 *		TEST("it is counted", {
 *			assert(drops == 1);
 *		});
 *		test_finish();
 *	}
 *
 * What fails or skips leaves the TEST around it, or the program where there is
 * none; a program that uses any of them ends with test_finish().
 */
#ifndef SKEP_TEST_H
#define SKEP_TEST_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TEST_ERROR	100
#define TEST_PASS	101
#define TEST_FAIL	102
#define TEST_SKIP	103

#define PKTGEN(hook, name)	SEC(hook "/test/" name "/pktgen")
#define SETUP(hook, name)	SEC(hook "/test/" name "/setup")
#define CHECK(hook, name)	SEC(hook "/test/" name "/check")

#define TEST_RESULTS_SIZE	8192	/* a power of two, for masks as bounds */
#define TEST_MESSAGE_SIZE	(TEST_RESULTS_SIZE - 24)
#define TEST_TEXT_MAX		512
#define TEST_ARGS_MAX		12

/* A protobuf message and, behind a zero byte that ends it, the writer's state.
 * All of it is zero when a case begins.
 */
struct test_results {
	__u8 message[TEST_MESSAGE_SIZE];
	__u32 length;		/* of the message */
	__u32 open;		/* where the length of the open TEST stands; 0: none */
	__u32 in_test;
	__u32 test_status;	/* of the open TEST; 0: passes so far */
	__u32 status;		/* of the case; 0: passes so far */
	__u32 compared;		/* comparisons noted in scapy_assert_map */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct test_results);
} suite_result_map SEC(".maps");

/* Tags of the message: field number << 3 | wire type. */
#define TEST_TAG_RESULT		0x0a
#define TEST_TAG_CASE_LOG	0x12
#define TEST_TAG_NAME		0x0a
#define TEST_TAG_STATUS		0x10
#define TEST_TAG_TEST_LOG	0x1a
#define TEST_TAG_FORMAT		0x0a
#define TEST_TAG_ARGUMENT	0x11

/* Kept free in a full message, so that an open TEST can end. */
#define TEST_RESERVE		8

static __always_inline struct test_results *test_results(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&suite_result_map, &zero);
}

static __always_inline void test_put(struct test_results *results, __u32 at, __u8 byte)
{
	((__u8 *)results)[at & (TEST_RESULTS_SIZE - 1)] = byte;
}

/* A length as a number of two bytes, whatever its size: its room is known before. */
static __always_inline void test_put_length(struct test_results *results, __u32 at, __u32 length)
{
	test_put(results, at, 0x80 | (length & 0x7f));
	test_put(results, at + 1, (length >> 7) & 0x7f);
}

static __always_inline void test_put_text(struct test_results *results, __u32 at,
					  const char *text, __u32 length)
{
	__u32 i;

	test_put_length(results, at, length);
	for (i = 0; i < length && i < TEST_TEXT_MAX; i++)
		test_put(results, at + 2 + i, text[i]);
}

static __always_inline int test_has_room(const struct test_results *results, __u32 size)
{
	return results->length + size + TEST_RESERVE < TEST_MESSAGE_SIZE;
}

/* What was written belongs to the open TEST, also when it never ends. */
static __always_inline void test_extend(struct test_results *results, __u32 length)
{
	results->length = length;
	if (results->open)
		test_put_length(results, results->open, length - results->open - 2);
}

static __attribute__((noinline, unused)) int
test_write_log(const char *format, __u32 length, const __u64 *args, __u32 count)
{
	struct test_results *results = test_results();
	__u32 size, at, i, j;

	if (!results)
		return -1;
	if (length > TEST_TEXT_MAX)
		length = TEST_TEXT_MAX;

	size = 3 + length + count * 9;
	if (!test_has_room(results, size + 3))
		return -1;

	at = results->length;
	test_put(results, at, results->open ? TEST_TAG_TEST_LOG : TEST_TAG_CASE_LOG);
	test_put_length(results, at + 1, size);
	test_put(results, at + 3, TEST_TAG_FORMAT);
	test_put_text(results, at + 4, format, length);
	at += 6 + length;
	for (i = 0; i < count && i < TEST_ARGS_MAX; i++) {
		test_put(results, at++, TEST_TAG_ARGUMENT);
		for (j = 0; j < 8; j++)
			test_put(results, at++, args[i] >> (8 * j));
	}
	test_extend(results, at);
	return 0;
}

static __attribute__((noinline, unused)) int test_begin(const char *name, __u32 length)
{
	struct test_results *results = test_results();
	__u32 at;

	if (!results)
		return -1;

	results->in_test = 1;
	results->test_status = 0;
	results->open = 0;
	if (!test_has_room(results, length + 6))
		return -1;

	at = results->length;
	test_put(results, at, TEST_TAG_RESULT);
	results->open = at + 1;
	test_put(results, at + 3, TEST_TAG_NAME);
	test_put_text(results, at + 4, name, length);
	test_extend(results, at + 6 + length);
	return 0;
}

/* The worse of two: an error, then a failure; a skipped TEST skips no case. */
static __always_inline void test_note(__u32 *status, __u32 other)
{
	if (!*status || other == TEST_ERROR || (other == TEST_FAIL && *status != TEST_ERROR))
		*status = other;
}

static __attribute__((noinline, unused)) int test_set_status(__u32 status)
{
	struct test_results *results = test_results();

	if (!results)
		return -1;
	test_note(results->in_test ? &results->test_status : &results->status, status);
	return 0;
}

static __attribute__((noinline, unused)) int test_end_test(void)
{
	struct test_results *results = test_results();
	__u32 at, status;

	if (!results || !results->in_test)
		return -1;

	status = results->test_status ? results->test_status : TEST_PASS;
	if (results->open) {
		at = results->length;
		test_put(results, at, TEST_TAG_STATUS);
		test_put(results, at + 1, status);
		test_extend(results, at + 2);
	}
	results->open = 0;
	results->in_test = 0;
	if (status == TEST_FAIL || status == TEST_ERROR)
		test_note(&results->status, status);
	return 0;
}

static __attribute__((noinline, unused)) int test_status(void)
{
	struct test_results *results = test_results();

	if (!results)
		return TEST_ERROR;
	return results->status ? results->status : TEST_PASS;
}

/* Writes a line of the log: printf's %d %i %u %x %o %c %p with h, l, ll and
 * widths, and %pI4 of an address in network order. The format is a literal of
 * at most 512 bytes; at most 11 arguments, all of them numbers.
 */
#define test_log(format, args...)						\
	do {									\
		__u64 test_args[] = { 0, ##args };				\
		_Static_assert(sizeof(test_args) / 8 <= TEST_ARGS_MAX,		\
			       "test_log takes at most 11 arguments");		\
		_Static_assert(sizeof("" format) <= TEST_TEXT_MAX,		\
			       "the format of test_log is too long");		\
		test_write_log("" format, sizeof(format) - 1, test_args + 1,	\
			       sizeof(test_args) / 8 - 1);			\
	} while (0)

#define TEST_STRING_OF(word)	#word
#define TEST_STRING(word)	TEST_STRING_OF(word)
#define TEST_PLACE		__FILE__ ":" TEST_STRING(__LINE__) ": "

#define test_leave(code, format, args...)					\
	do {									\
		test_log(TEST_PLACE format, ##args);				\
		test_set_status(code);						\
		goto test_end;							\
	} while (0)

/* Each says why, and leaves the TEST around it or the program. */
#define test_fail(format, args...)	test_leave(TEST_FAIL, format, ##args)
#define test_skip(format, args...)	test_leave(TEST_SKIP, format, ##args)
#define test_error(format, args...)	test_leave(TEST_ERROR, format, ##args)

#define assert(condition)							\
	do {									\
		if (!(condition))						\
			test_fail("assertion failed: " #condition);		\
	} while (0)

/* Two numbers are the same; a failure tells both. */
#define assert_equal(actual, expected)						\
	do {									\
		__u64 test_actual = (actual);					\
		__u64 test_expected = (expected);				\
										\
		if (test_actual != test_expected)				\
			test_fail(#actual " is %lld (0x%llx), expected " #expected	\
				  ", %lld (0x%llx)", test_actual, test_actual,	\
				  test_expected, test_expected);		\
	} while (0)

/* Fails, and goes on. */
#define expect(condition)							\
	do {									\
		if (!(condition)) {						\
			test_log(TEST_PLACE "expectation failed: " #condition);	\
			test_set_status(TEST_FAIL);				\
		}								\
	} while (0)

/* A part of a case with a result of its own. The body stands in braces; it has
 * to reach its end: what returns from inside leaves a TEST without a result,
 * which is an error.
 */
#define TEST(name, body...)							\
	do {									\
		__label__ test_end;						\
		test_begin("" name, sizeof(name) - 1);				\
		body								\
test_end: __attribute__((unused));						\
		test_end_test();						\
	} while (0)

/* Ends the program with what became of it. */
#define test_finish()								\
	do {									\
test_end: __attribute__((unused));						\
		return test_status();						\
	} while (0)

/* What SETUP returned, at the start of CHECK's packet; -1 where there is none. */
#define setup_status(ctx)							\
	({									\
		__s32 *test_word = (void *)(long)(ctx)->data;			\
		void *test_limit = (void *)(long)(ctx)->data_end;		\
										\
		(void *)(test_word + 1) > test_limit ? -1 : *test_word;		\
	})

#endif
