#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/bug.h"
#include "common/log.h"
#include "common/siphash.h"
#include "shm/section.h"
#include "worker/players.h"

int
players_init(struct worker *w)
{
	struct players *ps = calloc(1, sizeof *ps);
	if (ps == NULL)
		return -ENOMEM;
	TAILQ_INIT(&ps->idle);
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

/* Titles and watches ------------------------------------------------------ */

static struct title *
find_title(struct worker *w, const char *key, uint32_t len)
{
	struct players *ps = w->players;
	uint64_t h = siphash(ps->hash_seed, key, len);
	struct title *t;
	LIST_FOREACH (t, &ps->titles[h % TITLE_BUCKETS], next)
		if (t->hash == h && t->keylen == len &&
		    memcmp(t->key, key, len) == 0)
			return t;
	t = bufpool_get_new(&w->pool, sizeof *t);
	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof *t);
	t->hash = h;
	t->keylen = len;
	memcpy(t->key, key, len);
	TAILQ_INIT(&t->players);
	LIST_INSERT_HEAD(&ps->titles[h % TITLE_BUCKETS], t, next);
	TAILQ_INSERT_TAIL(&ps->idle, t, next_idle);
	return t;
}

static void
count_readers(struct worker *w, const struct watch *v)
{
	atomic_store_explicit(
	    &w->slot->readers[v->view.block], v->n, memory_order_relaxed);
}

static void
mark_dirty(struct worker *w, struct watch *v)
{
	if (v->dirty)
		return;
	v->dirty = true;
	TAILQ_INSERT_TAIL(&w->players->dirty, v, next_dirty);
}

/* A title nobody plays goes, unless its watch still drains. */
static void
release_title(struct worker *w, struct title *t)
{
	if (t->n > 0)
		return;
	struct watch *v;
	if (t->cur == NULL)
		TAILQ_REMOVE(&w->players->idle, t, next_idle);
	while ((v = LIST_FIRST(&t->watches)) != NULL) {
		LIST_REMOVE(v, next);
		v->title = NULL;
		if (v->n == 0)
			mark_dirty(w, v); /* to be closed */
	}
	LIST_REMOVE(t, next);
	bufpool_put(&w->pool, t, sizeof *t);
}

/* Look t up and watch what it names; inside a section. */
static void
open_watch(struct worker *w, struct title *t)
{
	struct players *ps = w->players;
	uint32_t block;
	uint64_t gen;
	if (!directory_find(&w->arena, t->key, t->keylen, &block, &gen) ||
	    ps->watch[block] != NULL)
		return; /* an older one is still being left: again soon */
	struct watch *v = bufpool_get(&w->pool, sizeof *v);
	if (v == NULL)
		return;
	memset(v, 0, sizeof *v);
	if (!ring_watch(&w->arena, w->self, block, gen, false, &v->view)) {
		bufpool_put(&w->pool, v, sizeof *v);
		return;
	}
	v->title = t;
	LIST_INSERT_HEAD(&t->watches, v, next);
	TAILQ_INIT(&v->players);
	LIST_INIT(&v->tails);
	ps->watch[block] = v;
	t->cur = v;
	t->grace = (struct mono){ 0 };
	TAILQ_REMOVE(&ps->idle, t, next_idle);
	mark_dirty(w, v);
}

/* The last player has left an ended ring; outside sections. */
static void
close_watch(struct worker *w, struct watch *v)
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
	if (v->title != NULL && v->title->cur == v) {
		v->title->cur = NULL;
		TAILQ_INSERT_TAIL(&ps->idle, v->title, next_idle);
	}
	if (v->title != NULL)
		LIST_REMOVE(v, next);
	/* a newcomer may wait for this very block: look it up again */
	ps->scan = true;
	count_readers(w, v);
	ps->watch[v->view.block] = NULL;
	ring_unwatch(&w->arena, w->self, v->view.block);
	bufpool_put(&w->pool, v, sizeof *v);
}

/* Players ----------------------------------------------------------------- */

static struct player_list *
queue_of(struct worker *w, const struct player *p)
{
	return p->state == PLAYER_RUN ? &w->players->run : &w->players->join;
}

void
player_queue(struct worker *w, struct player *p)
{
	if (p->queue != NULL)
		return;
	p->queue = queue_of(w, p);
	TAILQ_INSERT_TAIL(p->queue, p, next_queue);
}

