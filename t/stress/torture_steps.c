/*
 * torture_steps - death (and a reader's visit) after every instruction.  A child does its part under
 * ptrace(2).  First it is stepped through once, and after each instruction
 * what others could see of it is checked.  Then, for each instruction that was
 * met, a new child runs up to it and is killed there; the master's part
 * follows, everything must be free again, and a successor must work.
 */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "shm/section.h"
#include "shm/wake.h"
#include "torture.h"

#if defined(__x86_64__)
#define PC	  rip
#define TRAP	  UINT64_C(0xcc)
#define TRAP_MASK UINT64_C(0xff)
#elif defined(__aarch64__)
#define PC	  pc
#define TRAP	  UINT64_C(0xd4200000)
#define TRAP_MASK UINT64_C(0xffffffff)
#endif

#ifndef PC
int
steps_run(struct torture *t)
{
	(void)t;
	printf("not written for this processor\n");
	return 77;
}
#else

enum {
	OWNER = 0,
	READER = 2,
	LOOKER = 3, /* this process, watching */
	BLOCK = 5,
	MESSAGE = 64,
	POINTS_MAX = 1 << 15
};
/* Where the traced part begins: the message crosses into a new segment. */
#define BEFORE ((uint64_t)RING_START + 12 * SEGMENT_SIZE - 20)

/* One child's doings; also what this process needs to judge them. */
struct actor {
	struct torture *t;
	struct arena own;
	const struct arena *a;
	uint64_t gen;
	struct ring_pool pool;
	struct ring_writer w;
	struct ring_view v;
};

struct plan {
	const char *name;
	unsigned slot;
	void (*setup)(struct actor *ac); /* in the child, not traced */
	void (*start)(struct actor *ac); /* here, the child is stopped */
	void (*run)(struct actor *ac);	 /* in the child, traced */
};

static uint64_t points[POINTS_MAX];
static unsigned npoints;
static struct score *score;

/* Content is a function of generation and position. */
static void
publish(struct actor *ac, size_t n)
{
	static uint8_t buf[SEGMENT_SIZE];
	bug_on(ring_room(&ac->w, n, now_ns()) != 0);
	content(ac->gen, ac->w.head, buf, n);
	ring_put(&ac->w, 0, buf, n);
	ring_commit(&ac->w, n, (uint32_t)ac->w.head, now_ns());
}

static bool
right(struct actor *ac, uint64_t from, size_t n)
{
	static uint8_t buf[SEGMENT_SIZE], want[SEGMENT_SIZE];
	content(ac->gen, from, want, n);
	return ring_copy(&ac->v, from, buf, n) && memcmp(buf, want, n) == 0;
}

static bool
window_right(struct actor *ac)
{
	for (uint64_t p = ac->v.tail; p < ac->v.head; p += SEGMENT_SIZE)
		if (!right(ac, p,
			ac->v.head - p < SEGMENT_SIZE ? ac->v.head - p
						      : SEGMENT_SIZE))
			return false;
	return true;
}

/* The master's words ----------------------------------------------------- */

static void
set_state(struct actor *ac, enum block_state s)
{
	atomic_store_explicit(&ac->a->control->block[BLOCK].state_gen,
	    state_gen(s, ac->gen), memory_order_release);
}

static void
open_ring(struct actor *ac)
{
	ring_open(&ac->w, &ac->pool, BLOCK, ac->gen, QUOTA);
}

/* Plans ------------------------------------------------------------------ */

static void
setup_publish(struct actor *ac)
{
	open_ring(ac);
	for (int i = 0; i < 11; i++)
		publish(ac, SEGMENT_SIZE);
	publish(ac, BEFORE - ac->w.head);
}

static void
run_publish(struct actor *ac)
{
	uint8_t message[MESSAGE];
	uint64_t now = ac->w.seg_ns[0] + 1;
	content(ac->gen, BEFORE, message, MESSAGE);
	ring_room(&ac->w, MESSAGE, now);
	ring_put(&ac->w, 0, message, MESSAGE);
	ring_set_header(&ac->w, RING_VIDEO, message, 40);
	ring_set_meta(&ac->w, message, 30);
	ring_mark_join(&ac->w, (uint32_t)BEFORE, true, now);
	ring_commit(&ac->w, MESSAGE, (uint32_t)BEFORE + MESSAGE, now);
	wake_fence();
	wake_sleepers(ac->a, wake_mark(ac->a, BLOCK), ac->t->efd, OWNER);
	ring_trim(&ac->w, now);
	ring_close(&ac->w);
}

static void
start_watching(struct actor *ac)
{
	bug_on(!ring_watch(ac->a, LOOKER, BLOCK, ac->gen, false, &ac->v));
	bug_on(!ring_look(&ac->v));
	/* a sleeper, so that the eventfd is written */
	atomic_store_explicit(
	    &ac->a->slot[LOOKER]->asleep, 1, memory_order_relaxed);
}

