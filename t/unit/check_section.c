/* check_section - one case per promise of shm/section.h. */
#include "config.h"

#include <check.h>
#include <signal.h>

#include "arena_fixture.h"
#include "shm/section.h"

static uint64_t snap[SLOTS_MAX];

static uint64_t
counter_of(unsigned s)
{
	return atomic_load_explicit(
	    &fix.slot[s]->section, memory_order_relaxed);
}

START_TEST(counter_is_odd_inside_and_even_outside)
{
	ck_assert_uint_eq(counter_of(0) % 2, 0);
	ck_assert(!section_inside(fix.slot[0]));
	section_enter(fix.slot[0]);
	ck_assert_uint_eq(counter_of(0) % 2, 1);
	ck_assert(section_inside(fix.slot[0]));
	section_leave(fix.slot[0]);
	ck_assert_uint_eq(counter_of(0), 2);
	ck_assert(!section_inside(fix.slot[0]));
}
END_TEST

START_TEST(entering_writes_the_own_slot_only)
{
	section_enter(fix.slot[1]);
	ck_assert_uint_eq(counter_of(0), 0);
	ck_assert_uint_eq(counter_of(2), 0);
	section_leave(fix.slot[1]);
}
END_TEST

START_TEST(snapshot_of_quiet_slots_has_passed)
{
	section_snapshot(&fix, snap);
	ck_assert(section_passed(&fix, snap));
}
END_TEST

START_TEST(snapshot_has_not_passed_while_a_section_lasts)
{
	section_enter(fix.slot[3]);
	section_snapshot(&fix, snap);
	ck_assert(!section_passed(&fix, snap));
	ck_assert(!section_passed(&fix, snap));
	section_leave(fix.slot[3]);
	ck_assert(section_passed(&fix, snap));
}
END_TEST

START_TEST(snapshot_waits_for_every_slot)
{
	section_enter(fix.slot[0]);
	section_enter(fix.slot[2]);
	section_snapshot(&fix, snap);
	section_leave(fix.slot[0]);
	ck_assert(!section_passed(&fix, snap));
	section_leave(fix.slot[2]);
	ck_assert(section_passed(&fix, snap));
}
END_TEST

START_TEST(a_later_section_is_not_waited_for)
{
	section_enter(fix.slot[0]);
	section_snapshot(&fix, snap);
	section_leave(fix.slot[0]);
	section_enter(fix.slot[0]);
	ck_assert(section_passed(&fix, snap));
	section_leave(fix.slot[0]);
	section_snapshot(&fix, snap);
	section_enter(fix.slot[1]);
	ck_assert(section_passed(&fix, snap));
	section_leave(fix.slot[1]);
}
END_TEST

START_TEST(repair_ends_a_dead_section)
{
	section_enter(fix.slot[1]);
	section_snapshot(&fix, snap);
	section_repair(fix.slot[1]);
	ck_assert_uint_eq(counter_of(1) % 2, 0);
	ck_assert(section_passed(&fix, snap));
}
END_TEST

/* Architecture section 6, order of a death: even, never back to 0. */
START_TEST(repair_never_goes_back)
{
	uint64_t before = counter_of(1);
	section_repair(fix.slot[1]);
	ck_assert_uint_gt(counter_of(1), before);
	ck_assert_uint_eq(counter_of(1) % 2, 0);
	for (int i = 0; i < 5; i++) {
		before = counter_of(1);
		section_enter(fix.slot[1]);
		section_repair(fix.slot[1]);
		ck_assert_uint_gt(counter_of(1), before);
		ck_assert_uint_eq(counter_of(1) % 2, 0);
	}
}
END_TEST

/* A snapshot taken in a dead worker's section and one in its successor's
 * must differ: the successor's section would else seem to be the old one. */
START_TEST(a_successors_section_is_not_taken_for_the_dead_ones)
{
	section_enter(fix.slot[1]);
	section_snapshot(&fix, snap);
	section_repair(fix.slot[1]);
	section_enter(fix.slot[1]);
	ck_assert(section_passed(&fix, snap));
}
END_TEST

START_TEST(entering_twice_is_a_bug)
{
	section_enter(fix.slot[0]);
	section_enter(fix.slot[0]);
}
END_TEST

START_TEST(leaving_twice_is_a_bug)
{
	section_leave(fix.slot[0]);
}
END_TEST

int
main(void)
{
	TCase *t = fix_tcase("section");
	tcase_add_test(t, counter_is_odd_inside_and_even_outside);
	tcase_add_test(t, entering_writes_the_own_slot_only);
	tcase_add_test(t, snapshot_of_quiet_slots_has_passed);
	tcase_add_test(t, snapshot_has_not_passed_while_a_section_lasts);
	tcase_add_test(t, snapshot_waits_for_every_slot);
	tcase_add_test(t, a_later_section_is_not_waited_for);
	tcase_add_test(t, repair_ends_a_dead_section);
	tcase_add_test(t, repair_never_goes_back);
	tcase_add_test(t, a_successors_section_is_not_taken_for_the_dead_ones);
	tcase_add_test_raise_signal(t, entering_twice_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_twice_is_a_bug, SIGABRT);
	return fix_main(t, "section");
}
