/*
 * check_ways - worker/ways.h: where an edge goes, in which order, and whom it does
 * not let in.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/ways.h"

static struct conf *conf;
static struct conf_vhost *vhost;

/* A virtual host with these entries. */
static void
table(unsigned n, const char *const *entries, bool hashed)
{
	static struct conf_vhost v;
	static struct conf_app a;
	static struct conf_route r[16];
	struct conf_parts parts = { .vhost = &v, .app = &a, .route = r };
	char err[160];
	memset(&v, 0, sizeof v);
	memset(r, 0, sizeof r);
	conf_defaults(&parts.head, CONF_SERVER);
	conf_defaults(&v, CONF_VHOST);
	conf_defaults(&a, CONF_APP);
	strcpy(v.name, CONF_DEFAULT_VHOST);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_int_eq(
		    route_parse(entries[i], &r[i], err, sizeof err), 0);
		r[i].line = 10 + i;
	}
	parts.head.nvhosts = 1;
	parts.head.napps = 1;
	parts.head.nroutes = n;
	conf = conf_pack(&parts);
	ck_assert_ptr_nonnull(conf);
	vhost = conf_vhost(conf, 0);
	vhost->mode = CONF_MODE_REMOTE;
	vhost->routes_hashed = hashed;
}

static void
done(void)
{
	free(conf);
}

/* Hops for a tcUrl and a stream, with blanks between. */
static bool is_explicit;

static const char *
hops(const char *url, const char *stream)
{
	static char text[WAYS_MAX * IPC_HOP_MAX];
	struct way ways[WAYS_MAX];
	enum reason why;
	unsigned n = ways_find(conf, vhost, span_of(url), is_explicit,
	    span_of(stream), ways, &why);
	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		strcat(text, i > 0 ? " " : "");
		strcat(text, ways[i].hop);
	}
	return n > 0 ? text : reason_name(why);
}

START_TEST(file_order)
{
	static const char *const t[] = { "a.example:*;b.example:1935",
		"a.example:*;c.example:1936", "*:*;[2001:db8::1]:*" };
	table(3, t, false);
	ck_assert_str_eq(hops("rtmp://A.example/live", "s"),
	    "b.example:1935 c.example:1936 [2001:db8::1]:1935");
	ck_assert_str_eq(
	    hops("rtmp://x.example:7/live", "s"), "[2001:db8::1]:7");
}
END_TEST

/* Clients do not choose where a server connects to. */
START_TEST(no_entry)
{
	static const char *const t[] = { "a.example:*;b.example:1935",
		"no.example:*;null" };
	table(2, t, false);
	ck_assert_str_eq(hops("rtmp://169.254.169.254/live", "s"), "no-route");
	ck_assert_str_eq(hops("rtmp://no.example/live", "s"), "route-null");
	ck_assert_str_eq(hops("garbage", "s"), "no-route");
}
END_TEST

START_TEST(admits)
{
	static const char *const t[] = { "a.example:*;b.example:1935",
		"no.example:*;null" };
	char url[IPC_URL_MAX + 64];
	table(2, t, false);
	ck_assert_int_eq(
	    ways_admit(conf, vhost, span_of("rtmp://a.example/x"), false),
	    REASON_NONE);
	ck_assert_int_eq(
	    ways_admit(conf, vhost, span_of("rtmp://no.example/x"), false),
	    REASON_ROUTE_NULL);
	ck_assert_int_eq(
	    ways_admit(conf, vhost, span_of("rtmp://x.example/x"), false),
	    REASON_PLAIN_URL);
	vhost->anonymous = 1;
	ck_assert_int_eq(
	    ways_admit(conf, vhost, span_of("rtmp://x.example/x"), false),
	    REASON_NO_ROUTE);
	snprintf(url, sizeof url, "rtmp://a.example/%0*d", IPC_URL_MAX, 0);
	ck_assert_int_eq(
	    ways_admit(conf, vhost, span_of(url), false), REASON_APP_INVALID);
}
END_TEST

