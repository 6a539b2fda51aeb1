#include "config.h"

#include "common/lograte.h"

static void
fill(struct lograte *r, unsigned per_s, unsigned burst, struct mono now)
{
	uint64_t most = (uint64_t)burst * 1000;
	uint64_t ms = mono_ms_since(r->at, now);
	if (r->at.ns == 0 || ms >= most / per_s) {
		r->millilines = most;
		r->at = now;
		return;
	}
	r->millilines += ms * per_s;
	if (r->millilines > most)
		r->millilines = most;
	r->at = mono_add_ms(r->at, ms); /* the rest of a ms counts next time */
}

bool
lograte_take(struct lograte *r, unsigned per_s, unsigned burst, struct mono now)
{
	if (per_s == 0)
		return true;
	fill(r, per_s, burst, now);
	if (r->millilines >= 1000) {
		r->millilines -= 1000;
		return true;
	}
	if (r->suppressed++ == 0)
		r->since = now;
	return false;
}

uint64_t
lograte_due(const struct lograte *r)
{
	return r->suppressed > 0 ? mono_add_ms(r->since, LOGRATE_TELL_MS).ns
				 : UINT64_MAX;
}

uint64_t
lograte_told(struct lograte *r)
{
	uint64_t n = r->suppressed;
	r->suppressed = 0;
	return n;
}
