/*
 * lograte - how often an event may be logged: a bucket of `burst` lines that
 * fills with `per_s` lines a second, and the number of those that found it
 * empty.  Pure: time comes in as an argument.
 */
#ifndef COMMON_LOGRATE_H
#define COMMON_LOGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/* What was suppressed is told this long after the first such line. */
enum { LOGRATE_TELL_MS = 5000 };

struct lograte {
	struct mono at;	     /* when the bucket was last filled; 0: full */
	uint64_t millilines; /* in the bucket then */
	uint64_t suppressed; /* not told yet */
	struct mono since;   /* first of these */
};

/* May a line be written now?  If not, it is counted.  per_s 0: always. */
bool lograte_take(
    struct lograte *r, unsigned per_s, unsigned burst, struct mono now);

/* When lograte_told() is due, in ns; UINT64_MAX: nothing is suppressed. */
uint64_t lograte_due(const struct lograte *r);

/* The number of lines that were suppressed since it was last told. */
uint64_t lograte_told(struct lograte *r);

#endif
