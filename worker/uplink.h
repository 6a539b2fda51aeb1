/*
 * uplink - the server above, which is asked about the clients of an edge, and knows
 * all of them: one connection to each next server, that carries them (rtmp/tree.h).
 *
 *	CONNECTING -> TREE	a Sluice that trusts us: it judges
 *	CONNECTING -> PLAIN	another one: with Proxy/ClientCheck edge everybody is
 *				let in here; with origin each client has a connection
 *				of its own there
 *	any	   -> DOWN	nobody answers; tried again while somebody needs it
 *
 * When it breaks those who are in stay: they are announced again, there or to the
 * server of another way, and disconnected if that one refuses them.  Newcomers are
 * refused if no way answers within RequestTimeout, unless the server said before that it
 * need not be asked.
 * Context: the worker's thread.
 */
#ifndef WORKER_UPLINK_H
#define WORKER_UPLINK_H

#include "worker/guest.h"

/* Returns 0 or -ENOMEM. */
int uplinks_init(struct worker *w);
void uplinks_fini(struct worker *w);

/* Ask about g, which is KEPT: guest_accept(), guest_refuse() say what came of it. */
void uplink_ask(struct worker *w, struct guest *g);

/* g is gone: tell those above. */
void uplink_leave(struct worker *w, struct guest *g);

/*
 * A command of the client goes up as it is; txn 0: no answer is awaited.
 * Returns false: nobody above knows the client
 */
bool uplink_call(struct worker *w, struct guest *g, uint8_t type, double txn,
    const uint8_t *p, size_t n);

/* In each turn of the loop: what is due. */
void uplinks_tick(struct worker *w);

#endif
