/* check_amf0 - one case per promise of rtmp/amf0.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rtmp/amf0.h"

enum { BUF = 1 << 20 };

static uint8_t buf[BUF];

/* Read one value from a block of its exact size. */
static enum amf0_result
read_exact(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct amf0_value v;
	struct reader r;
	memcpy(copy, p, n);
	reader_init(&r, copy, n);
	enum amf0_result e = amf0_read(&r, &v);
	if (e == AMF0_OK) {
		struct amf0_iter it;
		struct amf0_value inner;
		struct span key;
		ck_assert_ptr_eq(v.raw, copy);
		ck_assert_ptr_eq(v.raw_end, r.p);
		amf0_iter_init(&it, &v);
		while (amf0_iter_next(&it, &key, &inner)) {
			ck_assert(inner.raw > v.raw);
			ck_assert(inner.raw_end <= v.raw_end);
		}
		amf0_find(&v, "x", &inner);
	} else {
		ck_assert_int_eq(v.type, AMF0_UNDEFINED);
	}
	free(copy);
	return e;
}

/* Every kind of value, one in another. */
static size_t
write_all_kinds(void)
{
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	amf0_object_begin(&w);
	amf0_prop_number(&w, "number", 1.5);
	amf0_prop_boolean(&w, "boolean", true);
	amf0_prop_text(&w, "string", "text");
	amf0_prop_text(&w, "", "empty key");
	amf0_key(&w, "ecma");
	amf0_ecma_begin(&w, 77);
	amf0_key(&w, "null");
	amf0_write_null(&w);
	amf0_key(&w, "undefined");
	amf0_write_undefined(&w);
	amf0_object_end(&w);
	amf0_key(&w, "strict");
	amf0_strict_begin(&w, 2);
	amf0_write_number(&w, 1);
	amf0_object_begin(&w);
	amf0_object_end(&w);
	amf0_key(&w, "date");
	writer_u8(&w, AMF0_DATE);
	writer_double(&w, 1e12);
	writer_u16(&w, 0);
	amf0_key(&w, "long");
	writer_u8(&w, AMF0_LONG_STRING);
	writer_u32(&w, 3);
	writer_span(&w, span_of("abc"));
	amf0_key(&w, "xml");
	writer_u8(&w, AMF0_XML);
	writer_u32(&w, 4);
	writer_span(&w, span_of("<a/>"));
	amf0_key(&w, "reference");
	writer_u8(&w, AMF0_REFERENCE);
	writer_u16(&w, 7);
	amf0_key(&w, "unsupported");
	writer_u8(&w, AMF0_UNSUPPORTED_TYPE);
	amf0_key(&w, "typed");
	writer_u8(&w, AMF0_TYPED_OBJECT);
	writer_u16(&w, 5);
	writer_span(&w, span_of("Class"));
	amf0_prop_number(&w, "in", 9);
	amf0_object_end(&w);
	amf0_prop_number(&w, "last", 42);
	amf0_object_end(&w);
	ck_assert(writer_ok(&w));
	return w.len;
}

START_TEST(every_kind_of_value_is_read_back)
{
	size_t n = write_all_kinds();
	struct reader r;
	struct amf0_value all, v, in;
	reader_init(&r, buf, n);
	ck_assert_int_eq(amf0_read(&r, &all), AMF0_OK);
	ck_assert(amf0_is_object(&all));
	ck_assert_uint_eq(reader_left(&r), 0);
	ck_assert(amf0_find(&all, "number", &v));
	ck_assert_double_eq(v.number, 1.5);
	ck_assert(amf0_find(&all, "boolean", &v) && v.boolean);
	ck_assert(amf0_find(&all, "string", &v) && span_is(v.str, "text"));
	ck_assert(amf0_find(&all, "", &v) && span_is(v.str, "empty key"));
	ck_assert(amf0_find(&all, "ecma", &v) && amf0_is_object(&v));
	ck_assert(amf0_find(&v, "null", &in) && in.type == AMF0_NULL);
	ck_assert(amf0_find(&v, "undefined", &in));
	ck_assert(amf0_find(&all, "date", &v) && v.type == AMF0_DATE);
	ck_assert_double_eq(v.number, 1e12);
	ck_assert(amf0_find(&all, "long", &v) && span_is(v.str, "abc"));
	ck_assert(amf0_is_string(&v));
	ck_assert(amf0_find(&all, "xml", &v) && span_is(v.str, "<a/>"));
	ck_assert(!amf0_is_string(&v));
	ck_assert(amf0_find(&all, "reference", &v));
	ck_assert_double_eq(v.number, 7);
	ck_assert(amf0_find(&all, "unsupported", &v));
	ck_assert(amf0_find(&all, "typed", &v) && span_is(v.str, "Class"));
	ck_assert(amf0_find(&v, "in", &in));
	ck_assert_double_eq(in.number, 9);
	ck_assert(amf0_find(&all, "last", &v));
	ck_assert(!amf0_find(&all, "in", &v));
	ck_assert_int_eq(v.type, AMF0_UNDEFINED);
}
END_TEST

