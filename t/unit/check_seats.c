/*
 * check_seats - one case per promise of shm/seats.h, and processes that are
 * killed while they take and give (doc/models/m5_seats.pml is the proof).
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arena_fixture.h"
#include "shm/seats.h"

static const struct seat_range three = { 5, 3 }, none = { 9, 0 };

START_TEST(a_range_has_as_many_seats_as_it_says)
{
	struct seat_search s = { 0 };
	uint64_t me = seat_owner(0, 7);
	uint32_t seat[3];
	for (unsigned i = 0; i < 3; i++) {
		seat[i] = seats_take(&fix, &three, &s, me);
		ck_assert_uint_ne(seat[i], SEAT_NONE);
	}
	ck_assert_uint_eq(seats_used(&fix, &three), 3);
	ck_assert_uint_eq(seats_take(&fix, &three, &s, me), SEAT_NONE);
	seats_give(&fix, &three, seat[1], me);
	ck_assert_uint_eq(seats_used(&fix, &three), 2);
	ck_assert_uint_eq(seats_take(&fix, &three, &s, me), seat[1]);
	ck_assert_uint_eq(seats_take(&fix, &three, &s, me), SEAT_NONE);
}
END_TEST

START_TEST(another_slot_sees_what_is_given)
{
	struct seat_search s0 = { 0 }, s1 = { 0 };
	uint64_t w0 = seat_owner(0, 1), w1 = seat_owner(1, 2);
	uint32_t a = seats_take(&fix, &three, &s0, w0);
	uint32_t b = seats_take(&fix, &three, &s0, w0);
	ck_assert_uint_ne(seats_take(&fix, &three, &s1, w1), SEAT_NONE);
	ck_assert_uint_eq(seats_take(&fix, &three, &s1, w1), SEAT_NONE);
	ck_assert_uint_eq(seats_take(&fix, &three, &s0, w0), SEAT_NONE);
	seats_give(&fix, &three, a, w0);
	ck_assert_uint_eq(seats_take(&fix, &three, &s1, w1), a);
	seats_give(&fix, &three, b, w0);
	ck_assert_uint_eq(seats_take(&fix, &three, &s0, w0), b);
}
END_TEST

START_TEST(nobody_gives_the_seat_of_another)
{
	struct seat_search s = { 0 };
	uint64_t old = seat_owner(0, 1), new = seat_owner(0, 2);
	uint32_t seat = seats_take(&fix, &three, &s, old);
	ck_assert_uint_eq(seats_sweep(&fix, &three, 1, old), 1);
	ck_assert_uint_eq(seats_take(&fix, &three, &s, new), seat % 3 + 1);
	s.next = seat - 1;
	ck_assert_uint_eq(seats_take(&fix, &three, &s, new), seat);
	seats_give(&fix, &three, seat, old);
	ck_assert_uint_eq(seats_used(&fix, &three), 2);
}
END_TEST

START_TEST(a_sweep_takes_only_the_dead_and_is_seen)
{
	struct seat_range both[2] = { three, { 20, 2 } };
	struct seat_search s0 = { 0 }, s1 = { 0 };
	uint64_t dead = seat_owner(0, 1), other = seat_owner(1, 1);
	for (unsigned i = 0; i < 2; i++)
		seats_take(&fix, &three, &s0, dead);
	seats_take(&fix, &both[1], &s0, dead);
	seats_take(&fix, &three, &s1, other);
	ck_assert_uint_eq(seats_take(&fix, &three, &s1, other), SEAT_NONE);
	ck_assert_uint_eq(seats_sweep(&fix, both, 2, dead), 3);
	ck_assert_uint_eq(seats_used(&fix, &three), 1);
	ck_assert_uint_eq(seats_used(&fix, &both[1]), 0);
	ck_assert_uint_ne(seats_take(&fix, &three, &s1, other), SEAT_NONE);
}
END_TEST

START_TEST(no_seats_no_client)
{
	struct seat_search s = { 0 };
	ck_assert_uint_eq(
	    seats_take(&fix, &none, &s, seat_owner(0, 1)), SEAT_NONE);
	ck_assert_uint_eq(seats_used(&fix, &none), 0);
}
END_TEST

START_TEST(owners_differ)
{
	ck_assert_uint_ne(seat_owner(0, 1), seat_owner(1, 1));
	ck_assert_uint_ne(seat_owner(0, 1), seat_owner(0, 2));
	ck_assert_uint_ne(seat_owner(63, 0), 0);
}
END_TEST

/* What the processes share beside the seats: who believes to sit. */
struct shared {
	_Atomic int sitting;
	_Atomic uint64_t taken, refused, wrong;
};

enum { WORKERS = 3, SEATS = 5 };
static const struct seat_range range = { 0, SEATS };

/* Take up to two at a time and give them back, for ever. */
static void
worker(unsigned slot, uint64_t incarnation, struct shared *sh)
{
	struct seat_search s = { 0 };
	uint64_t me = seat_owner(slot, incarnation);
	for (;;) {
		uint32_t seat[2];
		for (unsigned i = 0; i < 2; i++) {
			seat[i] = seats_take(&fix, &range, &s, me);
			if (seat[i] == SEAT_NONE) {
				sh->refused++;
				continue;
			}
			sh->taken++;
			if (seats_used(&fix, &range) > SEATS)
				sh->wrong++;
		}
		for (unsigned i = 0; i < 2; i++)
			seats_give(&fix, &range, seat[i], me);
	}
}

static pid_t
start(unsigned slot, uint64_t incarnation, struct shared *sh)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		worker(slot, incarnation, sh);
	return pid;
}

static void
kill_and_wait(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(killed_workers_leave_no_seat_behind)
{
	struct shared *sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t inc[WORKERS] = { 0 };
	pid_t pid[WORKERS];
	ck_assert_ptr_ne(sh, MAP_FAILED);
	for (unsigned i = 0; i < WORKERS; i++)
		pid[i] = start(i, ++inc[i], sh);
	srand(1);
	for (unsigned k = 0; k < 300; k++) {
		unsigned i = (unsigned)rand() % WORKERS;
		struct timespec t = { 0, rand() % 2000000 };
		nanosleep(&t, NULL);
		kill_and_wait(pid[i]);
		seats_sweep(&fix, &range, 1, seat_owner(i, inc[i]));
		pid[i] = start(i, ++inc[i], sh);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		kill_and_wait(pid[i]);
		seats_sweep(&fix, &range, 1, seat_owner(i, inc[i]));
	}
	ck_assert_uint_eq(seats_used(&fix, &range), 0);
	ck_assert_uint_gt(sh->taken, 0);
	ck_assert_uint_gt(sh->refused, 0);
	ck_assert_uint_eq(sh->wrong, 0);
	munmap(sh, sizeof *sh);
}
END_TEST

int
main(void)
{
	TCase *t = fix_tcase("seats");
	tcase_add_test(t, a_range_has_as_many_seats_as_it_says);
	tcase_add_test(t, another_slot_sees_what_is_given);
	tcase_add_test(t, nobody_gives_the_seat_of_another);
	tcase_add_test(t, a_sweep_takes_only_the_dead_and_is_seen);
	tcase_add_test(t, no_seats_no_client);
	tcase_add_test(t, owners_differ);
	tcase_add_test(t, killed_workers_leave_no_seat_behind);
	return fix_main(t, "seats");
}
