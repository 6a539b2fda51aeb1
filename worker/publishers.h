/* publishers - what publish.c and assemble.c share; nobody else's. */
#ifndef WORKER_PUBLISHERS_H
#define WORKER_PUBLISHERS_H

#include "worker/advice.h"
#include "worker/have.h"
#include "worker/headers.h"
#include "worker/latency.h"
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
	/* NULL: the client is gone, the answer is not here; or of a pull that
	 * nobody delivers now */
	struct conn *c;
	struct netstream *ns;
	const struct conf_app *app;
	/* of a pull: what was had, and who is told of the master's answer */
	struct have *have;
	bool repeats; /* its server may repeat what came before */
	publish_answer_fn *answered;
	void *owner;
	uint64_t request; /* while asked, else 0 */
	struct ring_writer ring;
	struct pubclock clock;
	struct advice advice;
	struct headers headers;	 /* for joiners */
	struct msg *direct;	 /* is assembled above head */
	struct msg_list waiting; /* whole, behind direct */
	struct msg_list pending; /* headers, metadata: for the next media */
	unsigned npending;
	bool need_key;	 /* something was dropped: wait for a keyframe */
	bool active;	 /* to be looked at in this pass */
	bool told_large; /* publish.too_large is logged */
	struct latency latency;
	uint64_t turn;	   /* slot of the wheel it stands in; 0: none */
	bool asked;	   /* a newcomer wants the name */
	uint64_t asked_at; /* bytes received by then */
	struct mono began;
	uint64_t frames, bytes, dropped;
	int32_t beyond; /* through an edge: viewers there (viewers.h) */
	uint64_t trimmed;   /* head when ring_trim() was last called */
	uint64_t told_soft; /* what readers were told of the ring's soft */
	bool pace_due;	    /* media came: is it ahead of time? */
	uint32_t pace_ts;   /* media time and */
	struct mono pace;   /* time when pacing was last judged anew */
	struct mono resume; /* input is paused until; 0: it is not */
	TAILQ_ENTRY(publish) next, next_active, next_wheel, next_asked;
};
TAILQ_HEAD(publish_list, publish);

/* A stream of ours that has ended and is not freed yet. */
struct ended {
	struct ring_free free;
	LIST_ENTRY(ended) next;
};

enum { WHEEL_MS = 4, WHEEL_SLOTS = 256 }; /* more than any window */

/* Publishes that are to be looked at again: slot n is for the time n * WHEEL_MS. */
struct wheel {
	uint64_t at; /* slots up to this one were looked at */
	uint64_t used[WHEEL_SLOTS / 64];
	struct publish_list slot[WHEEL_SLOTS];
};

struct publishers {
	struct ring_pool pool;
	struct publish_list all, active, asked;
	struct wheel wheel;
	LIST_HEAD(, ended) ended;
	unsigned n;
	struct mono pool_tick;
};

/* pubpass.c: p is looked at in the next publishers_pass(); or never again. */
void passes_init(struct publishers *ps);
void publish_activate(struct worker *w, struct publish *p);
void publish_deactivate(struct worker *w, struct publish *p);

/* publish.c: those whose name a newcomer wants: do they live? */
void publishers_judge(struct worker *w);

/* assemble.c: free what is gathered of p from its connection. */
void assemble_detach(struct worker *w, struct publish *p);

#endif