START_TEST(strict_arrays_are_walked_without_keys)
{
	size_t n = write_all_kinds();
	struct reader r;
	struct amf0_value all, v, in;
	struct amf0_iter it;
	struct span key;
	reader_init(&r, buf, n);
	ck_assert_int_eq(amf0_read(&r, &all), AMF0_OK);
	ck_assert(amf0_find(&all, "strict", &v));
	amf0_iter_init(&it, &v);
	ck_assert(amf0_iter_next(&it, &key, &in));
	ck_assert_uint_eq(key.len, 0);
	ck_assert_double_eq(in.number, 1);
	ck_assert(amf0_iter_next(&it, &key, &in));
	ck_assert_int_eq(in.type, AMF0_OBJECT);
	ck_assert(!amf0_iter_next(&it, &key, &in));
	ck_assert(!amf0_iter_next(&it, &key, &in));
	ck_assert(!amf0_find(&v, "", &in));
}
END_TEST

START_TEST(every_prefix_is_malformed)
{
	size_t n = write_all_kinds();
	ck_assert_int_eq(read_exact(buf, 0), AMF0_END);
	for (size_t i = 1; i < n; i++)
		ck_assert_int_eq(read_exact(buf, i), AMF0_MALFORMED);
	ck_assert_int_eq(read_exact(buf, n), AMF0_OK);
}
END_TEST

START_TEST(many_keys_take_no_quadratic_time)
{
	static const unsigned keys[] = { 60000, 100000 };
	for (size_t k = 0; k < 2; k++) {
		static uint8_t big[2 << 20];
		char name[16];
		struct writer w;
		struct reader r;
		struct amf0_value v, in;
		writer_init(&w, big, sizeof(big));
		amf0_object_begin(&w);
		for (unsigned i = 0; i < keys[k]; i++) {
			snprintf(name, sizeof(name), "k%u", i);
			amf0_key(&w, name);
			amf0_write_null(&w);
		}
		amf0_object_end(&w);
		ck_assert(writer_ok(&w));
		reader_init(&r, big, w.len);
		clock_t from = clock();
		enum amf0_result e = amf0_read(&r, &v);
		if (k == 0)
			ck_assert(amf0_find(&v, name, &in));
		ck_assert_int_lt(clock() - from, CLOCKS_PER_SEC / 2);
		ck_assert_int_eq(e, k == 0 ? AMF0_OK : AMF0_TOO_MANY);
	}
}
END_TEST

START_TEST(depth_is_limited_and_costs_no_stack)
{
	static const unsigned depths[] = { 1, 31, 32, 33, 100000 };
	for (size_t d = 0; d < 5; d++) {
		struct writer w;
		writer_init(&w, buf, sizeof(buf));
		for (unsigned i = 0; i < depths[d]; i++) {
			amf0_object_begin(&w);
			amf0_key(&w, "k");
		}
		amf0_write_null(&w);
		for (unsigned i = 0; i < depths[d]; i++)
			amf0_object_end(&w);
		ck_assert(writer_ok(&w));
		ck_assert_int_eq(read_exact(buf, w.len),
		    depths[d] <= AMF0_DEPTH_MAX ? AMF0_OK : AMF0_TOO_DEEP);
	}
}
END_TEST

START_TEST(the_number_of_values_is_limited)
{
	struct writer w;
	for (unsigned n = AMF0_VALUES_MAX - 1; n <= AMF0_VALUES_MAX; n++) {
		writer_init(&w, buf, sizeof(buf));
		amf0_strict_begin(&w, n);
		for (unsigned i = 0; i < n; i++)
			amf0_write_null(&w);
		ck_assert(writer_ok(&w));
		ck_assert_int_eq(read_exact(buf, w.len),
		    n < AMF0_VALUES_MAX ? AMF0_OK : AMF0_TOO_MANY);
	}
}
END_TEST

