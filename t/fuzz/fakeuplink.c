/*
 * fakeuplink - worker/uplink.h without a server above: everybody is let in, and
 * nobody takes a call.
 */
#include "config.h"

#include "worker/named.h"
#include "worker/uplink.h"

int
uplinks_init(struct worker *w)
{
	(void)w;
	return 0;
}

void
uplinks_fini(struct worker *w)
{
	(void)w;
}

void
uplinks_tick(struct worker *w)
{
	(void)w;
}

void
uplink_ask(struct worker *w, struct guest *g)
{
	guest_accept(w, g, false);
}

void
uplink_leave(struct worker *w, struct guest *g)
{
	(void)w;
	(void)g;
}

bool
uplink_call(struct worker *w, struct guest *g, uint8_t type, double txn,
    const uint8_t *p, size_t n)
{
	(void)w;
	(void)g;
	(void)type;
	(void)txn;
	(void)p;
	(void)n;
	return false;
}

void
uplink_named(struct worker *w, struct named *s)
{
	(void)w;
	(void)s;
}
