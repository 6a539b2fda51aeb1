#include "config.h"

#include <string.h>

#include "worker/waiters.h"

static unsigned
bucket_of(const struct addr *a)
{
	unsigned h = 0;
	for (unsigned i = 0; i < sizeof a->b; i++)
		h = h * 31 + a->b[i];
	return h % WAITERS_BUCKETS;
}

struct waiter *
waiters_add(struct worker *w, struct waiter_list *table, const struct addr *a,
    uint64_t limit)
{
	struct waiter_list *l = &table[bucket_of(a)];
	struct waiter *x;
	LIST_FOREACH (x, l, next)
		if (addr_equal(&x->addr, a))
			break;
	if (x == NULL) {
		x = bufpool_get_new(&w->pool, sizeof *x);
		if (x == NULL)
			return NULL;
		memset(x, 0, sizeof *x);
		x->addr = *a;
		LIST_INSERT_HEAD(l, x, next);
	}
	if (x->names >= limit)
		return NULL;
	x->names++;
	return x;
}

void
waiters_drop(struct worker *w, struct waiter *x)
{
	if (--x->names > 0)
		return;
	LIST_REMOVE(x, next);
	bufpool_put(&w->pool, x, sizeof *x);
}
