/*
 * pulls - names that other servers have and players of this one want: which
 * workers want them, and which one of them fetches ("pulls") each.
 *
 *	first WANT		-> a worker is chosen: PULL
 *	nobody wants it		-> after LingerTime of its virtual host: DROP
 *	PULLED refused		-> DENY to all who want it; the pull is over, and
 *				   its worker is told DROP
 *	its worker died		-> PULL to another, at once; when none is up, as
 *				   soon as one is
 *	WANT with a longer via	-> PULL again, with the same id
 *	published here		-> DROP; PULL when that is over, with another id
 *
 * A name is pulled by one worker of the machine.  Names of one application
 * instance go to two workers at most, so that names which wait together share
 * connections; a worker that dies or comes back moves no name of the others.
 *
 * What a worker is to be told waits here until it takes it (pulls_flush): a
 * death can move thousands of names, and a full socket is no reason to kill.
 * PULL and HOP are composed when they are sent, so what changed meanwhile costs
 * nothing.
 *
 * A worker answers every DENY with UNWANT.  Else, if its WANT for new players
 * and our DENY cross, it would take the name for refused, and we for wanted, for
 * ever (doc/models/m6_pulls.pml).
 *
 * Bounded: MaxWaitingNames that are not live, and what is live.  When there are
 * more, a name that only lingers makes room; else DENY, waiting-full.
 *
 * Called by streams.c, supervise.c, control.c and run.c, in the main thread.
 * Calls nothing of streams.c.
 */
#ifndef MASTER_PULLS_H
#define MASTER_PULLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/conf.h"
#include "common/ipc.h"
#include "master/via.h"

struct master;
struct pulls;

enum { PULLS_REST_MS = 2000 };

/* A name that is wanted, or lingers. */
struct pull {
	uint64_t id, hash;
	LIST_ENTRY(pull) same; /* of one hash bucket */
	TAILQ_ENTRY(pull) idle;
	uint64_t wants; /* a bit for each slot */
	int slot;	/* that pulls it; -1: none is up */
	uint32_t vhost;
	bool told;    /* the slot knows it */
	bool queued;  /* PULL is to be sent */
	bool live;    /* it has a block: pulls_live() */
	bool lingers; /* nobody wants it */
	uint64_t since_ns, linger_ns;
	uint64_t rest_ns; /* not fetched before: it was published here */
	uint32_t
	    hops; /* servers, one behind the other, that a player came over */
	struct via via;
	struct ipc_pulled seen; /* what its worker said last */
	uint32_t keylen, urllen, querylen;
	char text[]; /* key, tcUrl, query */
};

/* NULL: out of memory.  Context: start, with an arena. */
struct pulls *pulls_new(const struct conf *c);
void pulls_free(struct pulls *s);

/*
 * Handle WANT, UNWANT, PULLED or HOP of the worker of a slot.
 * Returns 0, or -EPROTO: malformed, the caller kills the worker.
 */
int pulls_message(struct master *m, unsigned slot, const struct ipc_msg *msg);

/* Why a hop is down, for people; NULL: it is not. */
const char *pulls_hop_down(const struct pulls *s, const char *hop);

/* A worker is up: it is told the hops that are down, and what none pulls. */
void pulls_worker_ready(struct master *m, unsigned slot);

/*
 * The worker of a slot is dead: its wants go, its pulls go to others.
 * Context: after streams_owner_died(), before a successor is forked.
 */
void pulls_worker_died(struct master *m, unsigned slot);

/* The worker of a slot may take more: tell it what waits. */
void pulls_flush(struct master *m, unsigned slot);

/* Drop what nobody wants any more.  Returns when to be called again (ns). */
uint64_t pulls_tick(struct master *m, uint64_t now_ns);

/* May a worker publish key as pull id? */
enum pulls_claim {
	PULLS_YES,
	PULLS_OVER,   /* it was dropped, or refused */
	PULLS_FOREIGN /* never was its own: it breaks the protocol */
};
enum pulls_claim pulls_claim(const struct master *m, unsigned slot, uint64_t id,
    const char *key, size_t keylen);

/* The pull has a live block now, or has none any more; an old id is ignored. */
void pulls_live(struct master *m, uint64_t id, bool live);

/*
 * A client publishes key here, as the next server lets it: nobody fetches it, and
 * who did is told to stop.  When that is over (pulls_unpublished) it is fetched for
 * whoever wants it, after PULLS_REST_MS: until then the next server may still have
 * the end of what was published, and would give it once more.
 */
void pulls_published(struct master *m, const char *key, size_t keylen);
void pulls_unpublished(struct master *m, const char *key, size_t keylen);

/* Ask every worker to go back to first routes. */
void pulls_rebalance(struct master *m);

/*
 * The pulls, in no order: *place is 0 at first.
 * Returns the next, *place behind it; NULL: no more
 */
const struct pull *pulls_next(const struct pulls *s, uint32_t *place);

/* Names; those of them without a block. */
uint32_t pulls_count(const struct pulls *s);
uint32_t pulls_waiting(const struct pulls *s);

#endif
