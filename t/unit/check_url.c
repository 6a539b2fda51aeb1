/* check_url - one case per promise of rtmp/url.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/url.h"

static const char *
text(struct span s)
{
	static char buf[8][256];
	static unsigned n;
	char *to = buf[n++ % 8];
	snprintf(to, sizeof(buf[0]), "%.*s", (int)s.len, s.p);
	return to;
}

/* "host|port|path|app|instance|query", or "-" when refused. */
static void
expect_tc(const char *url, const char *want)
{
	struct url_tc u;
	char got[1024] = "-";
	if (url_split_tc(span_of(url), &u))
		snprintf(got, sizeof(got), "%s|%u|%s|%s|%s|%s", text(u.host),
		    u.port, text(u.path), text(u.app), text(u.instance),
		    text(u.query));
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", url, got, want);
}

START_TEST(a_tc_url_is_split)
{
	expect_tc("rtmp://h/live", "h|0|live|live|_definst_|");
	expect_tc("rtmp://h:1935/live/", "h|1935|live/|live|_definst_|");
	expect_tc("RTMP://H:1/live/room", "H|1|live/room|live|room|");
	expect_tc("rtmp://h/a/b/c?x=/1?2", "h|0|a/b/c?x=/1?2|a|b/c|x=/1?2");
	expect_tc("rtmp://h/live?k=v", "h|0|live?k=v|live|_definst_|k=v");
	expect_tc("rtmp://h/live//i", "h|0|live//i|live|i|");
	expect_tc("rtmp://h//live", "h|0|live|live|_definst_|");
}
END_TEST

