#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/output.h"
#include "ctl/text.h"

/* text_safe. --------------------------------------------------------------- */

static const char *
safe(const char *s, size_t len)
{
	static char buf[TEXT_CELL];
	size_t n = text_safe(buf, sizeof buf, s, len);
	ck_assert_uint_eq(n, strlen(buf));
	return buf;
}

#define SAFE(literal) safe(literal, sizeof(literal) - 1)

START_TEST(plain_text_stays_as_it_is)
{
	ck_assert_str_eq(SAFE("live/demo 1"), "live/demo 1");
	ck_assert_str_eq(SAFE("Z\xc3\xbcrich \xe6\x97\xa5 \xf0\x9f\x8e\xa5"),
	    "Z\xc3\xbcrich \xe6\x97\xa5 \xf0\x9f\x8e\xa5");
	ck_assert_str_eq(SAFE(""), "");
}
END_TEST

START_TEST(control_characters_are_escaped)
{
	ck_assert_str_eq(SAFE("a\nb\rc\td"), "a\\nb\\rc\\td");
	ck_assert_str_eq(SAFE("\x1b[2J\x07\x7f"), "\\x1b[2J\\x07\\x7f");
	ck_assert_str_eq(safe("a\0b", 3), "a\\x00b");
	/* C1: some terminals take U+009B as ESC [ */
	ck_assert_str_eq(SAFE("\xc2\x9b"), "\\u{009b}");
}
END_TEST

START_TEST(an_escape_cannot_be_forged)
{
	ck_assert_str_eq(SAFE("\\n"), "\\\\n");
}
END_TEST

