/*
 * pass - one pass of a worker over its titles, rings and players.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "shm/section.h"
#include "worker/players.h"

enum { FETCH_AHEAD = 4 };

int
players_init(struct worker *w)
{
	struct players *ps = calloc(1, sizeof *ps);
	if (ps == NULL)
		return -ENOMEM;
	TAILQ_INIT(&ps->idle);
	TAILQ_INIT(&ps->scans);
	TAILQ_INIT(&ps->dirty);
	TAILQ_INIT(&ps->run);
	TAILQ_INIT(&ps->join);
	TAILQ_INIT(&ps->later);
	(void)!getrandom(ps->hash_seed, sizeof ps->hash_seed, 0);
	w->players = ps;
	return 0;
}

void
players_fini(struct worker *w)
{
	free(w->players);
	w->players = NULL;
}

/*
 * Players of t without a ring join its present one: the newcomers at the end
 * of the list, everybody when it has just been opened.
 */
static void
attach(struct worker *w, struct title *t, bool opened)
{
	struct player *p, *before;
	if (t->cur != NULL)
		watch_look(w, t->cur);
	for (p = TAILQ_LAST(&t->players, player_list); p != NULL; p = before) {
		before = TAILQ_PREV(p, player_list, next_title);
		if (!opened && !p->newcomer)
			break;
		if (p->watch == NULL && t->cur != NULL && p->tail == NULL)
			player_attach(w, p);
		p->fresh = p->newcomer = false;
	}
}

static void
look_up(struct worker *w, struct title *t)
{
	bool idle = t->cur == NULL;
	if (idle)
		watch_open(w, t);
	attach(w, t, idle && t->cur != NULL);
}

/* Titles with newcomers; all that are not live, when the directory changed. */
static void
scan_titles(struct worker *w)
{
	struct players *ps = w->players;
	struct title *t, *after;
	while ((t = TAILQ_FIRST(&ps->scans)) != NULL) {
		title_unscan(w, t);
		look_up(w, t);
	}
	if (!ps->scan)
		return;
	ps->scan = false;
	for (t = TAILQ_FIRST(&ps->idle); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next_idle);
		look_up(w, t);
	}
}

/* The ring of v has ended: its title is free for the next. */
static void
note_end(struct worker *w, struct watch *v)
{
	const struct block *b = &w->arena.control->block[v->view.block];
	struct title *t = v->title;
	v->ended = true;
	v->drain_until = mono_add_ms(w->now, PLAY_DRAIN_MS);
	worker_wake_at(w, v->drain_until);
	if (t == NULL || t->cur != v)
		return;
	uint64_t grace =
	    atomic_load_explicit(&b->grace_until_ns, memory_order_relaxed);
	t->grace = (struct mono){ grace > w->now.ns ? grace : 0 };
	title_scan(w, t);
	title_lost(w, t);
	struct player *p;
	TAILQ_FOREACH (p, &t->players, next_title)
		player_tell_end(w, p);
}

/* Player i of v is looked at: have the memory of those after it at hand. */
static void
fetch_ahead(const struct watch *v, uint32_t i)
{
	if (i < 2 * FETCH_AHEAD)
		return;
	__builtin_prefetch(v->players[i - 2 * FETCH_AHEAD], 1);
	__builtin_prefetch(v->players[i - FETCH_AHEAD]->c);
}

/* Something happened to the ring of v; inside a section. */
static void
visit(struct worker *w, struct watch *v)
{
	bool open = watch_look(w, v);
	if (!v->ended &&
	    block_has_ended(
		&w->arena.control->block[v->view.block], v->view.gen))
		note_end(w, v);
	bool moved = open && v->view.soft != v->soft;
	v->soft = v->view.soft;
	/* from the last one: another may take the place of one that leaves */
	for (uint32_t i = v->n; i-- > 0;) {
		struct player *p = v->players[i];
		fetch_ahead(v, i);
		if (!p->c->blocked)
			player_queue(w, p);
		else if (moved || v->ended)
			player_leave_old(w, p);
	}
}

/* All watches of a ring: it may have several names. */
static void
mark_all(struct worker *w, struct watch *v)
{
	for (; v != NULL; v = v->also)
		watch_mark(w, v);
}

static void
take_hints(struct worker *w)
{
	struct players *ps = w->players;
	uint64_t sum = wake_take_sum(&w->arena, w->self);
	if (sum >> WAKE_DIRECTORY & 1)
		ps->scan = true;
	sum &= ~(UINT64_C(1) << WAKE_DIRECTORY);
	for (; sum != 0; sum &= sum - 1) {
		unsigned word = (unsigned)__builtin_ctzll(sum);
		uint64_t bits = wake_take_word(&w->arena, w->self, word);
		for (; bits != 0; bits &= bits - 1) {
			unsigned b =
			    word * 64 + (unsigned)__builtin_ctzll(bits);
			if (b < BLOCKS_MAX)
				mark_all(w, ps->watch[b]);
		}
	}
}

static void
visit_dirty(struct worker *w)
{
	struct players *ps = w->players;
	struct watch *v, *after;
	for (v = TAILQ_FIRST(&ps->dirty); v != NULL; v = after) {
		after = TAILQ_NEXT(v, next_dirty);
		if (v->n == 0 && (v->ended || v->title == NULL))
			continue; /* to be closed after the section */
		TAILQ_REMOVE(&ps->dirty, v, next_dirty);
		v->dirty = false;
		visit(w, v);
	}
}

