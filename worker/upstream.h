/*
 * upstream - connections that this worker makes to other servers, to play from
 * them, or to publish to them.  One may carry many streams (legs); what they are for is pull's
 * business.
 *
 *	RESOLVE	-> DIAL -> HELLO -> CONNECT -> READY	name, TCP, handshake,
 *						connect; a leg then asks for
 *						createStream and play
 *	any	-> gone				failed, closed, or nobody needs it
 *
 * Names that are not live share a connection, if next server, application and
 * tcUrl are the same; one that is live has its own.  What is told to the owner
 * of a leg is told in leg_ops, once for each failure; the leg is detached by then.
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_UPSTREAM_H
#define WORKER_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/route.h"
#include "worker/dial.h"
#include "worker/resolve.h"
#include "worker/session.h"

struct upstreams;
struct leg;

enum {
	UP_LEGS_OTHER =
	    30, /* streams on a connection to another make of server */
	UP_MOVES_MAX = 16,
	UP_ASKING_MAX = 64, /* unanswered at a time */
	UP_AGAIN_MS = 500,  /* for TCP, to a server that delivered before */
	UP_PING_MS =
	    2000, /* a silent peer of ours is asked for a sign of life */
	UP_DEAD_MS = 5000,   /* and given up without one */
	UP_DIRECT_MS = 10000 /* instead of RequestTimeout, of `direct` */
};

enum up_state { UP_RESOLVE, UP_DIAL, UP_HELLO, UP_CONNECT, UP_READY };

/* Where to go and as what: tcUrl and app as the client sent them. */
struct up_target {
	char hop[IPC_HOP_MAX]; /* "host:port" */
	char host[ROUTE_HOST];
	uint16_t port;
	const struct conf_vhost *vhost; /* its Proxy parameters */
	const struct conf_app *app;	/* limits of the connection */
	bool judge;  /* a client has named it: ways_judge() */
	bool again;  /* it delivered before: it answers soon, or not at all */
	bool direct; /* no next server of an edge: neither judged nor probed */
	bool own_connect;   /* greeted() of the keeper sends it */
	const char *client; /* address of whom it publishes for, or NULL */
	struct span app_name, url; /* the caller's, copied */
	struct span args;	   /* of connect, AMF0; the same */
};

struct way;
struct upstream;

/* Where to go: hop, host, port, and whether it is judged. */
void up_target_set(struct up_target *to, const struct way *way);

enum leg_state { LEG_IDLE, LEG_OPENING, LEG_CREATING, LEG_ASKED, LEG_STARTED };

/* One stream of an upstream; the caller's memory. */
struct leg {
	struct upstream *up; /* NULL: detached */
	const struct leg_ops *ops;
	bool publish;	  /* to be sent there, not to be played */
	bool connect;	  /* only the connection is wanted: leg_publish() */
	const char *mode; /* of publish; NULL: "live" */
	uint64_t sent;	  /* of publish: bytes, over connections that ended */
	struct span said; /* of publish, during a call of ops: see push.h */
	enum leg_state state;
	struct netstream *ns;
	struct span name; /* to play, with query; the caller's */
	struct span via;  /* the caller's */
	uint32_t hops;
	double txn; /* of createStream */
	/* what the server was told of viewers (viewers.h) */
	int64_t viewers;
	bool viewers_told;
	struct mono viewers_at;
	void *owner;
	TAILQ_ENTRY(leg) next, next_queue;
};
TAILQ_HEAD(leg_list, leg);

/*
 * Who keeps a connection for something else than streams: for clients that it
 * carries (uplink.h).
 */
struct up_keeper {
	/* the handshake is over: the keeper's own connect, if it has one */
	void (*greeted)(struct worker *w, struct upstream *up);
	/* connect was accepted */
	void (*up)(
	    struct worker *w, struct upstream *up, const struct cmd_reply *r);
	/* a command after that.  Returns REASON_NONE, or what is wrong with it */
	enum reason (*command)(struct worker *w, struct upstream *up,
	    const struct cmd *cmd, uint8_t type, uint32_t msid,
	    const uint8_t *p, size_t n);
	/* as failed() of a leg; up is gone afterwards */
	void (*lost)(struct worker *w, struct upstream *up, enum reason why,
	    const char *text, bool refused);
};

