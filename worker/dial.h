/*
 * dial - TCP connections to other servers.  All addresses of a host are tried
 * in the order given, families in turn: the next one begins when one fails, or
 * beside it after 250 ms (RFC 8305); the first that connects wins, the others
 * are closed.
 *
 * Attempts are sockets that connect, watched by the loop (LOOP_DIAL) in a
 * table; a dial is what somebody wants, in his own memory.
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_DIAL_H
#define WORKER_DIAL_H

#include <sys/queue.h>

#include "common/addr.h"
#include "worker/loop.h"
#include "worker/worker.h"

enum {
	DIAL_ADDRS = 16,      /* of one dial; more are left out */
	DIAL_ATTEMPTS = 1024, /* at the same time */
	DIAL_BESIDE_MS = 250,
	DIAL_TEXT = 160
};

/*
 * The result.  Called once, by dial_tick(); may start and stop others, and its
 * own again.
 *
 * fd		connected, non-blocking and the callee's (for conn_adopt()), or
 *		-errno: -ETIMEDOUT, -EAGAIN (the table is full), -EINVAL (of
 *		LocalAddress), or that of the last attempt
 * peer		who answered; of a failure the last that was tried
 * text		why, for people ("192.0.2.1:1935: Connection refused"), or ""
 */
typedef void dial_fn(struct worker *w, void *ctx, int fd,
    const struct addr *peer, const char *text);

struct attempt;
LIST_HEAD(attempts, attempt);

/* One who wants a connection; the caller's, all zero before the first start. */
struct dial {
	bool active;
	dial_fn *fn;
	void *ctx;
	struct addr addr[DIAL_ADDRS], last;
	unsigned n, next; /* of addr */
	uint16_t port;
	struct addr_pair local;
	struct attempts attempts;
	struct mono beside, deadline; /* the next attempt; the end of all */
	unsigned timeout_ms;
	int result; /* so far: a descriptor, or -errno */
	char text[DIAL_TEXT];
	TAILQ_ENTRY(dial) entry;
};

/* Returns 0 or -ENOMEM. */
int dial_init(struct worker *w);
void dial_fini(struct worker *w);

/*
 * Connect to one of n addresses.  d must be idle.  Whatever is wrong comes by
 * fn, which is never called from in here.
 *
 * local	where from: "", an address, or one of each family with a comma
 *		between; it holds for addresses of its own family
 * timeout_ms	for all of it
 */
void dial_start(struct worker *w, struct dial *d, const struct addr *addrs,
    unsigned n, uint16_t port, const char *local, unsigned timeout_ms,
    dial_fn *fn, void *ctx);
/* Close what is under way, and do not call fn any more; d may be idle. */
void dial_stop(struct worker *w, struct dial *d);

/* An attempt has ended. */
void dial_event(struct worker *w, const struct loop_event *e);
/* Each turn, outside sections. */
void dial_tick(struct worker *w);

#endif
