#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fdpass.h"
#include "master/auth_ctl.h"
#include "master/control.h"
#include "master/explain.h"
#include "master/kick.h"
#include "master/master.h"
#include "master/pulls_ctl.h"
#include "master/republish_ctl.h"
#include "master/scripts_ctl.h"

/* Index of the listening socket; clients have 0..CONTROL_CLIENTS - 1. */
enum { LISTENER = CONTROL_CLIENTS };

struct control_socket {
	int listener, epoll_fd;
	uint64_t tag;
	struct client {
		int fd; /* -1: none */
		uint64_t heard_ns;
	} client[CONTROL_CLIENTS];
};

/* What a command gives back beside its JSON. */
struct answer {
	int fds[FDPASS_MAX];
	unsigned nfds;
};

/* Commands. -------------------------------------------------------------- */

static json_t *
command_attach(struct master *m, const json_t *req, struct answer *a)
{
	(void)req;
	json_t *addrs = json_array();
	for (unsigned i = 0; i < m->listeners.naddrs; i++)
		json_array_append_new(addrs, json_string(m->listeners.name[i]));
	a->fds[a->nfds++] = m->arena_fds.control_ro;
	for (unsigned i = 0; i < m->nslots; i++)
		a->fds[a->nfds++] = m->arena_fds.slot_ro[i];
	return json_pack("{s:b, s:s, s:i, s:i, s:o, s:s, s:s, s:s, s:s}", "ok",
	    1, "version", PACKAGE_VERSION, "pid", (int)getpid(), "nslots",
	    (int)m->nslots, "listen", addrs, "log", m->log_path, "run",
	    m->run_dir, "conf", m->conf_path, "start_time", m->start_time);
}

static json_t *
command_kick_client(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return kick_client(m, req);
}

static json_t *
command_kick_stream(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return kick_stream(m, req);
}

static json_t *
command_bans(struct master *m, const json_t *req, struct answer *a)
{
	(void)req;
	(void)a;
	return kick_bans(m);
}

static json_t *
command_unban(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return kick_unban(m, req);
}

static json_t *
command_stream_url(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return auth_stream_url(m, req);
}

static json_t *
command_token_make(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return auth_token_make(m, req);
}

static json_t *
command_token_check(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return auth_token_check(m, req);
}

static json_t *
command_route(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return explain_url(m, req);
}

static json_t *
command_pulls(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return pulls_ctl_list(m, req);
}

static json_t *
command_rebalance(struct master *m, const json_t *req, struct answer *a)
{
	(void)req;
	(void)a;
	return pulls_ctl_rebalance(m);
}

static json_t *
command_apps(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return scripts_ctl_list(m, req);
}

static json_t *
command_app_show(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return scripts_ctl_show(m, req);
}

static json_t *
command_app_reload(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return scripts_ctl_reload(m, req);
}

static json_t *
command_app_unload(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return scripts_ctl_unload(m, req);
}

static json_t *
command_republish_list(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return republish_ctl_list(m, req);
}

static json_t *
command_republish_add(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return republish_ctl_add(m, req);
}

static json_t *
command_republish_remove(struct master *m, const json_t *req, struct answer *a)
{
	(void)a;
	return republish_ctl_remove(m, req);
}

static json_t *
command_reload(struct master *m, const json_t *req, struct answer *a)
{
	(void)req;
	(void)a;
	return republish_ctl_reload(m);
}

static const struct {
	const char *name;
	json_t *(*run)(struct master *, const json_t *, struct answer *);
} commands[] = {
#define CTL_COMMAND(name, text) { #name, command_##name },
#include "common/ctl_cmds.def"
#undef CTL_COMMAND
};

static json_t *
dispatch(struct master *m, const char *bytes, size_t len, struct answer *a)
{
	json_t *req = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(req, "command"));
	json_t *out = NULL;
	for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(name, commands[i].name) == 0)
			out = commands[i].run(m, req, a);
	if (!out)
		out = control_refusal(!req    ? "expected one JSON object"
				      : !name ? "expected a text \"command\""
					      : "no such command");
	json_decref(req);
	return out;
}

