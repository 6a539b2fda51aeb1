/* check_amfjson - one case per promise of rtmp/amfjson.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/amfjson.h"

enum { BUF = 1 << 20 };

static uint8_t buf[BUF];
static char out[BUF];

/* AMF0 in hex, its JSON, and what comes back; NULL: the same bytes. */
struct row {
	const char *hex, *json, *back;
};

/* clang-format off */
static const struct row rows[] = {
	{ "003ff8000000000000", "[1.5]", NULL },
	{ "003fb999999999999a", "[0.1]", NULL },
	{ "00c3e0000000000001", "[-9.2233720368547779e+18]", NULL },
	{ "008000000000000000", "[-0]", NULL },
	{ "007ff8000000000000", "[{\"$\":\"number\",\"v\":\"NaN\"}]", NULL },
	{ "007ff0000000000000", "[{\"$\":\"number\",\"v\":\"Infinity\"}]", NULL },
	{ "00fff0000000000000", "[{\"$\":\"number\",\"v\":\"-Infinity\"}]", NULL },
	{ "01010100", "[true,false]", NULL },
	{ "05", "[null]", NULL },
	{ "06", "[{\"$\":\"undefined\"}]", NULL },
	{ "0d", "[{\"$\":\"undefined\"}]", "06" },
	{ "", "[]", NULL },
	{ "0200056122 5c0a00", "[\"a\\\"\\\\\\u000a\\u0000\"]", NULL },
	{ "020005c3bcf09f98", "[\"\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]",
	    "02000bc3bcefbfbdefbfbdefbfbd" },
	{ "020004f09f9880", "[\"\xf0\x9f\x98\x80\"]", NULL },
	/* too long for its character, half a pair, beyond Unicode */
	{ "020009c080eda080f4908080",
	    "[\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]",
	    "02001befbfbdefbfbdefbfbdefbfbdefbfbdefbfbdefbfbdefbfbdefbfbd" },
	{ "03 000161 05 00022462 0101 0000 0101 000009",
	    "[{\"a\":null,\"$$b\":true,\"\":true}]", NULL },
	{ "03 000009 0a00000000", "[{},[]]", NULL },
	{ "03 0003610062 05 000009", "[{\"a\xef\xbf\xbd" "b\":null}]",
	    "03 000561efbfbd62 05 000009" },
	{ "0a00000002 05 0a00000001 06", "[[null,[{\"$\":\"undefined\"}]]]", NULL },
	{ "08 00000063 000130 05 00026869 05 000009",
	    "[{\"$\":\"array\",\"v\":{\"0\":null,\"hi\":null}}]",
	    "08 00000002 000130 05 00026869 05 000009" },
	{ "0b 4272f8a1f2f00000 0000", "[{\"$\":\"date\",\"v\":1303692390144}]", NULL },
	{ "0b 7ff8000000000000 0000", "[{\"$\":\"date\",\"v\":null}]", NULL },
	{ "0f 00000004 3c612f3e", "[{\"$\":\"xml\",\"v\":\"<a/>\"}]", NULL },
	{ "10 00034e2e4d 000161 05 000009",
	    "[{\"$\":\"object\",\"class\":\"N.M\",\"v\":{\"a\":null}}]", NULL },
	{ "10 00014e 000009", "[{\"$\":\"object\",\"class\":\"N\",\"v\":{}}]", NULL },
	{ "070003", "[{\"$\":\"reference\",\"v\":3}]", "06" },
	/* an object that would be a mark is none */
	{ "03 000124 02000964617465 2e2e2e2e2e 000009",
	    "[{\"$$\":\"date.....\"}]", NULL },
	/* AMF3: integer, string, bytes, empty bytes */
	{ "1104ffffffff 11060568 69 110c03ff 110c01",
	    "[-1,\"hi\",{\"$\":\"bytes\",\"v\":\"/w==\"},{\"$\":\"bytes\",\"v\":\"\"}]",
	    "00bff0000000000000 0200026869 110c03ff 110c01" },
	{ "110c07616263", "[{\"$\":\"bytes\",\"v\":\"YWJj\"}]", NULL },
	/* {a: -1, b: "b", c: [1.5; k: true]}, and strings referred to */
	{ "11 0a0b01 036104ffffffff 03620602 036309 03036b03 01 053ff8000000000000 01",
	    "[{\"a\":-1,\"b\":\"b\",\"c\":{\"$\":\"array\",\"v\":{\"k\":true,\"0\":1.5}}}]",
	    "03 000161 00bff0000000000000 000162 02000162 000163 08 00000002"
	    "00016b 0101 000130 003ff8000000000000 000009 000009" },
	/* an object of class xx with sealed x, its traits used twice */
	{ "11 090501 0a13 057878 0378 0401 0a01 0402",
	    "[[{\"$\":\"object\",\"class\":\"xx\",\"v\":{\"x\":1}},"
	    "{\"$\":\"object\",\"class\":\"xx\",\"v\":{\"x\":2}}]]",
	    "0a00000002 10 00027878 000178 003ff0000000000000 000009"
	    "10 00027878 000178 004000000000000000 000009" },
	/* an array that contains itself */
	{ "11 090301 0900", "[[{\"$\":\"reference\",\"v\":0}]]", "0a00000001 06" },
	/* vectors of int, uint, double, object */
	{ "11 0d0500 00000001 ffffffff", "[[1,-1]]",
	    "0a00000002 003ff0000000000000 00bff0000000000000" },
	{ "11 0e0300 ffffffff", "[[4294967295]]", "0a00000001 0041efffffffe00000" },
	{ "11 0f0300 3ff8000000000000", "[[1.5]]", "0a00000001 003ff8000000000000" },
	{ "11 100300 01 0401", "[[1]]", "0a00000001 003ff0000000000000" },
	/* a dictionary: what has no string as its key is left out */
	{ "11 110500 06036b 0401 0403 0402",
	    "[{\"$\":\"dictionary\",\"v\":{\"k\":1}}]",
	    "03 00016b 003ff0000000000000 000009" },
	/* ArrayCollection of [1] */
	{ "11 0a07 43 666c65782e6d6573736167696e672e696f2e4172726179436f6c6c656374696f6e"
	  "090301 0401",
	    "[{\"$\":\"object\",\"class\":\"flex.messaging.io.ArrayCollection\","
	    "\"v\":[1]}]", "0a00000001 003ff0000000000000" },
	{ "11 0801 7ff8000000000000 11 0b093c612f3e",
	    "[{\"$\":\"date\",\"v\":null},{\"$\":\"xml\",\"v\":\"<a/>\"}]",
	    "0b 7ff8000000000000 0000 0f 00000004 3c612f3e" },
	{ "1100 1101 1102 1103", "[{\"$\":\"undefined\"},null,false,true]",
	    "06 05 0100 0101" },
};
/* clang-format on */