void
player_queue_later(struct worker *w, struct player *p)
{
	if (p->queue != NULL)
		return;
	p->queue = &w->players->later;
	TAILQ_INSERT_TAIL(p->queue, p, next_queue);
}

static void
unqueue(struct player *p)
{
	if (p->queue != NULL)
		TAILQ_REMOVE(p->queue, p, next_queue);
	p->queue = NULL;
}

static void
attach(struct worker *w, struct player *p)
{
	struct watch *v = p->title->cur;
	p->watch = v;
	p->state = PLAYER_JOIN;
	p->cursor = p->mend = 0;
	p->has_cfg = false;
	p->join_from = 0;
	p->key_at = 0;
	if (w->conf->join_ms == 0)
		p->join_from = v->view.head; /* only what comes from now on */
	TAILQ_INSERT_TAIL(&v->players, p, next_watch);
	v->n++;
	count_readers(w, v);
	if (!p->told_live && !p->fresh)
		session_status(w, p->c, p->ns, "status",
		    "NetStream.Play.PublishNotify", "", " is now published.");
	p->told_live = true;
	p->fresh = false;
	conn_row_role(p->c, ROW_PLAY);
	player_queue(w, p);
}

/* Tell a player that is in no ring that its stream is over. */
static void
tell_end(struct worker *w, struct player *p)
{
	struct title *t = p->title;
	if (p->watch != NULL || t == NULL || t->cur != NULL || !p->told_live ||
	    t->grace.ns != 0)
		return;
	p->told_live = false;
	session_status(w, p->c, p->ns, "status",
	    "NetStream.Play.UnpublishNotify", "", " is now unpublished.");
}

void
player_detach(struct worker *w, struct player *p)
{
	struct watch *v = p->watch;
	if (v == NULL)
		return;
	TAILQ_REMOVE(&v->players, p, next_watch);
	v->n--;
	count_readers(w, v);
	p->watch = NULL;
	p->state = PLAYER_WAIT;
	p->cursor = p->mend = 0;
	if (v->n == 0)
		mark_dirty(w, v); /* to be closed after the section */
	if (p->title == NULL)
		return;
	conn_row_role(p->c, ROW_WAIT);
	if (p->title->cur != NULL && p->title->cur != v && p->tail == NULL)
		attach(w, p);
	else
		tell_end(w, p);
}

static void
free_player(struct worker *w, struct player *p)
{
	unqueue(p);
	player_drop_tail(w, p);
	struct player **at = &p->c->player;
	while (*at != p)
		at = &(*at)->next_conn;
	*at = p->next_conn;
	if (p->c->inside == p)
		p->c->inside = NULL;
	w->players->n--;
	bufpool_put(&w->pool, p, sizeof *p);
}

void
player_done(struct worker *w, struct player *p)
{
	struct conn *c = p->c;
	free_player(w, p);
	c->deadline = (struct mono){ 0 };
	session_idle(w, c);
	conn_ready(w, c); /* replies, and the other players */
}

static void
log_play(struct worker *w, const struct player *p, const char *event)
{
	struct span name = netstream_name(p->ns);
	log_event(LOG_LEVEL_INFO, event, "s:I, s:o, s:f, s:I, s:I", "client",
	    (json_int_t)p->c->id, "stream", log_text(name.p, name.len),
	    "seconds", (double)mono_ms_since(p->since, w->now) / 1000,
	    "bytes_out", (json_int_t)p->c->bytes_out, "skips",
	    (json_int_t)p->skips);
}

static void
leave_title(struct worker *w, struct player *p)
{
	struct title *t = p->title;
	TAILQ_REMOVE(&t->players, p, next_title);
	t->n--;
	p->title = NULL;
	release_title(w, t);
}

/*
 * p plays no more.  finish: the message it stands in is sent to its end, from
 * a private copy, whatever comes next on the connection.
 */
static void
end_player(struct worker *w, struct player *p, bool finish)
{
	log_play(w, p, "play.stop");
	bool inside = player_inside(p), kept = false;
	if (inside && finish && p->tail == NULL) {
		section_enter(w->slot);
		w->players->section++;
		kept = watch_look(w, p->watch) && player_take_tail(w, p);
		section_leave(w->slot);
	}
	leave_title(w, p);
	p->ns->player = NULL;
	p->ns->use = NS_IDLE;
	p->ns = NULL;
	player_detach(w, p);
	if (!finish || !inside) {
		free_player(w, p);
	} else if (!kept && p->tail == NULL) {
		conn_abort(w, p->c, REASON_SLOW_TAIL);
	} else {
		player_queue(w, p);
	}
}

