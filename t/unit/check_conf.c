/* check_conf - one case per promise of common/conf.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"

static struct conf *c;

/* Two virtual hosts, applications in no order. */
static void
setup(void)
{
	static const struct {
		uint32_t vhost;
		const char *name;
	} apps[] = { { 1, "vod" }, { 0, "live" }, { 1, "" }, { 0, "" },
		{ 1, "live" }, { 1, "livestream" } };
	struct conf_vhost v[2] = { { .name = CONF_DEFAULT_VHOST },
		{ .name = "Media.example", .listed = true } };
	struct conf_app a[6] = { 0 };
	struct conf_alias alias[] = { { .name = "tv.example", .vhost = 1 },
		{ .name = CONF_DEFAULT_VHOST, .vhost = 1 } };
	struct conf_route route[3] = { { .from = "a", .vhost = 1 },
		{ .from = "b" }, { .from = "c", .vhost = 1 } };
	struct conf_parts p = {
		.vhost = v, .app = a, .alias = alias, .route = route
	};
	for (unsigned i = 0; i < 6; i++) {
		a[i].vhost = apps[i].vhost;
		strcpy(a[i].name, apps[i].name);
		a[i].grace_ms = 100 + i;
	}
	p.head.nvhosts = 2;
	p.head.napps = 6;
	p.head.naliases = 2;
	p.head.nroutes = 3;
	c = conf_pack(&p);
	ck_assert_ptr_nonnull(c);
}

static void
teardown(void)
{
	free(c);
}

static uint32_t
vhost_of(const char *name)
{
	const struct conf_vhost *v = conf_find_vhost(c, span_of(name));
	return v ? (uint32_t)(v - conf_vhost(c, 0)) : 99;
}

/* grace_ms - 100: which of apps[] it is. */
static int64_t
app_of(uint32_t vhost, const char *name)
{
	const struct conf_app *a =
	    conf_find_app(c, conf_vhost(c, vhost), span_of(name));
	return a ? a->grace_ms - 100 : -1;
}

START_TEST(a_host_is_found_by_name_then_by_alias)
{
	ck_assert_uint_eq(vhost_of("media.EXAMPLE"), 1);
	ck_assert_uint_eq(vhost_of("media.example."), 1);
	ck_assert_uint_eq(vhost_of("TV.example"), 1);
	ck_assert_uint_eq(vhost_of(CONF_DEFAULT_VHOST), 0);
	ck_assert_uint_eq(vhost_of("example"), 99);
	ck_assert_uint_eq(vhost_of(""), 99);
	ck_assert_uint_eq(vhost_of("."), 99);
}
END_TEST

START_TEST(an_application_has_its_own_settings_or_the_general_ones)
{
	ck_assert_int_eq(app_of(0, "live"), 1);
	ck_assert_int_eq(app_of(0, "vod"), 3);
	ck_assert_int_eq(app_of(0, ""), 3);
}
END_TEST

START_TEST(with_a_list_no_other_application_exists)
{
	ck_assert_int_eq(app_of(1, "vod"), 0);
	ck_assert_int_eq(app_of(1, "live"), 4);
	ck_assert_int_eq(app_of(1, "livestream"), 5);
	ck_assert_int_eq(app_of(1, "lives"), -1);
	ck_assert_int_eq(app_of(1, "LIVE"), -1);
	ck_assert_int_eq(app_of(1, ""), -1);
}
END_TEST

START_TEST(a_key_has_an_application_whatever_it_says)
{
	static const char one[] = "Media.example\0live\0_definst_\0x",
			  other[] = "Media.example\0none\0_definst_\0x",
			  none[] = "nowhere\0live\0_definst_\0x";
	ck_assert_int_eq(conf_key_app(c, one, sizeof one - 1)->grace_ms, 104);
	ck_assert_int_eq(
	    conf_key_app(c, other, sizeof other - 1)->grace_ms, 102);
	ck_assert_int_eq(conf_key_app(c, none, sizeof none - 1)->grace_ms, 101);
	ck_assert_int_eq(conf_key_app(c, "", 0)->grace_ms, 103);
}
END_TEST

