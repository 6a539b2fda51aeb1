/* check_conf_vars - one case per promise of master/conf_vars.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/conf_vars.h"

static struct conf_vars v;
static char err[160];

static int
line(const char *text)
{
	return conf_vars_line(&v, text, err, sizeof err);
}

static void
expect(const char *text, const char *want)
{
	char out[64] = "";
	int r = conf_vars_expand(&v, text, out, sizeof out, err, sizeof err);
	ck_assert_str_eq(r == 0 ? out : "!", want);
}

static void
setup(void)
{
	memset(&v, 0, sizeof v);
}

START_TEST(names_are_before_the_first_equals_sign)
{
	ck_assert_int_eq(line("A.B = x = y \r"), 0);
	ck_assert_int_eq(line("  # comment = 1"), 0);
	ck_assert_int_eq(line(""), 0);
	ck_assert_int_eq(line("Q=\"  two  \""), 0);
	ck_assert_int_eq(line("E ="), 0);
	expect("${A.B}", "x = y");
	expect("<${Q}>", "<  two  >");
	expect("<${E}${E}>", "<>");
	expect("${comment}", "!");
}
END_TEST

START_TEST(the_last_value_of_a_name_holds)
{
	ck_assert_int_eq(line("A=1"), 0);
	ck_assert_int_eq(line("A=2"), 0);
	expect("$${A}{A}", "$2{A}");
	ck_assert_uint_eq(v.n, 1);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	ck_assert_int_eq(line("no sign"), -1);
	ck_assert_int_eq(line("= value"), -1);
	ck_assert_int_eq(line("A = ${B}"), -1);
	expect("${", "!");
	expect("${A", "!");
	expect("${}", "!");
	expect("${UNKNOWN}", "!");
	ck_assert(strstr(err, "${UNKNOWN}"));
	expect("$A {A} $", "$A {A} $");
}
END_TEST

START_TEST(the_environment_has_its_own_form)
{
	setenv("SLUICE_CHECK", "env", 1);
	expect("${%SLUICE_CHECK%}", "env");
	expect("${SLUICE_CHECK}", "!");
	expect("${%SLUICE_CHECK_NOT_SET%}", "!");
}
END_TEST

START_TEST(limits_hold)
{
	char text[2000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	expect(text, "!");
	text[0] = '=';
	text[300] = '=';
	ck_assert_int_eq(line(text + 1), -1); /* the name is too long */
	memcpy(text, "A=", 2);
	ck_assert_int_eq(line(text), -1);
	for (int i = 0; i < CONF_VARS_MAX; i++) {
		snprintf(text, sizeof text, "N%d=%d", i, i);
		ck_assert_int_eq(line(text), 0);
	}
	ck_assert_int_eq(line("one=more"), -1);
	expect("${N255}", "255");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf_vars");
	TCase *t = tcase_create("conf_vars");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, names_are_before_the_first_equals_sign);
	tcase_add_test(t, the_last_value_of_a_name_holds);
	tcase_add_test(t, nonsense_is_refused);
	tcase_add_test(t, the_environment_has_its_own_form);
	tcase_add_test(t, limits_hold);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