struct upstream {
	const struct up_keeper *keeper; /* or NULL: it is for streams */
	void *owner;			/* the keeper's */
	struct up_target to;		/* spans are in text */
	enum up_state state;
	struct resolve resolve;
	struct dial dial;
	struct conn *c;
	bool sluice;  /* the peer is a Sluice */
	bool own;     /* has a live leg: takes no others */
	bool full;    /* the peer opens no more streams */
	bool probe;   /* only to see whether the hop answers */
	bool failing; /* it ends, for: */
	bool refused; /* the peer said no */
	enum reason why;
	char words[IPC_TEXT_MAX];
	double txn;
	char addr[64]; /* of the peer */
	uint8_t *said; /* what it refused connect with: information object */
	uint32_t saidlen;
	struct mono deadline, pinged;
	struct mono slow;     /* it did not take what it was sent; 0: never */
	struct leg_list legs; /* all; by state too: */
	struct leg_list opening, creating; /* creating: in the order of txn */
	unsigned asking;		   /* legs CREATING and ASKED */
	unsigned nlegs;
	TAILQ_ENTRY(upstream) next;
	char client[64]; /* a copy of to.client, or "" */
	size_t size;	 /* of all of it */
	char text[];
};

struct leg_ops {
	/*
	 * an answer to leg_call(); value: AMF0 as it came, "" if there is none.
	 * NULL: l calls nothing
	 */
	void (*answered)(struct worker *w, struct leg *l, uint64_t call,
	    bool ok, struct span value);
	/*
	 * the server took the play: the name may be live there, or not; it took
	 * the publish; or, of `connect`, the connection
	 */
	void (*started)(struct worker *w, struct leg *l);
	/* another stream got the connection for itself: open l anew; it is
	 * detached */
	void (*moved)(struct worker *w, struct leg *l);
	/* it told that the name is not published any more; of a play */
	void (*ended)(struct worker *w, struct leg *l);
	/*
	 * l is detached: the connection or the stream failed.
	 * text: of the peer, or NULL; refused: it said no, for good
	 */
	void (*failed)(struct worker *w, struct leg *l, enum reason why,
	    const char *text, bool refused);
};

/* Returns 0 or -ENOMEM. */
int upstreams_init(struct worker *w);
void upstreams_fini(struct worker *w);

/*
 * Ask for a stream: on a connection that waits there already, or on a new one
 * (alone: always on a new one).  ops, owner, name and via of l are set.
 * Returns 0 or -ENOMEM: nothing is opened
 */
int leg_open(
    struct worker *w, struct leg *l, const struct up_target *to, bool alone);

/* l, opened with `connect`, asks for a stream now: l->name. */
void leg_publish(struct worker *w, struct leg *l);

/*
 * Call a method on the connection that l has alone; call: below IPC_CALLS, 0: no
 * answer is awaited.  False: it is not up
 */
bool leg_call(struct worker *w, struct leg *l, uint64_t call,
    const char *method, struct span args);

/* Ask again, with a longer via. */
void leg_again(struct worker *w, struct leg *l);

/* Give it up; its connection goes with the last one. */
void leg_close(struct worker *w, struct leg *l);
/* The same without a goodbye, of one that has its connection alone. */
void leg_abort(struct worker *w, struct leg *l);

/*
 * l is live: its connection is its own from now on, others on it are moved.
 * Returns false: they are more than UP_MOVES_MAX, and l should go itself
 */
bool leg_own(struct worker *w, struct leg *l);

/* l failed, or is of no use to its owner: ops->failed(). */
void leg_failed(struct worker *w, struct leg *l, enum reason why,
    const char *text, bool refused);

/*
 * A connection of its own, until upstream_release(); nothing of the keeper is called
 * before this returns.
 * Returns NULL: no memory
 */
struct upstream *upstream_keep(struct worker *w, const struct up_target *to,
    const struct up_keeper *keeper, void *owner);
void upstream_release(struct worker *w, struct upstream *up);

/* It failed; text: of the peer, or NULL; refused: it said no, for good. */
void upstream_fail(struct worker *w, struct upstream *up, enum reason why,
    const char *text, bool refused);

/* Does the hop answer?  hops_alive() is told if it does. */
void upstream_probe(struct worker *w, const struct up_target *to);

/* For struct session_ops: of connections that are outbound. */
void upstream_greeted(struct worker *w, struct conn *c);
enum reason upstream_command(struct worker *w, struct conn *c, uint8_t type,
    uint32_t msid, const uint8_t *p, size_t n);
/* The connection ends; before its NetStreams do. */
void upstream_closed(struct worker *w, struct conn *c);

/* In each turn of the loop: what is due. */
void upstreams_tick(struct worker *w);

#endif
