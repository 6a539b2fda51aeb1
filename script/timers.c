#include "config.h"

#include <stdlib.h>

#include "script/timers.h"

enum { DAY_MS = 86400000 };

uint32_t
timers_add(struct timers *t, struct mono now, double ms, bool repeat)
{
	uint32_t wait = ms >= DAY_MS ? DAY_MS : ms >= 1 ? (uint32_t)ms : 1;
	if (t->n == TIMERS_MAX || t->last_id == UINT32_MAX)
		return 0;
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 8;
		struct timer *v = realloc(t->v, cap * sizeof *v);
		if (v == NULL)
			return 0;
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = (struct timer){ ++t->last_id, repeat ? wait : 0,
		mono_add_ms(now, wait) };
	return t->last_id;
}

void
timers_drop(struct timers *t, uint32_t id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].id == id) {
			t->v[i] = t->v[--t->n];
			return;
		}
}

void
timers_fini(struct timers *t)
{
	free(t->v);
	*t = (struct timers){ NULL, 0, 0, 0 };
}

static struct timer *
earliest(const struct timers *t)
{
	struct timer *best = NULL;
	for (size_t i = 0; i < t->n; i++)
		if (best == NULL || mono_before(t->v[i].due, best->due))
			best = &t->v[i];
	return best;
}

uint64_t
timers_next(const struct timers *t)
{
	const struct timer *e = earliest(t);
	return e != NULL ? e->due.ns : UINT64_MAX;
}

uint32_t
timers_take(struct timers *t, struct mono now)
{
	struct timer *e = earliest(t);
	if (e == NULL || mono_before(now, e->due))
		return 0;
	uint32_t id = e->id;
	if (e->period_ms == 0)
		timers_drop(t, id);
	else
		e->due = mono_add_ms(now, e->period_ms);
	return id;
}
