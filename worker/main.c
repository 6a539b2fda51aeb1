/*
 * sluice-worker - accepts clients, writes the rings of its own publishers,
 * sends from any ring to its own players.  Started by the master only, which
 * hands over everything in one message (common/ipc.h).
 *
 * One turn of the loop: events; what the master said; flush points of
 * publishers; one section of sends; sleep unless somebody has marked us.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"
#include "worker/admin.h"
#include "worker/conn.h"
#include "worker/dial.h"
#include "worker/glue.h"
#include "worker/hooked.h"
#include "worker/hops.h"
#include "worker/link.h"
#include "worker/orders.h"
#include "worker/play.h"
#include "worker/publish.h"
#include "worker/pull.h"
#include "worker/push.h"
#include "worker/resolve.h"
#include "worker/scripted.h"
#include "worker/session.h"
#include "worker/tree.h"
#include "worker/uplink.h"
#include "worker/upstream.h"

enum {
	EXIT_UNFIT = 78, /* this machine or hand-over cannot work: no restart */
	IDLE_MS = 1000,
	QUIT_MS = 3000,
	SPARE_FILES = 128
};

struct handover {
	struct ipc_msg msg;
	int fds[IPC_FDS_MAX];
	unsigned nfds;
};

static int
unfit(const char *what, const char *why)
{
	LOG(worker_unfit, .what = what, .text = why);
	fprintf(stderr, "sluice-worker: %s: %s\n", what, why);
	return EXIT_UNFIT;
}

/* Hand-over --------------------------------------------------------------- */

static bool
count_ok(const struct handover *h)
{
	const struct ipc_setup *s = &h->msg.u.setup;
	return s->layout == ARENA_LAYOUT && s->nslots >= 1 &&
	       s->nslots <= SLOTS_MAX && s->slot < s->nslots &&
	       s->nlisten <= CONF_LISTEN_MAX &&
	       h->nfds == 6 + 2 * s->nslots + s->nlisten;
}

static const struct conf *
map_conf(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || (size_t)st.st_size < sizeof(struct conf))
		return NULL;
	const struct conf *c =
	    mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (c == MAP_FAILED)
		return NULL;
	return c->magic == conf_magic() && c->bytes == (uint64_t)st.st_size
		   ? c
		   : NULL;
}

/* Descriptors in the order of struct ipc_setup. */
static int
take_over(struct worker *w, const struct handover *h)
{
	const struct ipc_setup *s = &h->msg.u.setup;
	const int *ro = h->fds + 6, *efd = ro + s->nslots;
	if (!count_ok(h))
		return unfit("hand-over", "not from a master of this version");
	w->self = s->slot;
	w->incarnation = h->msg.incarnation;
	w->conf = map_conf(h->fds[3]);
	if (w->conf == NULL)
		return unfit("hand-over", "configuration of another version");
	log_open(h->fds[4], (enum log_level)w->conf->log_level);
	int r = arena_map(&w->arena, h->fds[0], h->fds[1], ro, s->nslots,
	    (int)s->slot, h->fds[2]);
	if (r != 0)
		return unfit("shared memory", strerror(-r));
	for (unsigned i = 0; i < s->nslots; i++) {
		w->eventfd[i] = efd[i];
		close(ro[i]);
	}
	close(h->fds[0]);
	close(h->fds[1]);
	close(h->fds[3]);
	w->slot = w->arena.slot[w->self];
	return 0;
}

static int
drop_privileges(const struct ipc_setup *s)
{
	if (s->uid != UINT32_MAX) {
		if (setgroups(0, NULL) != 0 ||
		    setresgid(s->gid, s->gid, s->gid) != 0 ||
		    setresuid(s->uid, s->uid, s->uid) != 0)
			return unfit("user", strerror(errno));
	}
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* a core file may be wanted, although the user was changed */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return 0;
}

static uint32_t
table_size(const struct worker *w)
{
	struct rlimit rl = { 1024, 1024 };
	uint64_t n = (uint64_t)w->conf->max_clients + IPC_SURPLUS;
	(void)getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur != RLIM_INFINITY && n + SPARE_FILES > rl.rlim_cur)
		n = rl.rlim_cur > 2 * SPARE_FILES ? rl.rlim_cur - SPARE_FILES
						  : SPARE_FILES;
	return (uint32_t)(n < w->arena.nrows ? n : w->arena.nrows);
}

