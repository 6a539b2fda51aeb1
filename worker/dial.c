#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "worker/dial.h"

/* A socket that connects, for a dial. */
struct attempt {
	int fd;
	uint32_t gen; /* of its watch; never used for another */
	struct dial *d;
	struct addr peer;
	LIST_ENTRY(attempt) entry; /* of d, or of the free ones */
};

TAILQ_HEAD(dials, dial);

struct dialer {
	/* trying: all that are to be looked at when `due`; told: those that
	 * have a result, while dial_tick() tells it */
	struct dials trying, told;
	struct mono due;
	struct attempts free;
	struct attempt attempt[DIAL_ATTEMPTS];
};

struct name {
	struct sockaddr_storage ss;
	socklen_t len;
};

static struct name
name_of(const struct addr *a, uint16_t port)
{
	struct name n = { .len = sizeof(struct sockaddr_in6) };
	if (addr_is_v4(a)) {
		struct sockaddr_in in = { .sin_family = AF_INET,
			.sin_port = htons(port) };
		memcpy(&in.sin_addr, a->b + 12, 4);
		memcpy(&n.ss, &in, sizeof in);
		n.len = sizeof in;
	} else {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
			.sin6_port = htons(port) };
		memcpy(&in6.sin6_addr, a->b, sizeof a->b);
		memcpy(&n.ss, &in6, sizeof in6);
	}
	return n;
}

/* Attempts ---------------------------------------------------------------- */

static void
drop_attempt(struct worker *w, struct attempt *t)
{
	uint32_t i = (uint32_t)(t - w->dialer->attempt);
	LIST_REMOVE(t, entry);
	if (t->fd >= 0) {
		loop_cancel(w->loop, LOOP_DIAL, i, t->gen);
		close(t->fd);
	}
	t->fd = -1;
	t->gen = (t->gen + 1) & 0xffffff;
	LIST_INSERT_HEAD(&w->dialer->free, t, entry);
}

static void
drop_attempts(struct worker *w, struct dial *d)
{
	struct attempt *t;
	while ((t = LIST_FIRST(&d->attempts)) != NULL)
		drop_attempt(w, t);
}

/* To be looked at in this turn. */
static void
look(struct worker *w)
{
	w->dialer->due = w->now;
	worker_wake_at(w, w->now);
}

static void
set_failed(struct dial *d, int error, const char *what)
{
	char text[ADDR_TEXT];
	addr_print(&d->last, text);
	d->result = error;
	snprintf(d->text, sizeof d->text,
	    addr_is_v4(&d->last) ? "%s:%u: %s%s" : "[%s]:%u: %s%s", text,
	    d->port, what, strerror(-error));
}

/*
 * A socket on its way to d->last.
 * Returns it; *connected: it is there already.  Or -errno.
 */
