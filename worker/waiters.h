/*
 * waiters - how many names that are not published wait for players of one address,
 * in this worker (ResourceLimits/MaxWaitingPerAddress).
 * Context: the worker's thread.
 */
#ifndef WORKER_WAITERS_H
#define WORKER_WAITERS_H

#include <sys/queue.h>

#include "common/addr.h"
#include "worker/worker.h"

enum { WAITERS_BUCKETS = 256 };

struct waiter {
	struct addr addr;
	uint32_t names;
	LIST_ENTRY(waiter) next;
};
LIST_HEAD(waiter_list, waiter);

/*
 * One name more.  Returns NULL: the limit is reached, or no memory; else what
 * waiters_drop() takes.
 */
struct waiter *waiters_add(struct worker *w, struct waiter_list *table,
    const struct addr *a, uint64_t limit);
void waiters_drop(struct worker *w, struct waiter *x);

#endif
