/*
 * backoff - when to try again what has failed: after 0.1 to 1 s in the first
 * minute, then growing to 10 s, with jitter so that many who lost the same
 * server do not come back at once.  Pure: time and chance come as arguments.
 */
#ifndef WORKER_BACKOFF_H
#define WORKER_BACKOFF_H

#include <stdint.h>

#include "common/clock.h"

enum {
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MINUTE_MS = 1000, /* at most in the first minute */
	BACKOFF_MAX_MS = 10000
};

/* All zero: nothing has failed. */
struct backoff {
	struct mono since; /* the first failure; 0: none */
	uint32_t step_ms;
};

/*
 * It has failed (again).
 * rnd		any number
 * Returns	how long to wait, BACKOFF_FIRST_MS to BACKOFF_MAX_MS
 */
uint32_t backoff_next(struct backoff *b, struct mono now, uint32_t rnd);

/* It went well. */
void backoff_reset(struct backoff *b);

#endif
