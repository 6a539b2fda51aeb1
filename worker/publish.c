#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/wire.h"
#include "worker/link.h"
#include "worker/publishers.h"

enum { ENDED_POLL_MS = 20, POOL_TICK_MS = 1000 };

int
publishers_init(struct worker *w)
{
	struct publishers *ps = calloc(1, sizeof *ps);
	if (ps == NULL)
		return -ENOMEM;
	int r = ring_pool_init(&ps->pool, &w->arena, w->self);
	if (r != 0) {
		free(ps);
		return r;
	}
	TAILQ_INIT(&ps->all);
	TAILQ_INIT(&ps->active);
	LIST_INIT(&ps->ended);
	w->publishers = ps;
	return 0;
}

void
publishers_fini(struct worker *w)
{
	struct ended *e;
	while ((e = LIST_FIRST(&w->publishers->ended)) != NULL) {
		LIST_REMOVE(e, next);
		free(e);
	}
	ring_pool_fini(&w->publishers->pool);
	free(w->publishers);
	w->publishers = NULL;
}

unsigned
publishers_count(const struct worker *w)
{
	return w->publishers->n + !LIST_EMPTY(&w->publishers->ended);
}

void
publish_activate(struct worker *w, struct publish *p)
{
	if (p->active)
		return;
	p->active = true;
	TAILQ_INSERT_TAIL(&w->publishers->active, p, next_active);
}

static void
deactivate(struct worker *w, struct publish *p)
{
	if (p->active)
		TAILQ_REMOVE(&w->publishers->active, p, next_active);
	p->active = false;
}

static void
forget(struct worker *w, struct publish *p)
{
	deactivate(w, p);
	TAILQ_REMOVE(&w->publishers->all, p, next);
	w->publishers->n--;
	if (p->ns != NULL) {
		p->ns->pub = NULL;
		p->ns->use = NS_IDLE;
	}
	free(p);
}

/* Asking ------------------------------------------------------------------ */

static void
refuse(struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	worker_count(w, COUNTER_REFUSED, 1);
	LOG(publish_refused, .client = c->id, .addr = c->addr,
	    .stream = netstream_name(ns), .reason = why,
	    .text = reason_text(why));
	session_refuse(w, c, ns, why, NULL);
}

void
publish_ask(struct worker *w, struct conn *c, struct netstream *ns)
{
	struct publish *p =
	    w->orphan || link_busy(w) ? NULL : calloc(1, sizeof *p);
	if (p == NULL) {
		ns->use = NS_IDLE;
		refuse(w, c, ns, REASON_NO_MASTER);
		session_idle(w, c);
		return;
	}
	p->c = c;
	p->ns = ns;
	ns->pub = p;
	p->request = link_request(w);
	p->began = w->now;
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->pending);
	LIST_INIT(&p->headers.list);
	TAILQ_INSERT_TAIL(&w->publishers->all, p, next);
	w->publishers->n++;
	struct ipc_msg m = { .kind = IPC_PUBLISH, .request = p->request };
	m.u.publish.conn = c->id;
	m.u.publish.keylen = ns->keylen;
	memcpy(m.u.publish.key, ns->key, ns->keylen);
	memcpy(m.u.publish.addr, c->addr, sizeof m.u.publish.addr);
	conn_pause(c);
	link_send(w, &m);
}

/* Ending ------------------------------------------------------------------ */

/* (block, gen) has no publisher any more; free it once nobody sees it. */
static void
unpublish(struct worker *w, uint32_t block, uint64_t gen, enum reason why,
    uint32_t last_ts, uint64_t last_ns)
{
	struct ipc_msg m = { .kind = IPC_UNPUBLISH };
	m.u.stream = (struct ipc_stream){ .block = block,
		.gen = gen,
		.reason = why,
		.last_ts = last_ts,
		.last_ns = last_ns };
	link_send(w, &m);
	struct ended *e = calloc(1, sizeof *e);
	bug_on(e == NULL);
	e->free.slot = w->self;
	e->free.block = block;
	e->free.gen = gen;
	LIST_INSERT_HEAD(&w->publishers->ended, e, next);
}

static void
log_stop(struct worker *w, const struct publish *p, enum reason why)
{
	LOG(publish_stop, .client = p->c->id, .stream = netstream_name(p->ns),
	    .reason = why, .text = reason_text(why),
	    .seconds = (double)mono_ms_since(p->began, w->now) / 1000,
	    .frames = p->frames, .bytes = p->bytes, .dropped = p->dropped,
	    .clock_jumps = p->clock.jumps);
}

