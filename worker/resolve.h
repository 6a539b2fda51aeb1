/*
 * resolve - host names to addresses, with c-ares, never waiting: its sockets
 * are watched by the loop (LOOP_RESOLVE), its time-outs looked at each turn.
 *
 * /etc/hosts comes first and is read again for each question; then the servers
 * of /etc/resolv.conf, which is read again when it has changed.  Numeric
 * addresses need no question.  Several who ask for one name at once share one
 * question; an answer is kept as long as it says (1 to 30 s), a failure for
 * 1 s.
 *
 *	resolve_start() -> question ASKING -> DONE -> resolve_tick(): fn
 *
 * Context: the worker's thread.  Nothing is opened or allocated for a worker
 * that asks for nothing but the tables.
 */
#ifndef WORKER_RESOLVE_H
#define WORKER_RESOLVE_H

#include <sys/queue.h>

#include "common/addr.h"
#include "worker/loop.h"
#include "worker/worker.h"

enum {
	RESOLVE_ADDRS = 16,	 /* of one name; more are left out */
	RESOLVE_QUESTIONS = 256, /* names asked for at the same time */
	RESOLVE_CACHE = 64,	 /* names kept */
	RESOLVE_HOST = 254	 /* bytes of a name, NUL included */
};

/*
 * The answer.  Called once, by resolve_tick(); may start and stop others, and
 * its own again.
 *
 * addrs	n of them, IPv6 and IPv4, the best first (RFC 6724); valid
 *		during the call
 * error	n == 0: why ("edge1.example: no such name"); else ""
 */
typedef void resolve_fn(struct worker *w, void *ctx, const struct addr *addrs,
    unsigned n, const char *error);

struct question;

/* One who asks; the caller's, all zero before the first start. */
struct resolve {
	struct question *question; /* NULL: idle */
	resolve_fn *fn;
	void *ctx;
	TAILQ_ENTRY(resolve) entry;
};

/*
 * hosts, servers	instead of /etc/hosts, and of what resolv.conf names
 *			("127.0.0.1:5353,..."); for tests, else NULL.  They
 *			must live as long.
 * Returns 0 or -ENOMEM.
 */
int resolve_init(struct worker *w, const char *hosts, const char *servers);
void resolve_fini(struct worker *w);

/*
 * Ask for the addresses of host: a name, or a numeric address (IPv6 with or
 * without brackets).  r must be idle.  Whatever is wrong comes by fn, which is
 * never called from in here.
 */
void resolve_start(struct worker *w, struct resolve *r, const char *host,
    resolve_fn *fn, void *ctx);
/* Do not call fn any more; r may be idle. */
void resolve_stop(struct worker *w, struct resolve *r);

/* A socket of c-ares is ready. */
void resolve_event(struct worker *w, const struct loop_event *e);
/* Each turn, outside sections: time-outs, and answers to those who asked. */
void resolve_tick(struct worker *w);

#endif
