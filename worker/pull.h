/*
 * pull - streams that this worker fetches from other servers, because the master
 * said so (PULL): players of any worker wait for them.
 *
 *	CONNECTING -> WAITING		a server took the play; the name may not be
 *					live there
 *	WAITING	-> LIVE			media comes, the master made it live here
 *	LIVE	-> WAITING		the server above said that it is over
 *	LIVE	-> SILENT -> LIVE	no media; another way is tried beside it, and
 *					what delivers first is kept
 *	any	-> RETRY -> CONNECTING	no way answers; tried again, later and later
 *	any	-> REFUSED		for good: the master is told, the pull is gone
 *
 * A pull has two legs (upstream.h): one that delivers, the source, and one that is
 * tried beside it.  Viewers see one publish all the time; it ends when the server
 * above says so, or when nobody has delivered for HoldTime.
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_PULL_H
#define WORKER_PULL_H

#include "common/ipc.h"
#include "worker/session.h"

/* Returns 0 or -ENOMEM. */
int pull_init(struct worker *w);
void pull_fini(struct worker *w);

/* PULL, DROP, REBALANCE.  False: it is another message. */
bool pull_message(struct worker *w, const struct ipc_msg *m);

/* For struct session_ops, of an NS_PULL. */
enum reason pull_begin(struct worker *w, struct conn *c, struct netstream *ns,
    struct msg **m, const struct chunk_ctx *x);
enum reason pull_note(struct worker *w, struct conn *c, const struct msg *m);

/* In each turn of the loop: silence, retries. */
void pull_tick(struct worker *w);

/* The server stops: nothing is fetched any more. */
void pull_quit(struct worker *w);

/* The master is gone: what is live goes on, nothing new begins. */
void pull_orphan(struct worker *w);

#endif
