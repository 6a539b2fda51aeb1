#include "config.h"

#include <string.h>

#include "worker/slow.h"

void
slow_begin(struct slow *s, int fd, struct mono now)
{
	if (s->since.ns != 0)
		return;
	s->since = now;
	s->known = tcpinfo_read(fd, &s->base) == 0;
}

void
slow_end(struct slow *s)
{
	s->since = (struct mono){ 0 };
	s->known = false;
}

static uint32_t
ms_between(uint64_t a_us, uint64_t b_us)
{
	uint64_t ms = b_us > a_us ? (b_us - a_us) / 1000 : 0;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static void
since_base(
    const struct slow *s, const struct tcp_sample *t, struct cause_evidence *e)
{
	e->measured = true;
	e->busy_ms = ms_between(s->base.busy_us, t->busy_us);
	e->rwnd_ms = ms_between(s->base.rwnd_us, t->rwnd_us);
	e->retrans = t->retrans - s->base.retrans;
}

void
slow_evidence(const struct slow *s, int fd, const struct late *late,
    struct mono now, uint32_t lag_ms, struct cause_evidence *e)
{
	struct tcp_sample t;
	bool begun = s->since.ns != 0;
	uint64_t span = begun ? mono_ms_since(s->since, now) : lag_ms;
	memset(e, 0, sizeof *e);
	e->span_ms = span < UINT32_MAX ? (uint32_t)span : UINT32_MAX;
	e->lag_ms = lag_ms != 0 ? lag_ms : e->span_ms;
	struct mono from = { now.ns - (uint64_t)e->span_ms * NS_PER_MS };
	e->server_ms = late_within(late, from, now);
	if (tcpinfo_read(fd, &t) != 0)
		return;
	e->known = true;
	e->rtt_ms = t.rtt_us / 1000;
	e->min_rtt_ms = t.min_rtt_us / 1000;
	e->snd_wnd = t.snd_wnd;
	e->unacked = t.unacked;
	e->notsent = t.notsent;
	if (begun && s->known)
		since_base(s, &t, e);
}
