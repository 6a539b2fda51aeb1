/*
 * check_wake - one case per promise of shm/wake.h (architecture rule 1).
 * That no wake-up is lost between processes is t/stress/ring_torture's part.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "arena_fixture.h"
#include "shm/wake.h"

static int efd[FIX_SLOTS];

static void
setup(void)
{
	fix_create();
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		efd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ck_assert_int_ge(efd[i], 0);
	}
}

static void
set_interest(unsigned slot, uint32_t block)
{
	fix.slot[slot]->interest[block / 64] |= UINT64_C(1) << (block % 64);
}

static uint64_t
drain(unsigned slot)
{
	uint64_t n = 0;
	ssize_t r = read(efd[slot], &n, sizeof n);
	ck_assert(r == sizeof n || (r < 0 && errno == EAGAIN));
	return n;
}

START_TEST(rule_1_marks_reach_interested_slots_only)
{
	set_interest(1, 70);
	set_interest(3, 70);
	set_interest(2, 71);
	wake_fence();
	ck_assert_uint_eq(wake_mark(&fix, 70), 1 << 1 | 1 << 3);
	ck_assert_uint_eq(wake_take_sum(&fix, 0), 0);
	ck_assert_uint_eq(wake_take_sum(&fix, 2), 0);
	ck_assert_uint_eq(wake_take_sum(&fix, 1), 1 << 1);
	ck_assert_uint_eq(wake_take_sum(&fix, 3), 1 << 1);
	ck_assert_uint_eq(wake_take_word(&fix, 1, 1), 1 << 6);
	ck_assert_uint_eq(wake_take_word(&fix, 3, 1), 1 << 6);
	ck_assert_uint_eq(wake_take_word(&fix, 2, 1), 0);
}
END_TEST

START_TEST(nobody_interested_marks_nobody)
{
	ck_assert_uint_eq(wake_mark(&fix, 5), 0);
}
END_TEST

/* Rule 1: "then always the dirty sum (never skipped because the bit was
 * set)": the reader may have taken the sum and not yet the word. */
START_TEST(rule_1_the_sum_is_set_even_if_the_bit_was)
{
	set_interest(1, 3);
	wake_mark(&fix, 3);
	ck_assert_uint_eq(wake_take_sum(&fix, 1), 1);
	wake_mark(&fix, 3);
	ck_assert_uint_eq(wake_take_sum(&fix, 1), 1);
	ck_assert_uint_eq(wake_take_word(&fix, 1, 0), 1 << 3);
	wake_mark(&fix, 3);
	ck_assert_uint_eq(wake_take_sum(&fix, 1), 1);
}
END_TEST

START_TEST(taking_the_sum_or_a_word_leaves_it_zero)
{
	wake_mark_slot(&fix, 2, 65);
	ck_assert_uint_eq(wake_take_sum(&fix, 2), 2);
	ck_assert_uint_eq(wake_take_sum(&fix, 2), 0);
	ck_assert_uint_eq(wake_take_word(&fix, 2, 1), 2);
	ck_assert_uint_eq(wake_take_word(&fix, 2, 1), 0);
}
END_TEST

START_TEST(marking_a_slot_does_not_ask_for_interest)
{
	wake_mark_slot(&fix, 0, 199);
	ck_assert_uint_eq(wake_take_sum(&fix, 0), 1 << 3);
	ck_assert_uint_eq(
	    wake_take_word(&fix, 0, 3), UINT64_C(1) << (199 - 192));
}
END_TEST

START_TEST(the_last_block_has_a_bit_below_the_directorys)
{
	wake_mark_slot(&fix, 0, BLOCKS_MAX - 1);
	ck_assert_uint_eq(
	    wake_take_sum(&fix, 0), UINT64_C(1) << (BLOCK_WORDS - 1));
	ck_assert_uint_eq(
	    wake_take_word(&fix, 0, BLOCK_WORDS - 1), UINT64_C(1) << 63);
	ck_assert_int_lt(BLOCK_WORDS - 1, WAKE_DIRECTORY);
}
END_TEST

