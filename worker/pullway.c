/*
 * pullway - which server a pull asks, and what becomes of it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "worker/link.h"
#include "worker/pulls.h"

enum { SOON_MS = 300, SOON_FOR_MS = 20000 };

static struct pull *
pull_of(const struct leg *l)
{
	return l->owner;
}

static int
index_of(const struct pull *p, const struct leg *l)
{
	return l == &p->leg[0].leg ? 0 : 1;
}

static bool
in_use(const struct pull *p, int i)
{
	return p->leg[i].leg.up != NULL;
}

bool
pull_idle(const struct pull *p)
{
	for (int i = 0; i < PULL_LEGS; i++)
		if (in_use(p, i) && i != p->source)
			return false;
	return true;
}

int
pull_way(const struct pull *p)
{
	if (p->source >= 0)
		return p->leg[p->source].way;
	for (int i = 0; i < PULL_LEGS; i++)
		if (in_use(p, i))
			return p->leg[i].way;
	return -1;
}

int
pull_best_way(const struct worker *w, const struct pull *p, uint32_t tried)
{
	return hops_best(w, p->ways, p->nways, tried);
}

void
pull_close_leg(struct worker *w, struct pull *p, int i)
{
	struct pull_leg *pl = &p->leg[i];
	if (in_use(p, i)) {
		pl->close = true; /* what still comes is nothing */
		pull_lose(w, p, i, REASON_UPSTREAM_IDLE);
		leg_close(w, &pl->leg);
	}
	pl->close = pl->wanted = false;
}

/* Open way y on a free leg. */
static void
open_way(struct worker *w, struct pull *p, int y, bool alone)
{
	int i = in_use(p, 0) ? 1 : 0;
	struct pull_leg *pl = &p->leg[i];
	if (in_use(p, i))
		return; /* both are under way */
	struct up_target to = { .vhost = p->vhost,
		.app = p->app,
		.again = p->ever,
		.app_name = span_of(p->app_name),
		.url = { p->url, p->url_len } };
	up_target_set(&to, &p->ways[y]);
	p->tried |= UINT32_C(1) << y;
	pl->way = y;
	pl->since = w->now;
	pl->close = pl->wanted = false;
	/* once it was live it is likely to be so again */
	if (leg_open(w, &pl->leg, &to, alone || p->ever) != 0)
		p->retry = mono_add_ms(w->now, PULL_TICK_MS);
	pull_busy(w, p);
}

/* Any number, for jitter. */
static uint32_t
chance(const struct worker *w, const struct pull *p)
{
	return (uint32_t)(w->now.ns ^ p->id * 2654435761u);
}

/* Every way was tried. */
static void
round_over(struct worker *w, struct pull *p)
{
	if (!p->ever && p->unreached == 0 && p->refusals > 0 && !link_busy(w)) {
		char text[IPC_TEXT_MAX];
		memcpy(text, p->error, sizeof text);
		pull_refuse(w, p, p->reason, text);
		return;
	}
	p->retries++;
	uint32_t ms = backoff_next(&p->backoff, w->now, chance(w, p));
	/* viewers look at a still picture: soon, at first */
	if (p->ever && ms > SOON_MS &&
	    mono_ms_since(p->wanted, w->now) < SOON_FOR_MS)
		ms = SOON_MS;
	p->retry = mono_add_ms(w->now, ms);
	worker_wake_at(w, p->retry);
	if (p->source < 0)
		pull_set_state(w, p, PULL_RETRY);
	pull_busy(w, p);
}

void
pull_open(struct worker *w, struct pull *p)
{
	int y = pull_best_way(w, p, p->tried);
	if (y < 0)
		round_over(w, p);
	else
		open_way(w, p, y, false);
}

void
pull_beside(struct worker *w, struct pull *p, int y, bool wanted)
{
	open_way(w, p, y, true);
	for (int i = 0; i < PULL_LEGS; i++)
		if (i != p->source)
			p->leg[i].wanted = wanted;
}