/* Tell everybody and close. */
static void
quit(struct worker *w)
{
	if (w->quitting)
		return;
	w->quitting = true;
	conns_stop_listening(w);
	pull_quit(w);
	orders_quit(w);
	for (uint32_t i = 0; i < w->conns->high; i++) {
		struct conn *c = &w->conns->table[i];
		if (c->state != CONN_FREE)
			session_end(w, c, REASON_SERVER_STOP);
	}
}

static void
master_said(struct worker *w, const struct ipc_msg *m)
{
	if (m->kind == IPC_QUIT)
		quit(w);
	else if (m->kind == IPC_KICK || m->kind == IPC_BAN)
		admin_message(w, m);
	else if (m->kind == IPC_HOP)
		hops_message(w, &m->u.hop);
	else
		glue_answer(w, m);
}

static void
check_master(struct worker *w)
{
	if (!w->orphan || w->conns->nlisten == 0)
		return;
	/* never share a port with a new master (architecture rule 19) */
	conns_stop_listening(w);
	glue_orphan(w);
}

/* The loop ---------------------------------------------------------------- */

static void
poll_event(struct worker *w, const struct loop_event *e)
{
	uint64_t n;
	if (e->index == SCRIPTED_POLL) {
		scripted_event(w, e->more);
		return;
	}
	if (e->index == LINK_EVENTFD) {
		(void)!read(w->eventfd[w->self], &n, sizeof n);
		if (!e->more)
			loop_poll(w->loop, w->eventfd[w->self], LINK_EVENTFD);
		return;
	}
	link_event(w);
	if (!e->more && !w->orphan)
		loop_poll(w->loop, IPC_FD, LINK_POLL);
}

static void
hand_on(struct worker *w, const struct loop_event *e)
{
	if (e->op == LOOP_POLL)
		poll_event(w, e);
	else if (e->op == LOOP_DIAL)
		dial_event(w, e);
	else if (e->op == LOOP_RESOLVE)
		resolve_event(w, e);
	else
		conns_event(w, e);
}

/* Returns how many there were. */
static unsigned
take_events(struct worker *w)
{
	struct loop_event e;
	unsigned n = 0;
	for (; loop_next(w->loop, &e); n++) {
		hand_on(w, &e);
		conns_reap(w);
	}
	return n;
}

static void
tick(struct worker *w)
{
	conns_tick(w);
	players_tick(w);
	publishers_tick(w);
	orders_tick(w);
	trees_tick(w);
	scripted_tick(w);
	link_flush(w);
	log_tick(w->now);
	atomic_store_explicit(&w->slot->counters[COUNTER_LOG_DROPPED],
	    log_dropped(), memory_order_relaxed);
}

/* With much input, do not turn for every single message. */
static struct mono
gather_until(const struct worker *w)
{
	struct mono t = { w->now.ns + load_gather_ns(&w->load) };
	return mono_before(w->wake_at, t) ? w->wake_at : t;
}

static void
rest(struct worker *w)
{
	late_note(&w->late, w->now, clock_now());
	if (!mono_before(w->now, w->wake_at) ||
	    !wake_may_sleep(&w->arena, w->self)) {
		loop_look(w->loop);
		return;
	}
	worker_count(w, COUNTER_SLEEPS, 1);
	if (load_gather_ns(&w->load) == 0 ||
	    !loop_wait(w->loop, LOAD_GATHER_EVENTS, gather_until(w)))
		loop_wait(w->loop, 1, w->wake_at);
	late_note(&w->late, w->wake_at, clock_now());
	wake_awake(&w->arena, w->self);
}

static bool
done(const struct worker *w, struct mono quit_at)
{
	if (w->conns->open == 0)
		return w->quitting || w->orphan;
	return w->quitting && !mono_before(w->now, quit_at);
}

