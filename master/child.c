#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/child.h"
#include "master/master.h"

enum { LINK_FD = 3, LOG_FD = 4, WAIT_PIDFD = 3 /* P_PIDFD of newer headers */ };
enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 30000 };

/* The child, until exec: only what is safe after fork in a threaded process. */
_Noreturn static void
become(const struct master *m, const char *path, int sock)
{
	static const char failed[] = "sluice: cannot run a helper program\n";
	char *const argv[] = { strrchr(path, '/') + 1, NULL };
	sigset_t none;
	/* above the two descriptors, so that neither overwrites the other */
	int link = fcntl(sock, F_DUPFD, 10),
	    log = fcntl(m->env.log_fd, F_DUPFD, 10);
	int null = open("/dev/null", O_RDONLY);
	(void)setpgid(0, 0);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(link, LINK_FD);
	(void)dup2(log, LOG_FD);
	(void)syscall(SYS_close_range, LOG_FD + 1, ~0U, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (m->worker_uid != UINT32_MAX &&
	    (syscall(SYS_setgroups, 0, NULL) != 0 ||
		syscall(SYS_setresgid, m->worker_gid, m->worker_gid,
		    m->worker_gid) != 0 ||
		syscall(SYS_setresuid, m->worker_uid, m->worker_uid,
		    m->worker_uid) != 0))
		_exit(71);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	execv(path, argv);
	ssize_t r = write(STDERR_FILENO, failed, sizeof failed - 1);
	(void)r;
	_exit(71);
}

/* `name` beside sluice-worker. */
static int
find(const struct master *m, const char *name, char *path, size_t size)
{
	const char *slash = strrchr(m->env.path, '/');
	int dir = slash != NULL ? (int)(slash - m->env.path) : 0;
	int n = snprintf(path, size, "%.*s/%s", slash != NULL ? dir : 1,
	    slash != NULL ? m->env.path : ".", name);
	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	return access(path, X_OK) == 0 ? 0 : -errno;
}

static int
add(const struct master *m, int fd, uint64_t tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = tag };
	return epoll_ctl(m->env.epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0 ? 0
								      : -errno;
}

int
child_start(const struct master *m, const char *name, uint64_t sock_tag,
    uint64_t pidfd_tag, struct child *c)
{
	char path[sizeof m->env.path + 32];
	int sv[2], r = find(m, name, path, sizeof path);
	if (r != 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, sv) != 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		become(m, path, sv[1]);
	r = pid < 0 ? -errno : 0;
	close(sv[1]);
	c->sock = sv[0];
	c->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (r == 0 && (c->pidfd < 0 || add(m, c->pidfd, pidfd_tag) != 0 ||
			  add(m, c->sock, sock_tag) != 0))
		r = -errno;
	if (r == 0) {
		c->pid = pid;
		return 0;
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	close(c->sock);
	return r;
}

void
child_kill(const struct child *c)
{
	(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
}

void
child_reap(struct child *c, siginfo_t *info)
{
	*info = (siginfo_t){ 0 };
	(void)waitid((idtype_t)WAIT_PIDFD, (id_t)c->pidfd, info, WEXITED);
	close(c->pidfd);
	close(c->sock);
	c->pid = 0;
}

void
child_watch(const struct master *m, const struct child *c, uint64_t sock_tag,
    uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u64 = sock_tag };
	(void)epoll_ctl(m->env.epoll_fd, EPOLL_CTL_MOD, c->sock, &e);
}

uint64_t
child_backoff_ms(unsigned faults)
{
	return respawn_ms(faults, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
}
