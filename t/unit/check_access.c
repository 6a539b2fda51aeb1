/* check_access - one case per promise of worker/access.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "worker/access.h"

START_TEST(directories_have_what_is_below_them)
{
	/* clang-format off */
	static const struct { const char *dirs, *name; bool has; } rows[] = {
		{ "/", "a", true }, { "/", "a/b", true }, { "", "a", false }, { ";", "a", false },
		{ "a", "a", true }, { "a", "a/b/c", true }, { "a", "ab", false }, { "a", "b/a", false },
		{ "a/", "a/b", true }, { "/a/b/", "a/b/c", true }, { "/a/b/", "a/bc", false },
		{ "x;a/b", "a/b", true }, { "x; a ;y", "a/1", true }, { "x;y", "a", false },
		{ "x;/", "a", true }, { "a", "mp4:a/b", true }, { "a", "/a/b", true },
		{ "a", "longer:a", false }, { " ", "a", false }, { "a", "", false },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(access_has(span_of(rows[i].dirs),
				  span_of(rows[i].name)) == rows[i].has,
		    "%s %s", rows[i].dirs, rows[i].name);
}
END_TEST

START_TEST(playing_and_publishing_are_two_lists)
{
	struct span both = { "a;b\0c", 5 }, none = { "\0", 1 };
	ck_assert(access_may(both, false, span_of("b")));
	ck_assert(!access_may(both, true, span_of("b")));
	ck_assert(access_may(both, true, span_of("c")));
	ck_assert(!access_may(both, false, span_of("c")));
	ck_assert(!access_may(none, false, span_of("c")));
	ck_assert(!access_may(none, true, span_of("c")));
	ck_assert(access_may((struct span){ NULL, 0 }, true, span_of("c")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("access");
	TCase *t = tcase_create("access");
	suite_add_tcase(s, t);
	tcase_add_test(t, directories_have_what_is_below_them);
	tcase_add_test(t, playing_and_publishing_are_two_lists);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
