/*
 * turns - a worker that has nothing but a loop, for tests of what stands in it.
 */
#ifndef UNIT_TURNS_H
#define UNIT_TURNS_H

#include <check.h>

#include "worker/loop.h"
#include "worker/worker.h"

typedef void turn_event_fn(struct worker *w, const struct loop_event *e);
typedef void turn_tick_fn(struct worker *w);

static struct worker w;

static inline void
turns_begin(void)
{
	char err[160];
	w = (struct worker){ .now = clock_now() };
	w.loop = loop_new(err, sizeof err);
	ck_assert_msg(w.loop != NULL, "%s", err);
}

static inline void
turns_end(void)
{
	loop_free(w.loop);
}

/*
 * One turn, as run() of worker/main.c has it.  Sleeps at most 10 ms, and not
 * at all when it is to be awake at once; the clock of the worker stands still.
 */
static inline void
turn(turn_event_fn *event, turn_tick_fn *tick)
{
	struct loop_event e;
	w.wake_at = mono_add_ms(w.now, 10);
	while (loop_next(w.loop, &e))
		event(&w, &e);
	tick(&w);
	if (mono_before(w.now, w.wake_at))
		loop_wait(w.loop, 1, mono_add_ms(clock_now(), 10));
	else
		loop_look(w.loop);
}

static inline int
turns_main(TCase *t, const char *name)
{
	Suite *s = suite_create(name);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}

#endif
