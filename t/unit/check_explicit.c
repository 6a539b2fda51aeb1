/* check_explicit - one case per promise of rtmp/explicit.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "rtmp/explicit.h"

static char got[2048];

/* "normal|instance|query|servers", with "+" behind it when partial. */
static const char *
print(const struct explicit_url *u)
{
	char app[1024];
	struct writer w;
	writer_init(&w, app, sizeof app);
	if (!explicit_normal(u, &w))
		return "too long";
	snprintf(got, sizeof got, "%.*s|%.*s|%.*s|%u%s", (int)w.len, app,
	    (int)u->instance.len, u->instance.p, (int)u->query.len, u->query.p,
	    u->servers, u->partial ? "+" : "");
	return got;
}

static const char *
of_connect(const char *tc_url, const char *app)
{
	struct explicit_url u;
	struct span rest;
	if (!explicit_find(span_of(tc_url), span_of(app), &rest))
		return "plain";
	if (!explicit_parse(rest, &u))
		return "-";
	return print(&u);
}

static void
expect(const char *tc_url, const char *app, const char *want)
{
	const char *is = of_connect(tc_url, app);
	ck_assert_msg(
	    strcmp(is, want) == 0, "%s %s: %s, not %s", tc_url, app, is, want);
}

START_TEST(whole_addresses)
{
	expect("rtmp://edge/?rtmp://origin/live", "?rtmp://origin/live",
	    "?rtmp://origin:1935/live|_definst_||1");
	expect("rtmp://edge:1936/?RTMP://Origin.Example:1935/live/room/", "",
	    "?rtmp://origin.example:1935/live|room||1");
	expect("rtmp://edge/?rtmp://e2/?rtmps://origin/live/room?k=v&rtmp://x",
	    "", "?rtmp://e2:1935/?rtmps://origin:443/live|room|k=v&rtmp://x|2");
	expect("rtmp://[::1]/?rtmp://[2001:DB8::1]:7/live", "",
	    "?rtmp://[2001:db8::1]:7/live|_definst_||1");
	/* two slashes, or none, in front of the mark */
	expect("rtmp://edge//?rtmp://origin/live", "",
	    "?rtmp://origin:1935/live|_definst_||1");
	expect("rtmp://edge?rtmp://origin/live", "",
	    "?rtmp://origin:1935/live|_definst_||1");
	/* tcUrl says nothing: the app does */
	expect(
	    "", "?rtmp://origin/live", "?rtmp://origin:1935/live|_definst_||1");
	expect("rtmp://edge/live", "?rtmp://origin/live",
	    "?rtmp://origin:1935/live|_definst_||1");
}
END_TEST

START_TEST(plain_addresses)
{
	expect("rtmp://edge/live", "live", "plain");
	expect("rtmp://edge/live?rtmp://origin/x", "live", "plain");
	expect("rtmp://edge/?k=v", "", "plain");
	expect("rtmp://edge/?http://origin/x", "", "plain");
	expect("rtmp://edge/?rtmp", "?rtmp", "plain");
	expect("rtmp://edge/?rtmp:x", "", "plain");
	expect("", "", "plain");
}
END_TEST

START_TEST(nonsense_is_refused)
{
	expect("rtmp://edge/?rtmp://origin:0/live", "", "-");
	expect("rtmp://edge/?rtmp://origin:99999/live", "", "-");
	expect("rtmp://edge/?rtmp://[::1/live", "", "-");
	expect("rtmp://edge/?rtmp:/live", "", "-");
	expect("rtmp://edge/?rtmp:///live", "", "-");
	expect("rtmp://edge/?rtmp://a/?rtmp://:1/live", "", "-");
	expect("rtmp://edge/?rtmp://a/?k=v", "", "-");
	expect("", "?rtmp://a b/live", "-");
}
END_TEST

START_TEST(so_many_servers)
{
	char url[1024] = "rtmp://edge/";
	for (int i = 0; i < EXPLICIT_SERVERS; i++)
		strcat(url, "?rtmp://a/");
	strcat(url, "live");
	ck_assert_str_ne(of_connect(url, ""), "-");
	strcpy(url, "rtmp://edge/");
	for (int i = 0; i < EXPLICIT_SERVERS + 1; i++)
		strcat(url, "?rtmp://a/");
	strcat(url, "live");
	ck_assert_str_eq(of_connect(url, ""), "-");
}
END_TEST

/* What clients make of rtmp://edge/?rtmp://origin/live/room/name. */
START_TEST(half_addresses)
{
	expect("rtmp://edge:1935/?rtmp:/", "?rtmp:/", "?rtmp://:1935/|||1+");
	expect("rtmp://edge:1935/?rtmp://origin", "?rtmp://origin",
	    "?rtmp://origin:1935/|||1+");
	expect("rtmp://edge:1935/?rtmp://e2/?rtmp://origin/", "",
	    "?rtmp://e2:1935/?rtmp://origin:1935/|||2+");
}
END_TEST

