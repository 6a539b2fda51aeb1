/*
 * admin - what operators ask of a worker, by the master: end a client, refuse
 * an address for a while.  Context: the worker's thread.
 */
#ifndef WORKER_ADMIN_H
#define WORKER_ADMIN_H

#include "common/ipc.h"
#include "worker/worker.h"

/* KICK or BAN. */
void admin_message(struct worker *w, const struct ipc_msg *m);

#endif
