/*
 * want - names of an edge that players here wait for: the master hears of them
 * (WANT, UNWANT) and has them fetched by some worker; it may say that a name
 * cannot be had (DENY).
 * Context: the worker's thread, outside sections.
 */
#ifndef WORKER_WANT_H
#define WORKER_WANT_H

#include "worker/players.h"

/* Is t a name that this server fetches from another one? */
bool want_is_remote(const struct worker *w, const struct title *t);

/*
 * A player of ns came, by the servers of cp->via.  The master is told of the
 * first, and of one that came by others than those before.
 */
void want_add(struct worker *w, const struct conn *c,
    const struct netstream *ns, struct title *t, const struct cmd_play *cp);

/*
 * A ring of t was read to its end.  When the name was denied meanwhile, those
 * who read it want it now.
 */
void want_again(struct worker *w, struct title *t);

/* Nobody plays t any more. */
void want_drop(struct worker *w, struct title *t);

/*
 * DENY: its players are told, and play no more.  The answer is always UNWANT,
 * before any other WANT: one for new players may be under way (m6_pulls.pml).
 */
void want_denied(struct worker *w, const struct ipc_msg *m);

#endif
