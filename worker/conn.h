/*
 * conn - one TCP connection: its descriptor, what is armed on it, its output
 * and its end.  What the bytes mean is the session's business, what a player
 * is sent besides is the player's.
 *
 *	FREE	-> HELLO			accepted, or dialled
 *	HELLO	-> OPEN, LINGER, CLOSING	handshake done
 *	OPEN	-> LINGER, CLOSING		connect, publish, play
 *	LINGER	-> CLOSING			last bytes out, then SHUT_WR;
 *						input is read and thrown away
 *	CLOSING	-> FREE				nothing is armed any more
 *
 * CLOSING lasts until the last completion: the kernel may still hold the
 * socket, so the slot is not used again before.
 *
 * Output: replies are collected in `out` and sent in the next pass, whole,
 * before anything of a ring (architecture rule 3).  A connection with a player
 * is flushed by the player, which knows where a message ends.
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/bans.h"
#include "common/cursor.h"
#include "common/reason.h"
#include "shm/seats.h"
#include "worker/loop.h"
#include "worker/slow.h"
#include "worker/worker.h"

enum {
	CONN_OUT_MAX = 128 * 1024,    /* replies that wait for one peer */
	CONN_OUT_BULK = 4096 * 1024,  /* of one that carries many clients, or calls */
	CONN_STASH_SOFT = 256 * 1024, /* input kept while paused: then cancel */
	CONN_STASH_HARD = 2048 * 1024,
	CONN_FLUSH_MAX = LOOP_SENDS_MAX / 4, /* replies in one section */
	CONN_LINGER_MS = 2000,
	CONN_SLOW_MS = 250, /* takes no byte for so long: it lags */
	CONN_LINGER_BYTES = 1024 * 1024
};

enum conn_state { CONN_FREE, CONN_HELLO, CONN_OPEN, CONN_LINGER, CONN_CLOSING };

struct conn_buf {
	uint8_t *buf; /* of the pool, NULL when empty */
	uint32_t cap, off, len;
};

struct player;

/* What a send or a receive touches comes first: two cache lines. */
struct conn {
	int fd;
	uint32_t index, gen;
	uint8_t state; /* enum conn_state */
	bool recv_armed, writable_armed;
	bool cancelled;		/* the recv is being cancelled */
	bool paused;		/* input goes to the stash */
	bool eof;		/* the peer ended while paused */
	bool blocked;		/* the socket is full: wait for writable */
	bool queued;		/* on the ready list */
	bool shut;		/* SHUT_WR is done */
	bool outbound;		/* dialled: the peer is a server */
	bool doomed;		/* to be ended by conns_reap(), for `reason` */
	bool abrupt;		/* doomed: without what is in out */
	bool timed;		/* on the list that conns_tick() looks at */
	bool bulk;		/* it carries many clients, or calls (guest.h) */
	struct client_row *row; /* its addr is the peer's, with the port */
	/* those who play on it, linked by play.c; they flush it.  Only the one
	 * that stands inside a message may send, one send in a section */
	struct player *player, *inside, *sender;
	struct conn_buf out, stash;
	struct mono progress; /* last byte that the socket took */
	struct mono heard;    /* last byte received */
	uint64_t bytes_in, bytes_out;
	struct mono deadline; /* HELLO, LINGER; of commands in OPEN; 0 none */
	/* its application; before connect the general one of _defaultVHost_ */
	const struct conf_app *app;
	uint64_t id;	    /* in the log and the listings; never used again */
	enum reason reason; /* why it ends */
	enum reason refuse; /* to be told at connect; REASON_NONE: welcome */
	enum reason late;   /* the reason when deadline passes */
	uint32_t lag_ms;    /* of its player, when last looked at */
	uint32_t seat;	    /* of MaxConnections; SEAT_NONE */
	uint32_t lingered;
	struct mono since; /* accept, conn_adopt() */
	struct addr peer;
	struct slow slow; /* evidence, while it lags */
	TAILQ_ENTRY(conn) ready, next_doomed, next_timed;
};
_Static_assert(sizeof(struct conn) <= 320, "idle connections are cheap");

TAILQ_HEAD(conn_list, conn);

/* What the layers to the right do; set once by main.c. */
struct conn_ops {
	/* a connection was accepted, or dialled (c->outbound) */
	void (*opened)(struct worker *w, struct conn *c);
	/* bytes; may pause, close */
	void (*input)(
	    struct worker *w, struct conn *c, const uint8_t *p, size_t n);
	/* it ends: forget it; called once, before the descriptor is closed */
	void (*closed)(struct worker *w, struct conn *c);
	/* the player of c may send again, or has a reply to fit in */
	void (*player_ready)(struct worker *w, struct conn *c);
};

struct conns {
	struct conn *table;
	uint32_t size, high; /* high: entries ever used */
	uint32_t nfree;
	uint32_t *free;
	uint32_t open;	   /* not FREE */
	uint32_t outbound; /* of these: dialled */
	uint32_t limit;	   /* of the others; above it they are refused */
	struct bans bans;
	struct seat_search *seats; /* by virtual host */
	uint64_t next_id;
	struct conn_list ready, doomed;
	/* those with a deadline, or blocked: nobody else is looked at when
	 * time passes.  The next to be looked at stands first */
	struct conn_list timed;
	uint32_t ntimed;
	const struct conn_ops *ops;
	int listener[CONF_LISTEN_MAX];
	bool listening[CONF_LISTEN_MAX]; /* armed */
	unsigned nlisten;
	struct mono accept_again; /* paused until; 0: not */
};