static size_t
from_hex(const char *hex, uint8_t *to)
{
	size_t n = 0;
	unsigned v;
	for (const char *p = hex; *p != '\0';) {
		if (*p == ' ') {
			p++;
			continue;
		}
		ck_assert_int_eq(sscanf(p, "%2x", &v), 1);
		to[n++] = (uint8_t)v;
		p += 2;
	}
	return n;
}

static enum amf0_result
to_json(const uint8_t *p, size_t n, size_t cap)
{
	struct reader r;
	struct writer w;
	reader_init(&r, p, n);
	writer_init(&w, out, cap);
	enum amf0_result e = amfjson_args(&w, &r);
	out[w.len] = '\0';
	return e;
}

/* From a block of its exact size; returns bytes, or -1. */
static long
to_amf(const char *text, size_t len, size_t cap)
{
	struct writer w;
	char *copy = malloc(len ? len : 1);
	memcpy(copy, text, len);
	writer_init(&w, buf, cap);
	bool ok = amfjson_parse_args(&w, (struct span){ copy, len });
	free(copy);
	ck_assert(ok == writer_ok(&w));
	return ok ? (long)w.len : -1;
}

START_TEST(every_kind_becomes_json_and_comes_back)
{
	uint8_t in[512], want[512];
	const struct row *x = &rows[_i];
	size_t n = from_hex(x->hex, in);
	ck_assert_int_eq(to_json(in, n, BUF - 1), AMF0_OK);
	ck_assert_str_eq(out, x->json);
	size_t m = from_hex(x->back ? x->back : x->hex, want);
	ck_assert_int_eq(to_amf(out, strlen(out), BUF), (long)m);
	ck_assert_mem_eq(buf, want, m);
	/* values one by one say the same */
	struct amf0_value v;
	struct reader r;
	struct writer w;
	reader_init(&r, in, n);
	writer_init(&w, out, BUF);
	writer_u8(&w, '[');
	while (amf0_read(&r, &v) == AMF0_OK) {
		if (w.len > 1)
			writer_u8(&w, ',');
		ck_assert_int_eq(amfjson_value(&w, &v), AMF0_OK);
	}
	writer_u8(&w, ']');
	ck_assert_int_eq((long)w.len, (long)strlen(x->json));
	ck_assert_mem_eq(out, x->json, w.len);
}
END_TEST

