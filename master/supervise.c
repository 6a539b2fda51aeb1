#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/log.h"
#include "master/background.h"
#include "master/hooks.h"
#include "master/kick.h"
#include "master/master.h"
#include "master/pulls.h"
#include "master/scripts.h"
#include "master/streams.h"
#include "master/supervise.h"
#include "master/targets.h"
#include "shm/seats.h"

enum {
	BACKOFF_MIN_MS = 50,
	BACKOFF_MAX_MS = 5000,
	GOOD_LIFE_MS = 60000, /* a worker that lived so long starts anew */
	STOP_MS = 5000,
	START_FAULTS_MAX = 4, /* in every slot, before any was ready */
	START_WAIT_MS = 10000,
	STILL_TICKS = 4,
	MESSAGES_AT_ONCE = 64
};

/* What all modules use. -------------------------------------------------- */

int
master_tell(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	struct proc *p = &m->slot[slot].proc;
	int r = proc_send(&m->env, p, msg);
	if (r != 0)
		proc_kill(p, PROC_QUEUE_FULL);
	return r;
}

static void
wake(const struct master *m, unsigned slot)
{
	static const uint64_t one = 1;
	/* a full counter (EAGAIN) wakes as well */
	ssize_t r = write(m->eventfd[slot], &one, sizeof one);
	(void)r;
}

void
master_wake_all(const struct master *m)
{
	for (unsigned i = 0; i < m->nslots; i++)
		wake(m, i);
}

/* The table in shared memory. -------------------------------------------- */

static void
show_state(struct master *m, unsigned slot, enum worker_state state)
{
	const struct slot_state *s = &m->slot[slot];
	struct worker_entry *e = &m->arena.control->worker[slot];
	atomic_store_explicit(
	    &e->incarnation, s->proc.incarnation, memory_order_relaxed);
	atomic_store_explicit(
	    &e->pid, (uint32_t)s->proc.pid, memory_order_relaxed);
	atomic_store_explicit(
	    &e->since_ns, clock_now().ns, memory_order_relaxed);
	atomic_store_explicit(&e->deaths, s->deaths, memory_order_relaxed);
	atomic_store_explicit(&e->state, state, memory_order_release);
}

/* Starting. -------------------------------------------------------------- */

static unsigned
setup_fds(const struct master *m, unsigned slot, int talk, int fds[IPC_FDS_MAX])
{
	unsigned n = 0;
	fds[n++] = m->arena_fds.control_ro;
	fds[n++] = m->arena_fds.hints;
	fds[n++] = m->arena_fds.slot_rw[slot];
	fds[n++] = m->conf_fd;
	fds[n++] = m->env.log_fd;
	fds[n++] = talk;
	for (unsigned i = 0; i < m->nslots; i++)
		fds[n++] = m->arena_fds.slot_ro[i];
	for (unsigned i = 0; i < m->nslots; i++)
		fds[n++] = m->eventfd[i];
	for (unsigned i = 0; i < m->listeners.naddrs; i++)
		fds[n++] = m->listeners.fd[slot][i];
	bug_on(n > IPC_FDS_MAX);
	return n;
}

static int
spawn(struct master *m, unsigned slot)
{
	struct slot_state *s = &m->slot[slot];
	int fds[IPC_FDS_MAX], talk = -1;
	memset(&s->proc, 0, sizeof s->proc);
	s->proc.slot = slot;
	s->proc.incarnation = m->next_incarnation++;
	struct ipc_msg setup = { .kind = IPC_SETUP,
		.incarnation = s->proc.incarnation };
	setup.u.setup = (struct ipc_setup){ .layout = ARENA_LAYOUT,
		.slot = slot,
		.nslots = m->nslots,
		.nlisten = m->listeners.naddrs,
		.uid = m->worker_uid,
		.gid = m->worker_gid };
	s->respawn_ns = 0;
	s->still_ticks = 0;
	int r = scripts_worker_open(m, slot, &talk);
	if (r == 0) {
		unsigned nfds = setup_fds(m, slot, talk, fds);
		r = proc_spawn(&m->env, &s->proc, &setup, fds, nfds);
		close(talk);
	}
	if (r != 0) {
		scripts_worker_died(m, slot);
		s->respawn_ns = mono_add_ms(clock_now(), BACKOFF_MAX_MS / 5).ns;
		LOG(worker_start_failed, .worker = slot, .error = strerror(-r));
		return r;
	}
	show_state(m, slot, WORKER_STARTING);
	kick_replay(m, slot);
	LOG(worker_start, .worker = slot, .worker_pid = s->proc.pid,
	    .incarnation = s->proc.incarnation);
	return 0;
}

