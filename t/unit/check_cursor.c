/* check_cursor - one case per promise of common/cursor.h. */
#include "config.h"

#include <check.h>
#include <string.h>

#include "common/cursor.h"

START_TEST(what_is_written_is_read_back)
{
	uint8_t buf[64];
	struct writer w;
	struct reader r;
	writer_init(&w, buf, sizeof(buf));
	writer_u8(&w, 0x12);
	writer_u16(&w, 0x3456);
	writer_u24(&w, 0x789abc);
	writer_u32(&w, 0xdef01234);
	writer_u32le(&w, 0x01020304);
	writer_double(&w, -2.5);
	writer_span(&w, span_of("text"));
	ck_assert(writer_ok(&w));
	ck_assert_uint_eq(w.len, 1 + 2 + 3 + 4 + 4 + 8 + 4);
	ck_assert_mem_eq(buf + 10, "\x04\x03\x02\x01", 4);
	reader_init(&r, buf, w.len);
	ck_assert_uint_eq(reader_u8(&r), 0x12);
	ck_assert_uint_eq(reader_u16(&r), 0x3456);
	ck_assert_uint_eq(reader_u24(&r), 0x789abc);
	ck_assert_uint_eq(reader_u32(&r), 0xdef01234);
	ck_assert_uint_eq(reader_u32le(&r), 0x01020304);
	ck_assert_double_eq(reader_double(&r), -2.5);
	ck_assert(span_is(reader_span(&r, 4), "text"));
	ck_assert(reader_ok(&r));
	ck_assert_uint_eq(reader_left(&r), 0);
}
END_TEST

START_TEST(a_reader_past_the_end_gives_zeros_for_ever)
{
	const uint8_t buf[3] = { 1, 2, 3 };
	struct reader r;
	reader_init(&r, buf, sizeof(buf));
	ck_assert_uint_eq(reader_u32(&r), 0);
	ck_assert(!reader_ok(&r));
	ck_assert_uint_eq(reader_u8(&r), 0);
	ck_assert_uint_eq(reader_left(&r), 0);
	ck_assert_ptr_null(reader_bytes(&r, 0));
	ck_assert_ptr_nonnull(reader_span(&r, 1).p);
	ck_assert_uint_eq(reader_span(&r, 1).len, 0);
	reader_init(&r, buf, sizeof(buf));
	ck_assert_ptr_null(reader_bytes(&r, SIZE_MAX));
}
END_TEST

START_TEST(a_reader_of_nothing_is_at_its_end)
{
	struct reader r;
	reader_init(&r, NULL, 0);
	ck_assert(reader_ok(&r));
	ck_assert_uint_eq(reader_left(&r), 0);
	ck_assert_double_eq(reader_double(&r), 0);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(a_full_writer_writes_nothing_more)
{
	uint8_t buf[4] = { 0 };
	struct writer w;
	writer_init(&w, buf, 3);
	writer_u16(&w, 0x0102);
	writer_u16(&w, 0x0304);
	ck_assert(!writer_ok(&w));
	writer_u8(&w, 9);
	ck_assert_uint_eq(w.len, 2);
	ck_assert_uint_eq(buf[2], 0);
	ck_assert_ptr_null(writer_space(&w, 0));
	writer_init(&w, buf, 3);
	ck_assert_ptr_null(writer_space(&w, SIZE_MAX));
	ck_assert(!writer_ok(&w));
}
END_TEST

START_TEST(a_number_above_24_bits_is_an_error)
{
	uint8_t buf[8];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	writer_u24(&w, 0x1000000);
	ck_assert(!writer_ok(&w));
}
END_TEST

START_TEST(spans_are_compared_cut_and_searched)
{
	struct span s = span_of("a/b"), none = { "", 0 };
	ck_assert_uint_eq(span_find(s, '/'), 1);
	ck_assert_uint_eq(span_find(s, 'x'), 3);
	ck_assert_uint_eq(span_find(none, 'x'), 0);
	ck_assert(span_is(span_skip(s, 2), "b"));
	ck_assert(span_is(span_skip(s, 9), ""));
	ck_assert(span_is(span_head(s, 1), "a"));
	ck_assert(span_is(span_head(s, 9), "a/b"));
	ck_assert(span_equal(none, (struct span){ NULL, 0 }));
	ck_assert(!span_is(s, "a/"));
	ck_assert_ptr_null(span_skip((struct span){ NULL, 0 }, 1).p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cursor");
	TCase *t = tcase_create("cursor");
	suite_add_tcase(s, t);
	tcase_add_test(t, what_is_written_is_read_back);
	tcase_add_test(t, a_reader_past_the_end_gives_zeros_for_ever);
	tcase_add_test(t, a_reader_of_nothing_is_at_its_end);
	tcase_add_test(t, a_full_writer_writes_nothing_more);
	tcase_add_test(t, a_number_above_24_bits_is_an_error);
	tcase_add_test(t, spans_are_compared_cut_and_searched);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
