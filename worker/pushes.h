/*
 * pushes - what push.c and pushnew.c share; nobody else's.
 */
#ifndef WORKER_PUSHES_H
#define WORKER_PUSHES_H

#include "worker/backoff.h"
#include "worker/push.h"
#include "worker/upstream.h"
#include "worker/ways.h"

enum push_state {
	PUSH_IDLE,
	PUSH_CONNECTING,
	PUSH_ACCEPTED,
	PUSH_RETRY,
	PUSH_ENDING
};

struct push {
	const struct push_ops *ops;
	void *owner;
	enum push_state state;
	struct leg leg; /* leg.up == NULL: not in use */
	const struct conf_app *app;
	const struct conf_vhost *vhost;
	uint32_t keylen;
	char key[IPC_KEY_MAX];
	char key_app[IPC_KEY_MAX]; /* app[/instance] of key */
	struct span app_name;
	char via[IPC_VIA_MAX + 1]; /* with us */
	struct way ways[WAYS_MAX];
	unsigned nways;
	char client[64]; /* for whom */
	uint32_t tried;	 /* bits of ways, in this round */
	int way;
	bool ever; /* was accepted once */
	bool direct, keep, secret;
	bool troubled; /* direct: its failure is in the log */
	uint32_t lag_ms, retries;
	uint64_t skips;
	bool goodbye; /* ENDING: the server is told */
	bool drained; /* ENDING: nothing is left to be sent */
	struct backoff backoff;
	struct mono retry, deadline, lost; /* 0: none */
	struct span url, args;		   /* in text */
	char *name;			   /* leg.name */
	size_t size;
	TAILQ_ENTRY(push) next;
	char text[];
};

struct pushes {
	TAILQ_HEAD(, push) all;
	unsigned n;
	struct mono due; /* none is to be looked at before; 0: none at all */
};

extern const struct leg_ops push_leg_ops; /* of push.c */

/* A part of its key. */
struct span push_part(const struct push *p, unsigned i);

/* pushnew.c */

/* In no state yet; NULL: no memory. */
struct push *push_new(struct worker *w, const struct push_spec *s);
/* Its ways.  REASON_NONE, or why it has none. */
enum reason push_set_ways(struct worker *w, struct push *p);
bool push_set_key(struct push *p, struct span key);
void push_set_via(struct worker *w, struct push *p, const struct push_spec *s);
bool push_set_name(struct push *p, struct span name);
/* With the keys that may be in it. */
void push_delete(struct worker *w, struct push *p);

#endif
