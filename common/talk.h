/*
 * talk - what workers and the master say to each other about the clients of
 * applications that have a script, beside common/ipc.h: messages of any length up to
 * TALK_MAX over a SOCK_SEQPACKET pair of its own for each incarnation of a worker,
 * so nothing that a client says can fill the queue of what matters.
 *
 *	CONNECT	 W->M	client wants in there; fields: key prefix (vhost NUL app
 *			NUL instance), address with port, agent, tcUrl, pageUrl,
 *			swfUrl, arguments
 *	CALL	 W->M	method, arguments; number: transaction, 0: no answer
 *	RESULT	 W->M	answer to INVOKE number; flag: it went well; value
 *	ACCEPT	 M->W	let it in
 *	REJECT	 M->W	description, information ("" if none)
 *	REDIRECT M->W	description, information, url
 *	ACCESS	 M->W	what it may play, publish (worker/access.h); before the first all
 *	DROP	 M->W	disconnect it; words for the log
 *	RETURN	 M->W	value of CALL number
 *	FAIL	 M->W	CALL number failed; description
 *	LOST	 M->W	no CALL that waits will be answered; description
 *	INVOKE	 M->W	method, arguments; number: 0: no answer
 *	BROADCAST M->W	INVOKE without an answer, of all who were let in: method,
 *			arguments, key prefix
 *
 * Arguments (an array), values and information are JSON of rtmp/amfjson.h.
 * That a client is gone is said by LEFT of ipc.h, so it comes after the end of
 * what it has published.  A client that the master does not know, or that is gone
 * from the worker, is answered with nothing.
 *
 * Both ends are non-blocking; what the other one does not take waits, bounded by
 * TALK_QUEUE bytes.
 * Context: one thread for each end.
 */
#ifndef COMMON_TALK_H
#define COMMON_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

enum {
	TALK_FIELDS = 7,
	TALK_TEXT_MAX = 65536, /* of all fields together */
	TALK_MAX = 65536 + 64, /* bytes of a message */
	TALK_QUEUE = 4 << 20
};

enum talk_kind {
	TALK_CONNECT = 1,
	TALK_CALL,
	TALK_RESULT,
	TALK_ACCEPT,
	TALK_REJECT,
	TALK_REDIRECT,
	TALK_ACCESS,
	TALK_DROP,
	TALK_RETURN,
	TALK_FAIL,
	TALK_LOST,
	TALK_INVOKE,
	TALK_BROADCAST,
	TALK_KIND_COUNT
};

/* Fields of CONNECT; others have theirs in the order above. */
enum talk_connect {
	TALK_KEY,
	TALK_ADDR,
	TALK_AGENT,
	TALK_URL,
	TALK_PAGE,
	TALK_SWF,
	TALK_ARGS
};

struct talk {
	enum talk_kind kind;
	bool flag;
	uint64_t client;
	double number;
	struct span field[TALK_FIELDS];
};

/*
 * Write t as it is sent.
 * Returns its bytes, or 0: the fields are longer than TALK_TEXT_MAX, or cap is too
 * small
 */
size_t talk_pack(const struct talk *t, void *buf, size_t cap);

/*
 * Read what was packed; the fields point into buf, which needs no alignment.
 * Returns 0 or -EPROTO.
 */
int talk_unpack(const void *buf, size_t len, struct talk *t);

struct talk_piece;

struct talk_link {
	int fd;
	struct talk_piece *first, **last;
	size_t bytes; /* that wait */
};

void talk_open(struct talk_link *l, int fd);
/* Closes the descriptor; what waits is dropped. */
void talk_close(struct talk_link *l);

/*
 * Send, now or later, in order.
 * Returns	0; -EMSGSIZE: see talk_pack(); -ENOBUFS: too much waits; -ENOMEM;
 *		or another -errno: the other end is gone
 */
int talk_send(struct talk_link *l, const struct talk *t);

/*
 * The same of what may be lost; half of the queue is kept for what may not.
 * Returns	as talk_send(); -ENOBUFS: half of TALK_QUEUE waits
 */
int talk_offer(struct talk_link *l, const struct talk *t);

/* Send what waits, as far as it goes.  Returns 0, or -errno: the end is gone. */
int talk_flush(struct talk_link *l);

static inline bool
talk_waits(const struct talk_link *l)
{
	return l->first != NULL;
}

/* A CONNECT about client that waits here is never sent.  Was there one? */
bool talk_forget(struct talk_link *l, uint64_t client);

/*
 * Receive one into buf (TALK_MAX bytes).
 * Returns 1, 0 at the end of file, -EAGAIN, -EPROTO or another -errno.
 */
int talk_recv(struct talk_link *l, void *buf, struct talk *t);

#endif
