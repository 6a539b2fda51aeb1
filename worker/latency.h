/*
 * latency - when bytes of a stream are to be sent, and how much a worker takes
 * at a time.  Pure decisions, the clock is given; a send costs nearly the same
 * whatever it carries, so everything here is about fewer and larger ones.
 *
 * A flush point is where all players of a stream are sent what is new.  By the
 * Latency of its application:
 *
 *	lowest		every message is one (a window of 0 ms)
 *	balanced	video; audio and data ride with the next video message,
 *			for at most LATENCY_RIDE_MS.  While the worker has more
 *			to do than it should, there is a least time between two
 *			flush points, which grows step by step (load_press_ms)
 *	a number	that many ms after the first byte that waits
 *	throughput	the same, with LATENCY_THROUGHPUT_MS
 *
 * Input: a worker with many publishers would turn its loop for every single
 * message.  From LOAD_BUSY_EVENTS a second on it looks at its input no more
 * than once in load_gather_ns(); below, every event is looked at at once.
 */
#ifndef WORKER_LATENCY_H
#define WORKER_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

enum {
	LATENCY_RIDE_MS = 40,
	LOAD_PERIOD_MS = 100,	 /* load is judged anew after this */
	LOAD_BUSY_EVENTS = 2000, /* a second */
	LOAD_GATHER_EVENTS = 64, /* so many are not waited with */
	LOAD_GATHER_NS = 2000000,
	LOAD_PRESS_UP = 85,   /* per cent of a core used: the next step */
	LOAD_PRESS_DOWN = 35, /* below for LOAD_CALM_PERIODS: one step back */
	LOAD_CALM_PERIODS = 10
};

/* One publish: what waits to be flushed. */
struct latency {
	int64_t policy;	   /* CONF_LATENCY_BALANCED, or a window in ms */
	struct mono first; /* since when bytes wait; 0: none do */
	struct mono last;  /* the last flush point */
	bool video;	   /* there is video among them */
};

void latency_init(struct latency *l, int64_t policy);

/* A whole message stands in the ring. */
void latency_message(struct latency *l, bool video, struct mono now);

/*
 * When is what waits due?  It may be in the past, which means now.
 *
 * press_ms	of load_press_ms()
 * Returns	0 when nothing waits
 */
struct mono latency_due(const struct latency *l, unsigned press_ms);

void latency_flushed(struct latency *l, struct mono now);

/*
 * Of a worker; zero-initialise.  Load is the CPU time of its thread: a worker that
 * shares its core with others and was not let run has not more to do for that, and
 * what it may not have it cannot save.
 */
struct load {
	struct mono from; /* the present period began, */
	uint64_t cpu_ns;  /* at this CPU time */
	uint64_t events;
	unsigned calm; /* periods below LOAD_PRESS_DOWN */
	unsigned step;
	bool gather;
};

/*
 * A turn is over: n events were handled.
 * Returns	whether a period is over, too: then load_judge() is to be called
 */
bool load_turn(struct load *l, unsigned n, struct mono now);

/* A period is over; cpu_ns: what the thread has used since it began. */
void load_judge(struct load *l, struct mono now, uint64_t cpu_ns);

/* Least time between two flush points of a balanced stream; 0: none. */
unsigned load_press_ms(const struct load *l);

/* Least time between two looks at the input; 0: none. */
uint64_t load_gather_ns(const struct load *l);

#endif