static int
open_socket(struct dial *d, bool *connected)
{
	bool v4 = addr_is_v4(&d->last);
	struct name to = name_of(&d->last, d->port), from;
	int on = 1;
	int fd = socket(
	    to.ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (v4 ? d->local.has_v4 : d->local.has_v6) {
		/* a port only when the peer is known: there are more then */
		(void)setsockopt(
		    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
		from = name_of(v4 ? &d->local.v4 : &d->local.v6, 0);
		if (bind(fd, (struct sockaddr *)&from.ss, from.len) != 0)
			goto failed;
	}
	*connected = connect(fd, (struct sockaddr *)&to.ss, to.len) == 0;
	if (*connected || errno == EINPROGRESS)
		return fd;
failed:;
	int error = -errno;
	close(fd);
	return error;
}

/*
 * A port of this machine where nobody listens may be the very one that the
 * kernel gave the socket: then it connects to itself (RFC 9293, 3.5).
 */
static bool
is_itself(int fd)
{
	struct sockaddr_storage a = { 0 }, b = { 0 };
	socklen_t la = sizeof a, lb = sizeof b;
	return getsockname(fd, (struct sockaddr *)&a, &la) == 0 &&
	       getpeername(fd, (struct sockaddr *)&b, &lb) == 0 && la == lb &&
	       memcmp(&a, &b, la) == 0;
}

/* fd has connected to peer: it is d's, unless it is no connection. */
static void
connected_to(struct dial *d, int fd, const struct addr *peer)
{
	d->last = *peer;
	if (is_itself(fd)) {
		close(fd);
		set_failed(d, -ECONNREFUSED, "");
		return;
	}
	d->result = fd;
	d->text[0] = '\0';
}

/* The next address. */
static void
begin_attempt(struct worker *w, struct dial *d)
{
	struct dialer *ds = w->dialer;
	bool connected = false;
	d->last = d->addr[d->next++];
	struct attempt *t = LIST_FIRST(&ds->free);
	if (t == NULL) {
		set_failed(d, -EAGAIN, "too many connections are being made: ");
		return;
	}
	int fd = open_socket(d, &connected);
	if (fd < 0) {
		set_failed(d, fd,
		    fd == -EADDRNOTAVAIL ? "is LocalAddress of this machine? "
					 : "");
		return;
	}
	if (connected) {
		connected_to(d, fd, &d->last);
		return;
	}
	LIST_REMOVE(t, entry);
	t->fd = fd;
	t->d = d;
	t->peer = d->last;
	LIST_INSERT_HEAD(&d->attempts, t, entry);
	loop_watch(w->loop, LOOP_DIAL, fd, LOOP_OUT,
	    (uint32_t)(t - ds->attempt), t->gen);
	d->beside = mono_add_ms(w->now, DIAL_BESIDE_MS);
}

void
dial_event(struct worker *w, const struct loop_event *e)
{
	int error = 0;
	socklen_t len = sizeof error;
	bug_on(e->index >= DIAL_ATTEMPTS);
	struct attempt *t = &w->dialer->attempt[e->index];
	if (t->fd < 0 || t->gen != e->gen)
		return; /* of one that was dropped */
	struct dial *d = t->d;
	struct addr peer = t->peer;
	int fd = t->fd;
	if (e->res < 0)
		error = -e->res;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	t->fd = -1; /* the watch is over */
	drop_attempt(w, t);
	if (d->result >= 0) {
		close(fd); /* a second winner in one turn */
		return;
	}
	if (error == 0) {
		connected_to(d, fd, &peer);
	} else {
		close(fd);
		d->last = peer;
		set_failed(d, -error, "");
	}
	d->beside = w->now;
	look(w);
}

/* Dials ------------------------------------------------------------------- */

int
dial_init(struct worker *w)
{
	struct dialer *ds = calloc(1, sizeof *ds);
	if (ds == NULL)
		return -ENOMEM;
	TAILQ_INIT(&ds->trying);
	TAILQ_INIT(&ds->told);
	for (unsigned i = DIAL_ATTEMPTS; i-- > 0;) {
		ds->attempt[i].fd = -1;
		LIST_INSERT_HEAD(&ds->free, &ds->attempt[i], entry);
	}
	w->dialer = ds;
	return 0;
}

void
dial_fini(struct worker *w)
{
	struct dial *d;
	while ((d = TAILQ_FIRST(&w->dialer->trying)) != NULL)
		dial_stop(w, d);
	free(w->dialer);
	w->dialer = NULL;
}

/* The best address first, then families in turn (RFC 8305, 4). */
static void
take_addresses(struct dial *d, const struct addr *a, unsigned n)
{
	bool v4 = n > 0 && addr_is_v4(&a[0]);
	unsigned at[2] = { 0, 0 }; /* of the first one's family, of the other */
	for (unsigned turn = 0; d->n < DIAL_ADDRS && at[0] + at[1] < 2 * n;
	     turn ^= 1) {
		bool want = turn == 0 ? v4 : !v4;
		while (at[turn] < n && addr_is_v4(&a[at[turn]]) != want)
			at[turn]++;
		if (at[turn] < n)
			d->addr[d->n++] = a[at[turn]++];
	}
}

void
dial_start(struct worker *w, struct dial *d, const struct addr *addrs,
    unsigned n, uint16_t port, const char *local, unsigned timeout_ms,
    dial_fn *fn, void *ctx)
{
	bug_on(d->active);
	*d = (struct dial){ .active = true,
		.fn = fn,
		.ctx = ctx,
		.port = port,
		.timeout_ms = timeout_ms,
		.deadline = mono_add_ms(w->now, timeout_ms),
		.result = -EADDRNOTAVAIL };
	take_addresses(d, addrs, n);
	snprintf(d->text, sizeof d->text, "no address");
	if (addr_pair_parse(local, &d->local) != 0) {
		d->n = 0;
		d->result = -EINVAL;
		snprintf(d->text, sizeof d->text,
		    "LocalAddress %.80s: expected an address, or one of each "
		    "family with a comma between",
		    local);
	}
	TAILQ_INSERT_TAIL(&w->dialer->trying, d, entry);
	look(w);
}

/* It is over: nothing of it is under way. */
static void
leave(struct worker *w, struct dial *d, struct dials *from)
{
	drop_attempts(w, d);
	TAILQ_REMOVE(from, d, entry);
}

void
dial_stop(struct worker *w, struct dial *d)
{
	struct dial *i;
	if (!d->active)
		return;
	struct dials *from = &w->dialer->trying;
	TAILQ_FOREACH (i, &w->dialer->told, entry)
		if (i == d)
			from = &w->dialer->told;
	leave(w, d, from);
	if (d->result >= 0)
		close(d->result);
	d->result = -ECANCELED;
	d->active = false;
}

/* Returns true: it has a result. */
static bool
step(struct worker *w, struct dial *d)
{
	while (d->result < 0 && d->next < d->n &&
	       (LIST_EMPTY(&d->attempts) || !mono_before(w->now, d->beside)))
		begin_attempt(w, d);
	if (d->result >= 0 || (LIST_EMPTY(&d->attempts) && d->next == d->n))
		return true;
	if (mono_before(w->now, d->deadline))
		return false;
	set_failed(d, -ETIMEDOUT, "");
	return true;
}

/* When it is to be looked at again. */
static struct mono
due_at(const struct dial *d)
{
	return d->next < d->n && mono_before(d->beside, d->deadline)
		   ? d->beside
		   : d->deadline;
}

static void
tell(struct worker *w, struct dial *d)
{
	struct addr peer = d->last;
	char text[DIAL_TEXT];
	int result = d->result;
	snprintf(text, sizeof text, "%s", d->text);
	leave(w, d, &w->dialer->told);
	d->result = -ECANCELED;
	d->active = false;
	d->fn(w, d->ctx, result, &peer, text);
}

void
dial_tick(struct worker *w)
{
	struct dialer *ds = w->dialer;
	struct dial *d, *next;
	if (TAILQ_EMPTY(&ds->trying))
		return;
	if (mono_before(w->now, ds->due)) {
		worker_wake_at(w, ds->due);
		return;
	}
	ds->due = (struct mono){ UINT64_MAX };
	for (d = TAILQ_FIRST(&ds->trying); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (step(w, d)) {
			drop_attempts(w, d);
			TAILQ_REMOVE(&ds->trying, d, entry);
			TAILQ_INSERT_TAIL(&ds->told, d, entry);
		} else if (mono_before(due_at(d), ds->due)) {
			ds->due = due_at(d);
		}
	}
	/* who starts another in fn has it tried in the next turn */
	while ((d = TAILQ_FIRST(&ds->told)) != NULL)
		tell(w, d);
	if (!TAILQ_EMPTY(&ds->trying))
		worker_wake_at(w, ds->due);
}
