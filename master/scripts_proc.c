/*
 * The processes of scripts: starting one, its queue of messages, its end.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/proto.h"
#include "master/master.h"
#include "master/scripts_own.h"

enum { QUEUE_BYTES = 4 << 20, WAIT_PIDFD = 3 /* P_PIDFD of newer headers */ };

/* Sending. ----------------------------------------------------------------- */

uint64_t
scripts_tag(const struct script *s, unsigned kind)
{
	return (uint64_t)kind << 56 | s->id;
}

static void
watch(struct master *m, const struct script *s, uint32_t events)
{
	struct epoll_event e = { .events = events,
		.data.u64 = scripts_tag(s, SCRIPT_SOCK) };
	(void)epoll_ctl(m->env.epoll_fd, EPOLL_CTL_MOD, s->sock, &e);
}

void
scripts_kill(struct script *s)
{
	s->killed = true;
	(void)syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
}

static void
drop_first(struct script *s)
{
	struct piece *p = s->first;
	s->first = p->next;
	if (s->first == NULL)
		s->last = &s->first;
	s->waits -= p->len;
	free(p);
}

void
scripts_flush(struct master *m, struct script *s)
{
	while (s->first != NULL) {
		ssize_t n = send(s->sock, s->first->text, s->first->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			watch(m, s, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) /* its pidfd tells the rest */
			break;
		drop_first(s);
	}
	watch(m, s, EPOLLIN);
}

void
scripts_tell(struct master *m, struct script *s, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	size_t len = text ? strlen(text) : 0;
	struct piece *p = text ? malloc(sizeof *p + len) : NULL;
	json_decref(j);
	if (p == NULL || len > PROTO_MAX || s->waits + len > QUEUE_BYTES) {
		scripts_kill(s); /* it does not read, or we cannot speak */
		free(p);
		free(text);
		return;
	}
	*p = (struct piece){ NULL, len };
	memcpy(p->text, text, len);
	free(text);
	*s->last = p;
	s->last = &p->next;
	s->waits += len;
	if (s->first == p)
		scripts_flush(m, s);
}

/* Starting. ---------------------------------------------------------------- */

/* The child, until exec: only what is safe after fork in a threaded process. */
_Noreturn static void
child(const struct master *m, const char *path, int sock)
{
	static const char failed[] = "sluice: cannot run sluice-script\n";
	char name[] = "sluice-script";
	char *const argv[] = { name, NULL };
	sigset_t none;
	/* above the two descriptors, so that neither overwrites the other */
	int link = fcntl(sock, F_DUPFD, 10),
	    log = fcntl(m->env.log_fd, F_DUPFD, 10);
	int null = open("/dev/null", O_RDONLY);
	(void)setpgid(0, 0);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(link, PROTO_FD);
	(void)dup2(log, PROTO_LOG_FD);
	(void)syscall(SYS_close_range, PROTO_LOG_FD + 1, ~0U, 0);
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

/* sluice-script is beside sluice-worker. */
static void
program(const struct master *m, char path[sizeof m->env.path + 16])
{
	strcpy(path, m->env.path);
	char *slash = strrchr(path, '/');
	strcpy(slash != NULL ? slash + 1 : path, "sluice-script");
}

static int
add(struct master *m, int fd, uint64_t tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = tag };
	return epoll_ctl(m->env.epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0 ? 0
								      : -errno;
}

int
scripts_fork(struct master *m, struct script *s)
{
	char path[sizeof m->env.path + 16];
	int sv[2];
	program(m, path);
	if (access(path, X_OK) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, sv) != 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		child(m, path, sv[1]);
	int r = pid < 0 ? -errno : 0;
	close(sv[1]);
	s->sock = sv[0];
	s->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (r == 0 && (s->pidfd < 0 ||
			  add(m, s->pidfd, scripts_tag(s, SCRIPT_PIDFD)) != 0 ||
			  add(m, s->sock, scripts_tag(s, SCRIPT_SOCK)) != 0))
		r = -errno;
	if (r == 0) {
		s->pid = pid;
		return 0;
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (s->pidfd >= 0)
		close(s->pidfd);
	close(s->sock);
	return r;
}

void
scripts_reap(struct script *s, siginfo_t *info)
{
	*info = (siginfo_t){ 0 };
	(void)waitid((idtype_t)WAIT_PIDFD, (id_t)s->pidfd, info, WEXITED);
	close(s->pidfd);
	close(s->sock);
	s->pid = 0;
	while (s->first != NULL)
		drop_first(s);
}