/*
 * Returns 0 or -ENOMEM.  size: connections at most, the last IPC_SURPLUS of
 * them only to be refused politely.
 */
int conns_init(struct worker *w, const struct conn_ops *ops, uint32_t size);
void conns_fini(struct worker *w);

/* Start accepting; the descriptors become ours. */
void conns_listen(struct worker *w, const int *fd, unsigned n);
void conns_stop_listening(struct worker *w);

/*
 * A connection that worker/dial.h made: the peer is a server, we are its
 * client.  In HELLO, ops->opened is called before this returns.  It sits on no
 * seat of MaxConnections and counts among no clients, and is logged by those
 * who wanted it; at most a quarter of the table is for such.
 *
 * fd		becomes ours; a blocking one afterwards, as io_uring wants it
 * app		whose limits hold (time, unsent bytes)
 * Returns	NULL when there is no room; fd is closed then
 */
struct conn *conn_adopt(struct worker *w, int fd, const struct addr *peer,
    uint16_t port, const struct conf_app *app);

/* Hand an event of the loop to its connection. */
void conns_event(struct worker *w, const struct loop_event *e);

/* Once per TICK_MS: deadlines of a part of those that have one. */
void conns_tick(struct worker *w);

/* c ends at t, for the reason why, unless another time is set. */
void conn_set_deadline(
    struct worker *w, struct conn *c, struct mono t, enum reason why);
void conn_no_deadline(struct conn *c);

/* The connection with that id, or NULL.  Cost: a look at the table. */
struct conn *conn_by_id(struct worker *w, uint64_t id);

/* The connection of that name, or NULL if it is gone. */
struct conn *conn_at(struct worker *w, uint32_t index, uint32_t gen);

/*
 * Write replies: room for n bytes in `wr`, then take what was written.
 * conn_write_end() queues the connection; a writer error there is a bug.
 * Returns false when it is ending, or doomed now: it reads no replies, or there
 * is no memory.
 */
bool conn_write(struct worker *w, struct conn *c, size_t n, struct writer *wr);
void conn_write_end(struct worker *w, struct conn *c, const struct writer *wr);
bool conn_out_empty(const struct conn *c);
/* Bytes of `out` were sent. */
void conn_out_sent(struct worker *w, struct conn *c, uint32_t n);

/* Count c against MaxConnections.  Returns false: it is reached. */
bool conn_sit(struct worker *w, struct conn *c);

/* To be flushed in the next pass. */
void conn_ready(struct worker *w, struct conn *c);
/* A send took less than offered: wait until the socket is writable. */
void conn_block(struct worker *w, struct conn *c);
/* Account for n bytes that the socket took. */
void conn_sent(struct worker *w, struct conn *c, uint32_t n);

/*
 * Prepare the sends of connections on the ready list that have no player;
 * those with one go to ops->player_ready.  Then loop_run_sends() with
 * conn_flushed() for those.
 */
void conns_flush(struct worker *w);
/* Result of a send that conns_flush() prepared. */
void conn_flushed(struct worker *w, struct conn *c, int32_t res);

/* The client asked for this application: its limits hold from now on. */
void conn_set_app(struct conn *c, const struct conf_app *app);

/*
 * Who is connected speaks for another: text is that one's "host:port".  It counts as
 * its own address from now on.  REASON_NONE, or why that one is not let in; text that
 * is no address is ignored.
 */
enum reason conn_claim(struct worker *w, struct conn *c, struct span text);

/* May somebody with that address be let in?  REASON_NONE, or why not. */
enum reason conn_judge(struct worker *w, const struct addr *a);

/* An id for a client, never used again. */
uint64_t conn_next_id(struct worker *w);

/* The handshake is over. */
void conn_opened(struct conn *c);

/* Input goes to the stash until conn_resume(), which hands it on. */
void conn_pause(struct conn *c);
/* The same for a while: nothing is read from the socket at all. */
void conn_hold(struct worker *w, struct conn *c);
void conn_resume(struct worker *w, struct conn *c);
/* Keep input that came before the pause took effect. */
void conn_stash(struct worker *w, struct conn *c, const uint8_t *p, size_t n);

/*
 * End a connection: what is in `out` is sent first (close), or not (abort).
 * It is only doomed here, and ends in conns_reap(): nothing is freed under the
 * feet of whoever found out.  A doomed one takes no input and no replies.
 */
void conn_close(struct worker *w, struct conn *c, enum reason why);
void conn_abort(struct worker *w, struct conn *c, enum reason why);

/* Why c lags, as far as is known now, and the evidence. */
enum cause conn_cause(const struct worker *w, const struct conn *c,
    uint32_t lag_ms, struct cause_evidence *e);

/* Neither ending nor doomed. */
static inline bool
conn_alive(const struct conn *c)
{
	return !c->doomed && (c->state == CONN_HELLO || c->state == CONN_OPEN);
}

/* End the doomed.  Context: between events and passes, outside sections. */
void conns_reap(struct worker *w);

/* Change the text part of the client row. */
void conn_row_key(struct conn *c, const char *key, size_t len);
void conn_row_agent(struct conn *c, const char *agent, size_t len);
void conn_row_role(struct conn *c, enum row_role role);

#endif
