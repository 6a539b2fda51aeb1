/*
 * title - names that are played, and the rings that they stand for.
 */
#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "common/siphash.h"
#include "shm/section.h"
#include "worker/players.h"
#include "worker/viewers.h"
#include "worker/want.h"

/* One of MaxWaitingNames. */
static bool
title_sit(struct worker *w, struct title *t)
{
	if (t->seat == SEAT_NONE)
		t->seat = seats_take(&w->arena, &w->conf->seats[SEAT_WAITING],
		    &w->players->seats, seat_owner(w->self, w->incarnation));
	return t->seat != SEAT_NONE;
}

static void
stand_up(struct worker *w, struct title *t)
{
	seats_give(&w->arena, &w->conf->seats[SEAT_WAITING], t->seat,
	    seat_owner(w->self, w->incarnation));
	t->seat = SEAT_NONE;
	if (t->waiter != NULL)
		waiters_drop(w, t->waiter);
	t->waiter = NULL;
}

static void
set_idle(struct worker *w, struct title *t)
{
	TAILQ_INSERT_TAIL(&w->players->idle, t, next_idle);
}

static void
set_busy(struct worker *w, struct title *t)
{
	TAILQ_REMOVE(&w->players->idle, t, next_idle);
	stand_up(w, t);
}

void
title_lost(struct worker *w, struct title *t)
{
	t->cur = NULL;
	set_idle(w, t);
	/* its viewers wait in any case: they have seen it */
	(void)title_sit(w, t);
}

void
title_scan(struct worker *w, struct title *t)
{
	if (!t->scan)
		TAILQ_INSERT_TAIL(&w->players->scans, t, next_scan);
	t->scan = true;
}

void
title_scan_for(struct worker *w, struct player *p)
{
	p->newcomer = true;
	TAILQ_REMOVE(&p->title->players, p, next_title);
	TAILQ_INSERT_TAIL(&p->title->players, p, next_title);
	title_scan(w, p->title);
}

void
title_unscan(struct worker *w, struct title *t)
{
	if (t->scan)
		TAILQ_REMOVE(&w->players->scans, t, next_scan);
	t->scan = false;
}

static struct title *
look_up(struct worker *w, const char *key, uint32_t len, uint64_t h)
{
	struct title *t;
	LIST_FOREACH (t, &w->players->titles[h % TITLE_BUCKETS], next)
		if (t->hash == h && t->keylen == len &&
		    memcmp(t->key, key, len) == 0)
			return t;
	return NULL;
}

struct title *
title_known(struct worker *w, const char *key, uint32_t len)
{
	return look_up(w, key, len, siphash(w->players->hash_seed, key, len));
}

struct title *
title_find(struct worker *w, const char *key, uint32_t len)
{
	struct players *ps = w->players;
	uint64_t h = siphash(ps->hash_seed, key, len);
	struct title *t = look_up(w, key, len, h);
	if (t != NULL)
		return t;
	t = bufpool_get_new(&w->pool, sizeof *t);
	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof *t);
	t->hash = h;
	t->keylen = len;
	t->app = conf_key_app(w->conf, key, len);
	memcpy(t->key, key, len);
	TAILQ_INIT(&t->players);
	LIST_INSERT_HEAD(&ps->titles[h % TITLE_BUCKETS], t, next);
	set_idle(w, t);
	return t;
}

static bool
is_live(struct worker *w, const struct title *t)
{
	uint32_t block;
	uint64_t gen;
	section_enter(w->slot);
	bool live = directory_find(&w->arena, t->key, t->keylen, &block, &gen);
	section_leave(w->slot);
	return live;
}

enum reason
title_may_wait(struct worker *w, struct title *t, const struct addr *a)
{
	uint64_t limit = (uint64_t)w->conf->max_waiting_addr;
	if (t->cur != NULL || t->n > 0 || is_live(w, t))
		return REASON_NONE;
	if (!title_sit(w, t))
		return REASON_WAITING_FULL;
	if (limit > 0 && t->waiter == NULL)
		t->waiter = waiters_add(w, w->players->waiters, a, limit);
	return limit > 0 && t->waiter == NULL ? REASON_WAITING_ADDRESS
					      : REASON_NONE;
}

static bool
grow(struct worker *w, struct watch *v)
{
	uint32_t cap = v->cap > 0 ? 2 * v->cap : 8;
	struct player **more = bufpool_get(&w->pool, cap * sizeof *more);
	if (more == NULL)
		return false;
	if (v->players != NULL) {
		memcpy(more, v->players, v->n * sizeof *more);
		bufpool_put(&w->pool, v->players, v->cap * sizeof *more);
	}
	v->players = more;
	v->cap = cap;
	return true;
}

