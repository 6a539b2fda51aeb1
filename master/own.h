/*
 * own - the addresses of this machine's interfaces, looked up again when they
 * are older than a second.
 * Context: the main thread.
 */
#ifndef MASTER_OWN_H
#define MASTER_OWN_H

#include <stdbool.h>

#include "common/addr.h"
#include "common/clock.h"

enum { OWN_MAX = 1024 };

struct own {
	unsigned n; /* at most OWN_MAX */
	struct addr *addr;
	struct mono looked;
};

/* Look if it is time.  Without memory or an answer the old ones stay. */
void own_refresh(struct own *o, struct mono now);
void own_free(struct own *o);

/* Is a one of them?  Loopback addresses always are. */
bool own_has(const struct own *o, const struct addr *a);

#endif
