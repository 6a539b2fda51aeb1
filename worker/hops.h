/*
 * hops - which next servers do not answer.  A hop is "host:port" as the route
 * names it; one that is not known is good.
 *
 *	good	-> down		hops_failed(), or another worker's finding
 *	down	-> good		hops_alive(): it has answered a handshake
 *
 * One that is down is tried last.  From 10 s after its last failure it is due
 * for a probe, and again every 10 s; in a worker that was only told of it, 30 s
 * (whoever found it may have died).  What this worker finds is sent to the
 * master (IPC_HOP), which tells all others.
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_HOPS_H
#define WORKER_HOPS_H

#include "common/ipc.h"
#include "worker/ways.h"

enum {
	HOPS_MAX = 256, /* down; above it the one found first is forgotten */
	HOP_PROBE_MS = 10000,
	HOP_PROBE_TOLD_MS = 30000
};

/* Returns 0 or -ENOMEM. */
int hops_init(struct worker *w);
void hops_fini(struct worker *w);

/*
 * hop was tried and did not answer, or did.
 * why	for people
 */
void hops_failed(struct worker *w, const char *hop, const char *why);
void hops_alive(struct worker *w, const char *hop);

/* To be tried last? */
bool hops_down(const struct worker *w, const char *hop);
/* Why, or "" if it is not down; valid until the next change. */
const char *hops_why(const struct worker *w, const char *hop);

/*
 * Of n ways the first whose bit is not in `tried`; those that are down come last.
 * Returns its index; -1: all were tried
 */
int hops_best(
    const struct worker *w, const struct way *ways, unsigned n, uint32_t tried);

/*
 * A hop that is to be probed now, in hop: connect, and shake hands; then
 * hops_alive() or hops_failed().  It is not named again for 10 s.
 * Returns false: none is due; the loop is made to look when the next one is.
 */
bool hops_next_probe(struct worker *w, char hop[IPC_HOP_MAX]);

/* IPC_HOP of the master. */
void hops_message(struct worker *w, const struct ipc_hop *m);

#endif