void
play_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	struct player *p = ns->player;
	if (p == NULL) {
		ns->use = NS_IDLE;
		return;
	}
	/* a goodbye keeps the connection; anything else ends it */
	bool finish = why == REASON_UNPUBLISHED;
	if (!finish && player_inside(p))
		conn_out_sent(w, c, c->out.len - c->out.off);
	end_player(w, p, finish);
}

void
play_closed(struct worker *w, struct conn *c)
{
	struct player *p;
	/* only one that finishes its message is left here */
	while ((p = c->player) != NULL) {
		bug_on(p->ns != NULL);
		conn_out_sent(w, c, c->out.len - c->out.off);
		free_player(w, p);
	}
}

static void
write_start(struct worker *w, struct player *p, const struct cmd_play *cp)
{
	struct writer wr;
	if (conn_write(w, p->c, 128, &wr)) {
		wire_user_control(&wr, WIRE_STREAM_BEGIN, p->msid);
		conn_write_end(w, p->c, &wr);
	}
	if (cp->reset != 0)
		session_status(w, p->c, p->ns, "status", "NetStream.Play.Reset",
		    "Playing and resetting ", ".");
	session_status(w, p->c, p->ns, "status", "NetStream.Play.Start",
	    "Started playing ", ".");
}

void
play_start(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_play *cp)
{
	struct player *p = bufpool_get_new(&w->pool, sizeof *p);
	struct title *t = p != NULL ? find_title(w, ns->key, ns->keylen) : NULL;
	if (t == NULL) {
		if (p != NULL)
			bufpool_put(&w->pool, p, sizeof *p);
		ns->use = NS_IDLE;
		session_refuse(
		    w, c, ns, REASON_INPUT_MEMORY, "NetStream.Play.Failed");
		session_idle(w, c);
		return;
	}
	memset(p, 0, sizeof *p);
	p->c = c;
	p->ns = ns;
	p->title = t;
	p->msid = ns->id;
	p->fresh = true;
	p->since = w->now;
	p->next_conn = c->player;
	c->player = p;
	ns->player = p;
	TAILQ_INSERT_TAIL(&t->players, p, next_title);
	t->n++;
	w->players->n++;
	t->scan = w->players->scan = true;
	worker_count(w, COUNTER_PLAYS, 1);
	conn_row_key(c, ns->key, ns->keylen);
	conn_row_role(c, ROW_WAIT);
	write_start(w, p, cp);
}

void
play_ready(struct worker *w, struct conn *c)
{
	for (struct player *p = c->player; p != NULL; p = p->next_conn) {
		p->behind = true;
		player_queue(w, p);
	}
}

void
play_receive(struct worker *w, struct netstream *ns, bool video, bool on)
{
	struct player *p = ns->player;
	if (p == NULL)
		return;
	if (video) {
		/* from the next keyframe on, with the headers before it */
		p->wait_key = on && (p->no_video || p->wait_key);
		p->no_video = !on;
		p->key_at = 0;
	} else {
		p->no_audio = !on;
		p->audio_back |= on;
	}
	player_queue(w, p);
}

void
play_pause(struct worker *w, struct netstream *ns, bool on)
{
	struct player *p = ns->player;
	if (p == NULL || p->paused == on)
		return;
	p->paused = on;
	session_status(w, p->c, ns, "status",
	    on ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify",
	    on ? "Pausing " : "Unpausing ", ".");
	if (!on)
		session_status(w, p->c, ns, "status", "NetStream.Play.Start",
		    "Started playing ", ".");
	player_queue(w, p);
}

/* Passes ------------------------------------------------------------------ */

/* Players of t without a ring join its present one. */
static void
attach_all(struct worker *w, struct title *t)
{
	struct player *p;
	TAILQ_FOREACH (p, &t->players, next_title) {
		if (p->watch == NULL && t->cur != NULL && p->tail == NULL)
			attach(w, p);
		p->fresh = false;
	}
}

