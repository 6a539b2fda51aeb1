/* check_amf3 - one case per promise of rtmp/amf3.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rtmp/amf3.h"

enum { BUF = 1 << 20 };

static uint8_t buf[BUF];

static void
put_u29(struct writer *w, uint32_t v)
{
	if (v >= 1u << 21) {
		writer_u8(w, (uint8_t)(0x80 | v >> 22));
		writer_u8(w, (uint8_t)(0x80 | v >> 15));
		writer_u8(w, (uint8_t)(0x80 | v >> 8));
		writer_u8(w, (uint8_t)v);
		return;
	}
	if (v >= 1u << 14)
		writer_u8(w, (uint8_t)(0x80 | v >> 14));
	if (v >= 1u << 7)
		writer_u8(w, (uint8_t)(0x80 | v >> 7));
	writer_u8(w, v & 0x7f);
}

static void
put_text(struct writer *w, const char *text)
{
	put_u29(w, (uint32_t)strlen(text) << 1 | 1);
	writer_span(w, span_of(text));
}

static void
put_string(struct writer *w, const char *text)
{
	writer_u8(w, AMF3_STRING);
	put_text(w, text);
}

static void
put_integer(struct writer *w, uint32_t v)
{
	writer_u8(w, AMF3_INTEGER);
	put_u29(w, v);
}

/* Marker and U29 with a low bit of 1. */
static void
put_head(struct writer *w, enum amf3_type type, uint32_t n)
{
	writer_u8(w, (uint8_t)type);
	put_u29(w, n << 1 | 1);
}

static void
put_ref(struct writer *w, enum amf3_type type, uint32_t index)
{
	writer_u8(w, (uint8_t)type);
	put_u29(w, index << 1);
}

/* An object with `sealed` names to come, then values, then pairs. */
static void
put_object(struct writer *w, const char *class_name, uint32_t sealed, bool dyn)
{
	writer_u8(w, AMF3_OBJECT);
	put_u29(w, sealed << 4 | (dyn ? 8 : 0) | 3);
	put_text(w, class_name);
}

/* Read one value from a block of its exact size, and walk all of it. */
static void
walk(const struct amf3 *a, const struct amf3_value *v, unsigned depth)
{
	struct amf3_iter it;
	struct amf3_value in;
	struct span key;
	ck_assert_uint_le(depth, AMF3_DEPTH_MAX);
	amf3_iter_init(&it, a, v);
	while (amf3_iter_next(&it, &key, &in)) {
		ck_assert(in.raw > v->raw && in.raw_end <= v->raw_end);
		walk(&it.a, &in, depth + 1);
	}
	amf3_find(a, v, "x", &in);
}

static enum amf0_result
read_exact(const uint8_t *p, size_t n)
{
	static struct amf3_tables tables;
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct amf3 a;
	struct amf3_value v;
	memcpy(copy, p, n);
	memset(&tables, 0xa5, sizeof(tables));
	amf3_init(&a, &tables, copy, n);
	enum amf0_result e = amf3_read(&a, &v);
	if (e == AMF0_OK) {
		ck_assert_ptr_eq(v.raw, copy);
		ck_assert_ptr_eq(v.raw_end, a.r.p);
		walk(&a, &v, 0);
	} else {
		ck_assert_int_eq(v.type, AMF3_UNDEFINED);
	}
	free(copy);
	return e;
}

static void
put_scalars(struct writer *w)
{
	put_text(w, "int");
	put_integer(w, 5);
	put_text(w, "negative");
	put_integer(w, 0x1fffffff);
	put_text(w, "double");
	writer_u8(w, AMF3_DOUBLE);
	writer_double(w, 1.5);
	put_text(w, "true");
	writer_u8(w, AMF3_TRUE);
	put_text(w, "false");
	writer_u8(w, AMF3_FALSE);
	put_text(w, "null");
	writer_u8(w, AMF3_NULL);
	put_text(w, "undefined");
	writer_u8(w, AMF3_UNDEFINED);
	put_text(w, "text");
	put_string(w, "hello");
	put_text(w, "date");
	put_head(w, AMF3_DATE, 0);
	writer_double(w, 1e12);
	put_text(w, "xml");
	put_head(w, AMF3_XML, 4);
	writer_span(w, span_of("<a/>"));
	put_text(w, "doc");
	put_head(w, AMF3_XML_DOC, 4);
	writer_span(w, span_of("<b/>"));
	put_text(w, "bytes");
	put_head(w, AMF3_BYTE_ARRAY, 3);
	writer_span(w, span_of("abc"));
}

