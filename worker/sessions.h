/* sessions - the table of session.c and command.c; nobody else's. */
#ifndef WORKER_SESSIONS_H
#define WORKER_SESSIONS_H

#include "worker/session.h"

struct sessions {
	struct session *table; /* parallel to the table of connections */
	const struct session_ops *ops;
	uint64_t seed;
};

/* End what its NetStreams do, and free them. */
void session_free_streams(struct worker *w, struct conn *c);

#endif
