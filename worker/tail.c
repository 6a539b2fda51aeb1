/*
 * tail - the rest of a begun message, copied before the ring gives it up
 * (rule 4).
 */
#include "config.h"

#include <string.h>

#include "worker/players.h"

bool
player_inside(const struct player *p)
{
	return p->tail != NULL ||
	       (p->state == PLAYER_RUN && p->cursor != p->mend);
}

void
player_drop_tail(struct worker *w, struct player *p)
{
	struct tail *t = p->tail;
	p->tail = NULL;
	p->tail_off = 0;
	if (t == NULL || --t->refs > 0)
		return;
	if (t->watch != NULL)
		LIST_REMOVE(t, next);
	size_t size = sizeof *t + (size_t)(t->end - t->from);
	w->players->tails -= size;
	bufpool_put(&w->pool, t, size);
}

static struct tail *
new_tail(
    struct worker *w, const struct ring_view *v, uint64_t from, uint64_t end)
{
	size_t size = sizeof(struct tail) + (size_t)(end - from);
	/* a slow player goes before a publisher does */
	if (w->players->tails + size > PLAY_TAILS_MAX ||
	    w->pool.lent + size > w->pool.budget - w->pool.budget / 8)
		return NULL;
	struct tail *t = bufpool_get(&w->pool, size);
	if (t == NULL)
		return NULL;
	*t = (struct tail){ .from = from, .end = end };
	if (!ring_copy(v, from, t->data, (size_t)(end - from))) {
		bufpool_put(&w->pool, t, size);
		return NULL;
	}
	w->players->tails += size;
	worker_count(w, COUNTER_TAILS, 1);
	return t;
}

/* The lowest cursor among players of v in the message that ends at end. */
static uint64_t
lowest_cursor(const struct watch *v, uint64_t end, uint64_t cursor)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct player *q = v->players[i];
		if (q->state == PLAYER_RUN && q->mend == end &&
		    q->cursor < cursor && q->cursor >= v->view.tail)
			cursor = q->cursor;
	}
	return cursor;
}

static struct tail *
shared_tail(struct worker *w, struct player *p)
{
	struct watch *v = p->watch;
	struct tail *t;
	LIST_FOREACH (t, &v->tails, next)
		if (t->end == p->mend && t->from <= p->cursor)
			return t;
	t = new_tail(
	    w, &v->view, lowest_cursor(v, p->mend, p->cursor), p->mend);
	if (t != NULL) {
		t->watch = v;
		LIST_INSERT_HEAD(&v->tails, t, next);
	}
	return t;
}

/* Translated: its own copy, with its own header where that is not out yet. */
static struct tail *
own_tail(struct worker *w, struct player *p)
{
	struct tail *t = new_tail(w, &p->watch->view, p->cursor, p->mend);
	uint64_t done = p->cursor - p->mstart;
	if (t != NULL && done < p->head_len)
		memcpy(t->data, p->head + done, (size_t)(p->head_len - done));
	return t;
}

/* A message left behind must be finished in time, however it trickles. */
void
player_limit_tail(struct worker *w, struct player *p)
{
	conn_set_deadline(w, p->c,
	    mono_add_ms(w->now, (uint64_t)p->c->app->stall_ms),
	    REASON_SLOW_TAIL);
}

bool
player_take_tail(struct worker *w, struct player *p)
{
	const struct ring_view *v = &p->watch->view;
	if (p->cursor < v->tail || p->mend > v->head)
		return false;
	struct tail *t = p->msid == 1 ? shared_tail(w, p) : own_tail(w, p);
	if (t == NULL)
		return false;
	t->refs++;
	p->tail = t;
	p->tail_off = (uint32_t)(p->cursor - t->from);
	player_limit_tail(w, p);
	return true;
}
