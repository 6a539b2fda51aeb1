/*
 * worker - what the modules of a worker share.  One struct worker, owned by
 * main.c, lives as long as the process; everything runs on one thread.
 *
 * Modules, each calling only those to its left (upwards through the functions
 * given to them in struct session_ops and the fields below):
 *
 *	loop | resolve dial hops | conn | link | session | upstream |
 *	publish  play | pull | glue | main
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bufpool.h"
#include "common/clock.h"
#include "common/conf.h"
#include "shm/arena.h"
#include "worker/late.h"
#include "worker/latency.h"

struct loop;
struct conns;
struct link;
struct sessions;
struct publishers;
struct players;
struct resolver;
struct dialer;
struct hops;
struct pulls;
struct pushes;
struct orders;
struct guests;
struct scripted;
struct trees;
struct uplinks;
struct upstreams;
struct hooked;
struct session_ops;

enum {
	TICK_MS = 250,	     /* a sleep lasts no longer while there is work */
	TICKS_PER_SWEEP = 4  /* the table of connections in one second */
};

struct worker {
	const struct conf *conf;
	struct arena arena;
	unsigned self;
	struct slot *slot; /* arena.slot[self] */
	int eventfd[SLOTS_MAX];
	uint64_t incarnation;
	struct bufpool pool; /* unfinished messages, replies, tails */
	struct mono now;     /* when this turn of the loop began */
	struct late late;    /* when it came too late */
	struct mono wake_at; /* the loop must look again by then */
	struct load load;
	bool orphan;	     /* the master is gone */
	bool quitting;
	struct loop *loop;
	struct conns *conns;
	struct link *link;
	struct sessions *sessions;
	struct publishers *publishers;
	struct players *players;
	struct resolver *resolver;
	struct dialer *dialer;
	struct hops *hops;
	struct upstreams *upstreams;
	struct hooked *hooked;
	struct pulls *pulls;
	struct pushes *pushes;
	struct orders *orders;
	struct guests *guests;
	struct scripted *scripted;
	struct trees *trees;
	struct uplinks *uplinks;
};

/* The loop shall not sleep beyond t. */
static inline void
worker_wake_at(struct worker *w, struct mono t)
{
	if (mono_before(t, w->wake_at))
		w->wake_at = t;
}

static inline void
worker_count(struct worker *w, unsigned counter, uint64_t n)
{
	slot_count(w->slot, counter, n);
}

#endif