void
publish_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	struct publish *p = ns->pub;
	if (ns->use == NS_ASKED) {
		/* the answer will find nobody */
		p->c = NULL;
		p->ns = NULL;
		ns->pub = NULL;
		ns->use = NS_IDLE;
		return;
	}
	assemble_fini(w, p);
	ring_close(&p->ring);
	log_stop(w, p, why);
	uint64_t last_ns =
	    atomic_load_explicit(&p->ring.half->last_ns, memory_order_relaxed);
	unpublish(w, p->ring.block, p->ring.gen, why, p->clock.last, last_ns);
	forget(w, p);
	/* a paced one is paused until its end; a live connection goes on */
	if (c->paused)
		conn_resume(w, c);
}

/* Answers of the master --------------------------------------------------- */

static struct publish *
by_request(struct worker *w, uint64_t request)
{
	struct publish *p;
	TAILQ_FOREACH (p, &w->publishers->all, next)
		if (p->request == request && request != 0)
			return p;
	return NULL;
}

static struct publish *
by_stream(struct worker *w, const struct ipc_stream *s)
{
	struct publish *p;
	TAILQ_FOREACH (p, &w->publishers->all, next)
		if (p->request == 0 && p->ring.block == s->block &&
		    p->ring.gen == s->gen)
			return p;
	return NULL;
}

static void
log_start(struct worker *w, const struct publish *p)
{
	size_t n;
	const char *app = directory_key_part(p->ns->key, p->ns->keylen, 1, &n);
	LOG(publish_start, .client = p->c->id, .addr = p->c->addr,
	    .app = { app, n }, .stream = netstream_name(p->ns),
	    .worker = w->self, .waited_ms = mono_ms_since(p->began, w->now));
}

static void
granted(struct worker *w, struct publish *p, const struct ipc_stream *s)
{
	if (p->c == NULL) {
		unpublish(w, s->block, s->gen, REASON_UNPUBLISHED, s->last_ts,
		    s->last_ns);
		forget(w, p);
		return;
	}
	struct conn *c = p->c;
	p->request = 0;
	ring_open(&p->ring, &w->publishers->pool, s->block, s->gen,
	    (uint64_t)c->app->stream_bytes);
	pubclock_init(&p->clock, w->now, (uint32_t)c->app->clock_start,
	    s->last_ts, s->last_ns);
	p->trimmed = p->ring.head;
	p->told_soft = p->ring.soft;
	p->ns->use = NS_PUBLISH;
	worker_count(w, COUNTER_PUBLISHES, 1);
	conn_row_key(c, p->ns->key, p->ns->keylen);
	conn_row_role(c, ROW_PUBLISH);
	log_start(w, p);
	session_status(w, c, p->ns, "status", "NetStream.Publish.Start", "",
	    " is now published.");
	conn_resume(w, c);
}

static void
refused(struct worker *w, struct publish *p, enum reason why)
{
	struct conn *c = p->c;
	struct netstream *ns = p->ns;
	forget(w, p);
	if (c == NULL)
		return;
	refuse(w, c, ns, why);
	session_idle(w, c);
	conn_resume(w, c);
}

/* The publisher is alive: the newcomer does not get the name. */
static void
keep(struct worker *w, struct publish *p)
{
	struct ipc_msg m = { .kind = IPC_KEEP };
	m.u.stream.block = p->ring.block;
	m.u.stream.gen = p->ring.gen;
	link_send(w, &m);
	p->asked = false;
}

static void
yield_name(struct worker *w, struct publish *p)
{
	struct conn *c = p->c;
	session_refuse(w, c, p->ns, REASON_TAKEN_OVER, NULL);
	publish_stop(w, c, p->ns, REASON_TAKEN_OVER);
	conn_close(w, c, REASON_TAKEN_OVER);
}

/*
 * A newcomer waits for the name of p.  Any byte received after the question
 * is evidence of life; none for PublishTimeout, counted from the last one, is
 * evidence of death.  Input that is paused is our doing.
 * Returns true: p is gone.
 */
static bool
judge_life(struct worker *w, struct publish *p)
{
	struct mono due =
	    mono_add_ms(p->c->heard, (uint64_t)p->c->app->publish_timeout_ms);
	if (p->c->paused || p->c->bytes_in != p->asked_at)
		keep(w, p);
	else if (mono_before(w->now, due))
		worker_wake_at(w, due);
	else {
		yield_name(w, p);
		return true;
	}
	return false;
}

/* Who has nothing to send can still answer a ping. */
static void
ping(struct worker *w, struct conn *c)
{
	struct writer wr;
	if (!conn_write(w, c, SESSION_REPLY, &wr))
		return;
	wire_user_control(
	    &wr, WIRE_PING_REQUEST, (uint32_t)(w->now.ns / NS_PER_MS));
	conn_write_end(w, c, &wr);
}

static void
asked(struct worker *w, const struct ipc_stream *s)
{
	struct publish *p = by_stream(w, s);
	if (p == NULL)
		return; /* it has ended; UNPUBLISH is on its way */
	p->asked = true;
	p->asked_at = p->c->bytes_in;
	publish_activate(w, p);
	ping(w, p->c);
}

