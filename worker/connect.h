/*
 * connect - a client's connect on its own connection, up to the answer.
 * Context: the worker's thread.
 */
#ifndef WORKER_CONNECT_H
#define WORKER_CONNECT_H

#include "worker/guest.h"

/* connect as command_message() has it.  REASON_NONE, or why c is to be closed. */
enum reason connect_message(
    struct worker *w, struct conn *c, const struct guest_connect *k);

/* What the entrance found is the session's from now on.  False: no memory. */
bool connect_set(struct worker *w, struct conn *c, const struct entrance *e);

/* The connection ends: nobody is asked about it any more. */
void connect_end(struct worker *w, struct conn *c);

#endif
