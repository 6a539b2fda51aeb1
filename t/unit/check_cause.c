/*
 * check_cause - what made a player slow (worker/cause.h), judged over evidence
 * of every kind, and when a worker was late (worker/late.h).
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "worker/cause.h"
#include "worker/late.h"

struct row {
	const char *what;
	enum cause cause;
	struct cause_evidence e;
};

#define SEEN .known = true, .measured = true
#define OPEN .snd_wnd = 200000, .min_rtt_ms = 1

static const struct row rows[] = {
	/* stopped: its window is shut, a probe goes out now and then */
	{ "stopped", CAUSE_CLIENT,
	    { SEEN, .lag_ms = 6000, .span_ms = 5000, .busy_ms = 5000,
		.rwnd_ms = 4990, .notsent = 130000 } },
	/* reads half of it: the window opens and shuts */
	{ "reads slowly", CAUSE_CLIENT,
	    { SEEN, .lag_ms = 5100, .span_ms = 4000, .busy_ms = 3900,
		.rwnd_ms = 2500, .snd_wnd = 20000, .unacked = 3, .rtt_ms = 40,
		.min_rtt_ms = 1, .notsent = 90000 } },
	/* the same without a look at its beginning */
	{ "stopped, not measured", CAUSE_CLIENT,
	    { .known = true,
		.lag_ms = 5000,
		.span_ms = 5000,
		.snd_wnd = 0,
		.notsent = 100000 } },
	/* the queue before the slow link holds a whole wide window */
	{ "a long queue on the way", CAUSE_PATH,
	    { SEEN, .lag_ms = 5100, .span_ms = 4000, .busy_ms = 4000,
		.rwnd_ms = 3900, .snd_wnd = 65536, .unacked = 45, .rtt_ms = 900,
		.min_rtt_ms = 1, .notsent = 130000 } },
	{ "the link is slow", CAUSE_PATH,
	    { SEEN, OPEN, .lag_ms = 5100, .span_ms = 4000, .busy_ms = 4000,
		.retrans = 12, .unacked = 10, .rtt_ms = 300,
		.notsent = 130000 } },
	{ "the cable is out", CAUSE_PATH,
	    { SEEN, OPEN, .lag_ms = 20000, .span_ms = 19000, .busy_ms = 19000,
		.retrans = 7, .unacked = 10, .notsent = 130000 } },
	{ "slow link, not measured", CAUSE_PATH,
	    { .known = true,
		OPEN,
		.lag_ms = 5100,
		.span_ms = 5100,
		.unacked = 10,
		.notsent = 130000 } },
	/* stopped worker: nothing was looked at while it stood */
	{ "the worker stood still", CAUSE_SERVER,
	    { .known = true,
		OPEN,
		.lag_ms = 6000,
		.span_ms = 6000,
		.server_ms = 5900 } },
	{ "half of the time is enough", CAUSE_SERVER,
	    { SEEN, OPEN, .span_ms = 4000, .busy_ms = 2500, .server_ms = 2000,
		.unacked = 3 } },
	{ "less than half is not", CAUSE_PATH,
	    { SEEN, OPEN, .span_ms = 4000, .busy_ms = 2500, .server_ms = 1999,
		.unacked = 3 } },
	/* late, but the peer read nothing all the same */
	{ "late and stopped", CAUSE_CLIENT,
	    { SEEN, .span_ms = 4000, .busy_ms = 4000, .rwnd_ms = 3900,
		.server_ms = 3000, .notsent = 130000 } },
	/* the socket was empty for most of the time: nobody fed it */
	{ "starved", CAUSE_SERVER,
	    { SEEN, OPEN, .lag_ms = 5100, .span_ms = 4000, .busy_ms = 1900,
		.server_ms = 500 } },
	{ "the kernel tells nothing", CAUSE_UNKNOWN,
	    { .lag_ms = 5100, .span_ms = 4000 } },
	{ "the kernel tells nothing, the worker was late", CAUSE_SERVER,
	    { .lag_ms = 5100, .span_ms = 4000, .server_ms = 4000 } },
	{ "no sum overflows", CAUSE_CLIENT,
	    { SEEN, .span_ms = UINT32_MAX, .busy_ms = UINT32_MAX,
		.rwnd_ms = UINT32_MAX, .server_ms = UINT32_MAX } },
};

START_TEST(each_kind_of_evidence_has_its_cause)
{
	const struct row *r = &rows[_i];
	enum cause got = cause_judge(&r->e);
	ck_assert_msg(got == r->cause, "%s: %s, not %s", r->what,
	    cause_name(got), cause_name(r->cause));
}
END_TEST

static struct mono
at(uint64_t ms)
{
	return (struct mono){ (1000000 + ms) * NS_PER_MS };
}

START_TEST(short_turns_are_no_lateness)
{
	struct late l = { .n = 0 };
	for (unsigned i = 0; i < 100; i++)
		late_note(&l, at(i * 100), at(i * 100 + LATE_MS - 1));
	ck_assert_uint_eq(late_within(&l, at(0), at(20000)), 0);
}
END_TEST

START_TEST(lateness_is_counted_in_the_asked_time_only)
{
	struct late l = { .n = 0 };
	late_note(&l, at(1000), at(4000));
	late_note(&l, at(6000), at(6500));
	ck_assert_uint_eq(late_within(&l, at(0), at(10000)), 3500);
	ck_assert_uint_eq(late_within(&l, at(2000), at(10000)), 2500);
	ck_assert_uint_eq(late_within(&l, at(3000), at(6100)), 1100);
	ck_assert_uint_eq(late_within(&l, at(4000), at(6000)), 0);
	ck_assert_uint_eq(late_within(&l, at(7000), at(8000)), 0);
}
END_TEST

START_TEST(late_turns_one_after_another_are_one_span)
{
	struct late l = { .n = 0 };
	for (unsigned i = 0; i < 1000; i++)
		late_note(&l, at(i * 70), at(i * 70 + 60));
	ck_assert_uint_eq(l.n, 1);
	ck_assert_uint_eq(late_within(&l, at(10000), at(20000)), 10000);
}
END_TEST

START_TEST(the_oldest_spans_are_forgotten)
{
	struct late l = { .n = 0 };
	for (unsigned i = 0; i < LATE_SPANS + 5; i++)
		late_note(&l, at(i * 1000), at(i * 1000 + 100));
	ck_assert_uint_eq(late_within(&l, at(0), at(100000)), LATE_SPANS * 100);
	ck_assert_uint_eq(late_within(&l, at(0), at(5000)), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cause");
	TCase *t = tcase_create("cause");
	tcase_add_loop_test(t, each_kind_of_evidence_has_its_cause, 0,
	    sizeof rows / sizeof rows[0]);
	tcase_add_test(t, short_turns_are_no_lateness);
	tcase_add_test(t, lateness_is_counted_in_the_asked_time_only);
	tcase_add_test(t, late_turns_one_after_another_are_one_span);
	tcase_add_test(t, the_oldest_spans_are_forgotten);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
