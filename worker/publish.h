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

struct publish;

/*
 * The master's answer for a stream that is fetched: REASON_NONE, it is live; else
 * p is gone.
 */
typedef void publish_answer_fn(
    struct worker *w, struct publish *p, void *owner, enum reason why);

/* Returns 0 or -ENOMEM. */
int publishers_init(struct worker *w);
void publishers_fini(struct worker *w);

/* For struct session_ops. */
void publish_ask(struct worker *w, struct conn *c, struct netstream *ns,
    struct span via, uint32_t hops);
void publish_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why);
enum reason publish_begin(struct worker *w, struct conn *c,
    struct netstream *ns, struct msg **m, const struct chunk_ctx *x);
enum reason publish_data(struct worker *w, struct conn *c, struct msg **m,
    const uint8_t *p, uint32_t n);
enum reason publish_end(struct worker *w, struct conn *c, struct msg **m);
void publish_drop(struct worker *w, struct conn *c, struct msg *m);

/*
 * A stream that is fetched from another server (pull.h): its media comes from
 * ns, of an outbound connection, and may come from another one later.  What was
 * had already is left out (have.h).
 *
 * pull		id of the pull, for the master
 * repeats	another worker fetched it until now: the server may repeat of that
 * Returns	NULL: no memory, or the master cannot be asked; try later
 */
struct publish *publish_ask_pull(struct worker *w, struct conn *c,
    struct netstream *ns, uint64_t pull, bool repeats, publish_answer_fn *fn,
    void *owner);
/* Nothing comes from where it came from; p lives on. */
void publish_detach(struct worker *w, struct publish *p);
/* It comes from there now. */
void publish_attach(
    struct worker *w, struct publish *p, struct conn *c, struct netstream *ns);
/* End of p, asked for or live, attached or not. */
void publish_finish(struct worker *w, struct publish *p, enum reason why);

/* GRANT, REFUSE, END, ASK from the master. */
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
