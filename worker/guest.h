/*
 * guest - a client about whom somebody else is asked: at an edge the server above,
 * elsewhere the application's script.  It is at its own connection, or a virtual
 * one, that came through an edge below (rtmp/tree.h).
 *
 *	KEPT	-> ASKED	it is known where it wants to go; somebody is asked
 *	ASKED	-> IN, gone	guest_accept(), guest_refuse()
 *	IN	-> gone		its connection ends, it is disconnected
 *
 * Clients of applications where nobody is asked are no guests.  The input of the
 * connection of a guest that is ASKED is paused.
 * Context: the worker's thread.
 */
#ifndef WORKER_GUEST_H
#define WORKER_GUEST_H

#include <sys/queue.h>

#include "worker/entrance.h"
#include "worker/session.h"

struct uplink;
struct tree;

enum {
	GUEST_BUCKETS = 512,
	GUEST_CALLS_MAX = 4096 /* that await an answer, of one client */
};

enum guest_state { GUEST_KEPT, GUEST_ASKED, GUEST_IN };

struct guest {
	uint64_t id;	   /* of a client, as in the log */
	struct conn *c;	   /* its own, or the edge's through which it came */
	struct tree *tree; /* virtual: of that edge; else NULL */
	uint32_t below;	   /* virtual: message stream there */
	enum guest_state state;
	bool answered; /* its connect is: it is told nothing of it again */
	bool is_explicit;
	const struct conf_vhost *vhost;
	const struct conf_app *app;
	struct uplink *up; /* where it is known above, or waits to be; NULL */
	uint32_t above;	   /* message stream there */
	bool announced;	   /* its connect was sent there */
	bool hooked;	   /* callbacks were asked (hooked.h), */
	bool told;	   /* virtual: and know who it is */
	uint64_t hook;	   /* request that it waits for; 0: none */
	uint32_t tried;	   /* bits of ways */
	double txn;	   /* of its connect */
	char addr[64];
	struct mono since, asked;
	struct client_row *row; /* virtual, else NULL */
	uint32_t seat;		/* virtual: place of the row */
	/* copies, in text: connect as type WIRE_COMMAND_AMF3 has it, or not */
	struct span connect, url, prefix, via;
	double hops;
	uint8_t connect_type;
	/* a command that waits for the answer: of a connection whose address
	 * was partial, until a stream's name came */
	uint8_t *later;
	uint32_t later_len, later_msid;
	uint8_t later_type;
	double *calls; /* transactions that await an answer from above */
	uint32_t ncalls, calls_cap;
	LIST_ENTRY(guest) next_above, next_below, next_hook;
	size_t size;
	char *text;
};

/* By message stream; zero is empty. */
struct guest_table {
	LIST_HEAD(guest_list, guest) bucket[GUEST_BUCKETS];
	unsigned n;
};

struct guests;

/* Returns 0 or -ENOMEM. */
int guests_init(struct worker *w);
void guests_fini(struct worker *w);

/* A connect as it came: command_message()'s arguments. */
struct guest_connect {
	const struct cmd *cmd;
	uint8_t type;
	const uint8_t *p;
	size_t n;
};

/*
 * A client that somebody is to be asked about; nothing is asked yet.
 *
 * tree, below	a virtual client, c is its edge's; NULL: c is its own
 * Returns	NULL: no memory, or no room for one more virtual client
 */
struct guest *guest_new(struct worker *w, struct conn *c, struct tree *tree,
    uint32_t below, const struct guest_connect *k, const struct cmd_connect *cc,
    const struct entrance *e);

/* It is known by now where it wants to go.  False: no memory. */
bool guest_bind(struct worker *w, struct guest *g, const struct entrance *e);

/*
 * Forget it.  It must not be in a table any more, and of its session.
 *
 * why	for the log, of a virtual one
 */
void guest_free(struct worker *w, struct guest *g, enum reason why);

/* It is let in; told so unless it was.  informed: see CMD_ASK. */
void guest_accept(struct worker *w, struct guest *g, bool informed);

/*
 * It is not let in, or no more: with the information object of another server,
 * or "" and our words.  Ends its connection; a virtual one is only told.
 */
void guest_refuse(struct worker *w, struct guest *g, struct span info,
    enum reason why, const char *words);

/* Disconnect it; a virtual one is only told. */
void guest_close(struct worker *w, struct guest *g, enum reason why);

/* A message as it is, to the client. */
void guest_send(struct worker *w, struct guest *g, uint8_t type,
    const uint8_t *p, size_t n);

/* _error with null: a call that nobody takes. */
void guest_call_failed(struct worker *w, struct guest *g, double txn,
    const char *code, const char *text);

/*
 * Calls that await an answer: one more, with its transaction (0: none is awaited;
 * nothing is noted); false: too many.  An answer has come: false: to none of them.
 */
bool guest_called(struct worker *w, struct guest *g, double txn);
bool guest_returned(struct guest *g, double txn);

/* None of them will be answered: say so. */
void guest_calls_lost(struct worker *w, struct guest *g, const char *text);

/* The virtual client with that id, or NULL.  Cost: a look at all. */
struct guest *guest_by_id(struct worker *w, uint64_t id);

static inline struct guest_list *
guest_bucket(struct guest_table *t, uint32_t msid)
{
	return &t->bucket[msid % GUEST_BUCKETS];
}

#endif
