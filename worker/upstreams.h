/* upstreams - what upstream.c and upreply.c share; nobody else's. */
#ifndef WORKER_UPSTREAMS_H
#define WORKER_UPSTREAMS_H

#include "rtmp/wire.h"
#include "worker/upstream.h"

enum { UP_CHUNK = WIRE_CHUNK };

/* Transactions of leg_call() begin here: none of ours is so high. */
#define UP_CALLS ((double)IPC_CALLS)

struct upstreams {
	TAILQ_HEAD(upstream_list, upstream) all;
	struct mono tick;
};

/* upstream.c */

/* The connection is up: ask for what has waited for it. */
void upstream_ready(struct worker *w, struct upstream *up);
/* Ask for streams that wait for it, a few at a time. */
void upstream_ask(struct worker *w, struct upstream *up);
/* An answer to createStream came: the next may take its time. */
void upstream_created(struct worker *w, struct upstream *up);
void leg_set_state(struct leg *l, enum leg_state to);
/* Ask to publish, or to play l, which has a NetStream. */
void leg_play(struct worker *w, struct leg *l);

#endif
