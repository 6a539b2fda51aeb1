/*
 * check_target_rule - one case per promise of master/target_rule.h.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/target_rule.h"

static struct conf_target
rule(const char *url, const char *stream, const char *when, const char *key)
{
	struct conf_target r = { 0 };
	snprintf(r.url, sizeof r.url, "%s", url);
	snprintf(r.stream, sizeof r.stream, "%s", stream);
	snprintf(r.when, sizeof r.when, "%s", when);
	snprintf(r.keyfile, sizeof r.keyfile, "%s", key);
	return r;
}

static struct target_facts
facts(const char *stream)
{
	return (struct target_facts){ span_of("live"), span_of("main"),
		span_of(stream), span_of("k-1?x=%") };
}

static bool
is_for(const char *when, const char *instance, const char *stream)
{
	struct conf_target r = rule("rtmp://h/a", "", when, "");
	return target_rule_is_for(&r, span_of(instance), span_of(stream));
}

START_TEST(good_rules_are_good)
{
	static const char *const url[] = { "rtmp://h/live", "RTMP://h:1/live",
		"rtmp://[::1]:1936/${app}/${instance}",
		"rtmp://h/${app}?of=${stream}" };
	for (unsigned i = 0; i < sizeof url / sizeof *url; i++) {
		struct conf_target r = rule(url[i], "", "", "");
		ck_assert_ptr_null(target_rule_check(&r));
	}
	struct conf_target r = rule("rtmp://h/live2", "", "", "/k");
	ck_assert_ptr_null(target_rule_check(&r));
	r = rule("rtmp://h/live2", "${key}?${stream}", "", "/k");
	ck_assert_ptr_null(target_rule_check(&r));
}
END_TEST

START_TEST(faulty_rules_are_not)
{
	static const char *const url[] = { "", "h/live", "http://h/live",
		"rtmps://h/live", "rtmp://h", "rtmp://h/", "rtmp:///live",
		"rtmp://${stream}/live", "rtmp://h${app}:1/live",
		"rtmp://h:${app}/live", "${stream}://h/live",
		"rtmp://h/${name}", "rtmp://h/${key}", "rtmp://h/a b" };
	for (unsigned i = 0; i < sizeof url / sizeof *url; i++) {
		struct conf_target r = rule(url[i], "", "", "");
		ck_assert_msg(target_rule_check(&r) != NULL, "%s", url[i]);
	}
	struct conf_target r = rule("rtmp://h/live", "${key}", "", "");
	ck_assert_ptr_nonnull(target_rule_check(&r));
	r = rule("rtmp://h/live", "${stream}", "", "/k");
	ck_assert_ptr_nonnull(target_rule_check(&r));
}
END_TEST

START_TEST(names_are_put_where_they_belong)
{
	char out[64];
	struct target_facts f = facts("cam");
	struct conf_target r = rule("rtmp://h/${app}/${instance}", "", "", "");
	ck_assert(target_rule_url(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "rtmp://h/live/main");
	ck_assert(target_rule_name(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "cam");
	r = rule("rtmp://h/a", "x_${stream}_${app}$", "", "");
	ck_assert(target_rule_name(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "x_cam_live$");
	r = rule("rtmp://h/a", "", "", "/k");
	ck_assert(target_rule_name(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "k-1?x=%");
	f.key = (struct span){ NULL, 0 };
	ck_assert(target_rule_name(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "${key}");
}
END_TEST

START_TEST(a_name_changes_nothing_else_of_an_address)
{
	char out[64];
	struct target_facts f = facts("a?b&c#d%e f\n${app}");
	struct conf_target r = rule("rtmp://h/x/${stream}?k=1", "", "", "");
	ck_assert(target_rule_url(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "rtmp://h/x/a%3Fb%26c%23d%25e%20f%0A${app}?k=1");
	/* the name itself is as it is */
	ck_assert(target_rule_name(&r, &f, out, sizeof out));
	ck_assert_str_eq(out, "a?b&c#d%e f\n${app}");
}
END_TEST

