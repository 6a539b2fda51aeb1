/* uplinks - what uplink.c and upcall.c share; nobody else's. */
#ifndef WORKER_UPLINKS_H
#define WORKER_UPLINKS_H

#include "worker/backoff.h"
#include "worker/conn.h"
#include "worker/uplink.h"
#include "worker/upstream.h"

enum {
	TICK_LINK_MS = 50,
	FORGET_MS = 60000, /* what is known of a server nobody goes to */
	HIGH = 256 * 1024, /* bytes that wait: no more is read from clients, */
	LOW = 64 * 1024,   /* until no more than these do */
	MOST = CONN_OUT_BULK / 2, /* above it calls fail: all would be lost */
	NAMED_FORGET_MS = 2000,	  /* as FORGET_MS, of what clients name */
	PLAIN_RETRY_MS = 500,
	TOLD_MAX = 64 /* applications that need not be asked */
};

enum uplink_state { UPLINK_CONNECTING, UPLINK_TREE, UPLINK_PLAIN, UPLINK_DOWN };

struct held {
	uint32_t index, gen;
};

struct uplink {
	struct up_target to;  /* app_name and url in text */
	struct guest *single; /* PLAIN: it is about this client alone */
	enum uplink_state state;
	struct upstream *up; /* NULL: none, or not yet */
	struct backoff backoff;
	struct mono retry; /* DOWN: not before; PLAIN: those who wait neither */
	struct mono used;  /* somebody was here */
	uint32_t last_id;
	struct guest_table guests;
	/* too much waits to go up: some are not announced yet, nothing is read
	 * from these connections */
	bool full;
	struct held *held;
	unsigned nheld, held_cap;
	struct mono plain; /* PLAIN: found out then */
	/* hashes of prefixes of which the server said that it need not be asked;
	 * clients choose prefixes, but do not know the key */
	uint64_t hash_key[2];
	uint64_t told[TOLD_MAX];
	unsigned ntold;
	TAILQ_ENTRY(uplink) next;
	size_t size;
	char text[];
};

struct uplinks {
	TAILQ_HEAD(, uplink) all;
	struct uplink *after; /* of the walk: any may be freed meanwhile */
	struct mono tick;
};

/* upcall.c: what goes up, and comes from there. */

/* Bytes that wait to be sent up. */
uint32_t uplink_waiting(const struct uplink *ul);
/* Does it carry clients now? */
bool uplink_ready(const struct uplink *ul);
/* Has the server said that it need not be asked about such clients? */
bool uplink_trusts(const struct uplink *ul, const struct guest *g);
/* Tell the server of g, or of all who are not announced yet, if there is room. */
void uplink_announce(struct worker *w, struct uplink *ul, struct guest *g);
void uplink_announce_all(struct worker *w, struct uplink *ul);
/* The connect of g as its own, to a server of another make. */
void uplink_connect_alone(struct worker *w, struct uplink *ul, struct guest *g);
/*
 * Connections of which nothing was read may be read again, at once: what they say may
 * end any virtual client, and free what is for it alone.  So this comes last.
 */
void uplink_release_held(struct worker *w, struct uplink *ul);
/* For struct up_keeper. */
enum reason uplink_command(struct worker *w, struct upstream *up,
    const struct cmd *cmd, uint8_t type, uint32_t msid, const uint8_t *p,
    size_t n);

/* uplink.c */

/* g is not let in, or no more; a virtual one is freed. */
void uplink_drop(struct worker *w, struct guest *g, struct span info,
    enum reason why, const char *words);
/* g is no more its client. */
void uplink_detach(struct worker *w, struct guest *g);
/* No client is its any more.  Comes last, too: see uplink_release_held(). */
void uplink_free(struct worker *w, struct uplink *ul);

#endif
