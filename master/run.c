#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/control.h"
#include "master/hooks.h"
#include "master/logw.h"
#include "master/master.h"
#include "master/pulls.h"
#include "master/republish.h"
#include "master/run.h"
#include "master/scripts.h"
#include "master/streams.h"
#include "master/supervise.h"

enum { EVENTS_MAX = 256, EVENT_SIGNAL = 3, EVENT_CONTROL = 4 };

static void
signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void
run_block_signals(void)
{
	sigset_t set;
	signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
run_open(struct master *m)
{
	sigset_t set;
	int err = 0;
	signals(&set);
	m->env.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct epoll_event e = { .events = EPOLLIN,
		.data.u64 = (uint64_t)EVENT_SIGNAL << 56 };
	if (m->env.epoll_fd < 0 || m->signal_fd < 0 ||
	    epoll_ctl(m->env.epoll_fd, EPOLL_CTL_ADD, m->signal_fd, &e) != 0)
		return -errno;
	m->control = control_open(
	    m->run_dir, m->env.epoll_fd, (uint64_t)EVENT_CONTROL << 56, &err);
	return m->control ? 0 : err;
}

void
run_close(struct master *m)
{
	control_close(m->control, m->run_dir);
	close(m->signal_fd);
	close(m->env.epoll_fd);
}

static void
on_signal(struct master *m)
{
	struct signalfd_siginfo si;
	while (read(m->signal_fd, &si, sizeof si) == sizeof si) {
		if (si.ssi_signo == SIGHUP) {
			logw_reopen(m->log);
			LOG(log_reopen, .log = m->log_path);
			continue;
		}
		LOG(server_stopping, .signal = sigabbrev_np((int)si.ssi_signo),
		    .from_pid = si.ssi_pid);
		supervise_stop(m, 0);
	}
}

/* Is this event of the process that is in the slot now? */
static bool
current(
    const struct master *m, uint64_t tag, enum proc_event kind, unsigned *slot)
{
	*slot = (unsigned)(tag >> 48) & 0xff;
	return *slot < m->nslots && m->slot[*slot].proc.pid != 0 &&
	       tag == proc_tag(kind, *slot, m->slot[*slot].proc.incarnation);
}

static void
dispatch(struct master *m, const struct epoll_event *e, int n)
{
	unsigned slot;
	for (int i = 0; i < n; i++)
		if (current(m, e[i].data.u64, PROC_EVENT_PIDFD, &slot))
			supervise_death(m, slot);
	for (int i = 0; i < n; i++) {
		uint64_t tag = e[i].data.u64;
		if (tag >> 56 == EVENT_SIGNAL)
			on_signal(m);
		else if (tag >> 56 == EVENT_CONTROL)
			control_event(m, (uint32_t)tag);
		else if (hooks_event(m, tag, e[i].events) ||
			 scripts_event(m, tag, e[i].events))
			continue;
		else if (current(m, tag, PROC_EVENT_SOCK, &slot))
			supervise_socket(m, slot, e[i].events);
		else if (current(m, tag, PROC_EVENT_TALK, &slot))
			supervise_talk(m, slot, e[i].events);
	}
}

static int
timeout_ms(uint64_t now, uint64_t next)
{
	if (next == UINT64_MAX)
		return -1;
	if (next <= now)
		return 0;
	uint64_t ms = (next - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 60000 ? (int)ms : 60000;
}

void
run(struct master *m)
{
	struct epoll_event e[EVENTS_MAX];
	while (!m->stopping || supervise_count(m) > 0 || scripts_count(m) > 0 ||
	       hooks_count(m) > 0) {
		uint64_t now = clock_now().ns;
		uint64_t next = supervise_tick(m, now);
		uint64_t other = streams_tick(m, now);
		if (other < next)
			next = other;
		other = pulls_tick(m, now);
		if (other < next)
			next = other;
		other = republish_tick(m, now);
		if (other < next)
			next = other;
		other = scripts_tick(m, now);
		if (other < next)
			next = other;
		other = hooks_tick(m, now);
		if (other < next)
			next = other;
		other = log_tick((struct mono){ now });
		if (other < next)
			next = other;
		int n = epoll_wait(m->env.epoll_fd, e, EVENTS_MAX,
		    timeout_ms(clock_now().ns, next));
		if (n > 0)
			dispatch(m, e, n);
	}
}
