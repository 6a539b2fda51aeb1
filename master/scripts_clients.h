/*
 * scripts_clients - the clients that scripts know, or are asked about, each of a worker.
 *
 *	WAITS	-> TOLD		the process is asked (connect of proto.h)
 *	TOLD	-> LATER	its onConnect has left the answer for later
 *	TOLD, LATER -> IN, gone	it has answered
 *	IN	-> WAITS	the process is dead: the next one is told, and asked
 *				again; meanwhile the client stays where it is
 *
 * Of a client that was let in, what it said with connect is kept for that.
 * scripts_client.c is the script's side, scripts_talk.c the workers' side,
 * scripts_waiting.c what happens when scripts die or hang.
 */
#ifndef MASTER_SCRIPTS_CLIENTS_H
#define MASTER_SCRIPTS_CLIENTS_H

#include <sys/queue.h>

#include "common/talk.h"
#include "master/scripts_own.h"

enum {
	CLIENT_BUCKETS = 4096,
	CLIENT_KEEP = 8192 /* bytes of a connect that are kept */
};

enum client_state { CLIENT_WAITS, CLIENT_TOLD, CLIENT_LATER, CLIENT_IN };

struct client {
	LIST_ENTRY(client) next_id;
	TAILQ_ENTRY(client) next;
	struct script *s;
	uint64_t id;
	unsigned slot;
	enum client_state state;
	bool in;	   /* its worker has let it in */
	bool counted;	   /* in its instance */
	bool restricted;   /* its worker knows of its access; */
	bool stale;	   /* what the process before this one said */
	uint64_t since_ns; /* of its connect, */
	uint64_t told_ns;  /* when the process was told */
	json_int_t n;	   /* of that message */
	unsigned calls;	   /* that wait for an answer of the script */
	char inst[CONF_NAME];
	size_t len; /* of connect; 0: not kept */
	char *connect;
};

struct client_table {
	LIST_HEAD(, client) bucket[CLIENT_BUCKETS];
};

/* Does so much wait for the worker of a slot that no more should be said to it? */
bool scripts_talk_full(const struct master *m, unsigned slot);

/* Say it to the worker of a slot. */
void scripts_say(struct master *m, unsigned slot, const struct talk *t);

struct client *scripts_client(const struct master *m, uint64_t id);

/* CONNECT, CALL and RESULT of the worker of a slot. */
void scripts_client_asks(struct master *m, unsigned slot, const struct talk *t);
void scripts_client_calls(
    struct master *m, unsigned slot, const struct talk *t);
void scripts_client_returns(
    struct master *m, unsigned slot, const struct talk *t);

/* The only setter of its state. */
void scripts_client_set(struct client *c, enum client_state state);

/* Tell its process of it, if that can be told now; c may be gone afterwards. */
void scripts_client_tell(struct master *m, struct client *c);

/* Say it to its worker. */
void scripts_client_say(struct master *m, const struct client *c,
    enum talk_kind kind, double number, const char *text);

/* It does not get in, or must leave; it is gone. */
void scripts_client_refuse(
    struct master *m, struct client *c, const char *text);

/* It is gone: its script is told. */
void scripts_client_end(struct master *m, struct client *c);

#endif
