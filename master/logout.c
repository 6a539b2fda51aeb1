#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "master/logout.h"

enum { WAIT_MS = 1000 }; /* for a standard output that does not block */

enum logout_kind
logout_kind(const char *name)
{
	return strcmp(name, "-") == 0 || strcmp(name, "stdout") == 0
		   ? LOGOUT_STDOUT
	       : strcmp(name, "syslog") == 0 ? LOGOUT_SYSLOG
					     : LOGOUT_FILE;
}

static int
open_file(const char *path)
{
	return open(
	    path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/* syslog(3) says nothing when nobody listens: ask. */
static int
probe_syslog(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = connect(fd, (struct sockaddr *)&to, sizeof to) ? -errno : 0;
	close(fd);
	return r == -EPROTOTYPE ? 0 : r; /* a stream: syslog(3) knows */
}

int
logout_open(struct logout *o, const char *path)
{
	*o = (struct logout){ .kind = logout_kind(path), .fd = -1 };
	snprintf(o->path, sizeof o->path, "%s", path);
	if (o->kind == LOGOUT_SYSLOG) {
		int r = probe_syslog();
		if (r == 0)
			openlog("sluice", LOG_PID, LOG_DAEMON);
		return r;
	}
	o->fd = o->kind == LOGOUT_STDOUT
		    ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
		    : open_file(path);
	return o->fd < 0 ? -errno : 0;
}

static int
priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return LOG_DEBUG;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_NOTICE:
		return LOG_NOTICE;
	case LOG_LEVEL_WARNING:
		return LOG_WARNING;
	case LOG_LEVEL_ERROR:
		break;
	}
	return LOG_ERR;
}

/* May a write be tried again? */
static bool
again(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	return errno == EINTR ||
	       (errno == EAGAIN && poll(&pfd, 1, WAIT_MS) == 1);
}

void
logout_write(
    struct logout *o, enum log_level level, const char *line, size_t len)
{
	size_t done = 0;
	if (o->kind == LOGOUT_SYSLOG) {
		syslog(priority(level), "%.*s", (int)len, line);
		return;
	}
	while (done < len + 1) {
		ssize_t r = write(o->fd, line + done, len + 1 - done);
		if (r < 0 && again(o->fd))
			continue;
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	bool failed = done < len + 1;
	if (failed && !o->failed)
		fprintf(stderr, "sluice: %s: %s: lines are lost\n", o->path,
		    strerror(errno));
	o->failed = failed;
}

void
logout_reopen(struct logout *o)
{
	if (o->kind != LOGOUT_FILE)
		return;
	int fd = open_file(o->path);
	if (fd < 0) {
		fprintf(stderr, "sluice: %s: %s\n", o->path, strerror(errno));
		return;
	}
	close(o->fd);
	o->fd = fd;
}

void
logout_close(struct logout *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->kind == LOGOUT_SYSLOG)
		closelog();
}