/* Look up every title that may have become live; inside a section. */
static void
scan_titles(struct worker *w, bool all)
{
	struct players *ps = w->players;
	struct title *t, *after;
	if (!all && !ps->scan)
		return;
	ps->scan = false;
	for (t = TAILQ_FIRST(&ps->idle); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next_idle);
		t->scan = false;
		open_watch(w, t);
		if (t->cur != NULL)
			watch_look(w, t->cur);
		attach_all(w, t);
	}
}

/* Titles with a ring whose newcomers are not in it yet. */
static void
attach_new(struct worker *w)
{
	struct players *ps = w->players;
	if (!ps->scan)
		return;
	for (unsigned i = 0; i < TITLE_BUCKETS; i++) {
		struct title *t;
		LIST_FOREACH (t, &ps->titles[i], next)
			if (t->scan && t->cur != NULL) {
				t->scan = false;
				watch_look(w, t->cur);
				attach_all(w, t);
			}
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
	t->cur = NULL;
	t->scan = w->players->scan = true;
	TAILQ_INSERT_TAIL(&w->players->idle, t, next_idle);
	struct player *p;
	TAILQ_FOREACH (p, &t->players, next_title)
		tell_end(w, p);
}

/* Something happened to the ring of v; inside a section. */
static void
visit(struct worker *w, struct watch *v)
{
	struct player *p, *after;
	bool open = watch_look(w, v);
	if (!v->ended &&
	    block_has_ended(
		&w->arena.control->block[v->view.block], v->view.gen))
		note_end(w, v);
	bool moved = open && v->view.soft != v->soft;
	v->soft = v->view.soft;
	for (p = TAILQ_FIRST(&v->players); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_watch);
		if (!p->c->blocked)
			player_queue(w, p);
		else if (moved || v->ended)
			player_leave_old(w, p);
	}
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
			if (b < BLOCKS_MAX && ps->watch[b] != NULL)
				mark_dirty(w, ps->watch[b]);
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

static void
sent(void *ctx, uint32_t index, uint32_t gen, int32_t res)
{
	struct worker *w = ctx;
	struct conn *c = conn_at(w, index, gen);
	if (c == NULL)
		return;
	if (c->sender != NULL)
		player_sent(w, c->sender, res);
	else
		conn_flushed(w, c, res);
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
		unqueue(p);
		if (!player_flush(w, p)) {
			player_queue(w, p);
			return true;
		}
	}
	return false;
}

/* Players whose connection had a send of another one come first now. */
static void
queue_later(struct worker *w)
{
	struct player *p;
	while ((p = TAILQ_LAST(&w->players->later, player_list)) != NULL) {
		unqueue(p);
		p->queue = queue_of(w, p);
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
			close_watch(w, v);
	}
}

void
players_pass(struct worker *w)
{
	struct players *ps = w->players;
	take_hints(w);
	if (!ps->scan && TAILQ_EMPTY(&ps->dirty) && TAILQ_EMPTY(&ps->run) &&
	    TAILQ_EMPTY(&ps->join) && TAILQ_EMPTY(&w->conns->ready))
		return;
	section_enter(w->slot);
	ps->section++;
	ps->section_bytes = 0;
	ps->nheads = 0;
	attach_new(w);
	scan_titles(w, false);
	visit_dirty(w);
	conns_flush(w);
	bool more = flush_queued(w);
	loop_run_sends(w->loop, sent, w);
	section_leave(w->slot);
	queue_later(w);
	close_left(w);
	if (more || ps->scan || !TAILQ_EMPTY(&ps->run) ||
	    !TAILQ_EMPTY(&ps->join) || !TAILQ_EMPTY(&w->conns->ready))
		worker_wake_at(w, w->now);
}

void
players_tick(struct worker *w)
{
	struct players *ps = w->players;
	struct title *t, *after;
	/* also those that found no memory, or a stream just ending */
	ps->scan |= !TAILQ_EMPTY(&ps->idle);
	for (unsigned i = 0; i < w->arena.nblocks; i++)
		if (ps->watch[i] != NULL && ps->watch[i]->ended)
			mark_dirty(w, ps->watch[i]);
	for (t = TAILQ_FIRST(&ps->idle); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next_idle);
		if (t->grace.ns == 0 || mono_before(w->now, t->grace))
			continue;
		t->grace = (struct mono){ 0 };
		struct player *p;
		TAILQ_FOREACH (p, &t->players, next_title)
			tell_end(w, p);
	}
}