void
pull_restart(struct worker *w, struct pull *p)
{
	p->tried = 0;
	p->refusals = p->unreached = 0;
	/* beside a silent source another one is better than the same */
	if (p->source >= 0 && p->nways > 1)
		p->tried = UINT32_C(1) << p->leg[p->source].way;
	pull_open(w, p);
}

/* Bits of the ways that are in use; *young, *old: legs, -1: none. */
static uint32_t
in_use_ways(const struct pull *p, int *young, int *old)
{
	uint32_t ways = 0;
	*young = *old = -1;
	for (int i = 0; i < PULL_LEGS; i++) {
		if (!in_use(p, i))
			continue;
		ways |= UINT32_C(1) << p->leg[i].way;
		if (*young < 0 ||
		    mono_before(p->leg[*young].since, p->leg[i].since))
			*young = i;
		if (*old < 0 ||
		    mono_before(p->leg[i].since, p->leg[*old].since))
			*old = i;
	}
	return ways;
}

void
pull_check_stuck(struct worker *w, struct pull *p)
{
	int young, old;
	uint32_t ways = in_use_ways(p, &young, &old);
	if (p->retry.ns != 0)
		return;
	if (young < 0) {
		pull_restart(w, p);
		return;
	}
	if (mono_ms_since(p->leg[young].since, w->now) <
	    (uint64_t)p->vhost->request_timeout_ms)
		return;
	if (old != young)
		pull_close_leg(w, p, old);
	int y = pull_best_way(w, p, p->tried | ways);
	if (y < 0) {
		/* all were asked: once more, later and later */
		p->tried = 0;
		p->retry = mono_add_ms(
		    w->now, backoff_next(&p->backoff, w->now, chance(w, p)));
		y = pull_best_way(w, p, ways);
	}
	pull_beside(w, p, y < 0 ? p->leg[young].way : y, false);
}

/* What upstream tells ----------------------------------------------------- */

static void
on_started(struct worker *w, struct leg *l)
{
	struct pull *p = pull_of(l);
	if (p->pub == NULL)
		pull_set_state(w, p, PULL_WAITING);
	else if (p->live && p->source == index_of(p, l))
		have_source(p->pub->have); /* it begins again */
}

static void
on_moved(struct worker *w, struct leg *l)
{
	struct pull *p = pull_of(l);
	open_way(w, p, p->leg[index_of(p, l)].way, false);
}

/* The server above says goodbye for the stream; it is asked for further. */
static void
on_ended(struct worker *w, struct leg *l)
{
	struct pull *p = pull_of(l);
	int i = index_of(p, l);
	if (p->source != i)
		return;
	pull_end_publish(w, p, REASON_UNPUBLISHED);
	p->wanted = w->now;
	pull_set_state(w, p, PULL_WAITING);
}

static void
note_error(struct pull *p, enum reason why, const char *text)
{
	p->reason = why;
	snprintf(p->error, sizeof p->error, "%s",
	    text != NULL ? text : reason_text(why));
}

static void
on_failed(struct worker *w, struct leg *l, enum reason why, const char *text,
    bool refused)
{
	struct pull *p = pull_of(l);
	int i = index_of(p, l);
	bool source = p->source == i;
	pull_lose(w, p, i, why);
	p->leg[i].close = p->leg[i].wanted = false;
	note_error(p, why, text);
	if (refused)
		p->refusals++;
	else
		p->unreached++;
	if (!pull_idle(p) || p->retry.ns != 0 ||
	    (p->source >= 0 && !pull_silent(w, p)))
		return; /* another one is under way, or all is well */
	if (source)
		pull_restart(w, p);
	else if (why == REASON_STREAM_LIMIT || why == REASON_NOT_PUBLISHED)
		round_over(w, p);
	else
		pull_open(w, p);
}

const struct leg_ops pull_leg_ops = {
	.started = on_started,
	.moved = on_moved,
	.ended = on_ended,
	.failed = on_failed,
};