/* The client has named the servers. */
START_TEST(named)
{
	static const char *const t[] = { "old.example:*;new.example:1935",
		"no.example:*;null" };
	struct way ways[WAYS_MAX];
	enum reason why;
	char text[IPC_TEXT_MAX];
	is_explicit = true;
	table(2, t, false);
	/* the table first */
	ck_assert_str_eq(
	    hops("rtmp://old.example/live", "?"), "new.example:1935");
	ck_assert_str_eq(hops("rtmp://no.example/live", "?"), "route-null");
	/* without a list any name, judged by its address, but one of the table */
	ck_assert_str_eq(hops("rtmp://x.example/live", "?"), "x.example:1935");
	ways_find(conf, vhost, span_of("rtmp://x.example/live"), true,
	    span_of("?"), ways, &why);
	ck_assert(ways[0].judge);
	ways_find(conf, vhost, span_of("rtmp://new.example/live"), true,
	    span_of("?"), ways, &why);
	ck_assert(!ways[0].judge);
	ck_assert_str_eq(
	    hops("rtmp://new.example:22/live", "?"), "explicit-host");
	ck_assert_str_eq(hops("rtmp://10.0.0.1/live", "?"), "explicit-host");
	ck_assert_str_eq(hops("rtmp://[::1]/live", "?"), "explicit-host");
	ck_assert_str_eq(hops("rtmps://x.example/live", "?"), "route-rtmps");
	strcpy(vhost->explicit_hosts, "10.0.0.0/8");
	ck_assert_str_eq(hops("rtmp://10.0.0.1/live", "?"), "10.0.0.1:1935");
	ck_assert_str_eq(hops("rtmp://e2.example/?rtmp://10.0.0.1/live", "?"),
	    "e2.example:1935");
	/* a name is not yet an address */
	struct addr a[2], good[2];
	addr_parse("10.1.1.1", 8, &a[0]);
	addr_parse("127.0.0.1", 9, &a[1]);
	ck_assert_uint_eq(
	    ways_judge(vhost, span_of("e2.example"), 1935, a, 2, good), 1);
	ck_assert(addr_equal(&good[0], &a[0]));
	/* an implicit edge goes by its table alone */
	vhost->anonymous = 1;
	ck_assert_str_eq(hops("rtmp://10.0.0.1/live", "?"), "no-route");
	ways_advise(span_of("::1"), 22, text);
	ck_assert_str_eq(text, "this edge does not go to [::1]:22: add it to "
			       "Proxy/ExplicitHosts in Vhost.xml");
	is_explicit = false;
}
END_TEST

/* An entry that leaves the host to the client is no way around ExplicitHosts. */
START_TEST(named_through_table)
{
	static const char *const t[] = { "mine.example:*;*:1936", "*:80;b:80",
		"*:*;*:*" };
	struct way ways[WAYS_MAX];
	enum reason why;
	table(3, t, false);
	for (unsigned i = 0; i < 2; i++) {
		is_explicit = i == 0;
		vhost->anonymous = i;
		vhost->explicit_hosts[0] = '\0';
		ck_assert_str_eq(
		    hops("rtmp://10.0.0.1/live", ""), "explicit-host");
		ck_assert_str_eq(
		    hops("rtmp://x.example:22/live", ""), "explicit-host");
		ck_assert_uint_eq(
		    ways_find(conf, vhost, span_of("rtmp://x.example/live"),
			is_explicit, span_of(""), ways, &why),
		    1);
		ck_assert(ways[0].judge);
		/* the other ways of the same client remain */
		ck_assert_str_eq(hops("rtmp://10.0.0.1:80/live", ""), "b:80");
		/* a host that the table names, on either side */
		ways_find(conf, vhost, span_of("rtmp://mine.example/live"),
		    is_explicit, span_of(""), ways, &why);
		ck_assert_str_eq(ways[0].hop, "mine.example:1936");
		ck_assert(!ways[0].judge);
		strcpy(vhost->explicit_hosts, "10.0.0.0/8");
		ck_assert_str_eq(
		    hops("rtmp://10.0.0.1/live", ""), "10.0.0.1:1935");
	}
	is_explicit = false;
}
END_TEST

/* select="hash": streams spread, each keeps its order; what stands apart stays. */
START_TEST(hashed)
{
	static const char *const t[] = { "*:*;a.example:1", "*:*;b.example:1",
		"*:*;c.example:1", "a.example:*;last.example:1" };
	char name[32], first[3] = { 0 };
	unsigned count[3] = { 0 };
	table(4, t, true);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "stream%u", i);
		const char *h = hops("rtmp://a.example/live", name);
		ck_assert(strstr(h, " last.example:1") != NULL);
		count[h[0] - 'a']++;
		first[0] = h[0];
		ck_assert_int_eq(
		    hops("rtmp://a.example/live", name)[0], first[0]);
	}
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_gt(count[i], 60);
	ck_assert_str_eq(hops("rtmp://x.example/live", ""),
	    "a.example:1 b.example:1 c.example:1");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ways");
	TCase *t = tcase_create("ways");
	tcase_add_checked_fixture(t, NULL, done);
	tcase_add_test(t, file_order);
	tcase_add_test(t, no_entry);
	tcase_add_test(t, admits);
	tcase_add_test(t, named);
	tcase_add_test(t, named_through_table);
	tcase_add_test(t, hashed);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
