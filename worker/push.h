/*
 * push - streams of this machine that are sent to another server, as a publisher
 * sends them: on a connection of their own (upstream.h), whose NetStream reads the
 * ring of the stream as a player does, by a cursor, without a copy.
 *
 *	push_start()	-> CONNECTING	ways are tried in their order
 *	CONNECTING	-> ACCEPTED	Publish.Start: ops->accepted()
 *	CONNECTING	-> idle		no way takes it: ops->failed()
 *	ACCEPTED	-> RETRY	the path broke: ops->lost(); tried again,
 *					later and later -> CONNECTING
 *	any		-> ENDING	push_end(): what is in the ring goes out,
 *					then the goodbye; frees itself
 *
 * After each ACCEPTED the owner says push_flow(), when the stream is live here: it
 * begins with the codec headers and a keyframe.  A server that is too slow is
 * treated as a slow player is: it skips, others notice nothing.
 *
 * There are two kinds.  What a client publishes at an edge goes where the routes of
 * its virtual host say (relay.h).  A direct one goes to the server of its url, which
 * a script or the configuration has named (orders.h); without keep any failure is
 * the end, with it none is: also who refuses is asked again, after 2 s and more.  It
 * may begin as a connection alone; push_publish() gives it its stream.  A url that
 * leads to this very server is refused.
 *
 * Context: the worker's thread, outside sections.
 */
#ifndef WORKER_PUSH_H
#define WORKER_PUSH_H

#include "common/ipc.h"
#include "worker/session.h"

struct push;
struct player;

/* Why it failed; valid during the call. */
struct push_why {
	enum reason reason;
	const char *text; /* for people; of the server, if it said something */
	bool refused;	  /* the server said no */
	/* what it said: the information object as it came (AMF0), or "" */
	struct span said;
};

struct push_ops {
	/*
	 * said: of the server's onStatus the information object as it came
	 * (AMF0), valid during the call; "" if there is none
	 */
	void (*accepted)(
	    struct worker *w, struct push *p, void *owner, struct span said);
	/* It goes on to try, until push_end() or push_free(). */
	void (*lost)(struct worker *w, struct push *p, void *owner,
	    const struct push_why *y);
	/* An answer to push_call(), see leg_ops; may be NULL. */
	void (*answered)(struct worker *w, struct push *p, void *owner,
	    uint64_t call, bool ok, struct span value);
	/* No server takes it; p does nothing any more and may be freed. */
	void (*failed)(struct worker *w, struct push *p, void *owner,
	    const struct push_why *y);
};

/* What is sent, and where; copied. */
struct push_spec {
	struct span key;    /* of the stream here */
	struct span url;    /* tcUrl that the server is told */
	struct span name;   /* of the stream there, with its query */
	struct span via;    /* servers it came through (node.h), */
	double hops;	    /* and how many */
	const char *client; /* for whom: host:port, or NULL */
	/* the rest is of direct ones */
	bool direct;
	bool keep;
	bool secret;	  /* name or url has a key: no text shall repeat it */
	uint32_t lag_ms;  /* further behind it skips to a keyframe; not 0 */
	const char *mode; /* "live", "record", "append"; static */
	struct span args; /* of connect, AMF0 */
};

struct push_figures {
	uint64_t bytes, skips; /* since push_start() */
	uint32_t retries;      /* attempts after the first */
	uint32_t lag_ms;       /* when last looked at */
	const char *addr; /* of the server, or ""; valid until it changes */
};

/* Returns 0 or -ENOMEM. */
int pushes_init(struct worker *w);
void pushes_fini(struct worker *w);

/*
 * Connect, as a client of the key's virtual host would be sent on (ways.h); a
 * direct one to its url.  A direct one without a name only connects.
 *
 * *why		what is wrong when NULL is returned
 */
struct push *push_start(struct worker *w, const struct push_spec *spec,
    const struct push_ops *ops, void *owner, enum reason *why);

/*
 * A direct one that only connects (yet) publishes: the parts of spec that are of
 * the stream hold (key, name, secret, lag_ms, mode).  False: no memory.
 */
bool push_publish(
    struct worker *w, struct push *p, const struct push_spec *spec);

/* Call a method there: see leg_call(). */
bool push_call(struct worker *w, struct push *p, uint64_t call,
    const char *method, struct span args);

/* Does it only connect? */
bool push_is_bare(const struct push *p);

/* Its stream is live here: send it. */
void push_flow(struct worker *w, struct push *p);

/* Tell that server how many watch the stream here, if it is due. */
void push_viewers(struct worker *w, struct push *p);

/* host:port of the server that has it, or was tried last. */
const char *push_hop(const struct push *p);

/*
 * The stream has ended: what is in its ring goes out, then, if goodbye, the
 * server is told; else it must find out, and waits for a return as for any lost
 * publisher.  p is no longer the owner's.
 */
void push_end(struct worker *w, struct push *p, bool goodbye);

/* The worker quits: the goodbye at once.  p is gone. */
void push_quit(struct worker *w, struct push *p);

/* At once, without a word: p is gone. */
void push_free(struct worker *w, struct push *p);

/* A player of a push has read all there is; inside a section or not. */
void push_drained(struct worker *w, const struct player *p);

/* How far it may lag, in ms; 0: as its application says (a relay's). */
uint32_t push_lag_ms(const struct push *p);
void push_set_lag(struct push *p, uint32_t ms);
/* A player of a push has skipped. */
void push_skipped(struct push *p);

void push_figures(const struct push *p, struct push_figures *f);

/* How far it is in the ring of its stream; 0: in none. */
uint64_t push_position(const struct push *p);

/* In each turn of the loop: retries, time-outs, ends. */
void pushes_tick(struct worker *w);

#endif
