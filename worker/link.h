/*
 * link - the worker's end of its socket pair with the master (common/ipc.h).
 * Never blocks: what does not fit is queued, bounded; a master that is gone
 * makes the worker an orphan, which serves its clients to the end.
 * Context: the worker's thread.
 */
#ifndef WORKER_LINK_H
#define WORKER_LINK_H

#include "common/ipc.h"
#include "worker/worker.h"

enum { LINK_POLL = 0, LINK_EVENTFD = 1 }; /* index of LOOP_POLL events */

/* What to do with a message; GRANT, REFUSE, ASK, KICK, BAN, QUIT. */
typedef void link_fn(struct worker *w, const struct ipc_msg *m);

/* Take over descriptor fd.  Returns 0 or -ENOMEM. */
int link_init(struct worker *w, int fd, link_fn *fn);
void link_fini(struct worker *w);

/*
 * Wait for SETUP, blocking; fds get its descriptors.
 * Returns 1, 0 when the master ended, or -errno.  Context: start.
 */
int link_setup(int fd, struct ipc_msg *m, int *fds, unsigned *nfds);

/* The socket is readable, or may take what is queued. */
void link_event(struct worker *w);
/* Send again what did not fit.  Context: tick. */
void link_flush(struct worker *w);

void link_send(struct worker *w, struct ipc_msg *m);
/*
 * The master answers so slowly that newcomers must not ask: the rest of the
 * queue is for what ends.
 */
bool link_busy(const struct worker *w);
/* An id for a PUBLISH. */
uint64_t link_request(struct worker *w);

#endif
