#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fdpass.h"
#include "ctl/attach.h"
#include "ctl/text.h"

enum { ANSWER_MAX = 64 * 1024, ANSWER_MS = 5000 };

/*
 * Connect to run/control.sock.  The path goes through a descriptor of the
 * directory, because sun_path is short and run may be long.
 */
static int
dial(const char *run)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int dir = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	snprintf(un.sun_path, sizeof un.sun_path,
	    "/proc/self/fd/%d/control.sock", dir);
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int rc = s < 0 ? -errno : 0;
	if (rc == 0 && connect(s, (struct sockaddr *)&un, sizeof un) < 0)
		rc = -errno;
	close(dir);
	if (rc < 0 && s >= 0)
		close(s);
	return rc < 0 ? rc : s;
}

/* Send a request and wait for its answer.  Returns bytes or -errno. */
static ssize_t
ask(int s, const char *request, char *buf, int *fds, unsigned *nfds)
{
	int rc = fd_send(s, request, strlen(request), NULL, 0);
	if (rc < 0)
		return rc;
	struct pollfd p = { .fd = s, .events = POLLIN };
	rc = poll(&p, 1, ANSWER_MS);
	if (rc <= 0)
		return rc < 0 ? -errno : -ETIMEDOUT;
	return fd_recv(s, buf, ANSWER_MAX, fds, FDPASS_MAX, nfds);
}

/* Who may open it: its owner and its group, by name. */
static void
no_permission(const char *run, const char *where, char *err, size_t errlen)
{
	char path[512];
	struct stat st;
	const struct group *g = NULL;
	snprintf(path, sizeof path, "%s/control.sock", run);
	if (stat(path, &st) == 0 && st.st_gid != 0)
		g = getgrgid(st.st_gid);
	if (g != NULL)
		snprintf(err, errlen,
		    "%s/control.sock: permission denied: add yourself to group "
		    "%s (sudo usermod -aG %s $USER, then log in again), or use "
		    "sudo",
		    where, g->gr_name, g->gr_name);
	else
		snprintf(err, errlen,
		    "%s/control.sock: permission denied: use sudo, or run "
		    "sluicectl as the user that started the server",
		    where);
}

static enum ctl_exit
no_master(const char *run, int error, char *err, size_t errlen)
{
	char where[TEXT_CELL];
	text_safe(where, sizeof where, run, strlen(run));
	if (error == -EACCES || error == -EPERM) {
		no_permission(run, where, err, errlen);
		return CTL_REFUSED;
	}
	snprintf(err, errlen,
	    "no server answers at %s/control.sock: %s\n"
	    "start one (sluice -F -r %s), or point to the run directory of a"
	    " running one (sluicectl -r DIR ...)",
	    where, error == 0 ? "it closed the connection" : strerror(-error),
	    where);
	return CTL_NO_MASTER;
}

static enum ctl_exit
refused(const json_t *hello, char *err, size_t errlen)
{
	const json_t *e = json_object_get(hello, "error");
	char why[TEXT_CELL] = "the server gave no reason";
	if (json_is_string(e))
		text_safe(why, sizeof why, json_string_value(e),
		    json_string_length(e));
	snprintf(err, errlen, "refused: %s", why);
	return CTL_REFUSED;
}

/* Take over the descriptors of an accepted attach and map them. */
static enum ctl_exit
map(struct attach *at, const int *fds, unsigned nfds, char *err, size_t errlen)
{
	json_int_t n = json_integer_value(json_object_get(at->hello, "nslots"));
	if (n < 1 || n > SLOTS_MAX || nfds != (unsigned)n + 1) {
		snprintf(err, errlen,
		    "the server sent %u descriptors for %lld"
		    " workers",
		    nfds, (long long)n);
		return CTL_REFUSED;
	}
	at->nslots = (unsigned)n;
	int rc = arena_map(&at->arena, fds[0], -1, fds + 1, at->nslots, -1, -1);
	if (rc == 0) {
		at->control_fd = fds[0];
		memcpy(at->slot_fd, fds + 1, at->nslots * sizeof *fds);
		return CTL_DONE;
	}
	if (rc == -EPROTO)
		snprintf(err, errlen,
		    "this sluicectl (%s) does not fit the"
		    " running server: use the one installed with it",
		    PACKAGE_VERSION);
	else
		snprintf(err, errlen, "cannot map the server's memory: %s",
		    strerror(-rc));
	return CTL_REFUSED;
}

enum ctl_exit
attach_open(struct attach *at, const char *run, char *err, size_t errlen)
{
	static char buf[ANSWER_MAX];
	int fds[FDPASS_MAX];
	unsigned nfds = 0;
	memset(at, 0, sizeof *at);
	int s = dial(run);
	if (s < 0)
		return no_master(run, s, err, errlen);
	ssize_t n = ask(s, "{\"command\":\"attach\"}", buf, fds, &nfds);
	close(s);
	enum ctl_exit rc;
	if (n <= 0)
		rc = no_master(run, (int)n, err, errlen);
	else if (!(at->hello = json_loadb(buf, (size_t)n, 0, NULL)) ||
		 !json_is_true(json_object_get(at->hello, "ok")))
		rc = refused(at->hello, err, errlen);
	else
		rc = map(at, fds, nfds, err, errlen);
	if (rc != CTL_DONE) {
		for (unsigned i = 0; i < nfds; i++)
			close(fds[i]);
		json_decref(at->hello);
	}
	return rc;
}

enum ctl_exit
attach_ask(
    const char *run, json_t *request, json_t **answer, char *err, size_t errlen)
{
	static char buf[ANSWER_MAX];
	int fds[FDPASS_MAX];
	unsigned nfds = 0;
	char *text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	int s = text ? dial(run) : -ENOMEM;
	if (s < 0) {
		free(text);
		return no_master(run, s, err, errlen);
	}
	ssize_t n = ask(s, text, buf, fds, &nfds);
	free(text);
	close(s);
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
	if (n <= 0)
		return no_master(run, (int)n, err, errlen);
	json_t *j = json_loadb(buf, (size_t)n, 0, NULL);
	if (json_is_true(json_object_get(j, "ok"))) {
		*answer = j;
		return CTL_DONE;
	}
	enum ctl_exit rc = refused(j, err, errlen);
	json_decref(j);
	return rc;
}

void
attach_close(struct attach *at)
{
	arena_unmap(&at->arena);
	close(at->control_fd);
	for (unsigned i = 0; i < at->nslots; i++)
		close(at->slot_fd[i]);
	json_decref(at->hello);
}
