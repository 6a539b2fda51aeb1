#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/wire.h"
#include "worker/admit.h"
#include "worker/hook.h"
#include "worker/link.h"
#include "worker/publishers.h"
#include "worker/relay.h"
#include "worker/viewers.h"

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
	TAILQ_INIT(&ps->asked);
	passes_init(ps);
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

static void
forget(struct worker *w, struct publish *p)
{
	publish_deactivate(w, p);
	if (p->asked)
		TAILQ_REMOVE(&w->publishers->asked, p, next_asked);
	TAILQ_REMOVE(&w->publishers->all, p, next);
	w->publishers->n--;
	if (p->ns != NULL) {
		p->ns->pub = NULL;
		if (p->ns->use != NS_PULL)
			p->ns->use = NS_IDLE;
	}
	free(p->have);
	free(p);
}

/* Asking ------------------------------------------------------------------ */

static struct publish *
new_publish(struct worker *w, struct conn *c, struct netstream *ns)
{
	struct publish *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->c = c;
	p->ns = ns;
	p->app = c->app;
	ns->pub = p;
	p->request = link_request(w);
	p->began = w->now;
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->pending);
	LIST_INIT(&p->headers.list);
	TAILQ_INSERT_TAIL(&w->publishers->all, p, next);
	w->publishers->n++;
	return p;
}

void
publish_ask(struct worker *w, struct conn *c, struct netstream *ns,
    struct span via, uint32_t hops)
{
	struct ipc_msg m = { .kind = IPC_PUBLISH };
	m.request = link_request(w);
	bool fits = admit_question(session_of(w, c), c, ns, &m.u.publish) &&
		    hook_question(w, c, ns, m.request, NULL, &m.u.publish);
	struct publish *p =
	    w->orphan || link_busy(w) || !fits ? NULL : new_publish(w, c, ns);
	if (p == NULL) {
		ipc_wipe(&m);
		hook_refused(ns);
		ns->use = NS_IDLE;
		relay_end(w, ns, true);
		admit_refuse(w, c, ns, false,
		    fits ? REASON_NO_MASTER : REASON_QUERY_LIMIT, NULL);
		session_idle(w, c);
		if (c->paused)
			conn_resume(w, c);
		return;
	}
	p->request = m.request;
	m.u.publish.vialen = (uint32_t)via.len;
	m.u.publish.hops = hops;
	if (via.len > 0)
		memcpy(m.u.publish.via, via.p, via.len);
	conn_pause(c);
	link_send(w, &m);
	ipc_wipe(&m);
}

struct publish *
publish_ask_pull(struct worker *w, struct conn *c, struct netstream *ns,
    uint64_t pull, bool repeats, publish_answer_fn *fn, void *owner)
{
	struct ipc_msg m = { .kind = IPC_PUBLISH };
	struct have *have = malloc(sizeof *have);
	struct publish *p = w->orphan || link_busy(w) || have == NULL
				? NULL
				: new_publish(w, c, ns);
	if (p == NULL) {
		free(have);
		return NULL;
	}
	p->have = have;
	p->repeats = repeats;
	p->answered = fn;
	p->owner = owner;
	m.u.publish.conn = c->id;
	m.u.publish.pull = pull;
	m.u.publish.keylen = ns->keylen;
	memcpy(m.u.publish.key, ns->key, ns->keylen);
	memcpy(m.u.publish.addr, c->row->addr, sizeof m.u.publish.addr);
	m.request = p->request;
	conn_pause(c);
	link_send(w, &m);
	return p;
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
publish_finish(struct worker *w, struct publish *p, enum reason why)
{
	if (p->request != 0) {
		/* the answer will find nobody */
		if (p->ns != NULL)
			p->ns->pub = NULL;
		p->c = NULL;
		p->ns = NULL;
		return;
	}
	publish_detach(w, p);
	viewers_end(w, p);
	headers_fini(w, &p->headers);
	ring_close(&p->ring);
	uint64_t last_ns =
	    atomic_load_explicit(&p->ring.half->last_ns, memory_order_relaxed);
	unpublish(w, p->ring.block, p->ring.gen, why, p->clock.last, last_ns);
	forget(w, p);
}

void
publish_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	bool live = ns->use == NS_PUBLISH;
	if (live)
		log_stop(w, ns->pub, why);
	if (ns->pub != NULL) /* else the next server is asked */
		publish_finish(w, ns->pub, why);
	relay_end(w, ns, why == REASON_UNPUBLISHED);
	hook_done(w, c, ns);
	ns->use = NS_IDLE;
	/* a paced one is paused until its end; a live connection goes on */
	if (live && c->paused)
		conn_resume(w, c);
}

void
publish_detach(struct worker *w, struct publish *p)
{
	if (p->c == NULL)
		return;
	assemble_detach(w, p);
	p->ns->pub = NULL;
	p->ns = NULL;
	p->c = NULL;
	p->resume = (struct mono){ 0 };
}

