/* check_bufpool - one case per promise of common/bufpool.h. */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "common/bufpool.h"

static struct bufpool pool;

START_TEST(sizes_round_up_to_two_classes_in_each_octave)
{
	ck_assert_uint_eq(bufpool_round(0), 64);
	ck_assert_uint_eq(bufpool_round(1), 64);
	ck_assert_uint_eq(bufpool_round(64), 64);
	ck_assert_uint_eq(bufpool_round(65), 96);
	ck_assert_uint_eq(bufpool_round(96), 96);
	ck_assert_uint_eq(bufpool_round(97), 128);
	ck_assert_uint_eq(bufpool_round(128), 128);
	ck_assert_uint_eq(bufpool_round(129), 192);
	ck_assert_uint_eq(bufpool_round(2049), 3072);
	ck_assert_uint_eq(bufpool_round(6 << 20), 6 << 20);
	ck_assert_uint_eq(bufpool_round((6 << 20) + 1), 8 << 20);
	ck_assert_uint_eq(bufpool_round(8 << 20), 8 << 20);
}
END_TEST

START_TEST(no_size_takes_more_than_half_as_much_again)
{
	for (size_t n = 65; n <= 8 << 20; n += n / 64 + 1) {
		ck_assert_uint_ge(bufpool_round(n), n);
		ck_assert_uint_lt(2 * bufpool_round(n), 3 * n);
		ck_assert_uint_eq(
		    bufpool_round(bufpool_round(n)), bufpool_round(n));
	}
}
END_TEST