void
publish_message(struct worker *w, const struct ipc_msg *m)
{
	struct publish *p = by_request(w, m->request);
	const struct ipc_stream *s = &m->u.stream;
	if (m->kind == IPC_GRANT && p != NULL)
		granted(w, p, s);
	else if (m->kind == IPC_REFUSE && p != NULL)
		refused(w, p, (enum reason)s->reason);
	else if (m->kind == IPC_ASK)
		asked(w, s);
	else
		worker_count(w, COUNTER_IPC_DROPPED, 1);
}

void
publishers_orphan(struct worker *w)
{
	struct publish *p, *after;
	for (p = TAILQ_FIRST(&w->publishers->all); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next);
		if (p->request == 0)
			continue;
		refused(w, p, REASON_NO_MASTER);
		/* input that was stashed may have ended any other */
		after = TAILQ_FIRST(&w->publishers->all);
	}
}

/* Passes ------------------------------------------------------------------ */

/* Returns true when the readers of p must be told. */
static bool
look(struct worker *w, struct publish *p)
{
	bool limbo = false;
	if (p->ring.limbo != 0 ||
	    p->ring.head >> SEGMENT_SHIFT != p->trimmed >> SEGMENT_SHIFT) {
		limbo = ring_trim(&p->ring, w->now.ns);
		p->trimmed = p->ring.head;
	}
	struct mono due = mono_add_ms(p->unflushed, AUDIO_WAIT_MS);
	bool tell = p->flush_now || p->ring.soft != p->told_soft;
	if (p->unflushed.ns != 0 && !tell) {
		tell = !mono_before(w->now, due);
		if (!tell)
			worker_wake_at(w, due);
	}
	if (tell) {
		p->told_soft = p->ring.soft;
		p->flush_now = false;
		p->unflushed = (struct mono){ 0 };
	}
	if (p->unflushed.ns == 0 && !limbo && p->resume.ns == 0 && !p->asked)
		deactivate(w, p);
	return tell;
}

/* Read on from publishers that were too fast (assemble.c, pace). */
static void
resume_paced(struct worker *w)
{
	struct publish *p, *after;
	for (p = TAILQ_FIRST(&w->publishers->active); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_active);
		if (p->resume.ns == 0)
			continue;
		if (mono_before(w->now, p->resume)) {
			worker_wake_at(w, p->resume);
			continue;
		}
		p->resume = (struct mono){ 0 };
		conn_resume(w, p->c);
		/* the input may have ended any publish of that connection */
		after = TAILQ_FIRST(&w->publishers->active);
	}
}

static void
judge_asked(struct worker *w)
{
	struct publish *p, *after;
	for (p = TAILQ_FIRST(&w->publishers->active); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_active);
		if (p->asked && judge_life(w, p))
			after = TAILQ_FIRST(&w->publishers->active);
	}
}

static void
free_ended(struct worker *w)
{
	struct ended *e, *after;
	for (e = LIST_FIRST(&w->publishers->ended); e != NULL; e = after) {
		after = LIST_NEXT(e, next);
		if (!ring_free_step(&w->arena, &e->free, &w->publishers->pool))
			continue;
		struct ipc_msg m = { .kind = IPC_FREED };
		m.u.stream.block = e->free.block;
		m.u.stream.gen = e->free.gen;
		link_send(w, &m);
		LIST_REMOVE(e, next);
		free(e);
	}
	if (!LIST_EMPTY(&w->publishers->ended))
		worker_wake_at(w, mono_add_ms(w->now, ENDED_POLL_MS));
}

void
publishers_pass(struct worker *w)
{
	struct publishers *ps = w->publishers;
	struct publish *p, *after;
	uint32_t blocks[BLOCKS_MAX];
	unsigned n = 0;
	uint64_t marked = 0;
	resume_paced(w);
	judge_asked(w);
	for (p = TAILQ_FIRST(&ps->active); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_active);
		if (look(w, p) && n < BLOCKS_MAX)
			blocks[n++] = p->ring.block;
	}
	/* rule 1: all heads, fence, all marks, fence, then the sleepers */
	if (n > 0) {
		wake_fence();
		for (unsigned i = 0; i < n; i++)
			marked |= wake_mark(&w->arena, blocks[i]);
		worker_count(w, COUNTER_WAKES,
		    wake_sleepers(&w->arena, marked, w->eventfd, (int)w->self));
	}
	free_ended(w);
}

void
publishers_tick(struct worker *w)
{
	struct publishers *ps = w->publishers;
	if (mono_ms_since(ps->pool_tick, w->now) < POOL_TICK_MS)
		return;
	ps->pool_tick = w->now;
	ring_pool_tick(&ps->pool);
}