START_TEST(the_directory_has_a_bit_of_its_own_in_the_sum)
{
	wake_mark_directory(&fix, 2);
	ck_assert(!wake_may_sleep(&fix, 2));
	ck_assert_uint_eq(
	    wake_take_sum(&fix, 2), UINT64_C(1) << WAKE_DIRECTORY);
}
END_TEST

START_TEST(rule_1_only_sleepers_are_written)
{
	ck_assert(wake_may_sleep(&fix, 1));
	ck_assert_uint_eq(wake_sleepers(&fix, 1 << 1 | 1 << 2, efd, -1), 1);
	ck_assert_uint_eq(drain(1), 1);
	ck_assert_uint_eq(drain(2), 0);
	wake_awake(&fix, 1);
	ck_assert_uint_eq(wake_sleepers(&fix, 1 << 1 | 1 << 2, efd, -1), 0);
	ck_assert_uint_eq(drain(1), 0);
}
END_TEST

START_TEST(only_the_slots_named_are_written)
{
	ck_assert(wake_may_sleep(&fix, 1));
	ck_assert(wake_may_sleep(&fix, 2));
	ck_assert_uint_eq(wake_sleepers(&fix, 1 << 2, efd, -1), 1);
	ck_assert_uint_eq(drain(1), 0);
	ck_assert_uint_eq(drain(2), 1);
}
END_TEST

START_TEST(the_own_slot_is_not_written)
{
	ck_assert(wake_may_sleep(&fix, 1));
	ck_assert_uint_eq(wake_sleepers(&fix, 1 << 1, efd, 1), 0);
	ck_assert_uint_eq(drain(1), 0);
}
END_TEST

/* asleep is written by its own worker alone: a producer leaves it. */
START_TEST(rule_1_a_wake_leaves_asleep_to_its_worker)
{
	ck_assert(wake_may_sleep(&fix, 1));
	wake_sleepers(&fix, 1 << 1, efd, -1);
	ck_assert_uint_eq(fix.slot[1]->asleep, 1);
	wake_awake(&fix, 1);
	ck_assert_uint_eq(fix.slot[1]->asleep, 0);
}
END_TEST

START_TEST(a_worker_with_news_does_not_sleep)
{
	wake_mark_slot(&fix, 1, 9);
	ck_assert(!wake_may_sleep(&fix, 1));
	ck_assert_uint_eq(fix.slot[1]->asleep, 0);
	wake_take_sum(&fix, 1);
	ck_assert(wake_may_sleep(&fix, 1));
	ck_assert_uint_eq(fix.slot[1]->asleep, 1);
}
END_TEST

START_TEST(a_full_eventfd_wakes_as_well)
{
	uint64_t most = UINT64_MAX - 1;
	ck_assert_int_eq(write(efd[1], &most, sizeof most), sizeof most);
	ck_assert(wake_may_sleep(&fix, 1));
	ck_assert_uint_eq(wake_sleepers(&fix, 1 << 1, efd, -1), 1);
	ck_assert_uint_eq(drain(1), most);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("wake");
	tcase_add_checked_fixture(t, setup, fix_remove);
	tcase_add_test(t, rule_1_marks_reach_interested_slots_only);
	tcase_add_test(t, nobody_interested_marks_nobody);
	tcase_add_test(t, rule_1_the_sum_is_set_even_if_the_bit_was);
	tcase_add_test(t, taking_the_sum_or_a_word_leaves_it_zero);
	tcase_add_test(t, marking_a_slot_does_not_ask_for_interest);
	tcase_add_test(t, the_last_block_has_a_bit_below_the_directorys);
	tcase_add_test(t, the_directory_has_a_bit_of_its_own_in_the_sum);
	tcase_add_test(t, rule_1_only_sleepers_are_written);
	tcase_add_test(t, only_the_slots_named_are_written);
	tcase_add_test(t, the_own_slot_is_not_written);
	tcase_add_test(t, rule_1_a_wake_leaves_asleep_to_its_worker);
	tcase_add_test(t, a_worker_with_news_does_not_sleep);
	tcase_add_test(t, a_full_eventfd_wakes_as_well);
	return fix_main(t, "wake");
}