static void
setup_free(struct actor *ac)
{
	open_ring(ac);
	publish(ac, 1000);
	ring_close(&ac->w);
}

static void
start_free(struct actor *ac)
{
	set_state(ac, BLOCK_ENDED);
}

static void
run_free(struct actor *ac)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = ac->gen };
	while (!ring_free_step(ac->a, &f, &ac->pool))
		;
	ring_pool_tick(&ac->pool);
}

static void
start_read(struct actor *ac)
{
	bug_on(ring_pool_init(&ac->pool, ac->a, OWNER) != 0);
	open_ring(ac);
	publish(ac, 1000);
	ring_mark_join(&ac->w, 0, true, 0);
	publish(ac, MESSAGE);
}

static void
setup_read(struct actor *ac)
{
	(void)ac;
}

static void
run_read(struct actor *ac)
{
	struct slot *own = ac->a->slot[READER];
	struct ring_point p;
	uint8_t buf[MESSAGE];
	ring_watch(ac->a, READER, BLOCK, ac->gen, false, &ac->v);
	section_enter(own);
	ring_look(&ac->v);
	if (ring_newest_join(&ac->v, true, &p))
		ring_copy(&ac->v, p.pos, buf, sizeof buf);
	section_leave(own);
	wake_may_sleep(ac->a, READER);
	wake_awake(ac->a, READER);
	if (wake_take_sum(ac->a, READER))
		wake_take_word(ac->a, READER, 0);
	ring_unwatch(ac->a, READER, BLOCK);
}

static const struct plan plans[] = {
	{ "publish, retire, wake", OWNER, setup_publish, start_watching,
	    run_publish },
	{ "release by the owner", OWNER, setup_free, start_free, run_free },
	{ "watch, section, sleep", READER, setup_read, start_read, run_read },
};

/* What others see -------------------------------------------------------- */

static void
check_owners(struct actor *ac)
{
	uint64_t word = owner_word(BLOCK, ac->gen);
	for (uint64_t p = ac->v.tail; p < ac->v.head; p += SEGMENT_SIZE) {
		uint32_t seg = atomic_load_explicit(
		    &ac->v.half->segtab[(p >> SEGMENT_SHIFT) % RING_SEGTAB],
		    memory_order_relaxed);
		if (atomic_load_explicit(arena_owner(ac->a, OWNER, seg),
			memory_order_relaxed) != word)
			bad(score, "a visible segment has another owner");
	}
}

static void
check_publish(struct actor *ac, bool whole)
{
	struct ring_point p;
	uint8_t cfg[RING_CFG_MAX], want[MESSAGE];
	uint32_t len[RING_PARTS];
	if (!ring_look(&ac->v)) {
		bad(score, "the ring vanished");
		return;
	}
	if (ac->v.head != BEFORE && ac->v.head != BEFORE + MESSAGE)
		bad(score, "head inside a message: %lu", ac->v.head);
	/* rule 9: the clock is stored before head */
	if (ac->v.head == BEFORE + MESSAGE &&
	    atomic_load_explicit(&ac->v.half->last_ts, memory_order_relaxed) !=
		(uint32_t)BEFORE + MESSAGE)
		bad(score, "the clock comes after head");
	check_owners(ac);
	if (!right(ac, ac->v.tail, MESSAGE) ||
	    !right(ac, ac->v.head - MESSAGE, MESSAGE) ||
	    (whole && !window_right(ac)))
		bad(score, "wrong bytes between tail and head");
	if (!ring_newest_join(&ac->v, true, &p))
		return;
	content(ac->gen, BEFORE, want, MESSAGE);
	if (p.pos != BEFORE || p.ts != (uint32_t)BEFORE ||
	    ring_read_headers(&ac->v, p.cfg_ver, cfg, len) != 0 ||
	    len[RING_VIDEO] != 40 || memcmp(cfg, want, 40) != 0)
		bad(score, "a join point or its headers are wrong");
}

/* Children --------------------------------------------------------------- */

static _Noreturn void
child(const struct plan *p, struct actor *ac)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(77);
	if (arena_map(&ac->own, ac->t->fds.control_ro, ac->t->fds.hints,
		ac->t->fds.slot_ro, SLOTS, (int)p->slot,
		ac->t->fds.slot_rw[p->slot]) != 0)
		_exit(3);
	ac->a = &ac->own;
	if (p->slot == OWNER && ring_pool_init(&ac->pool, ac->a, OWNER) != 0)
		_exit(3);
	p->setup(ac);
	raise(SIGSTOP);
	p->run(ac);
	atomic_store_explicit(&ac->t->stop, 1, memory_order_release);
	for (;;)
		pause();
}