int
supervise_start(struct master *m)
{
	int r = 0;
	for (unsigned i = 0; r == 0 && i < m->nslots; i++)
		r = spawn(m, i);
	return r;
}

unsigned
supervise_count(const struct master *m)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->nslots; i++)
		n += m->slot[i].proc.pid != 0;
	return n;
}

/* Deaths. ---------------------------------------------------------------- */

/*
 * Set back what a dead worker left in its slot; halves, owner words and
 * segments stay: viewers of its streams still read them.
 */
static void
repair_slot(struct master *m, unsigned slot)
{
	const struct arena *a = &m->arena;
	struct slot *s = a->slot[slot];
	section_repair(s);
	for (unsigned i = 0; i < BLOCK_WORDS + 1; i++)
		atomic_store_explicit(&s->interest[i], 0, memory_order_release);
	atomic_store_explicit(&s->asleep, 0, memory_order_relaxed);
	for (unsigned i = 0; i < a->nblocks; i++)
		if (atomic_load_explicit(&s->readers[i], memory_order_relaxed))
			atomic_store_explicit(
			    &s->readers[i], 0, memory_order_relaxed);
	for (unsigned i = 0; i < a->nblocks; i++)
		if (atomic_load_explicit(&s->beyond[i], memory_order_relaxed))
			atomic_store_explicit(
			    &s->beyond[i], 0, memory_order_relaxed);
	atomic_store_explicit(&s->clients, 0, memory_order_relaxed);
	/* rows read as 0: ROW_FREE; touching them all would take memory */
	arena_punch(a, slot, arena_row(a, slot, 0),
	    (uint64_t)a->nrows * sizeof(struct client_row));
}

static bool
own_fault(const struct proc *p, int code, int status)
{
	if (p->why == PROC_PROTOCOL || p->why == PROC_QUEUE_FULL ||
	    p->why == PROC_LOST)
		return true;
	if (p->why != PROC_ALIVE)
		return false;
	if (code == CLD_EXITED)
		return status != 0 || !p->ready ||
		       mono_ms_since(
			   (struct mono){ p->ready_ns }, clock_now()) < 1000;
	return status == SIGSEGV || status == SIGABRT || status == SIGBUS ||
	       status == SIGSYS || status == SIGILL || status == SIGFPE ||
	       status == SIGTRAP;
}

static const char *
signal_name(int sig)
{
	const char *s = sigabbrev_np(sig);
	return s ? s : "unknown"; /* a real-time signal has no name */
}

static void
log_exit(const struct master *m, unsigned slot, const struct proc *p, pid_t pid,
    int code, int status, uint64_t delay_ms)
{
	uint64_t up_ms =
	    mono_ms_since((struct mono){ p->start_ns }, clock_now());
	bool exited = code == CLD_EXITED;
	LOG_AT(m->stopping ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, worker_exit,
	    .worker = slot, .worker_pid = pid, .incarnation = p->incarnation,
	    .status = { exited, status },
	    .signal = exited ? NULL : signal_name(status),
	    .reason = proc_why_name(p->why), .uptime_ms = up_ms,
	    .was_ready = p->ready, .restart_ms = delay_ms);
}

/* Before the server was ever ready: is there any use in trying again? */
static void
sweep_seats(const struct master *m, uint64_t owner)
{
	(void)seats_sweep(&m->arena, m->conf->seats, SEAT_KINDS, owner);
	for (uint32_t i = 0; i < m->conf->nvhosts; i++)
		(void)seats_sweep(
		    &m->arena, &conf_vhost(m->conf, i)->seats, 1, owner);
}

static void
judge_start(struct master *m, int code, int status)
{
	if (m->ready || m->stopping)
		return;
	if (code == CLD_EXITED && status == EXIT_CONFIG) {
		supervise_stop(m, EXIT_CONFIG);
		return;
	}
	for (unsigned i = 0; i < m->nslots; i++)
		if (m->slot[i].proc.ready ||
		    m->slot[i].faults < START_FAULTS_MAX)
			return;
	LOG(server_no_worker, .text = "no worker could be started",
	    .status = status);
	supervise_stop(m, EXIT_SERVER);
}

