/*
 * node - who this server is, for others that are Sluice too, and the servers
 * that a request came through (via: ids with commas between), so that it does
 * not go round in circles.
 * Context: any.
 */
#ifndef WORKER_NODE_H
#define WORKER_NODE_H

#include "common/ipc.h"
#include "common/reason.h"
#include "worker/worker.h"

enum { NODE_TEXT = 17, NODE_HOPS_MAX = 16 };

/* Our id: 16 hex digits. */
void node_print(const struct worker *w, char text[NODE_TEXT]);

/*
 * REASON_NONE, or why a request that came by the servers of `via`, and over
 * `hops` of them, goes no further.
 */
enum reason node_check_via(
    const struct worker *w, struct span via, double hops);

/*
 * via and our id behind it; returns its length.  `via` was checked.  The oldest
 * makes room: many edges may stand in it that ask for the same.
 */
size_t node_extend_via(
    const struct worker *w, struct span via, char to[IPC_VIA_MAX + 1]);

#endif