START_TEST(routes_stay_in_the_order_of_their_file)
{
	const struct conf_vhost *v = conf_vhost(c, 1);
	ck_assert_uint_eq(v->nroutes, 2);
	ck_assert_str_eq(conf_route(c, v->first_route)->from, "a");
	ck_assert_str_eq(conf_route(c, v->first_route + 1)->from, "c");
	ck_assert_uint_eq(conf_vhost(c, 0)->nroutes, 1);
}
END_TEST

static bool
admits(
    enum conf_order order, const char *allow, const char *deny, const char *who)
{
	struct conf_vhost v = { .name = CONF_DEFAULT_VHOST };
	struct conf_app a = { 0 };
	struct addr_net nets[2];
	struct conf_parts p = {
		.vhost = &v, .app = &a, .allow = &nets[0], .deny = &nets[1]
	};
	struct addr addr;
	char err[160];
	p.head.nvhosts = p.head.napps = 1;
	p.head.order = order;
	p.head.nallow = allow != NULL;
	p.head.ndeny = deny != NULL;
	if (allow)
		ck_assert_int_eq(addr_net_parse(allow, strlen(allow), &nets[0],
				     err, sizeof err),
		    0);
	if (deny)
		ck_assert_int_eq(addr_net_parse(deny, strlen(deny), &nets[1],
				     err, sizeof err),
		    0);
	ck_assert_int_eq(addr_parse(who, strlen(who), &addr), 0);
	struct conf *packed = conf_pack(&p);
	bool r = conf_admits(packed, &addr);
	free(packed);
	return r;
}

START_TEST(allow_and_deny_are_taken_in_their_order)
{
	static const char ten[] = "10.0.0.0/8", one[] = "10.1.0.0/16";
	for (int o = CONF_ALLOW_DENY; o <= CONF_DENY_ALLOW; o++) {
		enum conf_order order = (enum conf_order)o;
		ck_assert(admits(order, NULL, NULL, "192.0.2.1"));
		ck_assert(admits(order, NULL, NULL, "2001:db8::1"));
		ck_assert(admits(order, ten, one, "10.2.0.1"));
	}
	ck_assert(!admits(CONF_ALLOW_DENY, ten, one, "10.1.0.1"));
	ck_assert(!admits(CONF_ALLOW_DENY, ten, one, "192.0.2.1"));
	ck_assert(!admits(CONF_ALLOW_DENY, NULL, one, "10.1.0.1"));
	ck_assert(admits(CONF_DENY_ALLOW, ten, one, "10.1.0.1"));
	ck_assert(admits(CONF_DENY_ALLOW, ten, one, "192.0.2.1"));
	ck_assert(!admits(CONF_DENY_ALLOW, one, ten, "10.2.0.1"));
	ck_assert(!admits(CONF_DENY_ALLOW, NULL, ten, "10.2.0.1"));
}
END_TEST

START_TEST(defaults_are_one_virtual_host)
{
	struct conf *d = conf_new();
	ck_assert_uint_eq(d->nvhosts, 1);
	ck_assert_uint_eq(d->napps, 1);
	ck_assert_uint_eq(d->nlisten, 0);
	ck_assert_str_eq(conf_vhost(d, 0)->name, CONF_DEFAULT_VHOST);
	ck_assert_int_eq(conf_app(d, 0)->grace_ms, 10000);
	ck_assert_ptr_eq(
	    conf_find_app(d, conf_vhost(d, 0), span_of("x")), conf_app(d, 0));
	free(d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("conf");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_host_is_found_by_name_then_by_alias);
	tcase_add_test(
	    t, an_application_has_its_own_settings_or_the_general_ones);
	tcase_add_test(t, with_a_list_no_other_application_exists);
	tcase_add_test(t, a_key_has_an_application_whatever_it_says);
	tcase_add_test(t, routes_stay_in_the_order_of_their_file);
	tcase_add_test(t, allow_and_deny_are_taken_in_their_order);
	tcase_add_test(t, defaults_are_one_virtual_host);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
