/*
 * late - when this worker was late: turns of its loop that took long, and
 * sleeps from which it came back long after it should have (it was stopped, or
 * had no CPU).  The last LATE_SPANS of them are kept.
 * Context: the worker's thread.
 */
#ifndef WORKER_LATE_H
#define WORKER_LATE_H

#include <stdint.h>

#include "common/clock.h"

enum {
	LATE_SPANS = 16,
	LATE_MS = 50,	 /* what is shorter is no lateness */
	LATE_GAP_MS = 20 /* spans as near as this are one */
};

struct late_span {
	struct mono begin, end;
};

struct late {
	struct late_span span[LATE_SPANS]; /* a ring, in order of time */
	unsigned n;			   /* spans so far */
};

/* The worker should have been back at due, and was at now. */
void late_note(struct late *l, struct mono due, struct mono now);

/* Milliseconds of [from, to) that are known to be late. */
uint32_t late_within(const struct late *l, struct mono from, struct mono to);

#endif
