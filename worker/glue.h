/*
 * glue - which function of the right the modules on the left call: the tables
 * that main.c, and the tests of whole sessions, hand to them.
 */
#ifndef WORKER_GLUE_H
#define WORKER_GLUE_H

#include "worker/conn.h"
#include "worker/session.h"

extern const struct conn_ops glue_conn_ops;
extern const struct session_ops glue_session_ops;

/* What the master says about publishes and plays; that it is gone. */
void glue_answer(struct worker *w, const struct ipc_msg *m);
void glue_orphan(struct worker *w);

#endif