static void
joins(const char *rest, const char *name, const char *want, const char *stream)
{
	char whole[512];
	struct explicit_url u;
	struct span s;
	bool ok = explicit_join(
	    span_of(rest), span_of(name), whole, sizeof whole, &u, &s);
	const char *is = ok ? print(&u) : "-";
	ck_assert_msg(
	    strcmp(is, want) == 0, "%s %s: %s, not %s", rest, name, is, want);
	if (!ok)
		return;
	ck_assert_msg(
	    span_is(s, stream), "%s %s: %.*s", rest, name, (int)s.len, s.p);
	/* it is the end of the name, and the address stands in front of it */
	ck_assert_uint_le(s.len, strlen(name));
	ck_assert_mem_eq(name + strlen(name) - s.len, s.p, s.len);
	ck_assert_ptr_eq(u.rest.p, whole);
	ck_assert_ptr_eq(u.rest.p + u.rest.len + 1, s.p);
}

START_TEST(halves_are_put_together)
{
	/* FFmpeg */
	joins("rtmp:/", "origin/live/name",
	    "?rtmp://origin:1935/live|_definst_||1", "name");
	joins("rtmp:/", "origin:1936/live/room/name?token=a/b",
	    "?rtmp://origin:1936/live|room||1", "name?token=a/b");
	joins("rtmp:/", "e2/?rtmp://origin/live/name",
	    "?rtmp://e2:1935/?rtmp://origin:1935/live|_definst_||2", "name");
	joins("rtmp:/", "[::1]:7/live/name",
	    "?rtmp://[::1]:7/live|_definst_||1", "name");
	/* librtmp, VLC */
	joins("rtmp://origin", "live/name",
	    "?rtmp://origin:1935/live|_definst_||1", "name");
	joins("rtmp://origin/", "/live/room/name",
	    "?rtmp://origin:1935/live|room||1", "name");
	joins("rtmp://e2", "?rtmp://origin/live/name",
	    "?rtmp://e2:1935/?rtmp://origin:1935/live|_definst_||2", "name");
	/* streams may have slashes */
	joins("rtmp://origin", "live/room/dir/name",
	    "?rtmp://origin:1935/live|room||1", "dir/name");
	joins("rtmp:/", "origin/live", "-", "");
	joins("rtmp:/", "origin/live/", "-", "");
	joins("rtmp:/", "origin/live/?token=a", "-", "");
	joins("rtmp:/", "", "-", "");
	joins("rtmp://origin", "name", "-", "");
	joins("rtmp:/", "or igin/live/name", "-", "");
}
END_TEST

START_TEST(what_does_not_fit)
{
	char whole[32];
	struct explicit_url u;
	struct span s, rest = span_of("rtmp://origin");
	struct writer w;
	ck_assert(!explicit_join(rest, span_of("live/a-name-too-long"), whole,
	    sizeof whole, &u, &s));
	ck_assert(explicit_parse(span_of("rtmp://origin/live"), &u));
	writer_init(&w, whole, 20);
	ck_assert(!explicit_normal(&u, &w));
}
END_TEST

START_TEST(applications_of_keys)
{
	static const char *const t[][3] = {
		{ "live", "live", "live" },
		{ "?rtmp://origin:1935/live", "live", "live" },
		{ "?rtmp://e2:1935/?rtmp://[::1]:1935/live", "live",
		    "?rtmp://[::1]:1935/live" },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct span app = span_of(t[i][0]);
		ck_assert(span_is(conf_app_name(app), t[i][1]));
		ck_assert(span_is(explicit_next_app(app), t[i][2]));
	}
}
END_TEST

/* Cut anywhere, in a block of its own for the sanitizer. */
START_TEST(cut_at_every_byte)
{
	static const char url[] = "rtmp://edge/?rtmp://[::1]:7/?rtmp://"
				  "origin:1936/live/room?k=v";
	for (size_t n = 0; n <= sizeof url - 1; n++) {
		char *p = malloc(n + 1), out[256];
		struct explicit_url u;
		struct span rest, s;
		memcpy(p, url, n);
		if (explicit_find((struct span){ p, n },
			(struct span){
			    p + (n > 12 ? 12 : n), n > 12 ? n - 12 : 0 },
			&rest) &&
		    explicit_parse(rest, &u)) {
			ck_assert_ptr_ne(print(&u), NULL);
			explicit_join(
			    rest, span_of("a/b/c"), out, sizeof out, &u, &s);
		}
		free(p);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("explicit");
	TCase *t = tcase_create("explicit");
	tcase_add_test(t, whole_addresses);
	tcase_add_test(t, plain_addresses);
	tcase_add_test(t, nonsense_is_refused);
	tcase_add_test(t, so_many_servers);
	tcase_add_test(t, half_addresses);
	tcase_add_test(t, halves_are_put_together);
	tcase_add_test(t, what_does_not_fit);
	tcase_add_test(t, applications_of_keys);
	tcase_add_test(t, cut_at_every_byte);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
