/*
 * viewers - how many watch a stream behind edges: an edge tells the server above, on
 * the NetStream that carries the stream, how many viewers it has, its own and those of
 * edges below it (sluiceViewers).  So the origin knows all of the tree.
 *
 * In shared memory each worker adds up, for each stream, what its edges have told: slot.h,
 * `beyond`.  An edge that plays is one of the readers, but no viewer: of it one less counts.
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_VIEWERS_H
#define WORKER_VIEWERS_H

#include "worker/session.h"

struct leg;
struct player;
struct publish;

enum { VIEWERS_TELL_MS = 1000 }; /* a change is told no sooner */

/* Of a NetStream that plays or publishes, what an edge says. */
void viewers_said(struct worker *w, struct netstream *ns, double n);

/* Player p begins or ends to read that block: what was said of it counts there. */
void viewers_move(
    struct worker *w, const struct player *p, uint32_t block, bool begins);

/* Publish p ends; its block goes. */
void viewers_end(struct worker *w, struct publish *p);

/* Tell the server of leg l, which has a NetStream, if it is due. */
void viewers_tell(struct worker *w, struct leg *l, uint32_t block);

#endif
