/*
 * torture_master - the master's part: it alone writes state_gen and the
 * directory, and repairs what the dead left, in the order that the
 * architecture gives.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "shm/section.h"
#include "shm/wake.h"
#include "torture.h"

struct child {
	pid_t pid;
	pthread_t thread;
	int sock;
	uint64_t cont_ns; /* stopped until then; 0: running */
	struct worker w;
};

struct ended {
	bool orphan;
	struct ring_free f;
};

struct master {
	struct torture *t;
	struct child child[SLOTS];
	struct ended ended[BLOCKS];
	uint64_t gen;
	uint32_t entry[NAMES];
	uint64_t rng;
	uint64_t kills, stops;
	struct score *score;
};

static struct block *
block_of(struct master *m, uint32_t b)
{
	return &m->t->a.control->block[b];
}

static uint64_t
state_word(struct master *m, uint32_t b)
{
	return atomic_load_explicit(
	    &block_of(m, b)->state_gen, memory_order_relaxed);
}

static void
set_state(struct master *m, uint32_t b, enum block_state s, uint64_t gen)
{
	atomic_store_explicit(&block_of(m, b)->state_gen, state_gen(s, gen),
	    memory_order_release);
}

static void
wake_all(struct master *m)
{
	static const uint64_t one = 1;
	for (unsigned i = 0; i < SLOTS; i++)
		(void)!write(m->t->efd[i], &one, sizeof one);
}

/* Workers --------------------------------------------------------------- */

static void *
thread_main(void *arg)
{
	worker_run(arg);
	return NULL;
}

static void
child_main(struct worker *w)
{
	struct torture *t = w->t;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < SLOTS; i++)
		if (i != w->self)
			close(t->fds.slot_rw[i]);
	if (arena_map(&w->own, t->fds.control_ro, t->fds.hints, t->fds.slot_ro,
		SLOTS, (int)w->self, t->fds.slot_rw[w->self]) != 0)
		_exit(3);
	w->a = &w->own;
	worker_run(w);
	_exit(0);
}