static void
put_containers(struct writer *w)
{
	put_text(w, "array");
	put_head(w, AMF3_ARRAY, 2);
	put_text(w, "assoc");
	put_string(w, "by name");
	put_text(w, "");
	put_integer(w, 1);
	put_integer(w, 2);
	put_text(w, "ints");
	put_head(w, AMF3_VECTOR_INT, 2);
	writer_u8(w, 0);
	writer_u32(w, 1);
	writer_u32(w, 2);
	put_text(w, "uints");
	put_head(w, AMF3_VECTOR_UINT, 0);
	writer_u8(w, 1);
	put_text(w, "doubles");
	put_head(w, AMF3_VECTOR_DOUBLE, 1);
	writer_u8(w, 0);
	writer_double(w, 2.5);
	put_text(w, "objects");
	put_head(w, AMF3_VECTOR_OBJECT, 1);
	writer_u8(w, 0);
	put_text(w, "Thing");
	put_object(w, "Thing", 2, true);
	put_text(w, "one");
	put_text(w, "two");
	put_integer(w, 1);
	put_integer(w, 2);
	put_text(w, "three");
	put_integer(w, 3);
	put_text(w, "");
	put_text(w, "dictionary");
	put_head(w, AMF3_DICTIONARY, 2);
	writer_u8(w, 0);
	put_string(w, "word");
	put_integer(w, 7);
	put_integer(w, 8);
	writer_u8(w, AMF3_TRUE);
}

/* Every kind of value, and references of all three kinds. */
static size_t
write_all_kinds(void)
{
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	put_object(&w, "", 0, true); /* object 0, trait 0 */
	put_scalars(&w);	     /* strings: int 0 ... text 7, hello 8 */
	put_containers(&w);
	put_u29(&w, 7 << 1); /* the name "text" again */
	put_ref(&w, AMF3_STRING, 8);
	put_text(&w, "trait again"); /* trait 1 is Thing */
	writer_u8(&w, AMF3_OBJECT);
	put_u29(&w, 1 << 2 | 1);
	put_integer(&w, 10);
	put_integer(&w, 20);
	put_text(&w, "");
	put_text(&w, "self");
	put_ref(&w, AMF3_OBJECT, 0);
	put_text(&w, "date again");
	put_ref(&w, AMF3_DATE, 1);
	put_text(&w, "wrapper");
	writer_u8(&w, AMF3_OBJECT);
	put_u29(&w, 7);
	put_text(&w, "flex.messaging.io.ArrayCollection");
	put_head(&w, AMF3_ARRAY, 1);
	put_text(&w, "");
	put_string(&w, "in it");
	put_text(&w, "last");
	put_integer(&w, 42);
	put_text(&w, "");
	ck_assert(writer_ok(&w));
	return w.len;
}

static struct amf3_tables tables;

static struct amf3
read_all(struct amf3_value *all, size_t n)
{
	struct amf3 a;
	amf3_init(&a, &tables, buf, n);
	ck_assert_int_eq(amf3_read(&a, all), AMF0_OK);
	ck_assert_uint_eq(reader_left(&a.r), 0);
	return a;
}

