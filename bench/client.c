#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "bench/client.h"
#include "bench/session.h"

static const struct span no_detail = { "", 0 };

int
client_net_init(struct client_net *net)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	net->stopped = false;
	net->every_ns = net->looked = 0;
	net->epfd = epoll_create1(EPOLL_CLOEXEC);
	net->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	net->scratch = malloc(CLIENT_SCRATCH);
	if (net->scratch == NULL)
		return -ENOMEM;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	if (net->epfd < 0 || net->sigfd < 0 ||
	    epoll_ctl(net->epfd, EPOLL_CTL_ADD, net->sigfd, &ev) < 0)
		return -errno;
	return 0;
}

void
client_net_fini(struct client_net *net)
{
	close(net->epfd);
	close(net->sigfd);
	free(net->scratch);
}

void
client_init(struct client *c, struct client_net *net, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->net = net;
	c->name = name;
	c->fd = -1;
}

/* What to wait for; the kernel is only told when it changes. */
static void
watch(struct client *c, uint32_t events)
{
	if (c->watched && events == c->events)
		return;
	struct epoll_event ev = { .events = events, .data.ptr = c };
	epoll_ctl(c->net->epfd, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
	    c->fd, &ev);
	c->watched = true;
	c->events = events;
}

static void
watch_as_needed(struct client *c)
{
	bool reads =
	    !c->stalled && (c->read_limit == 0 || c->state != CLIENT_RUNNING);
	uint32_t want = reads ? EPOLLIN : EPOLLRDHUP;
	if (client_queued(c) > 0)
		want |= EPOLLOUT;
	watch(c, want);
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->watched = false;
	c->state = CLIENT_IDLE;
	session_fini(c);
	free(c->hs);
	c->hs = NULL;
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_len = c->out_cap = 0;
}

void
client_fail(struct client *c, const char *why, struct span detail)
{
	enum client_state was = (enum client_state)c->state;
	if (was == CLIENT_IDLE)
		return;
	/* detail may stand in a buffer that the close gives back */
	char text[160];
	size_t n = detail.len < sizeof(text) ? detail.len : sizeof(text);
	if (n > 0)
		memcpy(text, detail.p, n);
	client_close(c);
	c->net->ops->closed(c, was, why, (struct span){ text, n });
}

static void
fail_errno(struct client *c, int err)
{
	const char *text = strerror(err);
	if (err == EPIPE || err == ECONNRESET)
		text = "closed by the server (reset)";
	client_fail(c, text, span_of(client_state_name(c->state)));
}

int
client_open(struct client *c)
{
	const struct client_net *net = c->net;
	int fd = socket(
	    net->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->receive_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &c->receive_buffer,
		    sizeof(c->receive_buffer));
	const struct sockaddr *to = (const struct sockaddr *)&net->addr;
	if (connect(fd, to, net->addr_len) < 0 && errno != EINPROGRESS) {
		int err = errno;
		close(fd);
		return -err;
	}
	const char *name = c->name;
	int receive_buffer = c->receive_buffer;
	uint32_t read_limit = c->read_limit;
	client_init(c, c->net, name);
	c->receive_buffer = receive_buffer;
	c->read_limit = read_limit;
	c->fd = fd;
	c->state = CLIENT_CONNECTING;
	c->opened_ns = clock_now().ns;
	watch(c, EPOLLOUT);
	return 0;
}

size_t
client_queued(const struct client *c)
{
	return c->out_len - c->out_at;
}

static int
queue(struct client *c, const uint8_t *p, size_t n)
{
	size_t have = client_queued(c);
	if (have + n > CLIENT_QUEUE_MAX)
		return -ENOBUFS;
	if (c->out_at > 0 && c->out_len + n > c->out_cap) {
		memmove(c->out, c->out + c->out_at, have);
		c->out_at = 0;
		c->out_len = have;
	}
	if (c->out_len + n > c->out_cap) {
		size_t cap = (c->out_len + n) * 2;
		uint8_t *bigger = realloc(c->out, cap);
		if (bigger == NULL)
			return -ENOMEM;
		c->out = bigger;
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
	return 0;
}

/* Bytes taken, 0 when the socket is full, or -errno. */
static ssize_t
put(const struct client *c, const uint8_t *p, size_t n)
{
	ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return done;
}

int
client_send(struct client *c, const struct writer *w)
{
	if (c->state == CLIENT_IDLE)
		return -ENOTCONN;
	if (!writer_ok(w)) {
		client_fail(c, "a command is too long", no_detail);
		return -ENOBUFS;
	}
	ssize_t done = client_queued(c) == 0 ? put(c, w->buf, w->len) : 0;
	if (done < 0) {
		fail_errno(c, (int)-done);
		return (int)done;
	}
	if ((size_t)done == w->len)
		return 0;
	int err = queue(c, w->buf + done, w->len - (size_t)done);
	if (err < 0) {
		client_fail(c, "the server reads too slowly", no_detail);
		return err;
	}
	watch_as_needed(c);
	return 0;
}

static void
flush(struct client *c)
{
	while (client_queued(c) > 0) {
		ssize_t done = put(c, c->out + c->out_at, client_queued(c));
		if (done < 0) {
			fail_errno(c, (int)-done);
			return;
		}
		if (done == 0)
			return;
		c->out_at += (size_t)done;
	}
	c->out_at = c->out_len = 0;
	if (c->state == CLIENT_ENDING)
		shutdown(c->fd, SHUT_WR);
	watch_as_needed(c);
}

/* The outcome of connect(2); then the first bytes of the handshake. */
static void
connected(struct client *c)
{
	int err = 0;
	socklen_t len = sizeof(err);
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		fail_errno(c, err);
		return;
	}
	c->tcp_ns = clock_now().ns;
	struct sockaddr_storage own;
	len = sizeof(own);
	if (getsockname(c->fd, (struct sockaddr *)&own, &len) == 0)
		/* the port stands at the same place in both families */
		c->port = ntohs(((struct sockaddr_in *)&own)->sin_port);
	c->hs = malloc(sizeof(*c->hs));
	if (c->hs == NULL) {
		client_fail(c, "out of memory", no_detail);
		return;
	}
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = clock_now().ns;
	uint8_t out[HS_CLIENT_OUT];
	struct writer w;
	writer_init(&w, out, sizeof(out));
	hs_client_init(c->hs, seed, writer_space(&w, sizeof(out)));
	c->state = CLIENT_HANDSHAKE;
	if (client_send(c, &w) == 0)
		watch_as_needed(c);
}