static void
spawn(struct master *m, unsigned slot)
{
	struct child *c = &m->child[slot];
	int pair[2];
	bug_on(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	c->cont_ns = 0;
	c->sock = pair[0];
	c->w = (struct worker){ .t = m->t,
		.a = &m->t->a,
		.self = slot,
		.sock = pair[1],
		.rng = mix(m->t->seed + slot + m->kills * SLOTS),
		.score = &m->t->score[slot] };
	if (m->t->threads) {
		bug_on(pthread_create(&c->thread, NULL, thread_main, &c->w));
		return;
	}
	c->pid = fork();
	bug_on(c->pid < 0);
	if (c->pid == 0) {
		close(pair[0]);
		child_main(&c->w);
	}
	close(pair[1]);
}

/* Streams --------------------------------------------------------------- */

static void
answer(struct master *m, unsigned slot, const struct tmsg *answer)
{
	/* one request per name is under way, so there is room */
	bug_on(send(m->child[slot].sock, answer, sizeof *answer,
		   MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	       errno != EPIPE && errno != ECONNRESET);
}

static void
grant(struct master *m, unsigned slot, uint32_t name)
{
	struct tmsg a = { T_REFUSE, name, 0, 0, 0 };
	uint32_t b = 0;
	while (b < BLOCKS && state_of(state_word(m, b)) != BLOCK_FREE)
		b++;
	if (b < BLOCKS) {
		a = (struct tmsg){ T_GRANT, name, b, 0, ++m->gen };
		struct block *k = block_of(m, b);
		atomic_store_explicit(&k->owner, slot, memory_order_relaxed);
		atomic_store_explicit(
		    &k->dir, m->entry[name], memory_order_relaxed);
		set_state(m, b, BLOCK_LIVE, a.gen);
		directory_point(
		    &m->t->a, m->entry[name], owner_word(b, a.gen), now_ns());
		for (unsigned i = 0; i < SLOTS; i++)
			wake_mark_directory(&m->t->a, i);
		wake_sleepers(&m->t->a, (1u << SLOTS) - 1, m->t->efd, -1);
	}
	answer(m, slot, &a);
}

/* Rule 16: state_gen, directory, fence, marks; eventfds after. */
static void
end_stream(struct master *m, uint32_t b)
{
	struct block *k = block_of(m, b);
	uint64_t gen = gen_of(state_word(m, b));
	uint32_t entry = atomic_load_explicit(&k->dir, memory_order_relaxed);
	set_state(m, b, BLOCK_ENDED, gen);
	if (atomic_load_explicit(&m->t->a.control->dir[entry].cur,
		memory_order_relaxed) == owner_word(b, gen))
		directory_point(&m->t->a, entry, 0, now_ns());
	wake_fence();
	for (unsigned i = 0; i < SLOTS; i++)
		wake_mark_slot(&m->t->a, i, b);
}

/* A freed stream leaves nothing: no owner word, no half. */
static void
set_free(struct master *m, uint32_t b)
{
	uint64_t gen = gen_of(state_word(m, b)), word = owner_word(b, gen);
	const struct arena *a = &m->t->a;
	unsigned s =
	    atomic_load_explicit(&block_of(m, b)->owner, memory_order_relaxed);
	for (uint32_t i = 0; i < a->nsegs; i++)
		if (atomic_load_explicit(
			arena_owner(a, s, i), memory_order_relaxed) == word)
			bad(m->score, "segment %u of a freed stream", i);
	if (atomic_load_explicit(
		&arena_half(a, s, b)->head, memory_order_relaxed) != 0)
		bad(m->score, "the half of a freed stream is not zero");
	m->ended[b].orphan = false;
	set_state(m, b, BLOCK_FREE, gen);
}

static void
take(struct master *m, unsigned slot, const struct tmsg *g)
{
	bug_on(g->block >= BLOCKS || g->name >= NAMES);
	uint64_t word = state_word(m, g->block);
	if (g->kind == T_PUBLISH) {
		grant(m, slot, g->name);
	} else if (g->kind == T_UNPUBLISH &&
		   word == state_gen(BLOCK_LIVE, g->gen)) {
		end_stream(m, g->block);
		wake_all(m);
	} else if (g->kind == T_FREED && !m->ended[g->block].orphan &&
		   word == state_gen(BLOCK_ENDED, g->gen)) {
		set_free(m, g->block);
	} else {
		bad(m->score, "message %u of slot %u out of turn", g->kind,
		    slot);
	}
}

/* Deaths ---------------------------------------------------------------- */

static void
orphan(struct master *m, unsigned slot, uint32_t b)
{
	uint64_t word = state_word(m, b);
	if (state_of(word) == BLOCK_FREE ||
	    atomic_load_explicit(
		&block_of(m, b)->owner, memory_order_relaxed) != slot)
		return;
	if (state_of(word) == BLOCK_LIVE)
		end_stream(m, b);
	if (m->ended[b].orphan) /* of an earlier incarnation, under way */
		return;
	m->ended[b].orphan = true;
	m->ended[b].f =
	    (struct ring_free){ .slot = slot, .block = b, .gen = gen_of(word) };
}

static void
death(struct master *m, unsigned slot)
{
	struct slot *s = m->t->a.slot[slot];
	close(m->child[slot].sock); /* unread */
	section_repair(s);
	for (unsigned i = 0; i <= BLOCK_WORDS; i++)
		atomic_store_explicit(&s->interest[i], 0, memory_order_release);
	atomic_store_explicit(&s->asleep, 0, memory_order_release);
	for (uint32_t b = 0; b < BLOCKS; b++) {
		atomic_store_explicit(
		    &m->t->seen[slot][b].gen, 0, memory_order_relaxed);
		orphan(m, slot, b);
	}
	wake_all(m);
	spawn(m, slot);
}

static void
reap(struct master *m)
{
	int status;
	for (unsigned i = 0; i < SLOTS && !m->t->threads; i++) {
		if (waitpid(m->child[i].pid, &status, WNOHANG) <= 0)
			continue;
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			bad(m->score, "worker %u died: status 0x%x", i, status);
		death(m, i);
	}
}

static void
free_orphans(struct master *m)
{
	for (uint32_t b = 0; b < BLOCKS; b++)
		if (m->ended[b].orphan &&
		    ring_free_step(&m->t->a, &m->ended[b].f, NULL))
			set_free(m, b);
}

/* Stop and kill at random moments: between any two instructions. */
static void
chaos(struct master *m)
{
	uint64_t now = now_ns();
	for (unsigned i = 0; i < SLOTS; i++) {
		struct child *c = &m->child[i];
		if (c->cont_ns != 0 && now > c->cont_ns) {
			kill(c->pid, SIGCONT);
			c->cont_ns = 0;
		}
	}
	struct child *c = &m->child[chance(&m->rng, SLOTS)];
	uint64_t x = chance(&m->rng, 40);
	if (x < 4) {
		m->kills++;
		kill(c->pid, SIGKILL);
		usleep((useconds_t)chance(&m->rng, 2000));
	} else if (x < 8 && c->cont_ns == 0) {
		m->stops++;
		kill(c->pid, SIGSTOP);
		c->cont_ns = now + chance(&m->rng, 30 * NS_PER_MS) + 1;
	}
}

static void
pass(struct master *m)
{
	struct pollfd fds[SLOTS];
	struct tmsg g;
	for (unsigned i = 0; i < SLOTS; i++)
		fds[i] = (struct pollfd){ m->child[i].sock, POLLIN, 0 };
	poll(fds, SLOTS, 1);
	reap(m); /* deaths before messages */
	for (unsigned i = 0; i < SLOTS; i++)
		while (recv(m->child[i].sock, &g, sizeof g, MSG_DONTWAIT) ==
		       sizeof g)
			take(m, i, &g);
	free_orphans(m);
}

/* Nothing is left: every block FREE, every owner word and interest 0. */
static bool
all_free(struct master *m)
{
	for (uint32_t b = 0; b < BLOCKS; b++)
		if (state_of(state_word(m, b)) != BLOCK_FREE)
			return false;
	return true;
}

static void
check_rest(struct master *m)
{
	for (uint32_t b = 0; b < BLOCKS; b++)
		if (state_of(state_word(m, b)) != BLOCK_FREE)
			bad(m->score, "block %u was never freed: %#lx", b,
			    state_word(m, b));
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = m->t->a.slot[i];
		uint32_t used = arena_segments_used(&m->t->a, i);
		if (used != 0)
			bad(m->score, "slot %u: %u segments leaked", i, used);
		for (unsigned k = 0; k <= BLOCK_WORDS; k++)
			if (atomic_load_explicit(
				&s->interest[k], memory_order_relaxed) != 0)
				bad(m->score, "slot %u: interest left", i);
	}
}

static void
end_workers(struct master *m)
{
	atomic_store_explicit(&m->t->stop, 2, memory_order_release);
	wake_all(m);
	for (unsigned i = 0; i < SLOTS; i++) {
		if (m->t->threads)
			pthread_join(m->child[i].thread, NULL);
		else
			waitpid(m->child[i].pid, NULL, 0);
	}
}

static void
start(struct master *m, struct torture *t)
{
	char key[DIR_KEY_MAX];
	m->t = t;
	m->rng = t->seed;
	m->score = &t->score[SLOTS];
	for (unsigned i = 0; i < NAMES; i++)
		m->entry[i] = (uint32_t)directory_enter(
		    &t->a, key, name_key(i, key), now_ns());
	for (unsigned i = 0; i < SLOTS; i++)
		spawn(m, i);
}

/* Has a reader found something wrong? */
static bool
found(struct torture *t)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (atomic_load_explicit(
			&t->score[i].bad, memory_order_relaxed) != 0)
			return true;
	return false;
}

void
master_run(struct torture *t)
{
	struct master *m = calloc(1, sizeof *m);
	bug_on(m == NULL);
	start(m, t);
	uint64_t until = now_ns() + t->seconds * NS_PER_S;
	while (now_ns() < until) {
		pass(m);
		if (!t->threads)
			chaos(m);
		if (t->fault != FAULT_NONE && found(t))
			break;
	}
	for (unsigned i = 0; i < SLOTS && !t->threads; i++)
		kill(m->child[i].pid, SIGCONT);
	atomic_store_explicit(&t->stop, 1, memory_order_release);
	until = now_ns() + 5 * NS_PER_S;
	while (!all_free(m) && now_ns() < until)
		pass(m);
	pass(m);
	check_rest(m);
	end_workers(m);
	printf("%lu kills, %lu stops\n", m->kills, m->stops);
	free(m);
}