/* What the result after the next ones is about was last used by the kernel. */
static void
fetch_sent(struct players *ps)
{
	unsigned i = ps->nsent++ + FETCH_AHEAD;
	if (i >= ps->nprepared)
		return;
	__builtin_prefetch(ps->prepared[i].c, 1);
	__builtin_prefetch(ps->prepared[i].p, 1);
	__builtin_prefetch((const uint8_t *)ps->prepared[i].p + 64, 1);
}

static void
sent(void *ctx, uint32_t index, uint32_t gen, int32_t res)
{
	struct worker *w = ctx;
	struct conn *c = conn_at(w, index, gen);
	if (c == NULL)
		return;
	if (c->sender != NULL) {
		fetch_sent(w->players);
		player_sent(w, c->sender, res);
	} else {
		conn_flushed(w, c, res);
	}
}

static void
note_prepared(struct players *ps, const struct player *p)
{
	if (ps->nprepared == LOOP_SENDS_MAX)
		return;
	ps->prepared[ps->nprepared].p = p;
	ps->prepared[ps->nprepared++].c = p->c;
}

/* Running players before joiners (rule 5). */
static bool
flush_queued(struct worker *w)
{
	struct players *ps = w->players;
	struct player *p;
	while ((p = TAILQ_FIRST(&ps->run)) != NULL ||
	       (p = TAILQ_FIRST(&ps->join)) != NULL) {
		if (ps->section_bytes >= PLAY_SECTION_MAX)
			return true;
		player_unqueue(p);
		if (!player_flush(w, p)) {
			player_queue(w, p);
			return true;
		}
		if (p->sending != SEND_NONE)
			note_prepared(ps, p);
	}
	return false;
}

/* Players whose connection had a send of another one come first now. */
static void
queue_later(struct worker *w)
{
	struct player *p;
	while ((p = TAILQ_LAST(&w->players->later, player_list)) != NULL) {
		player_unqueue(p);
		p->queue = player_queue_of(w, p);
		TAILQ_INSERT_HEAD(p->queue, p, next_queue);
	}
}

/* Rings nobody is in: after the section (architecture section 6). */
static void
close_left(struct worker *w)
{
	struct watch *v, *after;
	for (v = TAILQ_FIRST(&w->players->dirty); v != NULL; v = after) {
		after = TAILQ_NEXT(v, next_dirty);
		if (v->n == 0 && (v->ended || v->title == NULL))
			watch_close(w, v);
	}
}

void
players_pass(struct worker *w)
{
	struct players *ps = w->players;
	take_hints(w);
	if (!ps->scan && TAILQ_EMPTY(&ps->scans) && TAILQ_EMPTY(&ps->dirty) &&
	    TAILQ_EMPTY(&ps->run) && TAILQ_EMPTY(&ps->join) &&
	    TAILQ_EMPTY(&w->conns->ready))
		return;
	section_enter(w->slot);
	ps->section++;
	ps->section_bytes = 0;
	ps->nheads = 0;
	ps->nprepared = ps->nsent = 0;
	scan_titles(w);
	visit_dirty(w);
	conns_flush(w);
	bool more = flush_queued(w);
	loop_run_sends(w->loop, sent, w);
	section_leave(w->slot);
	queue_later(w);
	close_left(w);
	if (more || ps->scan || !TAILQ_EMPTY(&ps->scans) ||
	    !TAILQ_EMPTY(&ps->run) || !TAILQ_EMPTY(&ps->join) ||
	    !TAILQ_EMPTY(&w->conns->ready))
		worker_wake_at(w, w->now);
}

/*
 * Players that have waited too long for t give up.  The title goes with its
 * last one.
 */
static void
end_waits(struct worker *w, struct title *t)
{
	struct mono next = mono_add_ms(w->now, (uint64_t)t->app->wait_ms);
	struct player *p, *after;
	for (p = TAILQ_FIRST(&t->players); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_title);
		if (p->watch != NULL || p->tail != NULL || p->push != NULL)
			continue;
		struct mono until =
		    mono_add_ms(p->waits, (uint64_t)t->app->wait_ms);
		if (mono_before(w->now, until)) {
			if (mono_before(until, next))
				next = until;
			continue;
		}
		bool last = t->n == 1;
		player_give_up(w, p, REASON_NOT_PUBLISHED);
		if (last)
			return;
	}
	t->patience = next;
}

void
players_tick(struct worker *w)
{
	struct players *ps = w->players;
	struct title *t, *after;
	/* those that found no memory, or a stream just ending */
	ps->scan |= ps->retry;
	ps->retry = false;
	for (unsigned i = 0; i < w->arena.nblocks; i++)
		if (ps->watch[i] != NULL && ps->watch[i]->ended)
			mark_all(w, ps->watch[i]);
	for (t = TAILQ_FIRST(&ps->idle); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next_idle);
		if (t->app->wait_ms > 0 && !mono_before(w->now, t->patience)) {
			end_waits(w, t); /* t may be gone */
			continue;
		}
		if (t->grace.ns == 0 || mono_before(w->now, t->grace))
			continue;
		t->grace = (struct mono){ 0 };
		struct player *p;
		TAILQ_FOREACH (p, &t->players, next_title)
			player_tell_end(w, p);
	}
}
