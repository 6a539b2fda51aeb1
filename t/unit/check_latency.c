/*
 * check_latency - worker/latency.h: flush points of each policy, what a worker
 * does about its load; the clock is a number.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "common/conf.h"
#include "worker/latency.h"

/* Some time after boot, so that times before it exist. */
enum { BOOT_MS = 1000000, NONE = -1 };

static struct mono
at(uint64_t ms)
{
	return mono_add_ms((struct mono){ 0 }, BOOT_MS + ms);
}

static int64_t
due(const struct latency *l, unsigned press_ms)
{
	struct mono t = latency_due(l, press_ms);
	return t.ns == 0 ? NONE : (int64_t)(t.ns / NS_PER_MS) - BOOT_MS;
}

/* Messages, each with the time by which all that wait are due after it. --- */

struct step {
	char what; /* Video, Audio, Flushed; 0: the end */
	uint64_t ms;
	int64_t due;
};

struct flush_case {
	const char *text;
	int64_t policy;
	unsigned press_ms;
	struct step step[8];
};

enum {
	LOWEST = 0,
	BALANCED = CONF_LATENCY_BALANCED,
	THROUGHPUT = CONF_LATENCY_THROUGHPUT
};

static const struct flush_case cases[] = {
	{ "lowest: every message at once", LOWEST, 0,
	    { { 'A', 100, 100 }, { 'F', 100, NONE }, { 'V', 110, 110 },
		{ 'A', 110, 110 }, { 'F', 110, NONE } } },
	{ "lowest is not pressed", LOWEST, 50,
	    { { 'A', 100, 100 }, { 'F', 100, NONE }, { 'A', 101, 101 } } },
	{ "balanced: video at once, audio with it", BALANCED, 0,
	    { { 'A', 100, 140 }, { 'A', 120, 140 }, { 'V', 130, 100 },
		{ 'F', 130, NONE }, { 'V', 163, 163 }, { 'F', 163, NONE },
		{ 'A', 170, 210 } } },
	{ "balanced: audio alone waits LATENCY_RIDE_MS from its first",
	    BALANCED, 0,
	    { { 'A', 100, 140 }, { 'A', 123, 140 }, { 'F', 140, NONE },
		{ 'A', 146, 186 } } },
	{ "balanced and pressed: a least time between flush points", BALANCED,
	    50,
	    { { 'V', 100, 100 }, { 'F', 100, NONE }, { 'V', 133, 150 },
		{ 'A', 140, 150 }, { 'F', 150, NONE }, { 'V', 250, 250 } } },
	{ "a window runs from the first byte that waits", 40, 0,
	    { { 'V', 100, 140 }, { 'V', 133, 140 }, { 'F', 140, NONE },
		{ 'A', 141, 181 } } },
	{ "a window is as long under load", 40, 350,
	    { { 'V', 100, 140 }, { 'F', 140, NONE }, { 'V', 150, 190 } } },
	{ "throughput", THROUGHPUT, 0,
	    { { 'A', 100, 450 }, { 'V', 110, 450 } } },
};

START_TEST(flush_points)
{
	const struct flush_case *c = &cases[_i];
	struct latency l;
	latency_init(&l, c->policy);
	ck_assert_int_eq(due(&l, c->press_ms), NONE);
	for (const struct step *s = c->step; s->what != 0; s++) {
		if (s->what == 'F')
			latency_flushed(&l, at(s->ms));
		else
			latency_message(&l, s->what == 'V', at(s->ms));
		int64_t t = due(&l, c->press_ms);
		/* in the past is now */
		bool same =
		    t == s->due || (t >= 0 && s->due >= 0 && t < s->due &&
				       s->due <= (int64_t)s->ms);
		ck_assert_msg(same, "%s: due at %jd after %c at %ju, not %jd",
		    c->text, (intmax_t)t, s->what, (uintmax_t)s->ms,
		    (intmax_t)s->due);
	}
}
END_TEST

/* Load -------------------------------------------------------------------- */

static uint64_t cpu_ns;

/* Turns of 1 ms, of which busy_us of CPU time, with n events each. */
static uint64_t
turns(struct load *l, uint64_t from_ms, uint64_t to_ms, uint64_t busy_us,
    unsigned n)
{
	for (uint64_t ms = from_ms; ms < to_ms; ms++) {
		cpu_ns += busy_us * 1000;
		if (load_turn(l, n, at(ms)))
			load_judge(l, at(ms), cpu_ns);
	}
	return to_ms;
}

START_TEST(a_worker_with_little_input_looks_at_once)
{
	struct load l = { 0 };
	uint64_t t = turns(&l, 0, 1000, 500, 1);
	ck_assert_uint_eq(load_gather_ns(&l), 0);
	ck_assert_uint_eq(load_press_ms(&l), 0);
	/* idle for long is no load */
	turns(&l, t + 60000, t + 60001, 100000, 1);
	ck_assert_uint_eq(load_gather_ns(&l), 0);
	ck_assert_uint_eq(load_press_ms(&l), 0);
}
END_TEST

START_TEST(a_worker_with_much_input_gathers_it_and_stops_when_it_is_over)
{
	struct load l = { 0 };
	uint64_t t = turns(&l, 0, 300, 100, 3);
	ck_assert_uint_eq(load_gather_ns(&l), LOAD_GATHER_NS);
	/* half of it is enough to go on */
	t = turns(&l, t, t + 300, 100, 1);
	ck_assert_uint_eq(load_gather_ns(&l), LOAD_GATHER_NS);
	turns(&l, t, t + 300, 100, 0);
	ck_assert_uint_eq(load_gather_ns(&l), 0);
}
END_TEST

START_TEST(a_busy_worker_presses_step_by_step_and_lets_go_slowly)
{
	struct load l = { 0 };
	uint64_t t = turns(&l, 0, 201, 900, 1);
	unsigned first = load_press_ms(&l);
	ck_assert_uint_gt(first, 0);
	t = turns(&l, t, t + 200, 900, 1);
	ck_assert_uint_gt(load_press_ms(&l), first);
	t = turns(&l, t, t + 5000, 990, 1);
	unsigned most = load_press_ms(&l);
	ck_assert_uint_eq(most, CONF_LATENCY_THROUGHPUT);
	/* between the two bounds nothing changes */
	t = turns(&l, t, t + 5000, 600, 1);
	ck_assert_uint_eq(load_press_ms(&l), most);
	t = turns(&l, t, t + LOAD_PERIOD_MS * (LOAD_CALM_PERIODS - 2), 100, 1);
	ck_assert_uint_eq(load_press_ms(&l), most);
	t = turns(&l, t, t + LOAD_PERIOD_MS * 4, 100, 1);
	ck_assert_uint_lt(load_press_ms(&l), most);
	turns(&l, t, t + LOAD_PERIOD_MS * LOAD_CALM_PERIODS * 8, 100, 1);
	ck_assert_uint_eq(load_press_ms(&l), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("latency");
	TCase *c = tcase_create("decisions");
	tcase_add_loop_test(c, flush_points, 0, sizeof cases / sizeof cases[0]);
	tcase_add_test(c, a_worker_with_little_input_looks_at_once);
	tcase_add_test(
	    c, a_worker_with_much_input_gathers_it_and_stops_when_it_is_over);
	tcase_add_test(
	    c, a_busy_worker_presses_step_by_step_and_lets_go_slowly);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
