/*
 * hooked - a client whose connect a callback is asked about (Callbacks/OnConnect): by the
 * master, before anybody else is asked.
 *
 *	not asked -> waits	CONNECT
 *	waits -> may come in	ADMIT: door_ask() again
 *	waits -> gone		REFUSE, REDIRECT; the master is gone; it leaves
 *
 * Virtual clients, of an edge below, are told of and asked about as others are.
 * Context: the worker's thread.
 */
#ifndef WORKER_HOOKED_H
#define WORKER_HOOKED_H

#include "worker/guest.h"

struct hooked;

/* Returns 0 or -ENOMEM. */
int hooked_init(struct worker *w);
void hooked_fini(struct worker *w);

/* Has the application such a callback? */
bool hooked_asks(const struct conf_app *app);

/*
 * Ask about g, or refuse it because that cannot be.
 * Returns	false: there is nobody to be asked, or it has been let through
 */
bool hooked_ask(struct worker *w, struct guest *g);

/* g is gone, or somebody else has refused it. */
void hooked_leave(struct worker *w, struct guest *g);

/* ADMIT, REFUSE, REDIRECT.  Returns false: it answers none of ours. */
bool hooked_message(struct worker *w, const struct ipc_msg *m);

/* The master is gone: refuse those who wait. */
void hooked_orphan(struct worker *w);

#endif