START_TEST(every_prefix_is_told_from_the_whole)
{
	uint8_t in[512];
	const struct row *x = &rows[_i];
	size_t n = from_hex(x->hex, in), len = strlen(x->json);
	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = malloc(i ? i : 1);
		memcpy(copy, in, i);
		/* shorter, or between two values */
		if (to_json(copy, i, BUF - 1) == AMF0_OK)
			ck_assert_uint_lt(strlen(out), len);
		free(copy);
	}
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(to_amf(x->json, i, BUF), -1);
}
END_TEST

START_TEST(what_does_not_fit_is_an_error_at_every_size)
{
	uint8_t in[512];
	const struct row *x = &rows[_i];
	size_t n = from_hex(x->hex, in), len = strlen(x->json);
	for (size_t cap = 0; cap < len; cap++)
		ck_assert_int_eq(to_json(in, n, cap), AMF0_TOO_MANY);
	long m = to_amf(x->json, len, BUF);
	for (long cap = 0; cap < m; cap++)
		ck_assert_int_eq(to_amf(x->json, len, (size_t)cap), -1);
}
END_TEST

START_TEST(other_spellings_of_json_are_read)
{
	/* clang-format off */
	static const struct { const char *json, *hex; } good[] = {
		{ " [ 1 , { \"a\" : [ ] } ]\r\n\t",
		    "003ff0000000000000 03 000161 0a00000000 000009" },
		{ "[\"\\u00fc\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\"]",
		    "02000e c3bc f09f9880 2f 08 0c 0a 0d 09 22 5c" },
		{ "[\"\\ud83d\\u0041\\udc00x\"]", "020008 efbfbd 41 efbfbd 78" },
		{ "[1e2,-0.5E-1]", "004059000000000000 00bfa999999999999a" },
	};
	static const char *const bad[] = {
		"", "[", "1", "[1", "[1,]", "[,1]", "[1] 2", "[01x]", "[--1]", "[1e999]", "[.]",
		"[nul]", "[truex]", "[\"a]", "[\"\\x\"]", "[\"\\u12g4\"]", "[\"\\u12\"]", "[\"\\", "[\"\n\"]",
		"[{]", "[{\"a\"}]", "[{\"a\":}]", "[{\"a\":1,}]", "[{a:1}]", "[{\"a\":1]", "[[1}]",
		"[{\"$\":\"what\",\"v\":1}]", "[{\"$\":\"date\"}]", "[{\"$\":\"date\",\"v\":\"x\"}]",
		"[{\"$\":1,\"v\":1}]", "[{\"$\":\"xml\",\"v\":1}]", "[{\"$\":\"bytes\",\"v\":\"a\"}]",
		"[{\"$\":\"bytes\",\"v\":\"????\"}]", "[{\"$\":\"array\",\"v\":[1]}]",
		"[{\"$\":\"date\",\"v\":1,\"x\":2}]", "[{\"$\":\"object\",\"class\":1,\"v\":{}}]",
		"[{\"$\":\"object\",\"class\":\"x\"}]", "[{\"$\":\"array\",\"v\":{\"$\":\"date\",\"v\":1}}]",
	};
	/* clang-format on */
	uint8_t want[128];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		long n = (long)from_hex(good[i].hex, want);
		ck_assert_int_eq(
		    to_amf(good[i].json, strlen(good[i].json), BUF), n);
		ck_assert_mem_eq(buf, want, (size_t)n);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(to_amf(bad[i], strlen(bad[i]), BUF) == -1,
		    "%s was read", bad[i]);
}
END_TEST

START_TEST(long_strings_change_their_type)
{
	struct writer w;
	struct reader r;
	struct amf0_value v;
	for (size_t n = 65534; n < 65538; n++) {
		writer_init(&w, out, BUF);
		writer_u8(&w, '"');
		memset(writer_space(&w, n), 'x', n);
		writer_u8(&w, '"');
		struct span json = { out, w.len };
		writer_init(&w, buf, BUF);
		ck_assert(amfjson_parse(&w, json));
		reader_init(&r, buf, w.len);
		ck_assert_int_eq(amf0_read(&r, &v), AMF0_OK);
		ck_assert_int_eq(
		    v.type, n > 65535 ? AMF0_LONG_STRING : AMF0_STRING);
		ck_assert_uint_eq(v.str.len, n);
	}
}
END_TEST

/* depth containers of one kind within each other */
static size_t
nested(const char *open, const char *close, unsigned depth, char *to)
{
	size_t n = 0;
	for (unsigned i = 0; i < depth; i++)
		n += (size_t)sprintf(to + n, "%s", open);
	n += (size_t)sprintf(to + n, "null");
	for (unsigned i = 0; i < depth; i++)
		n += (size_t)sprintf(to + n, "%s", close);
	return n;
}

