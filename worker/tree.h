/*
 * tree - edges below this server: connections that carry their clients
 * (rtmp/tree.h), who are virtual here.
 * Context: the worker's thread.
 */
#ifndef WORKER_TREE_H
#define WORKER_TREE_H

#include "worker/guest.h"

/* Returns 0 or -ENOMEM. */
int trees_init(struct worker *w);
void trees_fini(struct worker *w);

/*
 * c, whose connect has asked for it and which is trusted, carries clients from now
 * on; its session's tree is set.  False: no memory
 */
bool tree_begin(struct worker *w, struct conn *c);

/* A command that came on it. */
enum reason tree_message(struct worker *w, struct conn *c,
    const struct cmd *cmd, uint8_t type, uint32_t msid, const uint8_t *p,
    size_t n);

/* c ends: all its clients are gone. */
void tree_end(struct worker *w, struct conn *c);

/* A virtual client is told of no more here; of others nothing happens. */
void tree_drop(struct worker *w, struct guest *g);

/* A virtual client is to be disconnected, wherever it is. */
void tree_kick(struct worker *w, struct guest *g);

/* Once per TICK_MS: edges that are silent for too long. */
void trees_tick(struct worker *w);

#endif
