/*
 * bans - addresses that are refused for a while: the master keeps the list,
 * each worker a copy (IPC_BAN).
 */
#ifndef COMMON_BANS_H
#define COMMON_BANS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/clock.h"

enum { BANS_MAX = 1024 };

struct ban {
	struct addr addr;
	struct mono until;
};

struct bans {
	unsigned n;
	struct ban list[BANS_MAX];
};

/*
 * Refuse addr until then; a time that has passed lifts the ban.
 * Returns 0, or -ENOSPC when there are BANS_MAX others.
 */
int bans_set(struct bans *b, const struct addr *addr, struct mono until,
    struct mono now);

/* When the ban of addr ends, .ns 0 if there is none (any more). */
struct mono bans_until(
    const struct bans *b, const struct addr *addr, struct mono now);

/* Forget what is over.  Context: now and then. */
void bans_expire(struct bans *b, struct mono now);

#endif