START_TEST(depth_is_limited_both_ways)
{
	static const char *const open[] = { "[",
		"{\"a\":", "{\"$\":\"array\",\"v\":{\"a\":",
		"{\"$\":\"object\",\"class\":\"c\",\"v\":{\"a\":" };
	static const char *const close[] = { "]", "}", "}}", "}}" };
	static char text[8192];
	for (unsigned k = 0; k < 4; k++) {
		/* one is the array of arguments, which is no value */
		for (unsigned d = 1; d <= AMFJSON_DEPTH; d++) {
			size_t n = nested(open[k], close[k], d, text + 1);
			text[0] = '[';
			strcpy(text + 1 + n, "]");
			long len = to_amf(text, n + 2, BUF);
			ck_assert_int_gt(len, 0);
			ck_assert_int_eq(
			    to_json(buf, (size_t)len, BUF - 1), AMF0_OK);
			ck_assert_str_eq(out, text);
		}
		size_t n = nested(open[k], close[k], AMFJSON_DEPTH + 1, text);
		struct writer w;
		writer_init(&w, buf, BUF);
		ck_assert(!amfjson_parse(&w, (struct span){ text, n }));
	}
	/* AMF3 inside AMF0 counts together */
	size_t n = 0;
	for (unsigned i = 0; i < 20; i++) {
		memcpy(buf + n, "\x0a\0\0\0\x01", 5);
		n += 5;
	}
	buf[n++] = AMF0_AVMPLUS;
	for (unsigned i = 0; i < 13; i++) {
		memcpy(buf + n, "\x09\x03\x01", 3);
		n += 3;
	}
	buf[n++] = 1;
	ck_assert_int_eq(to_json(buf, n, BUF - 1), AMF0_TOO_DEEP);
}
END_TEST

START_TEST(the_number_of_values_is_limited_both_ways)
{
	memset(buf, AMF0_NULL, AMFJSON_VALUES + 1);
	ck_assert_int_eq(to_json(buf, AMFJSON_VALUES, BUF - 1), AMF0_OK);
	ck_assert_int_eq(to_amf(out, strlen(out), BUF), AMFJSON_VALUES);
	memset(buf, AMF0_NULL, AMFJSON_VALUES + 1);
	ck_assert_int_eq(
	    to_json(buf, AMFJSON_VALUES + 1, BUF - 1), AMF0_TOO_MANY);
	strcat(out, ",null]");
	ck_assert_int_eq(to_amf(out, strlen(out), BUF), -1);
	/* the elements of a vector count */
	size_t n = (size_t)AMFJSON_VALUES * 4;
	memset(buf, 0, n + 16);
	memcpy(buf, "\x11\x0d\x82\x80\x01\x00", 6); /* 16384 of them */
	ck_assert_int_eq(to_json(buf, 6 + n, BUF - 1), AMF0_TOO_MANY);
}
END_TEST

START_TEST(damaged_values_do_no_harm)
{
	uint64_t x = 0xa3f3;
	uint8_t all[8192], bad[8192];
	size_t n = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		n += from_hex(rows[i].hex, all + n);
	unsigned good = 0;
	for (int i = 0; i < 20000; i++) {
		/* a part from a block of its own size */
		size_t from = (size_t)i * 7 % n, len = (size_t)i * 13 % 200;
		if (len > n - from)
			len = n - from;
		memcpy(bad, all + from, len);
		for (int k = i % 4; k > 0 && len > 0; k--) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bad[x % len] = (uint8_t)(x >> 32 & (k & 1 ? 255 : 31));
		}
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, bad, len);
		if (to_json(copy, len, BUF - 1) == AMF0_OK) {
			good++;
			ck_assert_int_ge(to_amf(out, strlen(out), BUF), 0);
		}
		free(copy);
	}
	ck_assert_uint_gt(good, 100);
	/* and text */
	for (int i = 0; i < 20000; i++) {
		const char *json =
		    rows[(size_t)i % (sizeof rows / sizeof *rows)].json;
		size_t len = strlen(json);
		memcpy(bad, json, len);
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bad[x % len] = (uint8_t)(x >> 32);
		(void)to_amf((const char *)bad, len, BUF);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("amfjson");
	TCase *t = tcase_create("amfjson");
	int n = (int)(sizeof rows / sizeof *rows);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_loop_test(t, every_kind_becomes_json_and_comes_back, 0, n);
	tcase_add_loop_test(t, every_prefix_is_told_from_the_whole, 0, n);
	tcase_add_loop_test(
	    t, what_does_not_fit_is_an_error_at_every_size, 0, n);
	tcase_add_test(t, other_spellings_of_json_are_read);
	tcase_add_test(t, long_strings_change_their_type);
	tcase_add_test(t, depth_is_limited_both_ways);
	tcase_add_test(t, the_number_of_values_is_limited_both_ways);
	tcase_add_test(t, damaged_values_do_no_harm);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