void
publish_attach(
    struct worker *w, struct publish *p, struct conn *c, struct netstream *ns)
{
	bug_on(p->c != NULL || p->have == NULL);
	(void)w;
	p->c = c;
	p->ns = ns;
	ns->pub = p;
	have_source(p->have);
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
by_stream(struct worker *w, uint32_t block, uint64_t gen)
{
	struct publish *p;
	TAILQ_FOREACH (p, &w->publishers->all, next)
		if (p->request == 0 && p->ring.block == block &&
		    p->ring.gen == gen)
			return p;
	return NULL;
}

static void
log_start(struct worker *w, const struct publish *p)
{
	size_t n;
	const char *app = directory_key_part(p->ns->key, p->ns->keylen, 1, &n);
	LOG(publish_start, .client = p->c->id, .addr = p->c->row->addr,
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
	latency_init(&p->latency, c->app->latency);
	p->trimmed = p->ring.head;
	p->told_soft = p->ring.soft;
	worker_count(w, COUNTER_PUBLISHES, 1);
	conn_row_key(c, p->ns->key, p->ns->keylen);
	if (p->have != NULL) {
		have_init(p->have, &p->clock, s->last_ns, p->repeats);
		p->answered(w, p, p->owner, REASON_NONE);
		return;
	}
	p->ns->use = NS_PUBLISH;
	conn_row_role(c, ROW_PUBLISH);
	log_start(w, p);
	if (p->ns->relay != NULL)
		relay_live(w, c, p->ns);
	else
		session_status(w, c, p->ns, "status", "NetStream.Publish.Start",
		    "", " is now published.");
	conn_resume(w, c);
}

static void
refused(struct worker *w, struct publish *p, enum reason why, const char *said)
{
	struct conn *c = p->c;
	struct netstream *ns = p->ns;
	publish_answer_fn *answered = p->answered;
	void *owner = p->owner;
	forget(w, p);
	if (c == NULL)
		return;
	if (answered != NULL) {
		answered(w, NULL, owner, why);
		return;
	}
	relay_end(w, ns, true);
	hook_refused(ns);
	admit_refuse(w, c, ns, false, why, said);
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
	if (p->asked)
		TAILQ_REMOVE(&w->publishers->asked, p, next_asked);
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

void
publishers_judge(struct worker *w)
{
	struct publish *p, *after;
	for (p = TAILQ_FIRST(&w->publishers->asked); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_asked);
		/* its end may have ended any other */
		if (judge_life(w, p))
			after = TAILQ_FIRST(&w->publishers->asked);
	}
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
	struct publish *p = by_stream(w, s->block, s->gen);
	if (p == NULL)
		return; /* it has ended; UNPUBLISH is on its way */
	if (p->have != NULL) {
		keep(w, p); /* who fetches it, keeps it */
		return;
	}
	if (!p->asked)
		TAILQ_INSERT_TAIL(&w->publishers->asked, p, next_asked);
	p->asked = true;
	p->asked_at = p->c->bytes_in;
	ping(w, p->c);
}

static bool
uses_others(const struct session *s, const struct netstream *but)
{
	const struct netstream *ns;
	LIST_FOREACH (ns, &s->streams, next)
		if (ns != but && ns->use != NS_IDLE)
			return true;
	return false;
}

/* The master ends a publish.  Many encoders only notice a closed connection. */
static void
end(struct worker *w, const struct ipc_end *e)
{
	struct publish *p = by_stream(w, e->block, e->gen);
	enum reason why =
	    e->reason < REASON_COUNT ? (enum reason)e->reason : REASON_INTERNAL;
	if (p == NULL || p->c == NULL || p->have != NULL)
		return; /* it has ended; UNPUBLISH is on its way */
	struct conn *c = p->c;
	struct netstream *ns = p->ns;
	session_deny(
	    w, c, ns, why, NULL, e->text[0] ? e->text : reason_text(why));
	publish_stop(w, c, ns, why);
	if (!conn_alive(c))
		return;
	if (uses_others(session_of(w, c), ns))
		session_idle(w, c);
	else
		conn_close(w, c, why);
}

void
publish_message(struct worker *w, const struct ipc_msg *m)
{
	struct publish *p = by_request(w, m->request);
	const struct ipc_stream *s = &m->u.stream;
	if (m->kind == IPC_RENAME && p != NULL) {
		if (p->c != NULL)
			hook_rename(w, p->c, p->ns, &m->u.rename);
	} else if (m->kind == IPC_GRANT && p != NULL)
		granted(w, p, s);
	else if (m->kind == IPC_REFUSE && p != NULL)
		refused(
		    w, p, (enum reason)m->u.refuse.reason, m->u.refuse.text);
	else if (m->kind == IPC_END)
		end(w, &m->u.end);
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
		refused(w, p, REASON_NO_MASTER, NULL);
		/* input that was stashed may have ended any other */
		after = TAILQ_FIRST(&w->publishers->all);
	}
}
