/*
 * pulls - what the files that make pull.h work share; nobody else's.
 *
 *	pull.c		what the master says and is told; time
 *	pullway.c	which server is asked, and what becomes of it
 *	pullmedia.c	media that comes, and from where
 */
#ifndef WORKER_PULLS_H
#define WORKER_PULLS_H

#include "worker/backoff.h"
#include "worker/hops.h"
#include "worker/pull.h"
#include "worker/publishers.h"
#include "worker/upstream.h"
#include "worker/ways.h"

enum {
	PULL_LEGS = 2,
	PULL_TICK_MS = 100,
	PULL_SILENT_MS = 2000, /* no media for so long, and for */
	PULL_GAPS = 3,	       /* so many of the usual gaps: silent */
	PULL_GAP_MAX_MS = 20000,
	PULL_STEADY_MS = 10000, /* delivered so long: its way is good */
	PULL_TELL_MS = 2000,	/* the master gets figures */
	PULL_META_MAX = 16384
};

struct pull_leg {
	struct leg leg; /* leg.up == NULL: not in use */
	int way;
	struct mono since; /* opened */
	bool wanted;	   /* by rebalance: taken even if the source is well */
	bool close;	   /* to be closed in the next tick */
};

struct pull {
	uint64_t id;
	char key[IPC_KEY_MAX];
	uint32_t keylen;
	const struct conf_app *app;
	const struct conf_vhost *vhost;
	char *url;  /* tcUrl, NUL-ended */
	char *name; /* to play, with its query */
	char app_name[IPC_KEY_MAX];
	size_t namelen, url_len, vialen;
	char via[IPC_VIA_MAX + 1]; /* with us */
	uint32_t hops;
	struct way *ways;
	unsigned nways;
	uint32_t tried; /* bits of ways, in this round */
	struct pull_leg leg[PULL_LEGS];
	int source;	     /* of leg; -1: none */
	int asking;	     /* leg whose media the master is asked for; -1 */
	struct publish *pub; /* asked for, or live */
	bool live;	     /* granted */
	bool ever;	     /* was live once */
	struct chunk_ctx *held; /* message that began while asking */
	uint8_t *meta;		/* onMetaData that came before media */
	uint32_t metalen, meta_ts;
	uint8_t meta_type;
	struct backoff backoff;
	uint64_t frames;  /* of pub, when a source last took over */
	uint32_t vain_ms; /* such takeovers brought nothing new: wait so long */
	struct mono retry;	/* 0: not */
	struct mono wanted;	/* since: asked for, or lost */
	struct mono since;	/* it began */
	struct mono media, up;	/* the last message; source since */
	uint32_t gap_ms;	/* usual between messages */
	char from[IPC_HOP_MAX]; /* the hop that delivered last */
	/* as told to the master */
	enum pull_state state;
	enum reason reason; /* of the last failure */
	char error[IPC_TEXT_MAX];
	unsigned refusals, unreached; /* in this round */
	uint32_t retries;
	uint64_t bytes; /* of publishes that are over */
	struct mono told;
	bool tell;
	LIST_ENTRY(pull) next_hash;
	TAILQ_ENTRY(pull) next, next_busy;
	bool busy; /* looked at in each tick */
};

enum { PULL_BUCKETS = 4096 };

struct pulls {
	LIST_HEAD(, pull) hash[PULL_BUCKETS];
	TAILQ_HEAD(, pull) all, busy;
	unsigned n;
	struct mono tick;
};

/* pull.c */
void pull_set_state(struct worker *w, struct pull *p, enum pull_state s);
/* It is looked at in each tick from now on. */
void pull_busy(struct worker *w, struct pull *p);
/* The end, for good; the master is told why.  p is gone. */
void pull_refuse(
    struct worker *w, struct pull *p, enum reason why, const char *text);
/* The part i of the key. */
struct span pull_part(const struct pull *p, unsigned i);
/* Its publish is over; p stays. */
void pull_end_publish(struct worker *w, struct pull *p, enum reason why);

/* pullway.c */
extern const struct leg_ops pull_leg_ops;
/* Open the best way that was not tried; none left: wait, or refuse. */
void pull_open(struct worker *w, struct pull *p);
/* Begin anew, with all ways. */
void pull_restart(struct worker *w, struct pull *p);
/* Open way y beside what there is. */
void pull_beside(struct worker *w, struct pull *p, int y, bool wanted);
/* The way of the source, or of the leg that is in use; -1: none. */
int pull_way(const struct pull *p);
int pull_best_way(const struct worker *w, const struct pull *p, uint32_t tried);
/* Is nothing opened, beside the source? */
bool pull_idle(const struct pull *p);
void pull_close_leg(struct worker *w, struct pull *p, int i);
/* No source: a leg that does not deliver in time gets another one beside it. */
void pull_check_stuck(struct worker *w, struct pull *p);

/* pullmedia.c */
/* Leg i is gone: what it delivered, or was about to. */
void pull_lose(struct worker *w, struct pull *p, int i, enum reason why);
bool pull_silent(const struct worker *w, const struct pull *p);

#endif
