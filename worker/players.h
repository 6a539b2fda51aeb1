/*
 * players - what the files that make play.h work share; nobody else's.
 *
 *	play.c		life of a player, what its client is told
 *	title.c		names that are played, and the rings they stand for
 *	pass.c		one pass over titles, rings and players
 *	join.c		where a player begins, and begins anew
 *	lag.c		players that are too slow
 *	flush.c		its sends
 *	tail.c		the rest of a message whose ring moves on
 *	filter.c	players that cannot use the common image
 */
#ifndef WORKER_PLAYERS_H
#define WORKER_PLAYERS_H

#include "rtmp/wire.h"
#include "shm/ring.h"
#include "shm/seats.h"
#include "worker/play.h"
#include "worker/waiters.h"

enum { TITLE_BUCKETS = 4096, HEADS_PER_SEND = 24 };

enum player_state { PLAYER_WAIT, PLAYER_JOIN, PLAYER_RUN };
enum player_sending { SEND_NONE, SEND_TAIL, SEND_RING };

/* The rest of one message, for all players of a worker that stand in it. */
struct tail {
	unsigned refs;
	uint64_t from, end;  /* positions in the ring it was copied from */
	struct watch *watch; /* NULL: not to be shared any more */
	LIST_ENTRY(tail) next;
	uint8_t data[];
};

struct title;

struct watch {
	struct ring_view view;
	struct title *title;
	/* an array of the pool: a pass over thousands must not wait for each
	 * of them to learn where the next one lies */
	struct player **players;
	uint32_t n, cap;
	uint32_t npush; /* of n: no viewers */
	LIST_HEAD(, tail) tails;
	uint64_t look; /* section in which view was read */
	uint64_t soft; /* where the blocked were last looked at */
	bool dirty, ended;
	struct mono drain_until;
	TAILQ_ENTRY(watch) next_dirty;
	LIST_ENTRY(watch) next; /* of the title */
	struct watch *also;	/* of the same ring, by another name; or NULL */
};

struct title {
	uint64_t hash;
	struct watch *cur;	    /* the live publish, or NULL */
	LIST_HEAD(, watch) watches; /* cur, and those being left */
	struct mono grace;     /* viewers are told after this; 0: at once */
	struct mono patience;  /* before this nobody has waited too long */
	bool scan;	       /* on the list of those to be looked up */
	bool wanted;	       /* of an edge: the master was told */
	struct waiter *waiter; /* who came first while it was not live */
	uint32_t seat;	       /* of MaxWaitingNames, or SEAT_NONE */
	uint32_t keylen;
	char key[IPC_KEY_MAX];
	const struct conf_app *app; /* of the key */
	unsigned n;
	TAILQ_HEAD(, player) players;
	LIST_ENTRY(title) next;
	TAILQ_ENTRY(title) next_idle; /* of those without a watch */
	TAILQ_ENTRY(title) next_scan;
};

TAILQ_HEAD(player_list, player);

