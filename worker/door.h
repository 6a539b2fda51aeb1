/*
 * door - who is asked about a client that wants in, and gets its calls: on an edge
 * the server above.  Elsewhere nobody, and everybody is let in.
 * Context: the worker's thread.
 */
#ifndef WORKER_DOOR_H
#define WORKER_DOOR_H

#include "worker/guest.h"

/* Is somebody asked about clients that want in there? */
bool door_asks(const struct entrance *e);

/* Ask about g, which is KEPT; what comes of it guest_accept() tells, or refuse. */
void door_ask(struct worker *w, struct guest *g);

/* A command of g, which is IN: a call, or the answer to one. */
void door_call(struct worker *w, struct guest *g, const struct cmd *cmd,
    uint8_t type, const uint8_t *p, size_t n);

/* The same of one that is answered here: a script may have a method for it. */
void door_note(struct worker *w, struct guest *g, const struct cmd *cmd);

/* g is gone; before guest_free(). */
void door_leave(struct worker *w, struct guest *g);

#endif