static void
run(struct worker *w)
{
	struct mono next_tick = { 0 }, quit_at = { 0 };
	do {
		w->now = clock_now();
		bool busy = w->conns->open > 0 || publishers_count(w) > 0;
		bool due = !mono_before(w->now, next_tick);
		if (due)
			next_tick = mono_add_ms(w->now, TICK_MS);
		w->wake_at = busy ? next_tick : mono_add_ms(w->now, IDLE_MS);
		if (due)
			tick(w);
		unsigned n = take_events(w);
		check_master(w);
		scripted_turn(w);
		resolve_tick(w);
		dial_tick(w);
		upstreams_tick(w);
		pull_tick(w);
		pushes_tick(w);
		uplinks_tick(w);
		conns_reap(w);
		publishers_pass(w);
		conns_reap(w);
		players_pass(w);
		conns_reap(w);
		word_add(&w->slot->loops, 1);
		if (w->quitting && quit_at.ns == 0)
			quit_at = mono_add_ms(w->now, QUIT_MS);
		struct mono now = clock_now();
		if (load_turn(&w->load, n, now))
			load_judge(&w->load, now, clock_thread_cpu());
		rest(w);
	} while (!done(w, quit_at));
}

static int
start(struct worker *w, const struct handover *h)
{
	const struct ipc_setup *s = &h->msg.u.setup;
	char err[160];
	w->loop = loop_new(err, sizeof err);
	if (w->loop == NULL)
		return unfit("kernel", err);
	uint32_t size = table_size(w);
	bufpool_init(&w->pool, (size_t)w->conf->input_bytes);
	int r = conns_init(w, &glue_conn_ops, size);
	if (r == 0)
		r = resolve_init(w, NULL, NULL);
	if (r == 0)
		r = dial_init(w);
	if (r == 0)
		r = hops_init(w);
	if (r == 0)
		r = sessions_init(w, &glue_session_ops, size);
	if (r == 0)
		r = publishers_init(w);
	if (r == 0)
		r = players_init(w);
	if (r == 0)
		r = pull_init(w);
	if (r == 0)
		r = pushes_init(w);
	if (r == 0)
		r = orders_init(w);
	if (r == 0)
		r = guests_init(w);
	if (r == 0)
		r = trees_init(w);
	if (r == 0)
		r = scripted_init(w, h->fds[5]);
	if (r == 0)
		r = hooked_init(w);
	if (r == 0)
		r = uplinks_init(w);
	if (r == 0)
		r = link_init(w, IPC_FD, master_said);
	if (r != 0)
		return unfit("memory", strerror(-r));
	loop_poll(w->loop, w->eventfd[w->self], LINK_EVENTFD);
	link_event(w); /* bans come before the first client */
	conns_listen(w, h->fds + h->nfds - s->nlisten, s->nlisten);
	loop_look(w->loop);
	struct ipc_msg ready = { .kind = IPC_READY };
	link_send(w, &ready);
	return 0;
}

static void
stop(struct worker *w)
{
	link_fini(w);
	uplinks_fini(w);
	trees_fini(w);
	scripted_fini(w);
	hooked_fini(w);
	guests_fini(w);
	pull_fini(w);
	orders_fini(w);
	pushes_fini(w);
	players_fini(w);
	publishers_fini(w);
	sessions_fini(w);
	hops_fini(w);
	dial_fini(w);
	resolve_fini(w);
	conns_fini(w);
	bufpool_fini(&w->pool);
	loop_free(w->loop);
	arena_unmap(&w->arena);
}

int
main(int argc, char **argv)
{
	static struct worker w;
	struct handover h;
	(void)argv;
	if (argc > 1) {
		fprintf(stderr,
		    "sluice-worker is started by sluice(8), not by hand\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	/* of the terminal: the master tells us to quit */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	int r = link_setup(IPC_FD, &h.msg, h.fds, &h.nfds);
	if (r != 1) {
		fprintf(stderr,
		    "sluice-worker: no hand-over on descriptor %d (%s): it is "
		    "started by sluice(8), not by hand\n",
		    IPC_FD, r == 0 ? "end of file" : strerror(-r));
		return EXIT_UNFIT;
	}
	w.now = clock_now();
	if ((r = take_over(&w, &h)) != 0 ||
	    (r = drop_privileges(&h.msg.u.setup)) != 0 ||
	    (r = start(&w, &h)) != 0)
		return r;
	run(&w);
	stop(&w);
	log_flush();
	return 0;
}
