#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/logline.h"
#include "master/logout.h"
#include "master/logw.h"

enum { LOGW_BUFFER = 4 << 20, SHOW_MAX = LOG_LINE_MAX * 2 };

/* The screen: stderr, opened again so that O_NONBLOCK is ours alone. */
struct show {
	int fd; /* -1: nothing is shown */
	bool readable, ours;
	size_t rest_len, rest_at; /* of a line that was taken in part */
	char rest[SHOW_MAX];
};

struct logw {
	pthread_t thread;
	struct logout log;
	int in, out, wake;
	_Atomic bool stop, reopen;
	_Atomic uint64_t invalid, unshown;
	struct show show;
};

static void
count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static void
show_init(struct show *s, bool on)
{
	s->fd = -1;
	if (!on)
		return;
	s->readable = isatty(STDERR_FILENO);
	s->fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	s->ours = s->fd >= 0;
	if (!s->ours)
		s->fd = STDERR_FILENO; /* a socket, or another user's */
}

/* Write without ever waiting.  Returns what was taken, 0 on any trouble. */
static size_t
show_write(struct show *s, const char *p, size_t n)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLOUT };
	if (!s->ours && poll(&pfd, 1, 0) != 1)
		return 0;
	if (!s->ours && n > 4096)
		n = 4096;
	ssize_t r = write(s->fd, p, n);
	return r > 0 ? (size_t)r : 0;
}

/* Show a line whole, or keep its rest, or drop it. */
static bool
show_line(struct show *s, const char *line, size_t n)
{
	if (s->rest_len > 0) {
		size_t took = show_write(s, s->rest + s->rest_at, s->rest_len);
		s->rest_at += took;
		s->rest_len -= took;
		if (s->rest_len > 0)
			return false;
	}
	size_t took = show_write(s, line, n);
	if (took > 0 && took < n) {
		memcpy(s->rest, line + took, n - took);
		s->rest_at = 0;
		s->rest_len = n - took;
	}
	return took > 0;
}

static enum log_level
level_of(const json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "level"));
	for (int l = LOG_LEVEL_DEBUG; s && l <= LOG_LEVEL_ERROR; l++)
		if (strcmp(s, log_level_name((enum log_level)l)) == 0)
			return (enum log_level)l;
	return LOG_LEVEL_ERROR;
}

static void
one_line(struct logw *w, char *line, size_t len)
{
	char shown[SHOW_MAX];
	json_t *j = logline_parse(line, len);
	if (!j || memchr(line, '\n', len)) {
		json_decref(j);
		count(&w->invalid);
		return;
	}
	line[len] = '\n';
	logout_write(&w->log, level_of(j), line, len);
	if (w->show.fd >= 0) {
		bool ok = w->show.readable
			      ? show_line(&w->show, shown,
				    logline_readable(j, shown, sizeof shown))
			      : show_line(&w->show, line, len + 1);
		if (!ok)
			count(&w->unshown);
	}
	json_decref(j);
}

/* Take what is there; at most some lines at a time. */
static bool
take_lines(struct logw *w)
{
	char line[LOG_LINE_MAX + 2];
	for (unsigned i = 0; i < 256; i++) {
		ssize_t n = recv(w->in, line, sizeof line - 1, MSG_DONTWAIT);
		if (n < 0)
			return false;
		if (n > LOG_LINE_MAX)
			count(&w->invalid);
		else if (n > 0)
			one_line(w, line, (size_t)n);
	}
	return true;
}

static void *
writer(void *arg)
{
	struct logw *w = arg;
	struct pollfd pfd[2] = { { .fd = w->in, .events = POLLIN },
		{ .fd = w->wake, .events = POLLIN } };
	bool stop = false;
	while (!stop) {
		(void)poll(pfd, 2, -1);
		uint64_t n;
		if (read(w->wake, &n, sizeof n) == sizeof n &&
		    atomic_exchange(&w->reopen, false))
			logout_reopen(&w->log);
		/* read before the lines: what was sent before it is taken */
		stop = atomic_load(&w->stop);
		while (take_lines(w) && !stop)
			;
	}
	for (unsigned i = 0; i < 64 && take_lines(w); i++)
		;
	return NULL;
}

static int
open_all(struct logw *w, const char *path)
{
	int sv[2], size = LOGW_BUFFER;
	w->in = w->out = w->wake = -1;
	int r = logout_open(&w->log, path);
	if (r != 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv) != 0)
		return -errno;
	w->in = sv[0];
	w->out = sv[1];
	if (setsockopt(
		w->out, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		(void)setsockopt(
		    w->out, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return w->wake < 0 ? -errno : 0;
}

static void
close_all(struct logw *w)
{
	const int fds[] = { w->in, w->out, w->wake };
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (w->show.ours)
		close(w->show.fd);
	logout_close(&w->log);
	free(w);
}

struct logw *
logw_start(const char *path, bool show, char *err, size_t errlen)
{
	struct logw *w = calloc(1, sizeof *w);
	if (!w) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	w->show.fd = -1;
	int r = open_all(w, path);
	show_init(&w->show, show);
	/* signals are the main thread's */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r == 0)
		r = -pthread_create(&w->thread, NULL, writer, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		return w;
	snprintf(err, errlen, "%s: %s%s", path, strerror(-r),
	    w->log.kind == LOGOUT_SYSLOG
		? " (/dev/log: is a syslog daemon running?)"
		: "");
	close_all(w);
	return NULL;
}

int
logw_fd(const struct logw *w)
{
	return w->out;
}

static void
poke(struct logw *w)
{
	static const uint64_t one = 1;
	ssize_t r = write(w->wake, &one, sizeof one);
	(void)r;
}

void
logw_reopen(struct logw *w)
{
	atomic_store(&w->reopen, true);
	poke(w);
}

/* A thread that hangs in a write to a dead disk is left behind. */
void
logw_stop(struct logw *w)
{
	struct timespec until;
	atomic_store(&w->stop, true);
	poke(w);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2;
	if (pthread_timedjoin_np(w->thread, NULL, &until) == 0)
		close_all(w);
}

uint64_t
logw_invalid(const struct logw *w)
{
	return atomic_load_explicit(&w->invalid, memory_order_relaxed);
}

uint64_t
logw_unshown(const struct logw *w)
{
	return atomic_load_explicit(&w->unshown, memory_order_relaxed);
}