void
supervise_death(struct master *m, unsigned slot)
{
	struct slot_state *s = &m->slot[slot];
	struct proc *p = &s->proc;
	int code, status;
	pid_t pid = p->pid;
	uint64_t now = clock_now().ns, delay_ms = 0;
	proc_reap(&m->env, p, &code, &status);
	repair_slot(m, slot);
	s->deaths++;
	show_state(m, slot, m->stopping ? WORKER_QUIT : WORKER_DOWN);
	sweep_seats(m, seat_owner(slot, p->incarnation));
	streams_owner_died(m, slot, p->incarnation);
	scripts_worker_died(m, slot);
	pulls_worker_died(m, slot);
	hooks_worker_died(m, slot, p->incarnation);
	targets_worker_died(m, slot);
	if (mono_ms_since((struct mono){ p->start_ns }, (struct mono){ now }) >=
	    GOOD_LIFE_MS)
		s->faults = 0;
	if (!m->stopping && own_fault(p, code, status))
		delay_ms =
		    respawn_ms(++s->faults, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
	judge_start(m, code, status);
	bool again = !m->stopping;
	struct proc dead = *p;
	if (again && delay_ms == 0)
		(void)spawn(m, slot);
	else if (again)
		s->respawn_ns = now + delay_ms * NS_PER_MS;
	log_exit(m, slot, &dead, pid, code, status, delay_ms);
}

/* Messages. -------------------------------------------------------------- */

static void
on_ready(struct master *m, unsigned slot)
{
	struct proc *p = &m->slot[slot].proc;
	if (p->ready)
		return;
	p->ready = true;
	p->ready_ns = clock_now().ns;
	show_state(m, slot, m->stopping ? WORKER_QUIT : WORKER_UP);
	LOG(worker_ready, .worker = slot, .worker_pid = p->pid,
	    .start_ms = (p->ready_ns - p->start_ns) / NS_PER_MS);
	pulls_worker_ready(m, slot);
	targets_worker_ready(m, slot);
}

static int
on_message(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	if (msg->incarnation != m->slot[slot].proc.incarnation)
		return -EPROTO;
	if (msg->kind == IPC_READY) {
		on_ready(m, slot);
		return 0;
	}
	if (msg->kind == IPC_LEFT) {
		scripts_client_gone(m, slot, msg->u.kick.conn);
		return 0;
	}
	if (msg->kind == IPC_WANT || msg->kind == IPC_UNWANT ||
	    msg->kind == IPC_PULLED || msg->kind == IPC_HOP)
		return pulls_message(m, slot, msg);
	if (msg->kind == IPC_PUSHED || msg->kind == IPC_CALLED)
		return targets_message(m, slot, msg);
	if (msg->kind == IPC_CLIENT || msg->kind == IPC_CONNECT ||
	    msg->kind == IPC_DONE || msg->kind == IPC_GONE)
		return hooks_message(m, slot, msg);
	return streams_message(m, slot, msg);
}

/* Read some messages; the rest at the next turn.  Returns 0 or -errno. */
static int
read_messages(struct master *m, unsigned slot)
{
	struct proc *p = &m->slot[slot].proc;
	struct ipc_msg msg;
	for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
		int r = ipc_recv(p->sock, &msg, NULL, NULL);
		if (r == -EAGAIN)
			return 0;
		if (r == 0 || r == -ECONNRESET) {
			proc_at_eof(&m->env, p, clock_now().ns);
			return 0;
		}
		if (r > 0) {
			r = on_message(m, slot, &msg);
			ipc_wipe(&msg);
		}
		if (r < 0)
			return r;
		if (p->why != PROC_ALIVE)
			return 0;
	}
	return 0;
}

