/*
 * orders - what the master orders to be sent to other servers (IPC_PUSH): a direct
 * push (push.h) for each, whatever the source of the order is.
 *
 *	PUSH		a new id: it begins; a known one: a bare connection gets its
 *			stream, or lag_ms changes
 *	UNPUSH		what is in the ring goes out, then the end; nothing more is
 *			said of the id
 *	CALL		a method of the server; CALLED is its answer
 *	PUSHED		each change of state at once, figures every 2 s
 *
 * The master orders what is live, and takes an order back when its stream ends.  When
 * the master is dead that is done here.
 *
 * Context: the worker's thread, outside sections.
 */
#ifndef WORKER_ORDERS_H
#define WORKER_ORDERS_H

#include "worker/worker.h"

/* Returns 0 or -ENOMEM. */
int orders_init(struct worker *w);
void orders_fini(struct worker *w);

/* Handle PUSH, UNPUSH or CALL; false: m is something else. */
bool orders_message(struct worker *w, const struct ipc_msg *m);

/* The worker quits, and the servers are told that it is the end. */
void orders_quit(struct worker *w);

/* Once per TICK_MS: figures; ends, without a master. */
void orders_tick(struct worker *w);

#endif
