#include "config.h"

#include <errno.h>

#include "common/bans.h"

void
bans_expire(struct bans *b, struct mono now)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->n; i++)
		if (mono_before(now, b->list[i].until))
			b->list[n++] = b->list[i];
	b->n = n;
}

static struct ban *
find(struct bans *b, const struct addr *addr)
{
	for (unsigned i = 0; i < b->n; i++)
		if (addr_equal(&b->list[i].addr, addr))
			return &b->list[i];
	return NULL;
}

int
bans_set(
    struct bans *b, const struct addr *addr, struct mono until, struct mono now)
{
	struct ban *old = find(b, addr);
	if (old != NULL) {
		old->until = until;
		bans_expire(b, now);
		return 0;
	}
	bans_expire(b, now);
	if (!mono_before(now, until))
		return 0;
	if (b->n == BANS_MAX)
		return -ENOSPC;
	b->list[b->n++] = (struct ban){ *addr, until };
	return 0;
}

struct mono
bans_until(const struct bans *b, const struct addr *addr, struct mono now)
{
	for (unsigned i = 0; i < b->n; i++)
		if (addr_equal(&b->list[i].addr, addr) &&
		    mono_before(now, b->list[i].until))
			return b->list[i].until;
	return (struct mono){ 0 };
}
