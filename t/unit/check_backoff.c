/*
 * check_backoff - worker/backoff.h: 0.1 to 1 s in the first minute, then
 * growing to 10 s, and not the same for everybody.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "worker/backoff.h"

static const struct mono start = { 1000 * NS_PER_S };

/* Fails again and again, as soon as it may, for ms; the longest and the
 * shortest wait. */
static struct mono
fail_for(struct backoff *b, struct mono now, uint64_t ms, uint32_t rnd,
    uint32_t *least, uint32_t *most)
{
	struct mono until = mono_add_ms(now, ms);
	*least = UINT32_MAX;
	*most = 0;
	while (mono_before(now, until)) {
		uint32_t d = backoff_next(b, now, rnd);
		*least = d < *least ? d : *least;
		*most = d > *most ? d : *most;
		now = mono_add_ms(now, d);
	}
	return now;
}

START_TEST(the_first_minute_is_eager)
{
	static const uint32_t rnd[] = { 0, 1, 12345, UINT32_MAX };
	for (unsigned i = 0; i < 4; i++) {
		struct backoff b = { .step_ms = 0 };
		uint32_t least, most;
		fail_for(&b, start, 59000, rnd[i], &least, &most);
		ck_assert_uint_ge(least, 100);
		ck_assert_uint_le(least, 200);
		ck_assert_uint_ge(most, 500);
		ck_assert_uint_le(most, 1000);
	}
}
END_TEST

START_TEST(later_it_grows_to_ten_seconds_and_no_further)
{
	static const uint32_t rnd[] = { 0, 5000, 999999 };
	for (unsigned i = 0; i < 3; i++) {
		struct backoff b = { .step_ms = 0 };
		uint32_t least, most;
		struct mono t =
		    fail_for(&b, start, 60000, rnd[i], &least, &most);
		uint32_t d = backoff_next(&b, t, rnd[i]);
		ck_assert_uint_le(d, 2000);
		t = fail_for(&b, t, 60000, rnd[i], &least, &most);
		fail_for(&b, t, 3600000, rnd[i], &least, &most);
		ck_assert_uint_ge(least, 5000);
		ck_assert_uint_le(most, 10000);
	}
}
END_TEST

START_TEST(no_two_need_wait_equally_long)
{
	bool seen[1001] = { false };
	unsigned different = 0;
	for (uint32_t rnd = 0; rnd < 2000; rnd++) {
		struct backoff b = { .since = start, .step_ms = 1000 };
		uint32_t d = backoff_next(&b, start, rnd * 2654435761U);
		ck_assert_uint_le(d, 1000);
		different += !seen[d];
		seen[d] = true;
	}
	ck_assert_uint_gt(different, 400);
}
END_TEST

START_TEST(after_success_it_begins_anew)
{
	struct backoff b = { .step_ms = 0 };
	uint32_t least, most;
	struct mono t = fail_for(&b, start, 600000, 7, &least, &most);
	backoff_reset(&b);
	ck_assert_uint_le(backoff_next(&b, t, UINT32_MAX), 200);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("backoff");
	TCase *t = tcase_create("backoff");
	tcase_add_test(t, the_first_minute_is_eager);
	tcase_add_test(t, later_it_grows_to_ten_seconds_and_no_further);
	tcase_add_test(t, no_two_need_wait_equally_long);
	tcase_add_test(t, after_success_it_begins_anew);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