bool
watch_add(struct worker *w, struct watch *v, struct player *p)
{
	if (v->n == v->cap && !grow(w, v))
		return false;
	p->watch = v;
	p->at_watch = v->n;
	v->players[v->n++] = p;
	v->npush += p->push != NULL;
	viewers_move(w, p, v->view.block, true);
	return true;
}

void
watch_remove(struct worker *w, struct watch *v, struct player *p)
{
	bug_on(v->players[p->at_watch] != p);
	struct player *last = v->players[--v->n];
	v->players[p->at_watch] = last;
	last->at_watch = p->at_watch;
	p->watch = NULL;
	v->npush -= p->push != NULL;
	viewers_move(w, p, v->view.block, false);
}

/* By all names of the ring. */
void
watch_count(struct worker *w, const struct watch *v)
{
	const struct watch *o = w->players->watch[v->view.block];
	uint32_t n = 0;
	for (; o != NULL; o = o->also)
		n += o->n - o->npush;
	atomic_store_explicit(
	    &w->slot->readers[v->view.block], n, memory_order_relaxed);
}

void
watch_mark(struct worker *w, struct watch *v)
{
	if (v->dirty)
		return;
	v->dirty = true;
	TAILQ_INSERT_TAIL(&w->players->dirty, v, next_dirty);
}

/* A title nobody plays goes, unless its watch still drains. */
void
title_release(struct worker *w, struct title *t)
{
	if (t->n > 0)
		return;
	struct watch *v;
	want_drop(w, t);
	title_unscan(w, t);
	if (t->cur == NULL)
		set_busy(w, t);
	while ((v = LIST_FIRST(&t->watches)) != NULL) {
		LIST_REMOVE(v, next);
		v->title = NULL;
		if (v->n == 0)
			watch_mark(w, v); /* to be closed */
	}
	LIST_REMOVE(t, next);
	bufpool_put(&w->pool, t, sizeof *t);
}

/* Look t up and watch what it names; inside a section. */
void
watch_open(struct worker *w, struct title *t)
{
	struct players *ps = w->players;
	uint32_t block;
	uint64_t gen;
	if (!directory_find(&w->arena, t->key, t->keylen, &block, &gen))
		return;
	struct watch *v = NULL, *also = ps->watch[block];
	/* it may be watched by another of its names */
	if (also == NULL || also->view.gen == gen)
		v = bufpool_get(&w->pool, sizeof *v);
	if (v == NULL) {
		/* no memory, or an older one is still being left */
		ps->retry = true;
		return;
	}
	memset(v, 0, sizeof *v);
	if (!ring_watch(
		&w->arena, w->self, block, gen, also != NULL, &v->view)) {
		bufpool_put(&w->pool, v, sizeof *v);
		return;
	}
	v->title = t;
	LIST_INSERT_HEAD(&t->watches, v, next);
	LIST_INIT(&v->tails);
	v->also = also;
	ps->watch[block] = v;
	t->cur = v;
	t->grace = (struct mono){ 0 };
	set_busy(w, t);
	watch_mark(w, v);
}

/* The last player has left an ended ring; outside sections. */
void
watch_close(struct worker *w, struct watch *v)
{
	struct players *ps = w->players;
	struct tail *t;
	bug_on(v->n != 0 || section_inside(w->slot));
	if (v->dirty)
		TAILQ_REMOVE(&ps->dirty, v, next_dirty);
	while ((t = LIST_FIRST(&v->tails)) != NULL) {
		LIST_REMOVE(t, next);
		t->watch = NULL;
	}
	if (v->title != NULL && v->title->cur == v)
		title_lost(w, v->title);
	if (v->title != NULL) {
		LIST_REMOVE(v, next);
		want_again(w, v->title);
	}
	/* a newcomer may wait for this very block: look it up again */
	ps->scan = true;
	struct watch **at = &ps->watch[v->view.block];
	while (*at != v)
		at = &(*at)->also;
	*at = v->also;
	watch_count(w, v);
	if (ps->watch[v->view.block] == NULL)
		ring_unwatch(&w->arena, w->self, v->view.block);
	if (v->players != NULL)
		bufpool_put(&w->pool, v->players, v->cap * sizeof *v->players);
	bufpool_put(&w->pool, v, sizeof *v);
}

bool
watch_look(struct worker *w, struct watch *v)
{
	if (v->look != w->players->section) {
		v->look = w->players->section;
		ring_look(&v->view);
	}
	return v->view.head != 0;
}

/* The header of the message at pos. */
bool
watch_header(const struct ring_view *v, uint64_t pos, struct wire_msg *m,
    uint8_t buf[WIRE_HEAD0_MAX])
{
	size_t n = WIRE_HEAD0_MAX;
	if (pos >= v->head)
		return false;
	if (v->head - pos < n)
		n = (size_t)(v->head - pos);
	return ring_copy(v, pos, buf, n) && wire_parse(buf, n, m) == WIRE_OK;
}
