/*
 * torture_wake - may a wake-up be lost?  One producer publishes a few bytes on
 * some of three streams and then waits until every reader that watches them
 * has seen them; readers look at nothing but what the dirty words name, and
 * sleep without a bound.  Now and then a reader stops watching and begins
 * again, so that publishes and joins meet.
 */
#include "config.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "shm/section.h"
#include "shm/wake.h"
#include "torture.h"

enum { PRODUCER = 0, FIRST_READER = 2, RINGS = 3, GEN = 1 };

static const uint32_t ring_block[RINGS] = { 0, 1, 64 }; /* two dirty words */

static struct seen *
seen_of(struct worker *w, unsigned ring)
{
	return &w->t->seen[w->self][ring];
}

static void
look(struct worker *w, struct ring_view *v, unsigned ring)
{
	section_enter(w->a->slot[w->self]);
	if (ring_look(v))
		atomic_store_explicit(
		    &seen_of(w, ring)->head, v->head, memory_order_release);
	section_leave(w->a->slot[w->self]);
}

static void
watch(struct worker *w, struct ring_view *v, unsigned ring)
{
	bug_on(!ring_watch(w->a, w->self, ring_block[ring], GEN, false, v));
	/* from here on the producer waits for us */
	atomic_store_explicit(
	    &seen_of(w, ring)->gen, GEN, memory_order_release);
	look(w, v, ring);
}

static void
spin(uint64_t n)
{
	for (_Atomic uint64_t i = 0; i < n;)
		atomic_fetch_add_explicit(&i, 1, memory_order_relaxed);
}

static void
watch_again(struct worker *w, struct ring_view *v, unsigned ring)
{
	atomic_store_explicit(&seen_of(w, ring)->gen, 0, memory_order_release);
	ring_unwatch(w->a, w->self, ring_block[ring]);
	spin(chance(&w->rng, 2000));
	watch(w, v, ring);
}

static void
read_rings(struct worker *w)
{
	struct ring_view v[RINGS];
	for (unsigned i = 0; i < RINGS; i++)
		watch(w, &v[i], i);
	for (;;) {
		uint64_t n, sum, d[2] = { 0, 0 };
		(void)!read(w->t->efd[w->self], &n, sizeof n);
		wake_awake(w->a, w->self);
		sum = wake_take_sum(w->a, w->self);
		for (unsigned i = 0; i < 2; i++)
			if (sum >> i & 1)
				d[i] = wake_take_word(w->a, w->self, i);
		for (unsigned i = 0; i < RINGS; i++)
			if (d[ring_block[i] / 64] >> (ring_block[i] % 64) & 1)
				look(w, &v[i], i);
		if (chance(&w->rng, 8) == 0) {
			unsigned i = (unsigned)chance(&w->rng, RINGS);
			watch_again(w, &v[i], i);
		}
		if (!wake_may_sleep(w->a, w->self))
			continue;
		add(&w->score->sleeps, 1);
		struct pollfd p = { w->t->efd[w->self], POLLIN, 0 };
		poll(&p, 1, -1);
	}
}

static pid_t
fork_reader(struct torture *t, unsigned slot)
{
	pid_t pid = fork();
	bug_on(pid < 0);
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct worker w = { .t = t,
		.self = slot,
		.rng = mix(t->seed + slot),
		.score = &t->score[slot] };
	if (arena_map(&w.own, t->fds.control_ro, t->fds.hints, t->fds.slot_ro,
		SLOTS, (int)slot, t->fds.slot_rw[slot]) != 0)
		_exit(3);
	w.a = &w.own;
	read_rings(&w);
	_exit(0);
}

/* Has reader `slot` seen all of ring i, or stopped watching it? */
static bool
has_seen(struct torture *t, unsigned slot, unsigned i, uint64_t head)
{
	struct seen *s = &t->seen[slot][i];
	return atomic_load_explicit(&s->gen, memory_order_acquire) == 0 ||
	       atomic_load_explicit(&s->head, memory_order_acquire) == head;
}

static bool
wait_for_readers(struct torture *t, const struct ring_writer *w)
{
	uint64_t until = now_ns() + NS_PER_S;
	for (unsigned slot = FIRST_READER; slot < SLOTS; slot++)
		for (unsigned i = 0; i < RINGS; i++)
			while (!has_seen(t, slot, i, w[i].head)) {
				if (now_ns() > until) {
					bad(&t->score[slot],
					    "lost wake-up: ring %u, round %lu",
					    i, t->score[PRODUCER].rounds);
					return false;
				}
				sched_yield();
			}
	return true;
}

static void
publish(struct torture *t, struct ring_writer *w, unsigned which)
{
	uint64_t marked = 0;
	for (unsigned i = 0; i < RINGS; i++) {
		if (!(which >> i & 1))
			continue;
		bug_on(ring_room(&w[i], 8, now_ns()) != 0);
		ring_put(&w[i], 0, &which, sizeof which);
		ring_commit(&w[i], 8, 0, now_ns());
		add(&t->score[PRODUCER].published, 1);
	}
	wake_fence();
	for (unsigned i = 0; i < RINGS; i++)
		if (which >> i & 1)
			marked |= wake_mark(&t->a, ring_block[i]);
	wake_sleepers(&t->a, marked, t->efd, PRODUCER);
}

int
wake_run(struct torture *t)
{
	static struct ring_writer w[RINGS];
	struct ring_pool pool;
	pid_t pid[SLOTS];
	uint64_t rng = t->seed, until = now_ns() + t->seconds * NS_PER_S;
	bug_on(ring_pool_init(&pool, &t->a, PRODUCER) != 0);
	for (unsigned i = 0; i < RINGS; i++) {
		atomic_store_explicit(
		    &t->a.control->block[ring_block[i]].state_gen,
		    state_gen(BLOCK_LIVE, GEN), memory_order_release);
		ring_open(&w[i], &pool, ring_block[i], GEN, QUOTA);
	}
	for (unsigned i = FIRST_READER; i < SLOTS; i++)
		pid[i] = fork_reader(t, i);
	while (now_ns() < until) {
		publish(t, w, 1 + (unsigned)chance(&rng, 7));
		if (!wait_for_readers(t, w))
			break;
		add(&t->score[PRODUCER].rounds, 1);
		if (chance(&rng, 2) == 0)
			spin(chance(&rng, 3000));
	}
	for (unsigned i = FIRST_READER; i < SLOTS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	ring_pool_fini(&pool);
	return 0;
}
