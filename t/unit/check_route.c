/* check_route - one case per promise of common/route.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/route.h"

static struct conf_route table[8];

static uint32_t
parse(const char *const *text)
{
	char err[160];
	uint32_t n = 0;
	for (; text[n]; n++)
		ck_assert_msg(
		    route_parse(text[n], &table[n], err, sizeof err) == 0,
		    "%s: %s", text[n], err);
	return n;
}

/* Where host:port goes, as "host:port host:port". */
static const char *
hops(uint32_t n, const char *host, uint16_t port)
{
	static char out[512];
	struct route_hop h[8];
	uint32_t found = route_match(table, n, span_of(host), port, h, 8);
	size_t at = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < found; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%.*s:%u",
		    i ? " " : "", h[i].null ? 4 : (int)h[i].host.len,
		    h[i].null ? "null" : h[i].host.p, h[i].port);
	return out;
}

#define TABLE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(an_entry_maps_one_host_and_port)
{
	uint32_t n = TABLE("foo:1935;bar:80");
	ck_assert_str_eq(hops(n, "foo", 1935), "bar:80");
	ck_assert_str_eq(hops(n, "FOO", 1935), "bar:80");
	ck_assert_str_eq(hops(n, "foo", 80), "");
	ck_assert_str_eq(hops(n, "fo", 1935), "");
	ck_assert_str_eq(hops(n, "foo.example", 1935), "");
}
END_TEST

START_TEST(a_star_on_the_left_is_any)
{
	uint32_t n = TABLE("*:*;foo:1935");
	ck_assert_str_eq(hops(n, "x", 1), "foo:1935");
	n = TABLE("*:80;foo:1935");
	ck_assert_str_eq(hops(n, "x", 80), "foo:1935");
	ck_assert_str_eq(hops(n, "x", 81), "");
	n = TABLE("edge1.adobe.com:*;fms.adobe.com:1935");
	ck_assert_str_eq(hops(n, "edge1.adobe.com", 9), "fms.adobe.com:1935");
}
END_TEST

START_TEST(a_star_on_the_right_is_what_came)
{
	uint32_t n = TABLE("host:*;*:1936");
	ck_assert_str_eq(hops(n, "host", 80), "host:1936");
	n = TABLE("*:*;*:80");
	ck_assert_str_eq(hops(n, "a", 1935), "a:80");
	n = TABLE("*:*;*:*");
	ck_assert_str_eq(hops(n, "a", 99), "a:99");
	n = TABLE("*:*;b:*");
	ck_assert_str_eq(hops(n, "a", 99), "b:99");
}
END_TEST

START_TEST(entries_come_in_the_order_of_the_table)
{
	uint32_t n = TABLE("edge1:*;edge2:1935", "x:*;y:1", "edge1:*;fms:1935");
	ck_assert_str_eq(hops(n, "edge1", 1935), "edge2:1935 fms:1935");
	struct route_hop h[1];
	ck_assert_uint_eq(
	    route_match(table, n, span_of("edge1"), 1935, h, 1), 1);
	ck_assert_uint_eq(h[0].entry, 0);
}
END_TEST

START_TEST(null_refuses_and_ends_the_search)
{
	uint32_t n = TABLE("foo:80;null", "*:*;bar:1");
	ck_assert_str_eq(hops(n, "foo", 80), "null:80");
	ck_assert_str_eq(hops(n, "foo", 81), "bar:1");
}
END_TEST

START_TEST(ports_may_be_missing_and_blanks_stand_around)
{
	uint32_t n = TABLE(" foo ; bar ", "[::1]:*;[2001:db8::2]:80");
	ck_assert_str_eq(hops(n, "foo", 1935), "bar:1935");
	ck_assert_str_eq(hops(n, "::1", 5), "2001:db8::2:80");
}
END_TEST

START_TEST(what_is_printed_is_read_again)
{
	static const char *const text[] = { "foo:1935;bar:80", "*:*;*:*",
		"[::1]:*;[2001:db8::2]:80", "foo:80;null" };
	char out[ROUTE_TEXT], err[160];
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		ck_assert_int_eq(
		    route_parse(text[i], &table[0], err, sizeof err), 0);
		route_print(&table[0], out);
		ck_assert_str_eq(out, text[i]);
	}
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const char *const bad[] = { "", ";", "foo", "foo:1935;",
		"foo:;bar:1", "foo:0;bar:1", "foo:65536;bar:1", "foo:x;bar:1",
		"fo*:1;bar:1", "*foo:1;bar:1", "a b:1;c:1", "foo:1;bar:1;baz:1",
		"rtmp://foo:1;bar:1", "[foo]:1;bar:1", "[::1:1;bar:1",
		"::1;bar:1", "null;bar:1:2", "foo:1;nul l" };
	char err[160], host[300];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(
		    route_parse(bad[i], &table[0], err, sizeof err) == -1,
		    "%s was taken", bad[i]);
	memset(host, 'a', sizeof host);
	snprintf(host + 200, 20, ";b:1");
	ck_assert_int_eq(route_parse(host, &table[0], err, sizeof err), -1);
}
END_TEST

START_TEST(useless_entries_are_known)
{
	uint32_t by = 9;
	(void)TABLE("*:80;null", "foo:80;bar:1", "foo:81;bar:1", "foo:*;bar:1",
	    "FOO:9;BAR:1", "foo:9;baz:1");
	ck_assert_ptr_null(route_useless(table, 0, &by));
	ck_assert_ptr_nonnull(route_useless(table, 1, &by));
	ck_assert_uint_eq(by, 0);
	ck_assert_ptr_null(route_useless(table, 2, &by));
	ck_assert_ptr_null(route_useless(table, 3, &by)); /* wider */
	ck_assert_ptr_nonnull(route_useless(table, 4, &by));
	ck_assert_uint_eq(by, 3);
	/* another place to try when bar:1 fails */
	ck_assert_ptr_null(route_useless(table, 5, &by));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("route");
	suite_add_tcase(s, t);
	tcase_add_test(t, an_entry_maps_one_host_and_port);
	tcase_add_test(t, a_star_on_the_left_is_any);
	tcase_add_test(t, a_star_on_the_right_is_what_came);
	tcase_add_test(t, entries_come_in_the_order_of_the_table);
	tcase_add_test(t, null_refuses_and_ends_the_search);
	tcase_add_test(t, ports_may_be_missing_and_blanks_stand_around);
	tcase_add_test(t, what_is_printed_is_read_again);
	tcase_add_test(t, nonsense_is_refused);
	tcase_add_test(t, useless_entries_are_known);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