START_TEST(what_does_not_fit_is_refused_at_every_length)
{
	char out[64];
	struct target_facts f = facts("cam");
	struct conf_target r = rule("rtmp://h/${app}", "", "", "");
	for (size_t n = 0; n <= sizeof "rtmp://h/live" + 2; n++)
		ck_assert_int_eq(target_rule_url(&r, &f, out, n),
		    n >= sizeof "rtmp://h/live");
}
END_TEST

START_TEST(if_chooses_streams)
{
	ck_assert(is_for("", "i", "cam"));
	ck_assert(is_for(" , ", "i", "cam"));
	ck_assert(is_for("cam", "i", "cam"));
	ck_assert(!is_for("cam", "i", "camera"));
	ck_assert(!is_for("cam", "i", "ca"));
	ck_assert(is_for("cam*", "i", "camera"));
	ck_assert(is_for("*era", "i", "camera"));
	ck_assert(is_for("c*m*a", "i", "camera"));
	ck_assert(is_for("*a*a", "i", "aaba"));
	ck_assert(!is_for("*a*b", "i", "aaba"));
	ck_assert(is_for("*", "i", ""));
	ck_assert(is_for("news, cam", "i", "cam"));
	ck_assert(!is_for("news, sport", "i", "cam"));
	ck_assert(is_for("main/cam", "main", "cam"));
	ck_assert(!is_for("main/cam", "other", "cam"));
	ck_assert(is_for("*/cam", "other", "cam"));
	ck_assert(is_for("main/*", "main", "x/y"));
}
END_TEST

START_TEST(the_key_is_the_first_line)
{
	static const struct {
		const char *text, *key;
	} t[] = { { "abc", "abc" }, { " abc \r\nrest", "abc" },
		{ "a b\n", "a b" }, { "", NULL }, { "\nabc", NULL },
		{ "   \n", NULL } };
	char path[] = "/tmp/sluice-key.XXXXXX", key[TARGET_KEY_MAX],
	     text[TARGET_KEY_MAX + 1];
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	struct conf_target r = rule("rtmp://h/a", "", "", path);
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, t[i].text, strlen(t[i].text), 0),
		    (ssize_t)strlen(t[i].text));
		const char *why = target_rule_key(&r, key);
		ck_assert_int_eq(why == NULL, t[i].key != NULL);
		if (why == NULL)
			ck_assert_str_eq(key, t[i].key);
	}
	memset(text, 'x', sizeof text);
	ck_assert_int_eq(
	    pwrite(fd, text, sizeof text, 0), (ssize_t)sizeof text);
	ck_assert_ptr_nonnull(target_rule_key(&r, key));
	close(fd);
	unlink(path);
	ck_assert_ptr_nonnull(target_rule_key(&r, key));
}
END_TEST

START_TEST(a_buffer_is_seconds)
{
	uint32_t ms;
	ck_assert(target_rule_buffer("2", &ms));
	ck_assert_uint_eq(ms, 2000);
	ck_assert(target_rule_buffer("0.2 ", &ms));
	ck_assert_uint_eq(ms, 200);
	ck_assert(target_rule_buffer("600", &ms));
	static const char *const wrong[] = { "", "x", "2s", "0", "0.1", "-1",
		"601", "nan", "inf", "1e99" };
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert(!target_rule_buffer(wrong[i], &ms));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("target_rule");
	TCase *t = tcase_create("rules");
	tcase_add_test(t, good_rules_are_good);
	tcase_add_test(t, faulty_rules_are_not);
	tcase_add_test(t, names_are_put_where_they_belong);
	tcase_add_test(t, a_name_changes_nothing_else_of_an_address);
	tcase_add_test(t, what_does_not_fit_is_refused_at_every_length);
	tcase_add_test(t, if_chooses_streams);
	tcase_add_test(t, the_key_is_the_first_line);
	tcase_add_test(t, a_buffer_is_seconds);
	suite_add_tcase(suite, t);
	SRunner *r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