START_TEST(direction_and_line_characters_are_escaped)
{
	ck_assert_str_eq(SAFE("a\xe2\x80\xaez"), "a\\u{202e}z");
	ck_assert_str_eq(SAFE("\xe2\x80\xa8"), "\\u{2028}");
	ck_assert_str_eq(SAFE("\xef\xbb\xbf"), "\\u{feff}");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_escaped)
{
	ck_assert_str_eq(SAFE("\xff"), "\\xff");
	ck_assert_str_eq(SAFE("\xc0\xaf"), "\\xc0\\xaf"); /* overlong */
	ck_assert_str_eq(SAFE("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
	ck_assert_str_eq(SAFE("\xed\xa0\x80"), "\\xed\\xa0\\x80"); /* D800 */
	ck_assert_str_eq(SAFE("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	ck_assert_str_eq(SAFE("\xe6\x97"), "\\xe6\\x97"); /* cut */
	ck_assert_str_eq(SAFE("\xe6g"), "\\xe6g");
}
END_TEST

START_TEST(text_is_cut_before_a_character_that_does_not_fit)
{
	char buf[5];
	ck_assert_uint_eq(text_safe(buf, sizeof buf, "abcdef", 6), 4);
	ck_assert_str_eq(buf, "abcd");
	ck_assert_uint_eq(text_safe(buf, sizeof buf, "abc\xc3\xbc", 5), 3);
	ck_assert_str_eq(buf, "abc");
	ck_assert_uint_eq(text_safe(buf, sizeof buf, "ab\x1b", 3), 2);
	ck_assert_str_eq(buf, "ab");
	ck_assert_uint_eq(text_safe(buf, 0, "ab", 2), 0);
	for (size_t cap = 1; cap < sizeof buf; cap++)
		ck_assert_uint_lt(text_safe(buf, cap, "\xc2\x9b\xff", 3), cap);
}
END_TEST

START_TEST(every_byte_pair_gives_printable_text)
{
	for (unsigned i = 0; i < 0x10000; i++) {
		char in[2] = { (char)(i >> 8), (char)i }, out[64];
		size_t n = text_safe(out, sizeof out, in, 2);
		for (size_t k = 0; k < n; k++)
			ck_assert(
			    (unsigned char)out[k] >= 0x20 && out[k] != 0x7f);
	}
}
END_TEST

/* Numbers. ----------------------------------------------------------------- */

#define CK_TEXT(function, value, expected)                                     \
	do {                                                                   \
		char buf_[TEXT_CELL];                                          \
		function(buf_, sizeof buf_, value);                            \
		ck_assert_str_eq(buf_, expected);                              \
	} while (0)

START_TEST(bytes_have_three_digits_and_powers_of_1024)
{
	CK_TEXT(text_bytes, 0, "0 B");
	CK_TEXT(text_bytes, 1023, "1023 B");
	CK_TEXT(text_bytes, 1024, "1.00 KiB");
	CK_TEXT(text_bytes, 1536, "1.50 KiB");
	CK_TEXT(text_bytes, 131072, "128 KiB");
	CK_TEXT(text_bytes, 1048575, "1.00 MiB");
	CK_TEXT(text_bytes, UINT64_C(12) << 20, "12.0 MiB");
	CK_TEXT(text_bytes, UINT64_MAX, "16.0 EiB");
}
END_TEST

START_TEST(rates_have_powers_of_1000)
{
	CK_TEXT(text_rate, 0, "0 bit/s");
	CK_TEXT(text_rate, 999, "999 bit/s");
	CK_TEXT(text_rate, 2048000, "2.05 Mbit/s");
	CK_TEXT(text_rate, 999999, "1.00 Mbit/s");
}
END_TEST

START_TEST(ages_name_their_units)
{
	CK_TEXT(text_age, 0, "0.0s");
	CK_TEXT(text_age, -1, "0.0s");
	CK_TEXT(text_age, 9.94, "9.9s");
	CK_TEXT(text_age, 9.96, "9s");
	CK_TEXT(text_age, 59.9, "59s");
	CK_TEXT(text_age, 725, "12m05s");
	CK_TEXT(text_age, 11220, "3h07m");
	CK_TEXT(text_age, 385200, "4d11h");
}
END_TEST

START_TEST(distance_counts_changed_letters)
{
	ck_assert_uint_eq(text_distance("stream", "stream"), 0);
	ck_assert_uint_eq(text_distance("streams", "stream"), 1);
	ck_assert_uint_eq(text_distance("sterem", "stream"), 2);
	ck_assert_uint_eq(text_distance("", "abc"), 3);
	ck_assert_uint_eq(
	    text_distance("0123456789012345678901234567890123456789", "a"), 99);
}
END_TEST

/* Cells and forms. --------------------------------------------------------- */

static const char *
cell(const char *text, enum cell kind)
{
	static char buf[TEXT_CELL];
	json_t *j = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	ck_assert_ptr_nonnull(j);
	output_cell(buf, j, kind);
	json_decref(j);
	return buf;
}

START_TEST(what_is_missing_is_a_dash)
{
	char buf[TEXT_CELL];
	output_cell(buf, NULL, CELL_TEXT);
	ck_assert_str_eq(buf, "-");
	for (enum cell k = CELL_TEXT; k <= CELL_MEMBERS; k++) {
		ck_assert_str_eq(cell("null", k), "-");
		ck_assert_str_eq(cell("true", k), "-");
	}
	ck_assert_str_eq(cell("\"\"", CELL_TEXT), "-");
	ck_assert_str_eq(cell("[]", CELL_JOINED), "-");
	ck_assert_str_eq(cell("{}", CELL_VIDEO), "-");
}
END_TEST

START_TEST(cells_show_their_kind)
{
	ck_assert_str_eq(cell("-5", CELL_COUNT), "0");
	ck_assert_str_eq(cell("[3, 0, \"a\\nb\"]", CELL_JOINED), "3 0 a\\nb");
	ck_assert_str_eq(
	    cell("{\"codec\":\"avc\",\"width\":1920,\"height\":1080}",
		CELL_VIDEO),
	    "avc 1920x1080");
	ck_assert_str_eq(
	    cell("{\"codec\":\"avc\",\"width\":0,\"height\":0}", CELL_VIDEO),
	    "avc");
	ck_assert_str_eq(
	    cell("{\"codec\":\"aac\",\"rate\":48000,\"channels\":2}",
		CELL_AUDIO),
	    "aac 48000 Hz x2");
	ck_assert_str_eq(
	    cell(
		"{\"kind\":\"client\",\"addr\":\"192.0.2.1:4711\"}", CELL_PEER),
	    "192.0.2.1:4711");
	ck_assert_str_eq(
	    cell("{\"kind\":\"upstream\",\"addr\":\"192.0.2.1:1935\"}",
		CELL_PEER),
	    "upstream 192.0.2.1:1935");
	ck_assert_str_eq(
	    cell("{\"kind\":\"upstream\",\"addr\":null}", CELL_PEER),
	    "upstream");
	ck_assert_str_eq(
	    cell("{\"kind\":\"client\",\"addr\":null}", CELL_PEER), "-");
}
END_TEST

START_TEST(a_name_leaves_out_the_default_instance)
{
	ck_assert_str_eq(
	    cell("{\"app\":\"live\",\"instance\":\"_definst_\",\"name\":\"x\"}",
		CELL_NAME),
	    "live/x");
	ck_assert_str_eq(
	    cell("{\"app\":\"live\",\"instance\":\"i\",\"stream\":\"\\u001b\"}",
		CELL_NAME),
	    "live/i/\\x1b");
	ck_assert_str_eq(
	    cell("{\"app\":null,\"instance\":null,\"stream\":null}", CELL_NAME),
	    "-");
}
END_TEST

START_TEST(members_are_found_by_path)
{
	json_t *j = json_loads("{\"a\":{\"b\":{\"c\":7}}}", 0, NULL);
	ck_assert_int_eq(json_integer_value(output_member(j, "a.b.c")), 7);
	ck_assert_ptr_eq(output_member(j, ""), j);
	ck_assert_ptr_null(output_member(j, "a.x.c"));
	ck_assert_ptr_null(output_member(j, "a.b.c.d"));
	json_decref(j);
}
END_TEST

static const struct column columns[] = {
	{ "NAME", "name", CELL_TEXT },
	{ "SIZE", "size", CELL_BYTES },
	{ "END", "end", CELL_TEXT },
};

/* doc in one form; to be freed. */
static char *
shown(const struct output *o, const struct view *view, const char *doc)
{
	char *text = NULL;
	size_t size;
	json_t *j = json_loads(doc, JSON_ALLOW_NUL, NULL);
	ck_assert_ptr_nonnull(j);
	FILE *out = open_memstream(&text, &size);
	ck_assert_int_eq(o->show(out, view, j), 0);
	fclose(out);
	json_decref(j);
	return text;
}

START_TEST(a_table_is_aligned_by_characters)
{
	const struct view view = { columns, 3, false, "none" };
	char *text = shown(&output_text, &view,
	    "[{\"name\":\"Z\xc3\xbcrich\",\"size\":5,\"end\":\"a\"},"
	    "{\"name\":\"a\\nb\",\"size\":2048,\"end\":\"b\"}]");
	ck_assert_str_eq(text, "NAME        SIZE  END\n"
			       "Z\xc3\xbcrich       5 B  a\n"
			       "a\\nb    2.00 KiB  b\n");
	free(text);
}
END_TEST

START_TEST(an_empty_table_says_so)
{
	const struct view view = { columns, 3, false, "no streams" };
	char *text = shown(&output_text, &view, "[]");
	ck_assert_str_eq(text, "no streams\n");
	free(text);
}
END_TEST

START_TEST(a_record_lists_its_counters_that_moved)
{
	const struct column rec[] = {
		{ "size", "size", CELL_BYTES },
		{ "counters", "counters", CELL_MEMBERS },
	};
	const struct view view = { rec, 2, true, "" };
	char *text = shown(&output_text, &view,
	    "{\"size\":1,\"counters\":{\"b.bb\":2,\"zero\":0,\"a\":1}}");
	ck_assert_str_eq(text, "size      1 B\n"
			       "counters\n"
			       "  a     1\n"
			       "  b.bb  2\n");
	free(text);
}
END_TEST

START_TEST(json_is_one_document_with_hostile_text_whole)
{
	const struct view view = { columns, 3, false, "" };
	json_t *name = output_string("\x1b\"\\\xff\0", 5);
	json_t *doc = json_pack("[{s:o}]", "name", name);
	char *text = json_dumps(doc, 0);
	char *form = shown(&output_json, &view, text);
	json_t *back = json_loads(form, JSON_ALLOW_NUL, NULL);
	ck_assert_ptr_nonnull(back);
	ck_assert(json_equal(back, doc));
	ck_assert_ptr_nonnull(
	    strstr(form, "\\u001B\\\"\\\\\xef\xbf\xbd\\u0000"));
	free(form);
	free(text);
	json_decref(back);
	json_decref(doc);
}
END_TEST

START_TEST(seconds_in_json_have_no_more_digits_than_they_need)
{
	const struct view view = { columns, 3, true, "" };
	char *form = shown(&output_json, &view, "{\"s\":7.716}");
	ck_assert_str_eq(form, "{\n  \"s\": 7.716\n}\n");
	free(form);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	FILE *full = fopen("/dev/full", "w");
	const struct view view = { columns, 3, false, "none" };
	json_t *doc = json_array();
	if (!full)
		return;
	ck_assert_int_lt(output_json.show(full, &view, doc), 0);
	fclose(full);
	full = fopen("/dev/full", "w");
	ck_assert_int_lt(output_text.show(full, &view, doc), 0);
	fclose(full);
	json_decref(doc);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("output");
	TCase *t = tcase_create("output");
	tcase_add_test(t, plain_text_stays_as_it_is);
	tcase_add_test(t, control_characters_are_escaped);
	tcase_add_test(t, an_escape_cannot_be_forged);
	tcase_add_test(t, direction_and_line_characters_are_escaped);
	tcase_add_test(t, bytes_that_are_not_utf8_are_escaped);
	tcase_add_test(t, text_is_cut_before_a_character_that_does_not_fit);
	tcase_add_test(t, every_byte_pair_gives_printable_text);
	tcase_add_test(t, bytes_have_three_digits_and_powers_of_1024);
	tcase_add_test(t, rates_have_powers_of_1000);
	tcase_add_test(t, ages_name_their_units);
	tcase_add_test(t, distance_counts_changed_letters);
	tcase_add_test(t, what_is_missing_is_a_dash);
	tcase_add_test(t, cells_show_their_kind);
	tcase_add_test(t, a_name_leaves_out_the_default_instance);
	tcase_add_test(t, members_are_found_by_path);
	tcase_add_test(t, a_table_is_aligned_by_characters);
	tcase_add_test(t, an_empty_table_says_so);
	tcase_add_test(t, a_record_lists_its_counters_that_moved);
	tcase_add_test(t, json_is_one_document_with_hostile_text_whole);
	tcase_add_test(t, seconds_in_json_have_no_more_digits_than_they_need);
	tcase_add_test(t, a_full_disk_is_an_error);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
