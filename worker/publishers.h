/* publishers - what publish.c and assemble.c share; nobody else's. */
#ifndef WORKER_PUBLISHERS_H
#define WORKER_PUBLISHERS_H

#include "worker/advice.h"
#include "worker/headers.h"
#include "worker/publish.h"
#include "worker/pubclock.h"

enum msg_kind {
	MSG_UNKNOWN, /* not enough bytes yet */
	MSG_MEDIA,
	MSG_HEADER, /* codec header: travels with the next media message */
	MSG_DATA,
	MSG_AGGREGATE /* messages in one, taken apart at its end */
};

struct publish {
	struct conn *c; /* NULL: the client is gone, the answer is not here */
	struct netstream *ns;
	uint64_t request; /* while asked, else 0 */
	struct ring_writer ring;
	struct pubclock clock;
	struct advice advice;
	struct headers headers;	 /* for joiners */
	struct msg *direct;	 /* is assembled above head */
	struct msg_list waiting; /* whole, behind direct */
	struct msg_list pending; /* headers, metadata: for the next media */
	unsigned npending;
	bool need_key;	       /* something was dropped: wait for a keyframe */
	bool active;	       /* on the active list */
	bool told_large;       /* publish.too_large is logged */
	bool flush_now;	       /* a flush point was reached */
	struct mono unflushed; /* since when bytes wait; 0: none do */
	bool asked;	       /* a newcomer wants the name */
	uint64_t asked_at;     /* bytes received by then */
	struct mono began;
	uint64_t frames, bytes, dropped;
	uint64_t trimmed;   /* head when ring_trim() was last called */
	uint64_t told_soft; /* what readers were told of the ring's soft */
	bool pace_due;	    /* media came: is it ahead of time? */
	uint32_t pace_ts;   /* media time and */
	struct mono pace;   /* time when pacing was last judged anew */
	struct mono resume; /* input is paused until; 0: it is not */
	TAILQ_ENTRY(publish) next, next_active;
};
TAILQ_HEAD(publish_list, publish);

/* A stream of ours that has ended and is not freed yet. */
struct ended {
	struct ring_free free;
	LIST_ENTRY(ended) next;
};

struct publishers {
	struct ring_pool pool;
	struct publish_list all, active;
	LIST_HEAD(, ended) ended;
	unsigned n;
	struct mono pool_tick;
};

/* On the list of those that publishers_pass() looks at. */
void publish_activate(struct worker *w, struct publish *p);

/* assemble.c: free what is gathered of p. */
void assemble_fini(struct worker *w, struct publish *p);

#endif
