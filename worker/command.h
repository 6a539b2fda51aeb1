/*
 * command - the commands of a client (RTMP 1.0, 7.2) and their answers.
 * Called by session.c with whole messages.  Context: the worker's thread.
 */
#ifndef WORKER_COMMAND_H
#define WORKER_COMMAND_H

#include "worker/session.h"

/*
 * Act on one command message.
 * Returns REASON_NONE, or why the connection must be closed.
 */
enum reason command_message(struct worker *w, struct conn *c, uint8_t type,
    uint32_t msid, const uint8_t *p, size_t n);

#endif
