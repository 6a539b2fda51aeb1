/* check_filter - filters of sluicectl's lists, and the texts that it parses. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/filter.h"
#include "ctl/text.h"

static const char rows[] =
    "[{\"id\":1,\"app\":\"live\",\"stream\":\"cam1\",\"role\":\"play\","
    "\"addr\":\"192.0.2.1:5\",\"worker\":0,\"lag_bytes\":70000},"
    "{\"id\":2,\"app\":\"live\",\"stream\":\"cam2\",\"role\":\"publish\","
    "\"addr\":\"[2001:db8::1]:5\",\"worker\":1,\"lag_bytes\":0},"
    "{\"id\":3,\"app\":\"other\",\"stream\":null,\"role\":\"idle\","
    "\"addr\":null,\"worker\":1,\"lag_bytes\":0},"
    "{\"id\":4,\"app\":\"live\",\"name\":\"cam1\","
    "\"publisher\":{\"worker\":3}}]";

static const struct {
	enum option_id option;
	const char *value, *ids; /* those that are left; NULL: refused */
} cases[] = {
	{ OPTION_APP, "live", "124" },
	{ OPTION_APP, "", "" },
	{ OPTION_STREAM, "cam1", "14" },
	{ OPTION_STREAM, "cam*", "124" },
	{ OPTION_STREAM, "*2", "2" },
	{ OPTION_ROLE, "publish", "2" },
	{ OPTION_ROLE, "upstream", "" },
	{ OPTION_ROLE, "king", NULL },
	{ OPTION_ROLE, "lay", NULL },
	{ OPTION_ROLE, "new idle", NULL },
	{ OPTION_ROLE, "", NULL },
	{ OPTION_WORKER, "1", "23" },
	{ OPTION_WORKER, "3", "4" },
	{ OPTION_WORKER, "x", NULL },
	{ OPTION_WORKER, "", NULL },
	{ OPTION_WORKER, "-1", NULL },
	{ OPTION_ADDR, "192.0.2.0/24", "1" },
	{ OPTION_ADDR, "2001:db8::1", "2" },
	{ OPTION_ADDR, "192.0.2.1/24", NULL },
	{ OPTION_SLOW, "64K", "1" },
	{ OPTION_SLOW, "70001", "" },
	{ OPTION_SLOW, "much", NULL },
};

START_TEST(rows_that_fit_stay)
{
	struct ctl c = { 0 };
	char err[256] = "", ids[16] = "";
	json_t *j = json_loads(rows, 0, NULL);
	ck_assert_ptr_nonnull(j);
	c.option[cases[_i].option] = cases[_i].value;
	int r = filter_rows(&c, j, err, sizeof err);
	ck_assert_int_eq(r, cases[_i].ids ? 0 : -1);
	for (size_t i = 0; i < json_array_size(j); i++)
		snprintf(ids + strlen(ids), 3, "%d",
		    (int)json_integer_value(
			json_object_get(json_array_get(j, i), "id")));
	if (cases[_i].ids)
		ck_assert_str_eq(ids, cases[_i].ids);
	else
		ck_assert_str_ne(err, "");
	json_decref(j);
}
END_TEST

START_TEST(filters_add_up)
{
	struct ctl c = { 0 };
	char err[256];
	json_t *j = json_loads(rows, 0, NULL);
	c.option[OPTION_APP] = "live";
	c.option[OPTION_WORKER] = "1";
	ck_assert_int_eq(filter_rows(&c, j, err, sizeof err), 0);
	ck_assert_uint_eq(json_array_size(j), 1);
	json_decref(j);
}
END_TEST

START_TEST(stream_names_have_two_parts_or_more)
{
	struct stream_name n;
	ck_assert_int_eq(stream_name_parse("live/cam", &n), 0);
	ck_assert_str_eq(n.app, "live");
	ck_assert_str_eq(n.instance, "_definst_");
	ck_assert_str_eq(n.name, "cam");
	ck_assert_int_eq(stream_name_parse("live/a/b/cam", &n), 0);
	ck_assert_str_eq(n.instance, "a/b");
	ck_assert_str_eq(n.name, "cam");
	static const char *const bad[] = { "", "cam", "/cam", "live/", "/",
		"live//cam", "live/cam?key=1" };
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(
		    stream_name_parse(bad[i], &n) != 0, "%s was taken", bad[i]);
	char longest[600];
	memset(longest, 'x', sizeof longest);
	longest[1] = '/';
	longest[sizeof longest - 1] = '\0';
	ck_assert_int_ne(stream_name_parse(longest, &n), 0);
}
END_TEST

START_TEST(times)
{
	static const struct {
		const char *text;
		uint64_t s;
	} t[] = { { "30", 30 }, { "30s", 30 }, { "10m", 600 }, { "2h", 7200 },
		{ "1d", 86400 }, { "365d", 31536000 }, { "366d", 0 },
		{ "0s", 0 }, { "", 0 }, { "m", 0 }, { "5x", 0 }, { "5mm", 0 },
		{ "-5m", 0 }, { "99999999999999999999s", 0 }, { " 5", 0 } };
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++)
		ck_assert_msg(
		    text_seconds(t[i].text) == t[i].s, "%s", t[i].text);
}
END_TEST

START_TEST(sizes)
{
	uint64_t n;
	ck_assert(text_size("512", &n) && n == 512);
	ck_assert(text_size("64K", &n) && n == 65536);
	ck_assert(text_size("2M", &n) && n == 2 << 20);
	ck_assert(text_size("1G", &n) && n == 1 << 30);
	ck_assert(!text_size("", &n) && !text_size("K", &n) &&
		  !text_size("1T", &n) && !text_size("1KB", &n));
}
END_TEST

START_TEST(patterns)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} t[] = { { "", "", true }, { "*", "", true }, { "*", "abc", true },
		{ "a*c", "abc", true }, { "a*c", "ac", true },
		{ "a*c", "acb", false }, { "a*b*c", "aXbYbZc", true },
		{ "abc", "ab", false }, { "ab", "abc", false },
		{ "worker.*", "worker.exit", true },
		{ "*.exit", "worker.exited", false }, { "**", "x", true } };
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++)
		ck_assert_msg(text_match(t[i].pattern, t[i].text) == t[i].fits,
		    "%s %s", t[i].pattern, t[i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter");
	TCase *t = tcase_create("filter");
	tcase_add_loop_test(
	    t, rows_that_fit_stay, 0, (int)(sizeof cases / sizeof *cases));
	tcase_add_test(t, filters_add_up);
	tcase_add_test(t, stream_names_have_two_parts_or_more);
	tcase_add_test(t, times);
	tcase_add_test(t, sizes);
	tcase_add_test(t, patterns);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
