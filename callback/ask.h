/*
 * ask - one request of the master (common/hooks.h): what it says, and its answer.
 * Context: sluice-callback, one thread.
 */
#ifndef CALLBACK_ASK_H
#define CALLBACK_ASK_H

#include <jansson.h>
#include <sys/queue.h>

#include "callback/format.h"
#include "callback/verdict.h"
#include "common/clock.h"

struct ask {
	TAILQ_ENTRY(ask) next;
	json_t *message; /* what url and facts point into */
	uint64_t id;
	enum hook_format format;
	struct facts facts;
	const char *url;
	struct mono came, until;   /* until: the answer must be there */
	uint64_t ms;		   /* that the request itself may take */
	struct transfer *transfer; /* http.c: its own; NULL: it waits */
};
TAILQ_HEAD(asks, ask);

/*
 * Take message j of kind ask (a reference of its own is kept).
 * server, service: for facts; they outlive the ask
 * Returns	NULL: malformed, or no memory; *id is that of the message, 0 if it
 *		has none
 */
struct ask *ask_new(json_t *j, struct span server, struct span service,
    struct mono now, uint64_t *id);
void ask_free(struct ask *a);

/* The answer about `id` as a message for the master. */
json_t *ask_answer(uint64_t id, const struct decision *d, int status);

/* The URL for the log, without what may be secret: user, password and query. */
struct span ask_shown_url(const char *url, char buf[HOOKS_NAME]);

#endif
