/*
 * timers - when the timers of one script are due.  What is called then is known
 * to prelude.js only.
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_TIMERS_H
#define SCRIPT_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

enum { TIMERS_MAX = 1000 };

struct timer {
	uint32_t id;
	uint32_t period_ms; /* 0: once */
	struct mono due;
};

struct timers {
	struct timer *v;
	size_t n, cap;
	uint32_t last_id;
};

/*
 * Start one.  ms: 1 to a day, others are made so.
 * Returns its id, from 1; 0: there are TIMERS_MAX, or no memory
 */
uint32_t timers_add(struct timers *t, struct mono now, double ms, bool repeat);
void timers_drop(struct timers *t, uint32_t id);
void timers_fini(struct timers *t);

/* When the next is due, in ns; UINT64_MAX: there is none. */
uint64_t timers_next(const struct timers *t);

/*
 * The timer that is due longest, moved on or gone.  One that repeats is due again
 * a period after now, so that what is late is not made up for.
 * Returns its id, 0: none is due
 */
uint32_t timers_take(struct timers *t, struct mono now);

#endif
