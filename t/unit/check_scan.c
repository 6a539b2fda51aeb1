/*
 * check_scan - script/scan.h: where statements begin and end.  A test is a text
 * with a bar where each statement is expected to begin; blanks do not count.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/scan.h"

enum { TEXT = 4096 };

/* The statements of text, "|" before each. */
static void
split(const char *text, size_t len, char out[TEXT])
{
	static struct scan s;
	struct scan_statement st;
	size_t o = 0, last = 0;
	scan_init(&s, text, len);
	while (scan_next(&s, &st)) {
		ck_assert_uint_ge(st.from, last);
		ck_assert_uint_gt(st.to, st.from);
		ck_assert_uint_le(st.to, len);
		last = st.to;
		out[o++] = '|';
		for (size_t i = st.from; i < st.to; i++)
			out[o++] = text[i];
	}
	out[o] = '\0';
}

static void
strip(const char *from, char to[TEXT], bool bars)
{
	for (; *from; from++)
		if (strchr(" \t\r\n", *from) == NULL && (bars || *from != '|'))
			*to++ = *from;
	*to = '\0';
}

/* clang-format off */
static const char *const cases[] = {
	/* ends of lines, 7.9 */
	"|a = 1\n|b = 2", "|a = 1; |b = 2;", "|a =\n1\n|b", "|a\n+ b\n|c",
	"|a\n(b)\n|c", "|a\n[b]\n|c", "|x = a\n.b\n|c", "|a\n|++b", "|a = b\n|++c",
	"|a++\n|b", "|a\nin b\n|c", "|a\n|!b", "|a = \"x\"\n|b", "|a = 1\r\n|b",
	"|var a = 1,\nb = 2\n|c", "|throw new X\n|y", "|a = {b: 1}\n|c",
	"|a = [1,\n2]\n|c", "|delete\na\n|b", "|a = typeof\nb\n|c",
	/* functions */
	"|function f() { return 1\n }\n|g()", "|function f()\n{\n}\n|function g() {}",
	"|a = function () { b\nc }\n|d", "|a = function ()\n{ b\n}\n|d",
	"|a.b = function(c) {\nif (c) { d }\n}\n|e.f = function() {}\n|g",
	"|(function () { a })()\n|b", "|x = function f() {}, y = 2\n|z",
	"|var o = { get: function ()\n{ return 1 },\nx: 2 }\n|b",
	/* statements */
	"|if (a) b; else c\n|d", "|if (a)\nb\nelse\nc\n|d", "|if (a) { b } else if (c) { d } else { e } |f",
	"|for (var i = 0; i < 3; i++) { a } |b", "|for (a in b)\nc\n|d", "|while (a) b\n|c",
	"|do { a } while (b) |c", "|do a; while (b);|c", "|try { a } catch (e) { b } finally { c } |d",
	"|switch (a) { case 1: b; break\ndefault: c } |d", "|l: for (;;) { break l } |a",
	"|{ a; b } |c", "|with (a) { b } |c", "|a ? b : c\n|d",
	/* strings, comments, regular expressions, templates */
	"|a = \"}\\\"\"; |b", "|a = '{'; |b", "|a = /}\\/[/{]/g; |b", "|a = b / c / d; |e",
	"|if (a) /x}/.test(b); |c", "|a = (b) / 2\n|c = 1 / 2", "|return_ / 2 / 3\n|b",
	"|a = b.return / 2; |c = \"/\"", "|a /* ; */ = 1 // ;\n|b", "|a = b /* \n */ |c",
	"|a = [1] / 2; |b = '/'", "|a = `}${ {b: `x}`} + \"`\" }` ; |c", "|a = 1e+5\n|b", "|a = 0x1e+5\n|b",
	"|a = 1.5\n|.5", "|\\u0061 = 1\n|b", "|a++ / 2\n|b = '/'",
	/* what makes no sense is a statement too, and the rest goes on */
	"|} |a", "|) |] |a", "|a = |) |b", "|a = \"unterminated\n", "|a = /x\n", "|a(b { c", "|/* a",
	"|`a", "|function f( { a",
};

static const struct { const char *text, *names; } vars[] = {
	{ "var a = 1, b, c = f(x, y), d = [1, 2], e", "a b c d e " },
	{ "if (x) { var a } for (var i = 0, n = 1; i < n; i++) var b = 2", "a i n b " },
	{ "function f() { var no } a = function () { var no; if (x) { var no } }; var yes", "yes " },
	{ "for (var k in o) {}", "k " }, { "x = \"var no\"; // var no\ny.var = 1", "" },
	{ "var a\nno, b", "a " }, { "var f = function (x, y) { var no }, g", "f g " },
	{ "var a = b\nvar c", "a c " }, { "var", "" }, { "var 1", "" }, { "var (", "" },
};
/* clang-format on */

