/*
 * window - what a server used, and this process, between two moments, for the
 * bytes that went meanwhile.  Of publish; players have measure.h.
 */
#ifndef BENCH_WINDOW_H
#define BENCH_WINDOW_H

#include <jansson.h>

#include "bench/cost.h"

struct window {
	struct cost begin, end;
	uint64_t bytes;	  /* between begin and end */
	uint64_t cpu_ns;  /* of this process */
	uint64_t wall_ns; /* 0: the window was not opened */
	bool open, closed;
};

/* bytes: so far.  Return 0 or -errno, and have said which process it was. */
int window_open(
    struct window *w, const struct options_pids *pids, uint64_t bytes);
int window_close(
    struct window *w, const struct options_pids *pids, uint64_t bytes);

/* Did this process stay below its share of a core?  If not, says so. */
bool window_counts(const struct window *w);

/* Put "server" and "load" into all.  Of a closed window. */
void window_put(const struct window *w, json_t *all);

#endif
