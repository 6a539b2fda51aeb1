#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "master/proc.h"

/* P_PIDFD of newer headers; the kernel has it since 5.4. */
enum { WAIT_PIDFD = 3 };

static bool
try_dir(struct proc_env *env, const char *dir, char *tried, size_t len)
{
	snprintf(env->path, sizeof env->path, "%s/sluice-worker", dir);
	if (access(env->path, X_OK) == 0)
		return true;
	size_t n = strlen(tried);
	snprintf(tried + n, len - n, "%s%s", n ? ", " : "", env->path);
	return false;
}

int
proc_find(struct proc_env *env, char *err, size_t errlen)
{
	char self[300], dir[400], tried[800] = "";
	const char *set = getenv("SLUICE_LIBEXECDIR");
	if (set && *set && try_dir(env, set, tried, sizeof tried))
		return 0;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	snprintf(dir, sizeof dir, "%s/../libexec/sluice", self);
	if (try_dir(env, dir, tried, sizeof tried) ||
	    try_dir(env, self, tried, sizeof tried))
		return 0;
	snprintf(err, errlen,
	    "sluice-worker not found; tried %s (set SLUICE_LIBEXECDIR)", tried);
	return -1;
}

/*
 * The child, until exec.  The parent has a second thread, so only calls that
 * are safe after fork: no malloc, no stdio.
 */
_Noreturn static void
child(const struct proc_env *env, int sock)
{
	static const char failed[] = "sluice: cannot run sluice-worker\n";
	char name[] = "sluice-worker";
	char *const argv[] = { name, NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);
	int oom = open("/proc/self/oom_score_adj", O_WRONLY);
	/* no shared memory in core dumps: the arena may be gigabytes */
	int core = open("/proc/self/coredump_filter", O_WRONLY);
	ssize_t r = 0;
	if (oom >= 0)
		r = write(oom, env->oom, strlen(env->oom));
	if (core >= 0)
		r = write(core, "0x31", 4);
	/* Ctrl-C on the terminal is the master's; it asks its workers */
	(void)setpgid(0, 0);
	if (null > 0)
		(void)dup2(null, STDIN_FILENO);
	/* dup2 clears close-on-exec, unless it is the same descriptor */
	if (sock == IPC_FD)
		(void)fcntl(sock, F_SETFD, 0);
	else
		(void)dup2(sock, IPC_FD);
	(void)syscall(SYS_close_range, IPC_FD + 1, ~0U, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execv(env->path, argv);
	r += write(STDERR_FILENO, failed, sizeof failed - 1);
	(void)r;
	_exit(71);
}

static int
watch(const struct proc_env *env, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event e = { .events = events, .data.u64 = tag };
	return epoll_ctl(env->epoll_fd, op, fd, &e) == 0 ? 0 : -errno;
}

static int
watch_both(const struct proc_env *env, const struct proc *p)
{
	int r = watch(env, EPOLL_CTL_ADD, p->pidfd, EPOLLIN,
	    proc_tag(PROC_EVENT_PIDFD, p->slot, p->incarnation));
	if (r == 0)
		r = watch(env, EPOLL_CTL_ADD, p->sock, EPOLLIN,
		    proc_tag(PROC_EVENT_SOCK, p->slot, p->incarnation));
	return r;
}

int
proc_spawn(const struct proc_env *env, struct proc *p,
    const struct ipc_msg *setup, const int *fds, unsigned nfds)
{
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, sv) != 0)
		return -errno;
	/* the first message needs no queue: it waits in the socket */
	int r = ipc_send(sv[0], setup, fds, nfds);
	pid_t pid = r == 0 ? fork() : -1;
	if (pid == 0)
		child(env, sv[1]);
	if (r == 0 && pid < 0)
		r = -errno;
	close(sv[1]);
	p->sock = sv[0];
	p->start_ns = clock_now().ns;
	p->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pid > 0 && p->pidfd < 0)
		r = -errno;
	p->pid = pid > 0 ? pid : 0;
	if (r == 0)
		r = watch_both(env, p);
	if (r == 0)
		return 0;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (p->pidfd >= 0)
		close(p->pidfd);
	close(p->sock);
	p->sock = p->pidfd = -1;
	p->pid = 0;
	return r;
}

int
proc_flush(const struct proc_env *env, struct proc *p)
{
	uint64_t tag = proc_tag(PROC_EVENT_SOCK, p->slot, p->incarnation);
	while (p->qlen > 0) {
		int r = ipc_send(p->sock, &p->queue[p->qhead], NULL, 0);
		if (r == -EAGAIN)
			return watch(env, EPOLL_CTL_MOD, p->sock,
			    EPOLLIN | EPOLLOUT, tag);
		if (r < 0)
			return r;
		ipc_wipe(&p->queue[p->qhead]);
		p->qhead = (p->qhead + 1) % PROC_QUEUE;
		p->qlen--;
	}
	return watch(env, EPOLL_CTL_MOD, p->sock, EPOLLIN, tag);
}

int
proc_send(const struct proc_env *env, struct proc *p, const struct ipc_msg *m)
{
	struct ipc_msg copy = *m;
	copy.incarnation = p->incarnation;
	if (p->pid == 0 || p->why != PROC_ALIVE || p->eof)
		return -EPIPE;
	if (p->qlen == 0) {
		int r = ipc_send(p->sock, &copy, NULL, 0);
		if (r != -EAGAIN)
			return r;
	}
	if (p->qlen == PROC_QUEUE)
		return -ENOBUFS;
	p->queue[(p->qhead + p->qlen++) % PROC_QUEUE] = copy;
	return p->qlen == 1 ? proc_flush(env, p) : 0;
}

void
proc_at_eof(const struct proc_env *env, struct proc *p, uint64_t now_ns)
{
	p->eof = true;
	p->eof_ns = now_ns;
	(void)watch(env, EPOLL_CTL_DEL, p->sock, 0, 0);
}

void
proc_kill(struct proc *p, enum proc_why why)
{
	if (p->pid == 0)
		return;
	if (p->why == PROC_ALIVE)
		p->why = why;
	(void)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
}

void
proc_reap(const struct proc_env *env, struct proc *p, int *code, int *status)
{
	siginfo_t info = { 0 };
	(void)waitid((idtype_t)WAIT_PIDFD, (id_t)p->pidfd, &info, WEXITED);
	*code = info.si_code;
	*status = info.si_status;
	(void)watch(env, EPOLL_CTL_DEL, p->pidfd, 0, 0);
	if (!p->eof)
		(void)watch(env, EPOLL_CTL_DEL, p->sock, 0, 0);
	close(p->pidfd);
	close(p->sock);
	p->pidfd = p->sock = -1;
	p->pid = 0;
}

const char *
proc_why_name(enum proc_why why)
{
	switch (why) {
	case PROC_ALIVE:
		return "itself";
	case PROC_STUCK:
		return "stuck";
	case PROC_PROTOCOL:
		return "protocol";
	case PROC_QUEUE_FULL:
		return "queue-full";
	case PROC_LOST:
		return "socket-closed";
	case PROC_STOP:
		return "stop";
	}
	return "?";
}

uint64_t
respawn_ms(unsigned faults, uint64_t min_ms, uint64_t max_ms)
{
	uint64_t ms = min_ms;
	if (faults <= 1)
		return 0;
	for (; faults > 2 && ms < max_ms; faults--)
		ms *= 2;
	return ms < max_ms ? ms : max_ms;
}