START_TEST(statements_end_where_they_do)
{
	char text[TEXT], got[TEXT], want[TEXT], have[TEXT];
	size_t o = 0;
	for (const char *p = cases[_i]; *p; p++)
		if (*p != '|')
			text[o++] = *p;
	text[o] = '\0';
	split(text, o, got);
	strip(cases[_i], want, true);
	strip(got, have, true);
	ck_assert_str_eq(have, want);
}
END_TEST

START_TEST(semicolons_alone_are_nothing)
{
	char got[TEXT];
	split(";;a;;b;;", 8, got);
	ck_assert_str_eq(got, "|a;|b;");
	split(";", 1, got);
	ck_assert_str_eq(got, "");
}
END_TEST

START_TEST(lines_are_counted)
{
	static const char text[] =
	    "a\n\n/*\n*/ b = \"x\\\ny\"\nc = `\n\n`\r\nd";
	static const uint32_t lines[] = { 1, 4, 6, 9 };
	static struct scan s;
	struct scan_statement st;
	scan_init(&s, text, sizeof text - 1);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert(scan_next(&s, &st));
		ck_assert_uint_eq(st.line, lines[i]);
	}
	ck_assert(!scan_next(&s, &st));
}
END_TEST

START_TEST(declarations_of_functions_are_told_apart)
{
	static const char text[] = "\xef\xbb\xbf"
				   "function f() {}\nvar g = function () {}";
	static struct scan s;
	struct scan_statement st;
	scan_init(&s, text, sizeof text - 1);
	ck_assert(scan_next(&s, &st) && st.function);
	ck_assert_uint_eq(st.from, 3);
	ck_assert(scan_next(&s, &st) && !st.function);
	ck_assert(!scan_next(&s, &st));
}
END_TEST

static void
add_name(void *arg, const char *name, size_t len)
{
	char *to = arg;
	snprintf(to + strlen(to), TEXT - strlen(to), "%.*s ", (int)len, name);
}

START_TEST(variables_outside_functions_are_found)
{
	char names[TEXT] = "";
	scan_vars(vars[_i].text, strlen(vars[_i].text), add_name, names);
	ck_assert_str_eq(names, vars[_i].names);
}
END_TEST

/* Any bytes end: every statement takes some. */
START_TEST(any_text_comes_to_its_end)
{
	static const char *const pieces[] = { "(", ")", "{", "}", "[", "]", "/",
		"`", "${", "\"", "'", "\n", ";", "function ", "if ", "do ",
		"while ", "else ", "var ", "a", ":", ",", "=>", "try ", "1.",
		"/*", "*/", "\\", "\xff", "return ", "++" };
	char text[512], out[TEXT];
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = 0;
		text[0] = '\0';
		for (unsigned k = 0; k < 60; k++) {
			const char *p =
			    pieces[(size_t)rand() %
				   (sizeof pieces / sizeof *pieces)];
			memcpy(text + n, p, strlen(p));
			n += strlen(p);
		}
		split(text, n, out);
		out[0] = '\0';
		scan_vars(text, n, add_name, out);
	}
}
END_TEST

START_TEST(depth_has_a_limit)
{
	static char text[3 * SCAN_DEPTH], out[TEXT];
	static const char of[] = "([{`";
	for (unsigned k = 0; k < 4; k++) {
		memset(text, of[k], sizeof text);
		split(text, sizeof text, out);
		ck_assert_int_eq(out[0], '|');
	}
	for (size_t i = 0; i + 3 <= sizeof text; i += 3)
		memcpy(text + i, "do ", 3);
	split(text, sizeof text, out);
	ck_assert_int_eq(out[0], '|');
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("scan");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, statements_end_where_they_do, 0,
	    (int)(sizeof cases / sizeof *cases));
	tcase_add_test(t, semicolons_alone_are_nothing);
	tcase_add_test(t, lines_are_counted);
	tcase_add_test(t, declarations_of_functions_are_told_apart);
	tcase_add_loop_test(t, variables_outside_functions_are_found, 0,
	    (int)(sizeof vars / sizeof *vars));
	tcase_add_test(t, any_text_comes_to_its_end);
	tcase_add_test(t, depth_has_a_limit);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