/* What a send of the ring touches comes first: two cache lines. */
struct player {
	struct conn *c;
	struct watch *watch;
	uint64_t cursor, mend; /* mend: first message boundary >= cursor */
	struct tail *tail;
	struct player_list *queue; /* it is on, or NULL */
	TAILQ_ENTRY(player) next_queue;
	uint32_t at_watch; /* place in watch->players */
	uint32_t msid;
	int32_t beyond; /* of an edge: its viewers, less 1 (viewers.h) */
	uint8_t state;	/* enum player_state */
	/* the send that is prepared */
	uint8_t sending; /* enum player_sending */
	bool behind;	 /* look at its lag */
	bool no_audio, no_video, paused;
	bool audio_back;   /* receiveAudio(true): its header comes first */
	bool audio_only;   /* too slow for video, since audio_since */
	bool wait_key;	   /* no video before a keyframe at key_at */
	bool has_cfg;	   /* cfg_ver holds */
	bool fresh;	   /* the directory was not asked for it yet */
	bool newcomer;	   /* at the end of its title, to be attached */
	bool told_live;	   /* it thinks that the stream is being published */
	bool started;	   /* play.start is logged */
	struct push *push; /* sends to another server, which is told nothing */
	uint8_t head_len;  /* of head */
	uint32_t offered, offered_out;
	uint32_t tail_off;	  /* bytes of tail that are sent */
	struct netstream *ns;	  /* NULL: only finishes its message */
	struct title *title;	  /* NULL as above */
	struct player *next_conn; /* of the same connection */
	uint64_t join_from;	  /* begin at or above this position */
	uint64_t key_at;	  /* 0: none seen yet */
	uint32_t cfg_ver;	  /* headers it has, of this watch */
	uint32_t untold;	  /* skips since told_skip */
	struct mono audio_since;
	/* translated path: the message that cursor stands in */
	uint64_t mstart;
	uint8_t head[WIRE_HEAD0_MAX];
	struct mono since;
	struct mono waits;     /* in no ring since */
	struct mono told_skip; /* play.skip was logged */
	uint64_t skips;
	TAILQ_ENTRY(player) next_title;
};
_Static_assert(sizeof(struct player) <= 256, "idle players are cheap");

struct players {
	struct watch *watch[BLOCKS_MAX];
	LIST_HEAD(, title) titles[TITLE_BUCKETS];
	TAILQ_HEAD(, title) idle;
	TAILQ_HEAD(, watch) dirty;
	LIST_HEAD(, admit) admits;    /* plays that wait for the master */
	struct player_list run, join; /* to be flushed */
	struct player_list later;     /* in the next section */
	uint64_t section;	      /* number of the present one */
	size_t section_bytes;
	TAILQ_HEAD(, title) scans; /* to be looked up: somebody is new */
	bool scan;		   /* all idle titles are to be looked up */
	bool retry;		   /* the same, in the next tick */
	size_t tails;
	uint64_t hash_seed[2];
	unsigned n;
	struct seat_search seats;
	struct waiter_list waiters[WAITERS_BUCKETS];
	/* scratch, valid inside one section */
	unsigned nprepared, nsent; /* sends, in the order of their results */
	struct {
		const struct player *p;
		const struct conn *c;
	} prepared[LOOP_SENDS_MAX]; /* p may be gone: to be fetched only */
	unsigned nheads;
	uint8_t heads[LOOP_SENDS_MAX][HEADS_PER_SEND][WIRE_HEAD0_MAX];
	uint8_t cfg[RING_CFG_MAX], meta[RING_CFG_MAX];
};

/* play.c ------------------------------------------------------------------ */

/* Queue p to be flushed; in the next section. */
void player_queue(struct worker *w, struct player *p);
void player_queue_later(struct worker *w, struct player *p);
void player_unqueue(struct player *p);
/* The list p belongs on: running players, or joiners. */
struct player_list *player_queue_of(struct worker *w, const struct player *p);
/* Enter the live ring of its title; inside a section. */
void player_attach(struct worker *w, struct player *p);
/* Leave the ring; p is at a message boundary, or its rest is in its tail. */
void player_detach(struct worker *w, struct player *p);
/* Tell a player that is in no ring that its stream is over, once. */
void player_tell_end(struct worker *w, struct player *p);
/*
 * A player in no ring and without a tail waits no longer: Play.Failed, its
 * NetStream is free.  p is gone then, its title too if it was the last.
 */
void player_give_up(struct worker *w, struct player *p, enum reason why);
/* The same with other words for its client. */
void player_deny(
    struct worker *w, struct player *p, enum reason why, const char *text);
/* A player that only finished its message has done so. */
void player_done(struct worker *w, struct player *p);

/* title.c ----------------------------------------------------------------- */

/* The title of that key, a new one if need be; NULL: no memory. */
struct title *title_find(struct worker *w, const char *key, uint32_t len);
/* The same, or NULL: nobody here plays it. */
struct title *title_known(struct worker *w, const char *key, uint32_t len);
/*
 * May a player of that address wait for t?  It is live, is waited for already, or
 * takes one of MaxWaitingNames now.  REASON_NONE, or why not.
 * Context: outside sections
 */