void
supervise_socket(struct master *m, unsigned slot, uint32_t events)
{
	struct proc *p = &m->slot[slot].proc;
	if (p->pid == 0 || p->eof)
		return;
	if (p->why != PROC_ALIVE) {
		/* killed: nothing it said counts; its pidfd will tell */
		proc_at_eof(&m->env, p, clock_now().ns);
		return;
	}
	if ((events & EPOLLOUT) && proc_flush(&m->env, p) != 0)
		proc_kill(p, PROC_QUEUE_FULL);
	if (events & EPOLLOUT) {
		pulls_flush(m, slot);
		targets_flush(m, slot);
	}
	int r = (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		    ? read_messages(m, slot)
		    : 0;
	if (r == 0)
		return;
	LOG(worker_protocol, .worker = slot, .worker_pid = p->pid,
	    .error = strerror(-r));
	proc_kill(p, PROC_PROTOCOL);
}

void
supervise_talk(struct master *m, unsigned slot, uint32_t events)
{
	struct proc *p = &m->slot[slot].proc;
	int r =
	    p->why == PROC_ALIVE ? scripts_worker_event(m, slot, events) : 0;
	if (r == 0)
		return;
	LOG(worker_protocol, .worker = slot, .worker_pid = p->pid,
	    .error = strerror(-r));
	proc_kill(p, PROC_PROTOCOL);
}

/* Time. ------------------------------------------------------------------ */

static uint64_t
watchdog_tick_ns(const struct master *m)
{
	return (uint64_t)m->conf->watchdog_ms * NS_PER_MS / STILL_TICKS;
}

static void
judge_slot(struct master *m, unsigned slot)
{
	struct slot_state *s = &m->slot[slot];
	uint64_t loops = atomic_load_explicit(
	    &m->arena.slot[slot]->loops, memory_order_relaxed);
	if (s->proc.pid == 0 || loops != s->judged_loops) {
		s->judged_loops = loops;
		s->still_ticks = 0;
		return;
	}
	if (++s->still_ticks <= STILL_TICKS) {
		wake(m, slot);
		return;
	}
	if (s->proc.why != PROC_ALIVE)
		return;
	LOG(worker_stuck, .worker = slot, .worker_pid = s->proc.pid,
	    .still_ms = m->conf->watchdog_ms,
	    .in_section = section_inside(m->arena.slot[slot]));
	proc_kill(&s->proc, PROC_STUCK);
}

static void
say_ready(struct master *m, uint64_t now)
{
	unsigned up = 0;
	for (unsigned i = 0; i < m->nslots; i++)
		up += m->slot[i].proc.ready;
	bool waited = now > m->start_ns + START_WAIT_MS * NS_PER_MS;
	if (up < m->nslots && !(waited && up > 0))
		return;
	m->ready = true;
	LOG_AT(up < m->nslots ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
	    server_ready, .workers = up, .of = m->nslots,
	    .start_ms = (now - m->start_ns) / NS_PER_MS);
	if (m->ready_fd >= 0)
		background_ready(m->ready_fd);
	m->ready_fd = -1;
}

static void
check_slot(struct master *m, unsigned slot, uint64_t now, uint64_t *next)
{
	struct slot_state *s = &m->slot[slot];
	struct proc *p = &s->proc;
	if (p->pid != 0 && p->eof && p->why == PROC_ALIVE) {
		if (now >= p->eof_ns + NS_PER_S)
			proc_kill(p, PROC_LOST);
		else if (p->eof_ns + NS_PER_S < *next)
			*next = p->eof_ns + NS_PER_S;
	}
	if (p->pid != 0 || m->stopping || s->respawn_ns == 0)
		return;
	if (now >= s->respawn_ns)
		(void)spawn(m, slot);
	if (s->respawn_ns != 0 && s->respawn_ns < *next)
		*next = s->respawn_ns;
}

uint64_t
supervise_tick(struct master *m, uint64_t now)
{
	uint64_t next = UINT64_MAX, tick = watchdog_tick_ns(m);
	if (!m->ready && !m->stopping) {
		say_ready(m, now);
		next = now + NS_PER_S;
	}
	for (unsigned i = 0; i < m->nslots; i++)
		check_slot(m, i, now, &next);
	if (m->stopping) {
		uint64_t end = m->stop_ns + STOP_MS * NS_PER_MS;
		for (unsigned i = 0; now >= end && i < m->nslots; i++)
			proc_kill(&m->slot[i].proc, PROC_STOP);
		return now < end && end < next ? end : next;
	}
	if (tick == 0)
		return next;
	if (now >= m->watchdog_ns) {
		for (unsigned i = 0; i < m->nslots; i++)
			judge_slot(m, i);
		m->watchdog_ns = now + tick;
	}
	return m->watchdog_ns < next ? m->watchdog_ns : next;
}

void
supervise_stop(struct master *m, int exit_status)
{
	struct ipc_msg quit = { .kind = IPC_QUIT };
	bool again = m->stopping;
	if (!again) {
		m->stopping = true;
		m->stop_ns = clock_now().ns;
		m->exit_status = exit_status;
	}
	for (unsigned i = 0; i < m->nslots; i++) {
		struct proc *p = &m->slot[i].proc;
		m->slot[i].respawn_ns = 0;
		if (p->pid == 0)
			continue;
		if (again)
			proc_kill(p, PROC_STOP);
		else if (master_tell(m, i, &quit) == 0)
			show_state(m, i, WORKER_QUIT);
	}
}
