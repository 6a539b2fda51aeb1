/*
 * slow - the evidence about one connection that lags (cause.h).  The kernel is
 * asked when the lag begins and when something is done about it, never for a
 * player that keeps up.
 * Context: the worker's thread.
 */
#ifndef WORKER_SLOW_H
#define WORKER_SLOW_H

#include "common/clock.h"
#include "worker/cause.h"
#include "worker/late.h"
#include "worker/tcpinfo.h"

struct slow {
	struct mono since; /* the lag began; 0: there is none */
	bool known;
	struct tcp_sample base; /* then */
};

/* The connection fd lags; nothing happens when that is known. */
void slow_begin(struct slow *s, int fd, struct mono now);
/* It has caught up. */
void slow_end(struct slow *s);

/*
 * Evidence until now; late: of the worker.
 * lag_ms	how far behind it is, 0 when not known: the time since it began
 */
void slow_evidence(const struct slow *s, int fd, const struct late *late,
    struct mono now, uint32_t lag_ms, struct cause_evidence *e);

#endif