enum reason title_may_wait(
    struct worker *w, struct title *t, const struct addr *a);
/* What it named has ended: its players wait for the next. */
void title_lost(struct worker *w, struct title *t);
/* t is looked up in the next section: it has players in no ring. */
void title_scan(struct worker *w, struct title *t);
/* The same for a player that has been with it for long. */
void title_scan_for(struct worker *w, struct player *p);
void title_unscan(struct worker *w, struct title *t);
/* A title nobody plays goes, unless its watch still drains. */
void title_release(struct worker *w, struct title *t);
/* Look t up and watch what it names, if it is live; inside a section. */
void watch_open(struct worker *w, struct title *t);
/* The last player has left an ended ring; outside sections. */
void watch_close(struct worker *w, struct watch *v);
/* To be visited in the next pass, or closed after it. */
void watch_mark(struct worker *w, struct watch *v);
/* p enters v.  False: no memory.  The last of v takes the place of who leaves. */
bool watch_add(struct worker *w, struct watch *v, struct player *p);
void watch_remove(struct worker *w, struct watch *v, struct player *p);
/* Players of v, for the listings. */
void watch_count(struct worker *w, const struct watch *v);
/* Read the view of v once per section; false: not open yet. */
bool watch_look(struct worker *w, struct watch *v);
/* The header of the message at pos; false: pos is at head, or gone. */
bool watch_header(const struct ring_view *v, uint64_t pos, struct wire_msg *m,
    uint8_t buf[WIRE_HEAD0_MAX]);

/* join.c: inside a section ------------------------------------------------ */

/* JOIN -> RUN, if there is a place to begin. */
void player_join(struct worker *w, struct player *p);
/* receiveAudio(true): the header may have changed since. */
void player_bring_audio(struct worker *w, struct player *p);
/* receiveVideo(true): headers, then video from the next keyframe on. */
void player_look_for_key(struct worker *w, struct player *p);

/* lag.c: inside a section -------------------------------------------------- */

/* At a boundary below soft: begin anew when the socket takes bytes again. */
void player_leave_point(struct worker *w, struct player *p);
/* Leave the cursor for a newer keyframe; p is at a boundary. */
void player_skip(struct worker *w, struct player *p);
/* p is at a boundary: is it too slow, and what becomes of it? */
void player_check_lag(struct worker *w, struct player *p);

/* flush.c: inside a section ----------------------------------------------- */

/*
 * Prepare the next send of p.
 * Returns false when no more sends can be prepared in this section.
 */
bool player_flush(struct worker *w, struct player *p);
/* Its result; inside the same section. */
void player_sent(struct worker *w, struct player *p, int32_t res);
/* p is blocked and its ring moves on: take what it needs, let go of the rest */
void player_leave_old(struct worker *w, struct player *p);

/* tail.c ------------------------------------------------------------------ */

/* Does p stand inside a message? */
bool player_inside(const struct player *p);
/*
 * Copy the rest of the message p stands in to its tail; inside a section.
 * False: the pool is empty, or the bytes are gone.
 */
bool player_take_tail(struct worker *w, struct player *p);
/* p has a tail: the time for it begins (rule 4). */
void player_limit_tail(struct worker *w, struct player *p);
void player_drop_tail(struct worker *w, struct player *p);

/* filter.c: inside a section ---------------------------------------------- */

/* Does p get its messages one by one, with headers or choices of its own? */
bool player_translated(const struct player *p);
/* Pieces of [cursor, *to) with private headers; *to is where they end. */
unsigned player_translated_spans(struct worker *w, struct player *p,
    uint64_t *to, struct iovec *iov, unsigned max);
/* Move the cursor by n bytes that were sent, past what p does not get. */
bool player_walk_translated(struct player *p, uint32_t n);
/* Move the cursor over messages that p does not get. */
void player_pass_left_out(struct worker *w, struct player *p);

#endif
