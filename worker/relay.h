/*
 * relay - publishing through an edge: a client's stream goes on to the next server
 * (push.h), whose answer is the client's, and is live here beside that.
 *
 *	publish_ask()	the next server is asked first; its refusal is the
 *			client's, whatever is in it
 *	accepted	then the master, for the name on this machine; GRANT: the
 *			client is told what the next server said
 *	lost		the client stays, media goes on into the ring; sent again
 *			as soon as a server takes it, for GraceTime
 *	goodbye, loss	of the client: as such to the next server
 *
 * Keys and tokens are judged by the origin.  Context: the worker's thread.
 */
#ifndef WORKER_RELAY_H
#define WORKER_RELAY_H

#include "worker/session.h"

/* For struct session_ops: publish, on an edge or not. */
void relay_publish(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_publish *p);

/* The master has granted the name: tell the client, send the stream. */
void relay_live(struct worker *w, struct conn *c, struct netstream *ns);

/* ns publishes no more, or was refused here. */
void relay_end(struct worker *w, struct netstream *ns, bool goodbye);

/* Once per TICK_MS: clients whose stream no server takes for too long. */
void relay_tick(struct worker *w, struct conn *c, struct netstream *ns);

#endif