/* Wait until it stops by signal sig; false if it ended. */
static bool
stopped_by(pid_t pid, int sig)
{
	int status;
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == sig)
			return true;
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status));
	}
	return false;
}

/* A child that stands at the beginning of its traced part. */
static pid_t
begin(const struct plan *p, struct actor *ac)
{
	atomic_store_explicit(&ac->t->stop, 0, memory_order_release);
	ac->gen++;
	ac->a = &ac->t->a;
	set_state(ac, BLOCK_LIVE);
	if (p->slot == READER)
		p->start(ac);
	pid_t pid = fork();
	bug_on(pid < 0);
	if (pid == 0)
		child(p, ac);
	if (!stopped_by(pid, SIGSTOP))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL);
	if (p->slot != READER)
		p->start(ac);
	return pid;
}

static uint64_t
pc_of(pid_t pid)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof regs };
	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) != 0)
		return 0;
	return regs.PC;
}

static void
set_pc(pid_t pid, uint64_t pc)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof regs };
	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
	regs.PC = pc;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

static bool
poke_trap(pid_t pid, uint64_t pc, uint64_t *text)
{
	errno = 0;
	*text = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, pc, 0);
	return errno == 0 && ptrace(PTRACE_POKETEXT, pid, pc,
				 (*text & ~TRAP_MASK) | TRAP) == 0;
}

/* Run up to the instruction at pc; it is not executed yet. */
static bool
run_to(pid_t pid, uint64_t pc)
{
	uint64_t text;
	if (pc_of(pid) == pc)
		return true;
	if (!poke_trap(pid, pc, &text) || ptrace(PTRACE_CONT, pid, 0, 0) != 0 ||
	    !stopped_by(pid, SIGTRAP))
		return false;
	ptrace(PTRACE_POKETEXT, pid, pc, text);
	set_pc(pid, pc);
	return true;
}

/* Length of a repeated string instruction, which stops after every round; 0
 * for all others. */
static unsigned
repeated(pid_t pid, uint64_t pc)
{
#ifdef __x86_64__
	uint64_t text = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, pc, 0);
	unsigned wide = (text >> 8 & 0xff) == 0x48 ? 8 : 0;
	unsigned op = text >> (8 + wide) & 0xff;
	if ((text & 0xff) == 0xf3 &&
	    (op == 0xa4 || op == 0xa5 || op == 0xaa || op == 0xab))
		return 2 + wide / 8;
#else
	(void)pid, (void)pc;
#endif
	return 0;
}

/* Execute the instruction at pc. */
static bool
step(pid_t pid, uint64_t pc, uint64_t last)
{
	unsigned n = pc == last ? repeated(pid, pc) : 0;
	if (n != 0)
		return run_to(pid, pc + n);
	return ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == 0 &&
	       stopped_by(pid, SIGTRAP);
}

static void
note_point(uint64_t pc)
{
	for (unsigned i = npoints; i-- > 0;)
		if (points[i] == pc)
			return;
	if (npoints < POINTS_MAX)
		points[npoints++] = pc;
}

static void
shuffle_points(uint64_t *rng)
{
	for (unsigned i = npoints; i > 1; i--) {
		unsigned k = (unsigned)chance(rng, i);
		uint64_t pc = points[k];
		points[k] = points[i - 1];
		points[i - 1] = pc;
	}
}

static void
end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == pid)
		;
}

/* The master's part after a death (slot), and the end of the stream. */
static void
bury(const struct plan *p, struct actor *ac)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = ac->gen };
	struct slot *s = ac->a->slot[p->slot];
	section_repair(s);
	for (unsigned i = 0; i <= BLOCK_WORDS; i++)
		atomic_store_explicit(&s->interest[i], 0, memory_order_release);
	atomic_store_explicit(&s->asleep, 0, memory_order_release);
	set_state(ac, BLOCK_ENDED);
	for (unsigned i = 0; i < SLOTS; i++)
		wake_mark_slot(ac->a, i, BLOCK);
	if (p->run == run_publish) {
		check_publish(ac, true); /* readers finish what they read */
		ring_unwatch(ac->a, LOOKER, BLOCK);
	}
	int tries = 0;
	while (
	    !ring_free_step(ac->a, &f, p->slot == OWNER ? NULL : &ac->pool) &&
	    ++tries < 10)
		;
	if (tries == 10)
		bad(score, "%s: never free", p->name);
	if (arena_segments_used(ac->a, OWNER) != 0)
		bad(score, "%s: segments leaked", p->name);
	if (arena_half(ac->a, OWNER, BLOCK)->head != 0)
		bad(score, "%s: the half was left", p->name);
	if (p->slot == READER)
		ring_pool_fini(&ac->pool);
}

