/*
 * hooks_own - what the parts of hooks share; nobody else includes it.
 *
 *	hooks.c		the process, its life, and who calls whom
 *	hooks_proc.c	messages to it
 *	hooks_ask.c	questions that wait for an answer
 *	hooks_use.c	clients, and what they publish and play
 *	hooks_relay.c	streams that an answer sends to another server
 */
#ifndef MASTER_HOOKS_OWN_H
#define MASTER_HOOKS_OWN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/hooks.h"
#include "common/ipc.h"
#include "master/child.h"
#include "master/hooks.h"

enum {
	HOOKS_PIDFD = 7, /* of epoll data */
	HOOKS_SOCK = 8,
	HOOKS_TABLE = 4096, /* chains of clients, of asks */
	HOOKS_USES = 16384  /* of one client: an edge has many */
};

struct master;

/* A message that the process does not take yet. */
struct hook_piece {
	struct hook_piece *next;
	size_t len;
	char text[];
};

/* Something that a client publishes or plays. */
struct hook_use {
	struct hook_use *next;
	uint64_t request;
	bool playing;
	uint64_t begun_ns, update_ns; /* update_ns: the next; 0: none */
	uint32_t keylen, argslen;
	char text[]; /* key of the stream, args */
};

struct hook_client {
	struct hook_client *next;
	uint64_t conn, incarnation, since_ns;
	unsigned slot;
	uint32_t row;
	const struct conf_app *app;
	unsigned asking; /* questions about it without an answer */
	bool out;	 /* it was not let in: nothing is told of its end */
	struct hook_use *uses;
	unsigned nuses;
	uint64_t bytes_in, bytes_out; /* when last looked at */
	struct span key, addr, args, url, page, swf, agent;
	size_t len;
	char text[]; /* what they point into */
};

/* A question that a worker waits for, or news that were told. */
struct hook_ask {
	struct hook_ask *next;
	uint64_t id, deadline_ns, incarnation;
	enum hook_event event;
	unsigned slot;
	bool open; /* if it fails it is allowed */
	uint64_t conn;
	bool over;	     /* the client does not want to know any more */
	struct ipc_msg *msg; /* CONNECT, PUBLISH, PLAY; NULL: of news */
	json_t *again;	     /* news: told to the next process once more */
};

struct hooks {
	struct child child;
	bool wanted; /* an application has callbacks */
	bool killed, late, quits;
	uint64_t run; /* of this process, in its tags */
	uint64_t start_ns, respawn_ns, stop_ns;
	unsigned faults; /* in a row */
	struct hook_piece *first, **last;
	size_t waits; /* bytes */
	uint64_t next_id;
	struct hook_ask *asks[HOOKS_TABLE]; /* by id */
	unsigned nasks;			    /* at most HOOKS_WAITING */
	struct hook_relay *relays;
	uint64_t ask_ns; /* no deadline of theirs is earlier */
	uint64_t swept_ns;
	uint64_t update_ns; /* the next of all */
	struct hook_client *clients[HOOKS_TABLE];
	uint32_t nclients[IPC_SLOTS_MAX]; /* of each worker */
	char server[16], service[24];
};

/* hooks_proc.c ------------------------------------------------------------ */

uint64_t hooks_tag(const struct hooks *h, unsigned kind);

/* Send a message; j is taken.  False: there is nobody to take it, or will be soon. */
bool hooks_tell(struct master *m, json_t *j);
void hooks_flush(struct master *m);
void hooks_drop_pieces(struct hooks *h);
void hooks_kill(struct hooks *h);

/* hooks_ask.c ------------------------------------------------------------- */

/*
 * Tell what has happened to c, or goes on; facts are taken.  If the process dies before
 * it says that this was done, the next one is told, once.  An update that is refused ends
 * the client.
 */
void hooks_news(struct master *m, const struct hook_client *c,
    enum hook_event event, json_t *facts);

/* An answer has come. */
void hooks_answered(struct master *m, const json_t *j);

/* Nobody will answer any more. */
void hooks_fail_all(struct master *m);

/* Deadlines.  Returns the next (ns). */
uint64_t hooks_ask_tick(struct master *m, uint64_t now_ns);

/* For struct streams_gate. */
bool hooks_ask(struct master *m, unsigned slot, const struct ipc_msg *msg);

/* CONNECT: of c, or NULL if nothing is known of it. */
void hooks_ask_connect(struct master *m, unsigned slot,
    const struct ipc_msg *msg, struct hook_client *c);

/* The client does not want any more what it has asked for; request 0: anything. */
void hooks_cancel(struct master *m, uint64_t conn, uint64_t request);

/* At the end. */
void hooks_free_asks(struct master *m);

/* Nobody waits for the answers of that worker's questions. */
void hooks_forget_worker(struct master *m, unsigned slot, uint64_t incarnation);

/* hooks_use.c ------------------------------------------------------------- */

struct hook_client *hooks_client(const struct master *m, uint64_t conn);

/* What is known of a client, for a request about itself. */
json_t *hooks_client_facts(const struct hook_client *c);

/* What is known of a client (NULL: only what is in p) for a request about p. */
json_t *hooks_facts(const struct hook_client *c, const struct ipc_publish *p);

/* For struct streams_gate. */
void hooks_begun(struct master *m, unsigned slot, uint64_t request,
    bool playing, const struct ipc_publish *p);

/* Updates, and clients that went without a word.  Returns the next (ns). */
uint64_t hooks_use_tick(struct master *m, uint64_t now_ns);

void hooks_free_clients(struct master *m);

/* hooks_relay.c ----------------------------------------------------------- */

/* When that request is granted, send its stream to url.  False: no memory. */
bool hooks_relay_keep(
    struct master *m, unsigned slot, uint64_t request, const char *url);

/* It is granted, as p; it is not, or is not wanted any more. */
void hooks_relay_begin(struct master *m, unsigned slot, uint64_t request,
    const struct ipc_publish *p);
void hooks_relay_drop(struct master *m, unsigned slot, uint64_t request);

/* All of a dead worker; 0: all. */
void hooks_relay_forget(struct master *m, uint64_t incarnation);

#endif