START_TEST(hosts_may_be_missing_or_bracketed)
{
	expect_tc("rtmp:/live", "|0|live|live|_definst_|");
	expect_tc("rtmp:///live", "|0|live|live|_definst_|");
	expect_tc("rtmp://:1936/live", "|1936|live|live|_definst_|");
	expect_tc("rtmp://h", "h|0|||_definst_|");
	expect_tc("rtmp://h?k", "h|0|?k||_definst_|k");
	expect_tc("rtmp://[::1]/a", "::1|0|a|a|_definst_|");
	expect_tc("rtmp://[fe80::1]:1935/a", "fe80::1|1935|a|a|_definst_|");
	expect_tc("rtmp://e/?rtmp://next/a",
	    "e|0|?rtmp://next/a||_definst_|rtmp://next/a");
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const char *const bad[] = { "", "rtmp", "://h/a",
		"rtmp:", "rtmp:h/a", "rtmp://h:/a", "rtmp://h:0/a",
		"rtmp://h:65536/a", "rtmp://h:123456/a", "rtmp://h:1x/a",
		"rtmp://[::1/a", "rtmp://[::1]x/a", "rtmp://h/a b",
		"rtmp://h/a\n", "rtmp://h/\x7f" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_tc(bad[i], "-");
	struct url_tc u;
	ck_assert(!url_split_tc((struct span){ "rtmp://h/a\0b", 12 }, &u));
	ck_assert(!url_split_tc((struct span){ NULL, 0 }, &u));
}
END_TEST

START_TEST(an_app_has_an_instance)
{
	static const char *const cases[][4] = { { "live", "live", "_definst_",
						    "" },
		{ "/live/", "live", "_definst_", "" },
		{ "live/room?a=b", "live", "room", "a=b" },
		{ "live/_definst_", "live", "_definst_", "" },
		{ "live?a=b", "live", "_definst_", "a=b" },
		{ "", "", "_definst_", "" }, { "/", "", "_definst_", "" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct url_app a;
		url_split_app(span_of(cases[i][0]), &a);
		ck_assert_str_eq(text(a.app), cases[i][1]);
		ck_assert_str_eq(text(a.instance), cases[i][2]);
		ck_assert_str_eq(text(a.query), cases[i][3]);
	}
}
END_TEST

/* "host|port|app|stream|tcUrl", or "-" when refused. */
static void
expect_stream(const char *url, const char *want)
{
	struct url_stream u;
	char got[1024] = "-";
	if (url_split_stream(span_of(url), &u))
		snprintf(got, sizeof(got), "%s|%u|%s|%s|%s", text(u.host),
		    u.port, text(u.app), text(u.stream), text(u.tc_url));
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", url, got, want);
}

START_TEST(a_stream_url_is_split_as_ffmpeg_does)
{
	expect_stream("rtmp://h/live/cam1", "h|1935|live|cam1|rtmp://h/live");
	expect_stream("rtmp://h:19/live/cam1?k=a/b",
	    "h|19|live|cam1?k=a/b|rtmp://h:19/live");
	expect_stream("rtmp://h/a/b/c", "h|1935|a/b|c|rtmp://h/a/b");
	expect_stream("rtmp://h/a/b/c/d", "h|1935|a/b|c/d|rtmp://h/a/b");
	expect_stream("rtmp://h/a/mp4:b/c", "h|1935|a|mp4:b/c|rtmp://h/a");
	expect_stream("rtmp://h/a/b/mp4:c", "h|1935|a/b|mp4:c|rtmp://h/a/b");
	expect_stream("rtmp://h/live", "-");
	expect_stream("rtmp://h/live/", "-");
	expect_stream("rtmp:///live/cam1", "-");
	expect_stream("rtmp://h/live?a/b", "-");
}
END_TEST

START_TEST(a_stream_name_loses_slashes_and_its_query)
{
	struct url_name n;
	url_split_name(span_of("//cam1?a=b?c"), &n);
	ck_assert_str_eq(text(n.name), "cam1");
	ck_assert_str_eq(text(n.query), "a=b?c");
	url_split_name(span_of("cam/1"), &n);
	ck_assert_str_eq(text(n.name), "cam/1");
	ck_assert_uint_eq(n.query.len, 0);
	url_split_name(span_of("?a"), &n);
	ck_assert_uint_eq(n.name.len, 0);
	ck_assert_str_eq(text(url_strip_prefix(span_of("mp4:a"))), "a");
	ck_assert_str_eq(text(url_strip_prefix(span_of("flv:"))), "");
	ck_assert_str_eq(text(url_strip_prefix(span_of("ogg:a"))), "ogg:a");
	ck_assert_str_eq(text(url_strip_prefix(span_of("mp"))), "mp");
}
END_TEST

START_TEST(hosts_do_not_mind_case)
{
	ck_assert(url_same_host(span_of("Host.A"), span_of("hOST.a")));
	ck_assert(!url_same_host(span_of("host"), span_of("hos")));
	ck_assert(!url_same_host(span_of("host"), span_of("hosu")));
}
END_TEST

/* Every span stays inside the input, or is a constant of ours. */
static void
inside(struct span s, const char *p, size_t n)
{
	if (s.len > 0 && !span_is(s, "_definst_"))
		ck_assert(s.p >= p && s.p + s.len <= p + n);
}

START_TEST(prefixes_and_damage_do_no_harm)
{
	static const char url[] = "rtmp://[fe80::1]:1935/live/room/cam?a=/:b";
	uint64_t x = 0x0421;
	for (int round = 0; round < 50000; round++) {
		size_t n = (size_t)round % sizeof(url);
		char *copy = malloc(n > 0 ? n : 1);
		memcpy(copy, url, n);
		for (int k = round / (int)sizeof(url) % 4; k > 0 && n > 0;
		     k--) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			copy[x % n] = "/:?[]@0a\n\xff"[x >> 32 & 7];
		}
		struct span s = { copy, n };
		struct url_tc u;
		struct url_stream v;
		struct url_name m;
		if (url_split_tc(s, &u)) {
			inside(u.host, copy, n);
			inside(u.path, copy, n);
			inside(u.app, copy, n);
			inside(u.instance, copy, n);
			inside(u.query, copy, n);
		}
		if (url_split_stream(s, &v)) {
			inside(v.app, copy, n);
			inside(v.stream, copy, n);
			inside(v.tc_url, copy, n);
		}
		url_split_name(s, &m);
		inside(m.name, copy, n);
		inside(m.query, copy, n);
		free(copy);
	}
}
END_TEST

START_TEST(a_query_is_searched_by_name)
{
	struct span v;
	ck_assert(url_query(span_of("a=1&bc=2&bc=3&d=x=y&e"), "bc", &v));
	ck_assert(span_is(v, "2"));
	ck_assert(url_query(span_of("a=1&bc=2&d=x=y&e"), "d", &v));
	ck_assert(span_is(v, "x=y"));
	ck_assert(url_query(span_of("a=1&e"), "e", &v));
	ck_assert_uint_eq(v.len, 0);
	ck_assert(!url_query(span_of("a=1&bc=2"), "b", &v));
	ck_assert(!url_query(span_of("a=1&bc=2"), "c", &v));
	ck_assert(!url_query(span_of(""), "c", &v));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");
	suite_add_tcase(s, t);
	tcase_add_test(t, a_tc_url_is_split);
	tcase_add_test(t, hosts_may_be_missing_or_bracketed);
	tcase_add_test(t, nonsense_is_refused);
	tcase_add_test(t, an_app_has_an_instance);
	tcase_add_test(t, a_stream_url_is_split_as_ffmpeg_does);
	tcase_add_test(t, a_stream_name_loses_slashes_and_its_query);
	tcase_add_test(t, hosts_do_not_mind_case);
	tcase_add_test(t, prefixes_and_damage_do_no_harm);
	tcase_add_test(t, a_query_is_searched_by_name);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