START_TEST(every_scalar_is_read_back)
{
	struct amf3_value all, v;
	struct amf3 a = read_all(&all, write_all_kinds());
	ck_assert(amf3_find(&a, &all, "int", &v) && v.number == 5);
	ck_assert(amf3_find(&a, &all, "negative", &v) && v.number == -1);
	ck_assert(amf3_find(&a, &all, "double", &v) && v.number == 1.5);
	ck_assert(amf3_find(&a, &all, "true", &v) && v.type == AMF3_TRUE);
	ck_assert(amf3_find(&a, &all, "false", &v) && v.type == AMF3_FALSE);
	ck_assert(amf3_find(&a, &all, "null", &v) && v.type == AMF3_NULL);
	ck_assert(amf3_find(&a, &all, "undefined", &v));
	ck_assert(amf3_find(&a, &all, "text", &v) && span_is(v.str, "hello"));
	ck_assert(amf3_find(&a, &all, "date", &v) && v.number == 1e12);
	ck_assert(amf3_find(&a, &all, "xml", &v) && span_is(v.str, "<a/>"));
	ck_assert(amf3_find(&a, &all, "doc", &v) && span_is(v.str, "<b/>"));
	ck_assert(amf3_find(&a, &all, "bytes", &v) && span_is(v.str, "abc"));
	ck_assert(amf3_find(&a, &all, "last", &v) && v.number == 42);
	ck_assert(!amf3_find(&a, &all, "one", &v));
	ck_assert_int_eq(v.type, AMF3_UNDEFINED);
}
END_TEST

START_TEST(containers_are_walked)
{
	struct amf3_value all, v, in;
	struct amf3_iter it;
	struct span key;
	struct amf3 a = read_all(&all, write_all_kinds());
	ck_assert(amf3_find(&a, &all, "array", &v));
	ck_assert_uint_eq(v.count, 2);
	amf3_iter_init(&it, &a, &v);
	ck_assert(amf3_iter_next(&it, &key, &in));
	ck_assert(span_is(key, "assoc") && span_is(in.str, "by name"));
	ck_assert(amf3_iter_next(&it, &key, &in));
	ck_assert(key.len == 0 && in.number == 1);
	ck_assert(amf3_iter_next(&it, &key, &in) && in.number == 2);
	ck_assert(!amf3_iter_next(&it, &key, &in));
	ck_assert(!amf3_iter_next(&it, &key, &in));
	ck_assert(amf3_find(&a, &all, "dictionary", &v));
	amf3_iter_init(&it, &a, &v);
	ck_assert(amf3_iter_next(&it, &key, &in));
	ck_assert(span_is(key, "word") && in.number == 7);
	ck_assert(amf3_iter_next(&it, &key, &in));
	ck_assert(key.len == 0 && in.type == AMF3_TRUE);
	ck_assert(!amf3_iter_next(&it, &key, &in));
	ck_assert(amf3_find(&a, &all, "doubles", &v) && v.count == 1);
	ck_assert(!amf3_is_container(&v));
	ck_assert_uint_eq(v.raw_end[-8], 0x40); /* 2.5 */
	ck_assert(amf3_find(&a, &all, "objects", &v));
	ck_assert(span_is(v.str, "Thing"));
	amf3_iter_init(&it, &a, &v);
	ck_assert(amf3_iter_next(&it, &key, &in));
	ck_assert(span_is(in.str, "Thing"));
	ck_assert(amf3_find(&it.a, &in, "two", &v) && v.number == 2);
	ck_assert(amf3_find(&it.a, &in, "three", &v) && v.number == 3);
}
END_TEST

START_TEST(references_are_followed_to_strings_and_traits)
{
	struct amf3_value all, v, in;
	struct amf3_iter it;
	struct span key;
	unsigned texts = 0;
	struct amf3 a = read_all(&all, write_all_kinds());
	amf3_iter_init(&it, &a, &all);
	while (amf3_iter_next(&it, &key, &v))
		if (span_is(key, "text")) {
			ck_assert(span_is(v.str, "hello"));
			texts++;
		}
	ck_assert_uint_eq(texts, 2);
	ck_assert(amf3_find(&a, &all, "trait again", &v));
	ck_assert(span_is(v.str, "Thing"));
	ck_assert(amf3_find(&a, &v, "two", &in) && in.number == 20);
	ck_assert(amf3_find(&a, &all, "self", &v) && v.reference);
	ck_assert(!amf3_is_container(&v) && v.number == 0);
	ck_assert(amf3_find(&a, &all, "date again", &v) && v.reference);
	ck_assert(amf3_find(&a, &all, "wrapper", &v));
	amf3_iter_init(&it, &a, &v);
	ck_assert(amf3_iter_next(&it, &key, &in) && in.type == AMF3_ARRAY);
	ck_assert(!amf3_iter_next(&it, &key, &v));
}
END_TEST

