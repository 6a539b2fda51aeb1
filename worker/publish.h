/*
 * publish - from a connection into a ring: asking the master, assembling
 * messages, flush points, the end and the freeing of ended streams.
 *
 *	ASKED	-> LIVE, gone		GRANT; REFUSE
 *	LIVE	-> ended		goodbye, lost, taken over
 *	ended	-> gone			nobody can see it: FREED is sent
 *
 * The message whose header came first is assembled directly above head, others
 * in private buffers (msg.h).  If another ends meanwhile, the one above head
 * moves to a private buffer, so that it holds nothing up (rule 11); when there
 * is no memory for that, the other waits.
 *
 * Context: the worker's thread, outside sections.
 */
#ifndef WORKER_PUBLISH_H
#define WORKER_PUBLISH_H

#include "common/ipc.h"
#include "worker/session.h"

/* Returns 0 or -ENOMEM. */
int publishers_init(struct worker *w);
void publishers_fini(struct worker *w);

/* For struct session_ops. */
void publish_ask(struct worker *w, struct conn *c, struct netstream *ns);
void publish_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why);
enum reason publish_begin(struct worker *w, struct conn *c,
    struct netstream *ns, struct msg **m, const struct chunk_ctx *x);
enum reason publish_data(struct worker *w, struct conn *c, struct msg **m,
    const uint8_t *p, uint32_t n);
enum reason publish_end(struct worker *w, struct conn *c, struct msg **m);
void publish_drop(struct worker *w, struct conn *c, struct msg *m);

/* GRANT, REFUSE, ASK from the master. */
void publish_message(struct worker *w, const struct ipc_msg *m);

/*
 * End of a pass over the input: flush points, wake-ups, retiring, freeing.
 * Tells worker_wake_at() when it must be called again.
 */
void publishers_pass(struct worker *w);

/* Once per TICK_MS. */
void publishers_tick(struct worker *w);

/* The master is gone: nobody will answer what was asked. */
void publishers_orphan(struct worker *w);

/* Streams of this worker that are not freed yet. */
unsigned publishers_count(const struct worker *w);

#endif
