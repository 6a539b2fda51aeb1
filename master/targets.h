/*
 * targets - streams that are sent to other servers, each by an order that one worker
 * does (worker/orders.h).  Who wants that is nobody's business here: scripts
 * (scripts_push.c) and Republish/Target (republish.c) are sources of orders.
 *
 *	targets_start()		the worker with the fewest orders gets it: what an
 *				order costs is sending, which so goes to all cores; a
 *				ring is read by any worker at the same cost, and that
 *				the publisher's worker lives or dies with it is not
 *				needed
 *	that worker died	another one gets it, or its successor
 *	the stream ended	so does the order: told OVER
 *	PUSHED over		the order is over: told OVER
 *
 * What a worker is to be told waits here until it takes it (targets_flush).
 * Bounded: TARGETS_MAX orders.
 * Context: the main thread.
 */
#ifndef MASTER_TARGETS_H
#define MASTER_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "common/ipc.h"

struct master;
struct targets;
struct target;

enum { TARGETS_MAX = 16384 };

/* What to send, and where; copied. */
struct target_spec {
	struct span key;  /* of the stream, which is live; without a name: of
			   * anything of the instance */
	struct span url;  /* rtmp://host[:port]/app[/instance][?query] */
	struct span name; /* of the stream there; "": only connect, for now */
	struct span args; /* of connect, AMF0 */
	struct span via;  /* servers that the stream came through, */
	uint32_t hops;	  /* and how many: streams_via() */
	enum push_mode mode;
	uint32_t lag_ms; /* further behind it skips to a keyframe */
	bool keep;	 /* try again for ever */
	bool secret;	 /* there is a key in url or name */
};

struct target_ops {
	/*
	 * Its state has changed, or its figures.  With PUSHED_OVER t is gone
	 * after the call; reason is REASON_UNPUBLISHED if the stream has ended
	 */
	void (*told)(struct master *m, struct target *t, void *owner,
	    const struct ipc_pushed *d);
	/* An answer to targets_call(); NULL: nothing is called. */
	void (*answered)(struct master *m, struct target *t, void *owner,
	    const struct ipc_called *d);
};

/* NULL: no memory.  Context: start. */
struct targets *targets_new(void);
void targets_free(struct targets *s);

/*
 * Give an order; ops may be called from now on, not before this returns.
 * *why		what is wrong, for people, when NULL is returned
 */
struct target *targets_start(struct master *m, const struct target_spec *spec,
    const struct target_ops *ops, void *owner, const char **why);

/*
 * An order that only connects (yet) is to publish: of spec what is of the stream
 * holds (key, name, mode, lag_ms, secret).  NULL, or why not.
 */
const char *targets_publish(
    struct master *m, struct target *t, const struct target_spec *spec);

void targets_set_lag(struct master *m, struct target *t, uint32_t lag_ms);

/*
 * Call a method of the server; call: a number of the caller's below IPC_CALLS, 0:
 * no answer is awaited; args: AMF0.
 * Returns NULL, or why it cannot be called now
 */
const char *targets_call(struct master *m, struct target *t, uint64_t call,
    const char *method, struct span args);

/* Who is told from now on. */
void targets_give(struct target *t, const struct target_ops *ops, void *owner);

/* Take it back: nobody is told any more, t is gone.  See ipc_push.goodbye. */
void targets_end(struct master *m, struct target *t, bool goodbye);

/* What is known of it; the slot of its worker, -1: none is up. */
const struct ipc_pushed *targets_seen(const struct target *t);
int targets_slot(const struct target *t);

/* Does it send that stream to that name at that url? */
bool targets_is(
    const struct target *t, struct span key, struct span url, struct span name);

/* Does it go to that url, whatever the stream? */
bool targets_goes_to(const struct target *t, struct span url);

/* Orders that there are. */
uint32_t targets_count(const struct targets *s);

/* The stream has ended; the servers are told so, or find out (a loss). */
void targets_stream_ended(
    struct master *m, const char *key, size_t keylen, bool goodbye);

/* Handle PUSHED or CALLED.  Returns 0, or -EPROTO: the caller kills the worker. */
int targets_message(struct master *m, unsigned slot, const struct ipc_msg *msg);

/* The worker of a slot is up; is dead (see pulls.h); may take more. */
void targets_worker_ready(struct master *m, unsigned slot);
void targets_worker_died(struct master *m, unsigned slot);
void targets_flush(struct master *m, unsigned slot);

#endif