START_TEST(values_of_one_cursor_share_their_tables)
{
	struct writer w;
	struct amf3 a;
	struct amf3_value v;
	writer_init(&w, buf, sizeof(buf));
	put_string(&w, "once");
	put_string(&w, "");
	put_ref(&w, AMF3_STRING, 0);
	put_ref(&w, AMF3_STRING, 1);
	amf3_init(&a, &tables, buf, w.len);
	ck_assert_int_eq(amf3_read(&a, &v), AMF0_OK);
	ck_assert_int_eq(amf3_read(&a, &v), AMF0_OK);
	ck_assert_uint_eq(v.str.len, 0);
	ck_assert_int_eq(amf3_read(&a, &v), AMF0_OK);
	ck_assert(span_is(v.str, "once"));
	/* the empty string was not counted */
	ck_assert_int_eq(amf3_read(&a, &v), AMF0_MALFORMED);
	ck_assert_int_eq(amf3_read(&a, &v), AMF0_MALFORMED);
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

START_TEST(depth_is_limited_and_costs_no_stack)
{
	static const unsigned depths[] = { 1, 31, 32, 33, 100000 };
	for (size_t d = 0; d < 5; d++) {
		struct writer w;
		writer_init(&w, buf, sizeof(buf));
		for (unsigned i = 0; i < depths[d]; i++) {
			put_head(&w, AMF3_ARRAY, 1);
			put_text(&w, "");
		}
		writer_u8(&w, AMF3_NULL);
		ck_assert(writer_ok(&w));
		ck_assert_int_eq(read_exact(buf, w.len),
		    depths[d] <= AMF3_DEPTH_MAX ? AMF0_OK : AMF0_TOO_DEEP);
	}
}
END_TEST

START_TEST(the_number_of_values_is_limited)
{
	struct writer w;
	for (unsigned n = AMF3_VALUES_MAX - 1; n <= AMF3_VALUES_MAX; n++) {
		writer_init(&w, buf, sizeof(buf));
		put_head(&w, AMF3_ARRAY, n);
		put_text(&w, "");
		for (unsigned i = 0; i < n; i++)
			writer_u8(&w, AMF3_NULL);
		ck_assert_int_eq(read_exact(buf, w.len),
		    n < AMF3_VALUES_MAX ? AMF0_OK : AMF0_TOO_MANY);
	}
}
END_TEST

static double
seconds_to_read(unsigned keys, enum amf0_result *e)
{
	struct writer w;
	struct amf3 a;
	struct amf3_value v, in;
	struct timespec from, to;
	char name[16];
	writer_init(&w, buf, sizeof(buf));
	put_object(&w, "", 0, true);
	for (unsigned i = 0; i < keys; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		put_text(&w, name);
		writer_u8(&w, AMF3_NULL);
	}
	put_text(&w, "");
	ck_assert(writer_ok(&w));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	amf3_init(&a, &tables, buf, w.len);
	*e = amf3_read(&a, &v);
	if (*e == AMF0_OK)
		ck_assert(amf3_find(&a, &v, name, &in));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

START_TEST(many_keys_take_no_quadratic_time)
{
	enum amf0_result e;
	ck_assert_double_lt(seconds_to_read(60000, &e), 0.5);
	ck_assert_int_eq(e, AMF0_OK);
	ck_assert_double_lt(seconds_to_read(100000, &e), 0.5);
	ck_assert_int_eq(e, AMF0_TOO_MANY);
}
END_TEST

/* References to what was not remembered are refused, all else goes on. */
START_TEST(full_tables_are_refused_only_where_they_are_used)
{
	static const unsigned used[] = { AMF3_STRINGS_MAX - 1,
		AMF3_STRINGS_MAX };
	for (size_t k = 0; k < 2; k++) {
		struct writer w;
		char name[16];
		writer_init(&w, buf, sizeof(buf));
		put_head(&w, AMF3_ARRAY, AMF3_STRINGS_MAX + 2);
		put_text(&w, "");
		for (unsigned i = 0; i <= AMF3_STRINGS_MAX; i++) {
			snprintf(name, sizeof(name), "s%u", i);
			put_string(&w, name);
		}
		put_ref(&w, AMF3_STRING, used[k]);
		ck_assert_int_eq(read_exact(buf, w.len),
		    used[k] < AMF3_STRINGS_MAX ? AMF0_OK : AMF0_TOO_MANY);

		writer_init(&w, buf, sizeof(buf));
		put_head(&w, AMF3_ARRAY, AMF3_TRAITS_MAX + 2);
		put_text(&w, "");
		for (unsigned i = 0; i <= AMF3_TRAITS_MAX; i++) {
			put_object(&w, "", 1, false);
			put_text(&w, "a");
			writer_u8(&w, AMF3_TRUE);
		}
		writer_u8(&w, AMF3_OBJECT);
		put_u29(&w, (AMF3_TRAITS_MAX - 1 + (unsigned)k) << 2 | 1);
		writer_u8(&w, AMF3_FALSE);
		ck_assert_int_eq(
		    read_exact(buf, w.len), k == 0 ? AMF0_OK : AMF0_TOO_MANY);
	}
}
END_TEST

START_TEST(malformed_values_are_refused)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum amf0_result e;
	} bad[] = {
		{ "\x12", 1, AMF0_MALFORMED },
		{ "\x06\x00", 2, AMF0_MALFORMED }, /* no string 0 */
		{ "\x0a\x00", 2, AMF0_MALFORMED }, /* no object 0 */
		{ "\x0a\x01", 2, AMF0_MALFORMED }, /* no trait 0 */
		{ "\x0a\x33\x01\x00", 4, AMF0_MALFORMED },
		{ "\x0a\x13\x01\x00\x01", 5, AMF0_MALFORMED },
		{ "\x0a\xff\xff\xff\xf3\x01", 6, AMF0_MALFORMED },
		{ "\x09\xff\xff\xff\xff\x01", 6, AMF0_MALFORMED },
		{ "\x09\x03\x00\x01", 4, AMF0_MALFORMED },
		{ "\x0c\x09\x41", 3, AMF0_MALFORMED },
		{ "\x0d\xff\xff\xff\xff\x00", 6, AMF0_MALFORMED },
		{ "\x10\x05\x00\x01\x01", 5, AMF0_MALFORMED },
		{ "\x10\x03\x00\x00\x01", 5, AMF0_MALFORMED },
		{ "\x11\x05\x00\x01\x01", 5, AMF0_MALFORMED },
		{ "\x08\x00", 2, AMF0_MALFORMED },
		{ "\x0b\x02", 2, AMF0_MALFORMED },
		{ "\x11\x02", 2, AMF0_MALFORMED },
		{ "\x10\x02", 2, AMF0_MALFORMED },
		{ "\x0a\x07\x03X\x01", 5, AMF0_UNSUPPORTED },
		{ "\x0a\x07\x01\x01", 4, AMF0_UNSUPPORTED },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(read_exact((const uint8_t *)bad[i].bytes,
				  bad[i].n) == bad[i].e,
		    "case %zu", i);
}
END_TEST

START_TEST(integers_have_29_bits)
{
	/* clang-format off */
	static const struct { uint32_t u; double d; } list[] = {
		{ 0, 0 }, { 0x7f, 127 }, { 0x80, 128 }, { 0x3fff, 16383 },
		{ 0x4000, 16384 }, { 0x1fffff, 2097151 },
		{ 0x200000, 2097152 }, { 0x0fffffff, 268435455 },
		{ 0x10000000, -268435456 }, { 0x1fffffff, -1 },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct writer w;
		struct amf3 a;
		struct amf3_value v;
		writer_init(&w, buf, sizeof(buf));
		put_integer(&w, list[i].u);
		amf3_init(&a, &tables, buf, w.len);
		ck_assert_int_eq(amf3_read(&a, &v), AMF0_OK);
		ck_assert_double_eq(v.number, list[i].d);
		ck_assert_uint_eq(reader_left(&a.r), 0);
	}
}
END_TEST

/* The same content by way of marker 0x11 in AMF0. */
START_TEST(amf0_switches_to_amf3_for_one_value)
{
	static uint8_t mixed[BUF];
	size_t n = write_all_kinds();
	struct writer w;
	struct reader r;
	struct amf0_value v, in;
	writer_init(&w, mixed, sizeof(mixed));
	writer_u8(&w, AMF0_AVMPLUS);
	writer_bytes(&w, buf, n);
	amf0_write_text(&w, "behind");
	amf0_object_begin(&w);
	amf0_key(&w, "a");
	writer_u8(&w, AMF0_AVMPLUS);
	put_integer(&w, 9);
	amf0_key(&w, "b");
	writer_u8(&w, AMF0_AVMPLUS);
	put_string(&w, "text");
	amf0_object_end(&w);
	size_t first = 1 + n;
	reader_init(&r, mixed, w.len);
	ck_assert_int_eq(amf0_read(&r, &v), AMF0_OK);
	ck_assert_int_eq(v.type, AMF0_AVMPLUS);
	ck_assert_uint_eq((size_t)(v.raw_end - v.raw), first);
	ck_assert(amf0_find(&v, "int", &in) && in.type == AMF0_NUMBER);
	ck_assert(amf0_find(&v, "text", &in) && span_is(in.str, "hello"));
	ck_assert(amf0_find(&v, "true", &in) && in.boolean);
	ck_assert(amf0_find(&v, "date", &in) && in.type == AMF0_DATE);
	ck_assert(amf0_find(&v, "xml", &in) && in.type == AMF0_XML);
	ck_assert(amf0_find(&v, "null", &in) && in.type == AMF0_NULL);
	ck_assert(amf0_find(&v, "undefined", &in));
	ck_assert(amf0_find(&v, "array", &in) && in.type == AMF0_AVMPLUS);
	ck_assert(!amf0_find(&in, "assoc", &in)); /* needs the tables */
	ck_assert(amf0_find(&v, "self", &in) && in.type == AMF0_AVMPLUS);
	ck_assert(!amf0_find(&v, "none", &in));
	ck_assert_int_eq(amf0_read(&r, &v), AMF0_OK);
	ck_assert(span_is(v.str, "behind"));
	ck_assert_int_eq(amf0_read(&r, &v), AMF0_OK);
	ck_assert(amf0_find(&v, "a", &in) && in.number == 9);
	ck_assert(amf0_find(&v, "b", &in) && span_is(in.str, "text"));
	for (size_t i = 1; i < first; i++) {
		uint8_t *copy = malloc(i);
		memcpy(copy, mixed, i);
		reader_init(&r, copy, i);
		ck_assert_int_eq(amf0_read(&r, &v), AMF0_MALFORMED);
		free(copy);
	}
}
END_TEST

START_TEST(damaged_values_are_read_without_harm)
{
	uint64_t x = 0xa3f3;
	size_t n = write_all_kinds();
	uint8_t *good = malloc(n);
	memcpy(good, buf, n);
	for (int i = 0; i < 30000; i++) {
		memcpy(buf, good, n);
		for (int k = 1 + i % 4; k > 0; k--) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			buf[x % n] = (uint8_t)(x >> 32 & (k & 1 ? 255 : 31));
		}
		read_exact(buf, n);
	}
	free(good);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("amf3");
	TCase *t = tcase_create("amf3");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, every_scalar_is_read_back);
	tcase_add_test(t, containers_are_walked);
	tcase_add_test(t, references_are_followed_to_strings_and_traits);
	tcase_add_test(t, values_of_one_cursor_share_their_tables);
	tcase_add_test(t, every_prefix_is_malformed);
	tcase_add_test(t, depth_is_limited_and_costs_no_stack);
	tcase_add_test(t, the_number_of_values_is_limited);
	tcase_add_test(t, many_keys_take_no_quadratic_time);
	tcase_add_test(t, full_tables_are_refused_only_where_they_are_used);
	tcase_add_test(t, malformed_values_are_refused);
	tcase_add_test(t, integers_have_29_bits);
	tcase_add_test(t, amf0_switches_to_amf3_for_one_value);
	tcase_add_test(t, damaged_values_are_read_without_harm);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