/* A successor publishes under a new generation and frees it. */
static void
succeed(struct actor *ac)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK };
	f.gen = ++ac->gen;
	set_state(ac, BLOCK_LIVE);
	bug_on(ring_pool_init(&ac->pool, ac->a, OWNER) != 0);
	open_ring(ac);
	publish(ac, SEGMENT_SIZE);
	publish(ac, MESSAGE);
	if (!ring_watch(ac->a, LOOKER, BLOCK, ac->gen, false, &ac->v) ||
	    !ring_look(&ac->v) || !window_right(ac))
		bad(score, "a successor's ring is wrong");
	ring_unwatch(ac->a, LOOKER, BLOCK);
	ring_close(&ac->w);
	set_state(ac, BLOCK_ENDED);
	if (!ring_free_step(ac->a, &f, &ac->pool) ||
	    arena_segments_used(ac->a, OWNER) != 0)
		bad(score, "a successor cannot free");
	ring_pool_fini(&ac->pool);
}

/* Step through once.  Returns the instructions, or -1 without ptrace(2). */
static int64_t
walk(const struct plan *p, struct actor *ac)
{
	int64_t n = 0;
	uint64_t last = 0;
	pid_t pid = begin(p, ac);
	if (pid < 0)
		return -1;
	npoints = 0;
	while (atomic_load_explicit(&ac->t->stop, memory_order_acquire) == 0) {
		uint64_t pc = pc_of(pid);
		note_point(pc);
		if (!step(pid, pc, last)) {
			bad(score, "%s: died at step %ld", p->name, n);
			break;
		}
		last = pc;
		n++;
		if (p->run == run_publish)
			check_publish(ac, n % 500 == 0);
	}
	end_child(pid);
	bury(p, ac);
	succeed(ac);
	return n;
}

/* Run a new child up to instruction pc and kill it there. */
static void
kill_at(const struct plan *p, struct actor *ac, uint64_t pc)
{
	pid_t pid = begin(p, ac);
	if (pid < 0 || !run_to(pid, pc))
		bad(score, "%s: instruction %#lx was not met", p->name, pc);
	if (pid < 0)
		return;
	end_child(pid);
	bury(p, ac);
	succeed(ac);
	add(&score->rounds, 1);
}

/*
 * Stop a new publisher at instruction pc, enter a section and look, let it go
 * on to the end: what was seen must still be there.
 */
static void
visit_at(const struct plan *p, struct actor *ac, uint64_t pc)
{
	struct slot *own = ac->t->a.slot[LOOKER];
	pid_t pid = begin(p, ac);
	if (pid < 0 || !run_to(pid, pc)) {
		bad(score, "%s: instruction %#lx was not met", p->name, pc);
		return;
	}
	section_enter(own);
	bool open = ring_look(&ac->v);
	ptrace(PTRACE_CONT, pid, 0, 0);
	while (atomic_load_explicit(&ac->t->stop, memory_order_acquire) == 0 &&
	       waitpid(pid, NULL, WNOHANG) == 0)
		sched_yield();
	if (!open || !window_right(ac))
		bad(score, "bytes changed under a reader at %#lx", pc);
	section_leave(own);
	end_child(pid);
	bury(p, ac);
	succeed(ac);
	add(&score->rounds, 1);
}

static bool
run_plan(const struct plan *p, struct actor *ac)
{
	unsigned done = 0;
	int64_t steps = walk(p, ac);
	if (steps < 0)
		return false;
	/* if the time does not suffice for all, other ones with every run */
	shuffle_points(&ac->t->seed);
	uint64_t until = now_ns() + ac->t->seconds * NS_PER_S;
	while (done < npoints && now_ns() < until) {
		if (p->run == run_publish)
			visit_at(p, ac, points[done]);
		kill_at(p, ac, points[done++]);
	}
	printf("%s: %ld instructions, killed at %u of %u places\n", p->name,
	    steps, done, npoints);
	return true;
}

int
steps_run(struct torture *t)
{
	static struct actor ac;
	cpu_set_t one;
	int cpu = sched_getcpu();
	ac.t = t;
	/* both on one processor: a step is a switch, not a wake-up */
	CPU_ZERO(&one);
	CPU_SET(cpu < 0 ? 0 : cpu, &one);
	(void)sched_setaffinity(0, sizeof one, &one);
	score = &t->score[LOOKER];
	for (unsigned i = 0; i < sizeof plans / sizeof *plans; i++)
		if (!run_plan(&plans[i], &ac)) {
			printf("ptrace(2) is not allowed here\n");
			return 77;
		}
	add(&score->published, 1);
	return 0;
}
#endif
