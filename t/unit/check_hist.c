/* check_hist - one case per promise of bench/hist.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "bench/hist.h"

static struct hist h;

START_TEST(empty_histogram_gives_zeros)
{
	hist_init(&h);
	ck_assert_uint_eq(hist_quantile_us(&h, 0.5), 0);
	ck_assert_uint_eq(hist_quantile_us(&h, 1), 0);
	ck_assert_double_eq(hist_mean_us(&h), 0);
}
END_TEST

START_TEST(small_values_are_exact)
{
	hist_init(&h);
	for (uint64_t v = 0; v < 100; v++)
		hist_add(&h, v);
	ck_assert_uint_eq(hist_quantile_us(&h, 0), 0);
	ck_assert_uint_eq(hist_quantile_us(&h, 0.5), 49);
	ck_assert_uint_eq(hist_quantile_us(&h, 0.99), 98);
	ck_assert_uint_eq(hist_quantile_us(&h, 1), 99);
	ck_assert_double_eq(hist_mean_us(&h), 49.5);
}
END_TEST

/* Alone in the histogram but for one far above, so that max is no help. */
static uint64_t
quantised(uint64_t v)
{
	hist_init(&h);
	hist_add(&h, v);
	hist_add(&h, HIST_MAX_US);
	return hist_quantile_us(&h, 0.5);
}

START_TEST(no_value_is_off_by_more_than_a_64th)
{
	for (uint64_t v = 1; v < HIST_MAX_US / 2; v += 1 + v / 37) {
		uint64_t q = quantised(v);
		ck_assert_uint_ge(q, v);
		ck_assert_uint_le(q - v, v / 64);
	}
}
END_TEST

START_TEST(edges_of_doublings_lie_in_their_own_bucket)
{
	for (unsigned s = 7; s < 39; s++) {
		uint64_t edge = UINT64_C(1) << s;
		ck_assert_uint_eq(quantised(edge - 1), edge - 1);
		ck_assert_uint_ge(quantised(edge), edge);
		ck_assert_uint_lt(quantised(edge), edge + edge / 32);
	}
}
END_TEST

START_TEST(quantiles_never_exceed_the_maximum)
{
	hist_init(&h);
	hist_add(&h, 1000001);
	ck_assert_uint_eq(hist_quantile_us(&h, 0.01), 1000001);
	ck_assert_uint_eq(hist_quantile_us(&h, 1), 1000001);
	ck_assert_uint_eq(h.max_us, 1000001);
}
END_TEST

START_TEST(huge_values_count_as_the_largest)
{
	hist_init(&h);
	hist_add(&h, UINT64_MAX);
	hist_add(&h, HIST_MAX_US + 1);
	ck_assert_uint_eq(h.max_us, HIST_MAX_US);
	ck_assert_uint_eq(hist_quantile_us(&h, 0.5), HIST_MAX_US);
	ck_assert_uint_eq(h.bucket[HIST_BUCKETS - 1], 2);
}
END_TEST

START_TEST(quantiles_follow_a_known_distribution)
{
	hist_init(&h);
	for (uint64_t v = 1; v <= 100000; v++)
		hist_add(&h, v);
	static const double q[] = { 0.5, 0.9, 0.99, 0.999 };
	for (size_t i = 0; i < sizeof(q) / sizeof(*q); i++) {
		double want = q[i] * 100000;
		double got = (double)hist_quantile_us(&h, q[i]);
		ck_assert_double_ge(got, want);
		ck_assert_double_le(got, want * 1.016);
	}
}
END_TEST

START_TEST(merged_is_as_if_added_to_one)
{
	static struct hist other, all;
	hist_init(&h);
	hist_init(&other);
	hist_init(&all);
	for (uint64_t v = 1; v < 2000000; v = v * 3 + 1) {
		hist_add(v % 2 ? &h : &other, v);
		hist_add(&all, v);
	}
	hist_merge(&h, &other);
	ck_assert_mem_eq(&h, &all, sizeof(all));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hist");
	TCase *t = tcase_create("hist");
	suite_add_tcase(s, t);
	tcase_add_test(t, empty_histogram_gives_zeros);
	tcase_add_test(t, small_values_are_exact);
	tcase_add_test(t, no_value_is_off_by_more_than_a_64th);
	tcase_add_test(t, edges_of_doublings_lie_in_their_own_bucket);
	tcase_add_test(t, quantiles_never_exceed_the_maximum);
	tcase_add_test(t, huge_values_count_as_the_largest);
	tcase_add_test(t, quantiles_follow_a_known_distribution);
	tcase_add_test(t, merged_is_as_if_added_to_one);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