START_TEST(above_the_largest_class_there_is_nothing)
{
	ck_assert_uint_eq(bufpool_round((8 << 20) + 1), 0);
	ck_assert_uint_eq(bufpool_round(SIZE_MAX), 0);
	bufpool_init(&pool, 64 << 20);
	ck_assert_ptr_null(bufpool_get(&pool, (8 << 20) + 1));
	ck_assert_ptr_null(bufpool_get(&pool, SIZE_MAX));
	void *b = bufpool_get(&pool, 8 << 20);
	ck_assert_ptr_nonnull(b);
	bufpool_put(&pool, b, 8 << 20);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(buffers_do_not_overlap)
{
	enum { N = 64 };
	uint8_t *buf[N];
	bufpool_init(&pool, 1 << 20);
	for (size_t i = 0; i < N; i++) {
		size_t n = 1 + i * 97 % 8192;
		buf[i] = bufpool_get(&pool, n);
		ck_assert_ptr_nonnull(buf[i]);
		memset(buf[i], (int)i, bufpool_round(n));
	}
	size_t wrong = 0;
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < bufpool_round(1 + i * 97 % 8192); k++)
			wrong += buf[i][k] != i;
	ck_assert_uint_eq(wrong, 0);
	for (size_t i = 0; i < N; i++)
		bufpool_put(&pool, buf[i], 1 + i * 97 % 8192);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(the_budget_is_never_passed)
{
	size_t n = 0;
	void *b[8], *small;
	bufpool_init(&pool, 10000);
	while (n < 8 && (b[n] = bufpool_get(&pool, 2048)) != NULL)
		n++;
	ck_assert_uint_eq(n, 4);
	small = bufpool_get(&pool, 512);
	ck_assert_ptr_nonnull(small);
	ck_assert_uint_le(pool.lent, 10000);
	bufpool_put(&pool, small, 512);
	while (n > 0)
		bufpool_put(&pool, b[--n], 2048);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(a_returned_buffer_is_lent_again)
{
	bufpool_init(&pool, 1024);
	for (int i = 0; i < 1000; i++) {
		void *a = bufpool_get(&pool, 500), *b = bufpool_get(&pool, 385);
		ck_assert_ptr_nonnull(a);
		ck_assert_ptr_nonnull(b);
		ck_assert_ptr_ne(a, b);
		ck_assert_ptr_null(bufpool_get(&pool, 1));
		bufpool_put(&pool, a, 500);
		bufpool_put(&pool, b, 512);
	}
	ck_assert_uint_eq(pool.lent, 0);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(lent_counts_whole_buffers)
{
	bufpool_init(&pool, 1 << 20);
	void *a = bufpool_get(&pool, 600), *b = bufpool_get(&pool, 1);
	ck_assert_uint_eq(pool.lent, 768 + 64);
	bufpool_put(&pool, a, 700);
	ck_assert_uint_eq(pool.lent, 64);
	bufpool_put(&pool, b, 1);
	ck_assert_uint_eq(pool.lent, 0);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(buffers_are_aligned_for_any_type)
{
	bufpool_init(&pool, 1 << 20);
	for (size_t n = 1; n < 40000; n += 3333) {
		uintptr_t p = (uintptr_t)bufpool_get(&pool, n);
		ck_assert_uint_ne(p, 0);
		ck_assert_uint_eq(p % _Alignof(max_align_t), 0);
		bufpool_put(&pool, (void *)p, n);
	}
	bufpool_fini(&pool);
}
END_TEST

START_TEST(a_foreign_buffer_is_a_bug)
{
	char foreign[512];
	bufpool_init(&pool, 1 << 20);
	bufpool_put(&pool, foreign, sizeof foreign);
}
END_TEST

START_TEST(a_burst_of_one_size_leaves_room_for_another)
{
	enum { N = 512 };
	static void *b[N];
	bufpool_init(&pool, N * 2048);
	for (int i = 0; i < N; i++)
		b[i] = bufpool_get(&pool, 2048);
	ck_assert_ptr_null(bufpool_get(&pool, 512));
	for (int i = 0; i < N; i++)
		bufpool_put(&pool, b[i], 2048);
	ck_assert_uint_le(pool.lent + pool.cached, pool.budget);
	void *large = bufpool_get(&pool, 512 * 1024);
	ck_assert_ptr_nonnull(large);
	ck_assert_uint_le(pool.lent + pool.cached, pool.budget);
	bufpool_put(&pool, large, 512 * 1024);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(newcomers_are_refused_first)
{
	bufpool_init(&pool, 4 * 2048);
	void *a = bufpool_get_new(&pool, 2048);
	void *b = bufpool_get_new(&pool, 2048);
	void *c = bufpool_get_new(&pool, 2048);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(bufpool_get_new(&pool, 2048));
	void *d = bufpool_get(&pool, 2048);
	ck_assert_ptr_nonnull(d);
	bufpool_put(&pool, a, 2048);
	bufpool_put(&pool, b, 2048);
	bufpool_put(&pool, c, 2048);
	bufpool_put(&pool, d, 2048);
	bufpool_fini(&pool);
}
END_TEST

START_TEST(ending_twice_is_harmless)
{
	bufpool_init(&pool, 1 << 20);
	bufpool_fini(&pool);
	bufpool_fini(&pool);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bufpool");
	TCase *t = tcase_create("bufpool");
	suite_add_tcase(s, t);
	tcase_add_test(t, sizes_round_up_to_two_classes_in_each_octave);
	tcase_add_test(t, no_size_takes_more_than_half_as_much_again);
	tcase_add_test(t, above_the_largest_class_there_is_nothing);
	tcase_add_test(t, buffers_do_not_overlap);
	tcase_add_test(t, the_budget_is_never_passed);
	tcase_add_test(t, a_returned_buffer_is_lent_again);
	tcase_add_test(t, lent_counts_whole_buffers);
	tcase_add_test(t, buffers_are_aligned_for_any_type);
	tcase_add_test_raise_signal(t, a_foreign_buffer_is_a_bug, SIGABRT);
	tcase_add_test(t, a_burst_of_one_size_leaves_room_for_another);
	tcase_add_test(t, newcomers_are_refused_first);
	tcase_add_test(t, ending_twice_is_harmless);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
