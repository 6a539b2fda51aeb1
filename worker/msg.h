/*
 * msg - a message that is being received and is not in a ring: a buffer of the
 * worker's pool that grows as bytes arrive, so that a peer which only promises
 * a large message takes no memory.
 * Context: the worker's thread.
 */
#ifndef WORKER_MSG_H
#define WORKER_MSG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "worker/worker.h"

struct publish;

struct msg {
	uint32_t cap; /* of the whole buffer */
	uint32_t len; /* of the message; 0 is possible */
	uint32_t got; /* bytes gathered, in data or in the ring */
	uint32_t ts, msid;
	uint8_t type;
	uint8_t kind;	     /* enum msg_kind, publishers.h */
	uint8_t class;	     /* enum flv_class */
	bool in_ring;	     /* assembled above the head of pub's ring */
	bool dropped;	     /* the rest is thrown away */
	uint8_t *spill;	     /* taken out of the ring again: len bytes */
	struct publish *pub; /* whose it is, or NULL: the session's */
	TAILQ_ENTRY(msg) next;
	uint8_t data[];
};

TAILQ_HEAD(msg_list, msg);

/*
 * Begin a message of len bytes, of a publish or (NULL) of the session.
 * *account grows by what it takes.
 * Returns NULL when the pool is empty.
 */
struct msg *msg_new(
    struct worker *w, uint32_t len, struct publish *pub, uint32_t *account);
void msg_free(struct worker *w, struct msg *m, uint32_t *account);

/*
 * Make room for bytes up to want (at most len).  The message may move: *m.
 * Returns false when the pool is empty or *account would exceed limit.
 */
bool msg_reserve(struct worker *w, struct msg **m, uint32_t want,
    uint32_t *account, uint32_t limit);

/* msg_reserve() and append. */
bool msg_append(struct worker *w, struct msg **m, const void *p, uint32_t n,
    uint32_t *account, uint32_t limit);

#endif