/* Clients. --------------------------------------------------------------- */

static void
drop(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* Returns 0, or -errno: the client is to be dropped. */
static int
answer(int fd, json_t *j, const struct answer *a)
{
	char buf[CONTROL_ANSWER_MAX];
	size_t n = json_dumpb(j, buf, sizeof buf, JSON_COMPACT);
	json_decref(j);
	if (n == 0 || n > sizeof buf)
		return -EMSGSIZE;
	return fd_send(fd, buf, n, a->fds, a->nfds);
}

static void
on_packet(struct master *m, struct client *c)
{
	char buf[CONTROL_REQUEST_MAX];
	struct answer a = { .nfds = 0 };
	ssize_t n = fd_recv(c->fd, buf, sizeof buf, NULL, 0, NULL);
	if (n == -EAGAIN)
		return;
	c->heard_ns = clock_now().ns;
	int r = -EPIPE;
	if (n == -EMSGSIZE)
		r = answer(c->fd, control_refusal("request too large"), &a);
	else if (n > 0)
		r = answer(c->fd, dispatch(m, buf, (size_t)n, &a), &a);
	if (r != 0)
		drop(c);
}

/* A free place, or that of the longest silent client. */
static unsigned
place(struct control_socket *c)
{
	unsigned oldest = 0;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->client[i].fd < 0)
			return i;
		if (c->client[i].heard_ns < c->client[oldest].heard_ns)
			oldest = i;
	}
	drop(&c->client[oldest]);
	return oldest;
}

static void
on_connect(struct control_socket *c)
{
	int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	unsigned i = place(c);
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = c->tag | i };
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
		close(fd);
		return;
	}
	c->client[i] = (struct client){ fd, clock_now().ns };
}

void
control_event(struct master *m, uint32_t index)
{
	struct control_socket *c = m->control;
	if (index == LISTENER)
		on_connect(c);
	else if (index < CONTROL_CLIENTS && c->client[index].fd >= 0)
		on_packet(m, &c->client[index]);
}

/* The socket. ------------------------------------------------------------ */

/* The path goes through a descriptor: sun_path is short, run may be long. */
static int
bind_in(int s, const char *run)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int dir = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	snprintf(un.sun_path, sizeof un.sun_path,
	    "/proc/self/fd/%d/control.sock", dir);
	/* of a master that was killed; the lock of run says it is gone */
	(void)unlinkat(dir, "control.sock", 0);
	mode_t old = umask(0117);
	int r = bind(s, (struct sockaddr *)&un, sizeof un) == 0 ? 0 : -errno;
	umask(old);
	/* operators that are not root: who is in the group may ask */
	const struct group *g =
	    r == 0 && geteuid() == 0 ? getgrnam(CONTROL_GROUP) : NULL;
	if (g != NULL && fchownat(dir, "control.sock", (uid_t)-1, g->gr_gid,
			     AT_SYMLINK_NOFOLLOW) != 0)
		r = -errno;
	close(dir);
	return r;
}

struct control_socket *
control_open(const char *run, int epoll_fd, uint64_t tag, int *err)
{
	struct control_socket *c = calloc(1, sizeof *c);
	int s =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event e = { .events = EPOLLIN,
		.data.u64 = tag | LISTENER };
	int r = c && s >= 0 ? bind_in(s, run) : -errno;
	if (r == 0 && (listen(s, CONTROL_CLIENTS) != 0 ||
			  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s, &e) != 0))
		r = -errno;
	if (r != 0) {
		*err = r;
		if (s >= 0)
			close(s);
		free(c);
		return NULL;
	}
	c->listener = s;
	c->epoll_fd = epoll_fd;
	c->tag = tag;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
	return c;
}

void
control_close(struct control_socket *c, const char *run)
{
	char path[512];
	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		drop(&c->client[i]);
	close(c->listener);
	free(c);
	snprintf(path, sizeof path, "%s/control.sock", run);
	(void)unlink(path);
}
