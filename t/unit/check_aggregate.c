/* check_aggregate - one case per promise of rtmp/aggregate.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/aggregate.h"
#include "rtmp/wire.h"

enum { BUF = 4096 };

static uint8_t buf[BUF];

static void
put_tag(struct writer *w, uint8_t type, uint32_t ts, const char *data)
{
	uint32_t len = (uint32_t)strlen(data);
	writer_u8(w, type);
	writer_u24(w, len);
	writer_u24(w, ts & 0xffffff);
	writer_u8(w, (uint8_t)(ts >> 24));
	writer_u24(w, 5); /* ignored */
	writer_span(w, span_of(data));
	writer_u32(w, len + 11);
}

static struct writer
three_tags(uint32_t ts)
{
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	put_tag(&w, WIRE_AUDIO, ts, "audio");
	put_tag(&w, WIRE_VIDEO, ts + 20, "");
	put_tag(&w, WIRE_DATA, ts + 40, "data");
	ck_assert(writer_ok(&w));
	return w;
}

static void
expect(struct aggregate *a, uint8_t type, uint32_t ts, const char *data)
{
	struct aggregate_msg m;
	ck_assert_int_eq(aggregate_next(a, &m), AGGREGATE_OK);
	ck_assert_uint_eq(m.type, type);
	ck_assert_uint_eq(m.ts, ts);
	ck_assert_uint_eq(m.len, strlen(data));
	ck_assert(memcmp(m.data, data, m.len) == 0);
}

START_TEST(times_count_from_the_aggregate)
{
	/* inner times at 0, over 24 bits and over 32 bits; outer wraps */
	static const uint32_t inner[] = { 0, 0xfffff0, 0x7ffffff0, 0xfffffff0 };
	static const uint32_t outer[] = { 0, 5000, 0xffffff, 0xfffffff0 };
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			struct aggregate a;
			struct aggregate_msg m;
			struct writer w = three_tags(inner[i]);
			aggregate_init(&a, buf, w.len, outer[k]);
			expect(&a, WIRE_AUDIO, outer[k], "audio");
			expect(&a, WIRE_VIDEO, outer[k] + 20, "");
			expect(&a, WIRE_DATA, outer[k] + 40, "data");
			ck_assert_int_eq(aggregate_next(&a, &m), AGGREGATE_END);
			ck_assert_int_eq(aggregate_next(&a, &m), AGGREGATE_END);
			ck_assert_uint_eq(m.type, 0);
		}
}
END_TEST

START_TEST(inner_times_may_go_back)
{
	struct writer w;
	struct aggregate a;
	writer_init(&w, buf, sizeof(buf));
	put_tag(&w, WIRE_VIDEO, 100, "v");
	put_tag(&w, WIRE_DATA_AMF3, 60, "a");
	aggregate_init(&a, buf, w.len, 1000);
	expect(&a, WIRE_VIDEO, 1000, "v");
	expect(&a, WIRE_DATA_AMF3, 960, "a");
}
END_TEST

START_TEST(an_empty_aggregate_has_no_messages)
{
	struct aggregate a;
	struct aggregate_msg m;
	aggregate_init(&a, NULL, 0, 0);
	ck_assert_int_eq(aggregate_next(&a, &m), AGGREGATE_END);
	ck_assert_int_eq(aggregate_check(NULL, 0), AGGREGATE_OK);
}
END_TEST

/* Whole tags pass, whatever cuts the one behind is told, and sticks. */
START_TEST(every_prefix_is_cut_or_ends_between_tags)
{
	struct writer w = three_tags(7);
	const size_t ends[] = { 0, 20, 35, 54 };
	ck_assert_uint_eq(w.len, 54);
	for (size_t n = 0; n <= w.len; n++) {
		uint8_t *copy = malloc(n > 0 ? n : 1);
		struct aggregate a;
		struct aggregate_msg m;
		size_t whole = 0, end = 0;
		for (size_t i = 0; i < 4; i++)
			if (ends[i] <= n) {
				whole = i;
				end = ends[i];
			}
		memcpy(copy, buf, n);
		aggregate_init(&a, copy, n, 0);
		for (size_t i = 0; i < whole; i++)
			ck_assert_int_eq(aggregate_next(&a, &m), AGGREGATE_OK);
		enum aggregate_result e =
		    end == n ? AGGREGATE_END : AGGREGATE_CUT;
		ck_assert_int_eq(aggregate_next(&a, &m), e);
		ck_assert_int_eq(aggregate_next(&a, &m), e);
		ck_assert_ptr_null(m.data);
		ck_assert_int_eq(aggregate_check(copy, n),
		    end == n ? AGGREGATE_OK : AGGREGATE_CUT);
		free(copy);
	}
}
END_TEST

START_TEST(malformed_tags_stop_with_their_reason)
{
	struct writer w = three_tags(7);
	buf[19]++;
	ck_assert_int_eq(aggregate_check(buf, w.len), AGGREGATE_BACK);
	w = three_tags(7);
	memset(buf + 1, 0xff, 3);
	ck_assert_int_eq(aggregate_check(buf, w.len), AGGREGATE_CUT);
	w = three_tags(7);
	buf[3]++; /* one byte longer than it is */
	ck_assert_int_eq(aggregate_check(buf, w.len), AGGREGATE_BACK);
	for (unsigned type = 0; type < 256; type++) {
		w = three_tags(7);
		buf[20] = (uint8_t)type;
		ck_assert_int_eq(aggregate_check(buf, w.len),
		    type == WIRE_AGGREGATE ? AGGREGATE_NESTED
		    : type == WIRE_AUDIO || type == WIRE_VIDEO ||
			    type == WIRE_DATA || type == WIRE_DATA_AMF3
			? AGGREGATE_OK
			: AGGREGATE_TYPE);
	}
}
END_TEST

START_TEST(every_result_has_a_name)
{
	for (int e = AGGREGATE_OK; e <= AGGREGATE_TYPE; e++)
		ck_assert_str_ne(
		    aggregate_result_name((enum aggregate_result)e), "invalid");
	ck_assert_str_eq(
	    aggregate_result_name((enum aggregate_result)99), "invalid");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("aggregate");
	TCase *t = tcase_create("aggregate");
	suite_add_tcase(s, t);
	tcase_add_test(t, times_count_from_the_aggregate);
	tcase_add_test(t, inner_times_may_go_back);
	tcase_add_test(t, an_empty_aggregate_has_no_messages);
	tcase_add_test(t, every_prefix_is_cut_or_ends_between_tags);
	tcase_add_test(t, malformed_tags_stop_with_their_reason);
	tcase_add_test(t, every_result_has_a_name);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
