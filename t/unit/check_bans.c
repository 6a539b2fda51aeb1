/* check_bans - the list of refused addresses (common/bans.h). */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "common/bans.h"

static struct bans b;

static struct addr
addr(unsigned n)
{
	struct addr a = { { [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } };
	return a;
}

static struct mono
at(uint64_t s)
{
	return (struct mono){ s * NS_PER_S };
}

static bool
banned(unsigned n, uint64_t s)
{
	struct addr a = addr(n);
	return bans_until(&b, &a, at(s)).ns != 0;
}

static int
set(unsigned n, uint64_t until, uint64_t now)
{
	struct addr a = addr(n);
	return bans_set(&b, &a, at(until), at(now));
}

static void
setup(void)
{
	memset(&b, 0, sizeof b);
}

START_TEST(a_ban_ends_by_itself)
{
	ck_assert_int_eq(set(1, 20, 10), 0);
	ck_assert(banned(1, 10));
	ck_assert(banned(1, 19));
	ck_assert(!banned(1, 20));
	ck_assert(!banned(2, 10));
}
END_TEST

START_TEST(a_new_time_replaces_the_old_one)
{
	ck_assert_int_eq(set(1, 20, 10), 0);
	ck_assert_int_eq(set(1, 40, 10), 0);
	ck_assert_uint_eq(b.n, 1);
	ck_assert(banned(1, 39));
	ck_assert_int_eq(set(1, 10, 10), 0);
	ck_assert(!banned(1, 10));
	ck_assert_uint_eq(b.n, 0);
}
END_TEST

START_TEST(lifting_nothing_is_no_ban)
{
	ck_assert_int_eq(set(1, 10, 10), 0);
	ck_assert_uint_eq(b.n, 0);
}
END_TEST

START_TEST(a_full_list_takes_no_more_until_some_are_over)
{
	for (unsigned i = 0; i < BANS_MAX; i++)
		ck_assert_int_eq(set(i, i == 7 ? 15 : 20, 10), 0);
	ck_assert_int_eq(set(BANS_MAX, 20, 10), -ENOSPC);
	ck_assert_int_eq(set(3, 30, 10), 0);
	ck_assert_int_eq(set(BANS_MAX, 20, 15), 0);
	ck_assert(banned(BANS_MAX, 16));
	ck_assert(!banned(7, 16));
	ck_assert(banned(3, 25));
	bans_expire(&b, at(20));
	ck_assert_uint_eq(b.n, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bans");
	TCase *t = tcase_create("bans");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_ban_ends_by_itself);
	tcase_add_test(t, a_new_time_replaces_the_old_one);
	tcase_add_test(t, lifting_nothing_is_no_ban);
	tcase_add_test(t, a_full_list_takes_no_more_until_some_are_over);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