/* Returns true when there is nothing more to wait for. */
static bool
shake(struct client *c, const uint8_t **p, const uint8_t *end)
{
	uint8_t out[HS_PACKET];
	size_t n;
	enum hs_result r = hs_client_feed(c->hs, p, end, out, &n);
	struct writer w = { .buf = out, .cap = sizeof(out), .len = n };
	if (n > 0 && client_send(c, &w) < 0)
		return false;
	if (r == HS_NEED_MORE)
		return false;
	if (r != HS_DONE) {
		client_fail(c, "the server does not speak RTMP", no_detail);
		return false;
	}
	free(c->hs);
	c->hs = NULL;
	session_start(c);
	return c->state != CLIENT_IDLE;
}

void
client_discard(struct client *c)
{
	int lowat = CLIENT_LOWAT;
	c->discards = true;
	/* what fails costs more reads, no more */
	if (c->net->every_ns > 0)
		setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat));
}

/*
 * tcp(7): with MSG_TRUNC the kernel throws the bytes away instead of copying
 * them.
 */
static void
read_some(struct client *c, size_t most)
{
	uint8_t *buf = c->net->scratch;
	ssize_t n = recv(
	    c->fd, buf, most, MSG_DONTWAIT | (c->discards ? MSG_TRUNC : 0));
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail_errno(c, errno);
		return;
	}
	if (n == 0) {
		client_fail(c, "closed by the server",
		    span_of(client_state_name(c->state)));
		return;
	}
	if (c->state == CLIENT_ENDING)
		return;
	const uint8_t *p = buf;
	const uint8_t *end = buf + n;
	if (c->received == 0)
		c->first_ns = clock_now().ns;
	c->received += (uint64_t)n;
	c->net->received += (uint64_t)n;
	if (c->discards) {
		session_discarded(c);
		return;
	}
	if (c->state == CLIENT_HANDSHAKE && !shake(c, &p, end))
		return;
	session_feed(c, p, end);
}

static void
handle(struct client *c, uint32_t events)
{
	if (c->state == CLIENT_IDLE)
		return;
	if (c->state == CLIENT_CONNECTING) {
		connected(c);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		flush(c);
	if (c->state == CLIENT_IDLE)
		return;
	if (c->stalled) {
		if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
			c->hung_up = true;
			epoll_ctl(c->net->epfd, EPOLL_CTL_DEL, c->fd, NULL);
			c->watched = false;
		}
		return;
	}
	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		read_some(c, CLIENT_SCRATCH);
}

void
client_net_take_signal(struct client_net *net)
{
	struct signalfd_siginfo info;
	while (read(net->sigfd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		net->stopped = true;
}

/* Sleep on nothing that a sender could wake. */
static void
let_gather(const struct client_net *net)
{
	uint64_t next = net->looked + net->every_ns, now = clock_now().ns;
	if (net->every_ns == 0 || now >= next)
		return;
	struct timespec ts = { .tv_nsec = (long)(next - now) };
	nanosleep(&ts, NULL);
}

int
client_net_wait(struct client_net *net, struct mono until)
{
	struct epoll_event ev[512];
	let_gather(net);
	uint64_t now = clock_now().ns;
	uint64_t left = until.ns > now ? until.ns - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / NS_PER_S),
		.tv_nsec = (long)(left % NS_PER_S) };
	int n = epoll_pwait2(net->epfd, ev, 512, &ts, NULL);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n < 512)
		net->looked = clock_now().ns;
	for (int i = 0; i < n; i++)
		if (ev[i].data.ptr == NULL)
			client_net_take_signal(net);
		else
			handle(ev[i].data.ptr, ev[i].events);
	return 0;
}

void
client_end(struct client *c)
{
	if (c->state != CLIENT_RUNNING) {
		client_close(c);
		return;
	}
	session_goodbye(c);
	if (c->state != CLIENT_RUNNING)
		return;
	c->state = CLIENT_ENDING;
	c->done_ns = clock_now().ns;
	if (client_queued(c) == 0)
		shutdown(c->fd, SHUT_WR);
}

void
client_read(struct client *c)
{
	if (c->state != CLIENT_RUNNING || c->read_limit == 0)
		return;
	watch_as_needed(c);
	read_some(c, c->read_limit);
}

void
client_stall(struct client *c)
{
	c->stalled = true;
	watch_as_needed(c);
}

const char *
client_state_name(enum client_state s)
{
	switch (s) {
	case CLIENT_IDLE:
		return "not connected";
	case CLIENT_CONNECTING:
		return "before the connection was up";
	case CLIENT_HANDSHAKE:
		return "during the handshake";
	case CLIENT_CONNECT:
		return "before the answer to connect";
	case CLIENT_CREATE:
		return "before the answer to createStream";
	case CLIENT_START:
		return "before the answer to publish or play";
	case CLIENT_RUNNING:
		return "while running";
	case CLIENT_ENDING:
		return "at the end";
	}
	return "in an unknown state";
}