START_TEST(a_count_or_length_beyond_the_input_is_malformed)
{
	static const char *const bad[] = { "\x0a\xff\xff\xff\xff\x05",
		"\x0c\xff\xff\xff\xff\x41", "\x0f\x00\x00\x00\x05\x41",
		"\x02\x00\x05"
		"AAA",
		"\x10\x00\x05"
		"AAA" };
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(
		    read_exact((const uint8_t *)bad[i], 6), AMF0_MALFORMED);
}
END_TEST

START_TEST(reserved_markers_are_unsupported)
{
	ck_assert_int_eq(
	    read_exact((const uint8_t *)"\x04", 1), AMF0_UNSUPPORTED);
	ck_assert_int_eq(
	    read_exact((const uint8_t *)"\x0e", 1), AMF0_UNSUPPORTED);
	ck_assert_int_eq(read_exact((const uint8_t *)"\x0a\0\0\0\1\x0e", 6),
	    AMF0_UNSUPPORTED);
	ck_assert_int_eq(
	    read_exact((const uint8_t *)"\x09", 1), AMF0_MALFORMED);
	for (unsigned m = 18; m < 256; m++) {
		uint8_t b = (uint8_t)m;
		ck_assert_int_eq(read_exact(&b, 1), AMF0_MALFORMED);
	}
}
END_TEST

START_TEST(an_error_sticks_to_the_reader)
{
	struct reader r;
	struct amf0_value v;
	reader_init(&r, "\x0e\x05\x05", 3);
	ck_assert_int_eq(amf0_read(&r, &v), AMF0_UNSUPPORTED);
	ck_assert_int_eq(amf0_read(&r, &v), AMF0_MALFORMED);
}
END_TEST

START_TEST(long_texts_become_long_strings)
{
	static char text[70000];
	struct writer w;
	struct reader r;
	struct amf0_value v;
	memset(text, 'a', sizeof(text));
	for (size_t n = 65535; n <= 65536; n++) {
		writer_init(&w, buf, sizeof(buf));
		amf0_write_string(&w, (struct span){ text, n });
		reader_init(&r, buf, w.len);
		ck_assert_int_eq(amf0_read(&r, &v), AMF0_OK);
		ck_assert_int_eq(
		    v.type, n > 65535 ? AMF0_LONG_STRING : AMF0_STRING);
		ck_assert_uint_eq(v.str.len, n);
	}
	text[sizeof(text) - 1] = '\0';
	writer_init(&w, buf, sizeof(buf));
	amf0_key(&w, text);
	ck_assert(!writer_ok(&w));
}
END_TEST

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

START_TEST(damaged_values_are_read_without_harm)
{
	uint64_t x = 0xa3f0;
	size_t n = write_all_kinds();
	uint8_t *good = malloc(n);
	memcpy(good, buf, n);
	for (int i = 0; i < 20000; i++) {
		memcpy(buf, good, n);
		for (unsigned k = 1 + next_random(&x) % 4; k > 0; k--)
			buf[next_random(&x) % n] =
			    (uint8_t)(next_random(&x) & (k & 1 ? 0xff : 0x1f));
		read_exact(buf, n);
	}
	free(good);
}
END_TEST

START_TEST(every_result_has_a_name)
{
	for (int e = AMF0_OK; e <= AMF0_UNSUPPORTED; e++)
		ck_assert_str_ne(
		    amf0_result_name((enum amf0_result)e), "invalid");
	ck_assert_str_eq(amf0_result_name((enum amf0_result)99), "invalid");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("amf0");
	TCase *t = tcase_create("amf0");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, every_kind_of_value_is_read_back);
	tcase_add_test(t, strict_arrays_are_walked_without_keys);
	tcase_add_test(t, every_prefix_is_malformed);
	tcase_add_test(t, many_keys_take_no_quadratic_time);
	tcase_add_test(t, depth_is_limited_and_costs_no_stack);
	tcase_add_test(t, the_number_of_values_is_limited);
	tcase_add_test(t, a_count_or_length_beyond_the_input_is_malformed);
	tcase_add_test(t, reserved_markers_are_unsupported);
	tcase_add_test(t, an_error_sticks_to_the_reader);
	tcase_add_test(t, long_texts_become_long_strings);
	tcase_add_test(t, damaged_values_are_read_without_harm);
	tcase_add_test(t, every_result_has_a_name);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
