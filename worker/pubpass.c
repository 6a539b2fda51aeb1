/*
 * pubpass - what is done for publishers once per turn of the loop: flush
 * points, retiring of segments, publishers that are held, ended streams.
 *
 * A publish is looked at in a pass when something happened to it (it is
 * active), or when it asked to be looked at again: by then it stands in a slot
 * of the wheel, by the time that it asked for.  Slots are the same moments in
 * all workers, so that what is due at nearly the same time is due together:
 * one wake-up serves many streams.
 */
#include "config.h"

#include <stdlib.h>

#include "rtmp/wire.h"
#include "worker/link.h"
#include "worker/publishers.h"
#include "worker/relay.h"

enum { ENDED_POLL_MS = 20, LIMBO_POLL_MS = 20, POOL_TICK_MS = 1000 };

void
passes_init(struct publishers *ps)
{
	TAILQ_INIT(&ps->active);
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		TAILQ_INIT(&ps->wheel.slot[i]);
}

/* The wheel --------------------------------------------------------------- */

static uint64_t
slot_of(struct mono t)
{
	return t.ns / (WHEEL_MS * NS_PER_MS);
}

static void
leave_wheel(struct publishers *ps, struct publish *p)
{
	struct publish_list *l = &ps->wheel.slot[p->turn % WHEEL_SLOTS];
	if (p->turn == 0)
		return;
	TAILQ_REMOVE(l, p, next_wheel);
	if (TAILQ_EMPTY(l))
		ps->wheel.used[p->turn % WHEEL_SLOTS / 64] &=
		    ~(UINT64_C(1) << p->turn % 64);
	p->turn = 0;
}

/* Look at p again at t, or up to WHEEL_MS before; t is in the future. */
static void
look_again(struct worker *w, struct publish *p, struct mono t)
{
	struct wheel *wh = &w->publishers->wheel;
	uint64_t turn = slot_of(t), now = slot_of(w->now);
	if (turn <= now)
		turn = now + 1;
	if (turn >= now + WHEEL_SLOTS)
		turn = now + WHEEL_SLOTS - 1;
	if (p->turn != 0 && p->turn <= turn)
		return; /* it asks anew then */
	leave_wheel(w->publishers, p);
	p->turn = turn;
	TAILQ_INSERT_TAIL(&wh->slot[turn % WHEEL_SLOTS], p, next_wheel);
	wh->used[turn % WHEEL_SLOTS / 64] |= UINT64_C(1) << turn % 64;
}

/* Those whose time has come are active. */
static void
turn_wheel(struct worker *w)
{
	struct wheel *wh = &w->publishers->wheel;
	uint64_t now = slot_of(w->now);
	struct publish *p;
	if (now - wh->at > WHEEL_SLOTS)
		wh->at = now - WHEEL_SLOTS;
	for (; wh->at < now; wh->at++) {
		unsigned i = (wh->at + 1) % WHEEL_SLOTS;
		if (!(wh->used[i / 64] >> i % 64 & 1))
			continue;
		while ((p = TAILQ_FIRST(&wh->slot[i])) != NULL) {
			leave_wheel(w->publishers, p);
			publish_activate(w, p);
		}
	}
}

/* The loop must turn for the next used slot. */
static void
wake_for_wheel(struct worker *w)
{
	const struct wheel *wh = &w->publishers->wheel;
	for (unsigned n = 1; n <= WHEEL_SLOTS;) {
		unsigned i = (wh->at + n) % WHEEL_SLOTS;
		uint64_t rest = wh->used[i / 64] >> i % 64;
		if (rest == 0) {
			n += 64 - i % 64;
			continue;
		}
		n += (unsigned)__builtin_ctzll(rest);
		worker_wake_at(
		    w, (struct mono){ (wh->at + n) * WHEEL_MS * NS_PER_MS });
		return;
	}
}

/* The pass ---------------------------------------------------------------- */

void
publish_activate(struct worker *w, struct publish *p)
{
	if (p->active)
		return;
	p->active = true;
	TAILQ_INSERT_TAIL(&w->publishers->active, p, next_active);
}

static void
leave_active(struct worker *w, struct publish *p)
{
	if (p->active)
		TAILQ_REMOVE(&w->publishers->active, p, next_active);
	p->active = false;
}

void
publish_deactivate(struct worker *w, struct publish *p)
{
	leave_active(w, p);
	leave_wheel(w->publishers, p);
}

/* Is this a flush point?  What is due within a slot of the wheel is due. */
static bool
flush_due(struct worker *w, struct publish *p)
{
	struct mono due = latency_due(&p->latency, load_press_ms(&w->load));
	bool tell = p->ring.soft != p->told_soft;
	if (due.ns != 0 && !tell) {
		tell = slot_of(due) <= slot_of(w->now);
		if (!tell)
			look_again(w, p, due);
	}
	if (tell) {
		p->told_soft = p->ring.soft;
		latency_flushed(&p->latency, w->now);
	}
	return tell;
}

/* Returns true when the readers of p must be told. */
static bool
look(struct worker *w, struct publish *p)
{
	if (p->ring.limbo != 0 ||
	    p->ring.head >> SEGMENT_SHIFT != p->trimmed >> SEGMENT_SHIFT) {
		if (ring_trim(&p->ring, w->now.ns))
			look_again(w, p, mono_add_ms(w->now, LIMBO_POLL_MS));
		p->trimmed = p->ring.head;
	}
	if (p->resume.ns != 0)
		look_again(w, p, p->resume);
	leave_active(w, p);
	return flush_due(w, p);
}

/* Read on from publishers that were too fast (assemble.c, pace). */
static void
resume_paced(struct worker *w)
{
	struct publish *p, *after;
	for (p = TAILQ_FIRST(&w->publishers->active); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_active);
		if (p->resume.ns == 0 || slot_of(w->now) < slot_of(p->resume))
			continue;
		p->resume = (struct mono){ 0 };
		conn_resume(w, p->c);
		/* the input may have ended any publish of that connection */
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

/* Rule 1: all heads, fence, all marks, fence, then the sleepers. */
static void
tell_readers(struct worker *w, const uint32_t *blocks, unsigned n)
{
	uint64_t marked = 0;
	if (n == 0)
		return;
	wake_fence();
	for (unsigned i = 0; i < n; i++)
		marked |= wake_mark(&w->arena, blocks[i]);
	worker_count(w, COUNTER_WAKES,
	    wake_sleepers(&w->arena, marked, w->eventfd, (int)w->self));
}

void
publishers_pass(struct worker *w)
{
	struct publishers *ps = w->publishers;
	struct publish *p;
	uint32_t blocks[BLOCKS_MAX];
	unsigned n = 0;
	turn_wheel(w);
	resume_paced(w);
	publishers_judge(w);
	while (n < BLOCKS_MAX && (p = TAILQ_FIRST(&ps->active)) != NULL)
		if (look(w, p))
			blocks[n++] = p->ring.block;
	tell_readers(w, blocks, n);
	free_ended(w);
	wake_for_wheel(w);
}

void
publishers_tick(struct worker *w)
{
	struct publishers *ps = w->publishers;
	struct publish *p, *after;
	for (p = TAILQ_FIRST(&ps->all); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next);
		if (p->ns != NULL && p->ns->relay != NULL)
			relay_tick(w, p->c, p->ns); /* p may be gone */
	}
	if (mono_ms_since(ps->pool_tick, w->now) < POOL_TICK_MS)
		return;
	ps->pool_tick = w->now;
	ring_pool_tick(&ps->pool);
}
