/* check_logline - one case per promise of common/logline.h. */
#include "config.h"

#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "common/logline.h"

static bool
is_event(const char *line, size_t len)
{
	json_t *j = logline_parse(line, len);
	json_decref(j);
	return j != NULL;
}

static void
expect(const char *line, const char *want)
{
	char got[256];
	json_t *j = logline_parse(line, strlen(line));
	ck_assert_ptr_nonnull(j);
	size_t n = logline_readable(j, got, sizeof got - 1);
	json_decref(j);
	got[n] = '\0';
	ck_assert_str_eq(got, want);
}

START_TEST(only_json_events_are_lines)
{
#define LINE(s) is_event(s, sizeof s - 1)
	ck_assert(LINE("{\"event\":\"a.b\"}"));
	ck_assert(!LINE("{\"event\":1}"));
	ck_assert(!LINE("{}"));
	ck_assert(!LINE("[\"event\"]"));
	ck_assert(!LINE("text"));
	ck_assert(!LINE(""));
	ck_assert(!LINE("{\"event\":\"a\"} {\"event\":\"b\"}"));
	ck_assert(!LINE("{\"event\":\"a\xff\"}"));
	ck_assert(!LINE("{\"event\":\"a\",\"event\":\"b\"}"));
	ck_assert(!LINE("{\"event\":\"a\"}\0x"));
}
END_TEST

START_TEST(people_read_time_level_event_and_fields)
{
	expect("{\"ts\":\"2026-11-24T12:00:01.234Z\",\"level\":\"info\","
	       "\"event\":\"publish.start\",\"pid\":1,\"stream\":\"live/demo\","
	       "\"client\":7,\"x\":null,\"y\":[1,\"a\"]}",
	    "12:00:01 info publish.start stream=live/demo client=7 x=null "
	    "y=[1,\"a\"]\n");
	expect("{\"event\":\"a\",\"t\":\"two words\",\"e\":\"\","
	       "\"q\":\"a\\\"b\",\"u\":\"\xc3\xa9\"}",
	    " a t=\"two words\" e=\"\" q=\"a\\\"b\" u=\xc3\xa9\n");
}
END_TEST

START_TEST(no_control_character_reaches_a_terminal)
{
	expect("{\"event\":\"a\",\"t\":\"\\u001b[31m\"}",
	    " a t=\"\\u001B[31m\"\n");
	expect(
	    "{\"event\":\"a\",\"t\":\"\\u009b31m\"}", " a t=\"\\u009B31m\"\n");
	expect("{\"event\":\"a\",\"t\":\"x\\u007fy\\n\"}", " a t=\"x?y\\n\"\n");
	expect(
	    "{\"event\":\"a\\u001b\",\"\\u001bkey\":1}", " \"a\\u001B\" ?=1\n");
	expect(
	    "{\"ts\":\"2026-11-24T\\u001b[31m678Z\",\"event\":\"a\"}", " a\n");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char line[2100] = "{\"event\":\"", got[64];
	memset(line + 10, 'x', 2000);
	memcpy(line + 2010, "\"}", 3);
	json_t *j = logline_parse(line, strlen(line));
	ck_assert_ptr_nonnull(j);
	ck_assert_uint_eq(logline_readable(j, got, sizeof got), sizeof got);
	ck_assert_int_eq(got[sizeof got - 1], '\n');
	json_decref(j);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("logline");
	TCase *t = tcase_create("logline");
	suite_add_tcase(s, t);
	tcase_add_test(t, only_json_events_are_lines);
	tcase_add_test(t, people_read_time_level_event_and_fields);
	tcase_add_test(t, no_control_character_reaches_a_terminal);
	tcase_add_test(t, long_lines_are_cut);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
