#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/log.h"
#include "worker/conn.h"

enum {
	ACCEPT_PAUSE_MS = 100,
	OUT_FIRST = 2048,
	STASH_FIRST = 32768,
	OUTBOUND_SHARE = 4 /* a quarter of the table may be dialled */
};

static bool
may_follow(enum conn_state from, enum conn_state to)
{
	switch (from) {
	case CONN_FREE:
		return to == CONN_HELLO;
	case CONN_HELLO:
		return to == CONN_OPEN || to == CONN_LINGER ||
		       to == CONN_CLOSING;
	case CONN_OPEN:
		return to == CONN_LINGER || to == CONN_CLOSING;
	case CONN_LINGER:
		return to == CONN_CLOSING;
	case CONN_CLOSING:
		return to == CONN_FREE;
	}
	return false;
}

static void
set_state(struct conn *c, enum conn_state to)
{
	bug_on(!may_follow((enum conn_state)c->state, to));
	bug_on(to == CONN_FREE && (c->recv_armed || c->writable_armed));
	c->state = (uint8_t)to;
}

int
conns_init(struct worker *w, const struct conn_ops *ops, uint32_t size)
{
	struct conns *cs = calloc(1, sizeof *cs);
	if (cs == NULL)
		return -ENOMEM;
	cs->table = calloc(size, sizeof *cs->table);
	cs->free = malloc(size * sizeof *cs->free);
	cs->seats = calloc(w->conf->nvhosts, sizeof *cs->seats);
	if (cs->table == NULL || cs->free == NULL || cs->seats == NULL) {
		free(cs->table);
		free(cs->free);
		free(cs->seats);
		free(cs);
		return -ENOMEM;
	}
	cs->size = size;
	cs->limit = size > IPC_SURPLUS ? size - IPC_SURPLUS : size;
	cs->ops = ops;
	TAILQ_INIT(&cs->ready);
	TAILQ_INIT(&cs->doomed);
	TAILQ_INIT(&cs->timed);
	w->conns = cs;
	/* rows of a predecessor: the master has emptied them.  Not looked at
	 * here, for a page read is a page taken */
	atomic_store_explicit(&w->slot->clients, 0, memory_order_relaxed);
	return 0;
}

void
conns_fini(struct worker *w)
{
	free(w->conns->table);
	free(w->conns->free);
	free(w->conns->seats);
	free(w->conns);
	w->conns = NULL;
}

/* Accepting --------------------------------------------------------------- */

static void
arm_accept(struct worker *w)
{
	struct conns *cs = w->conns;
	for (unsigned i = 0; i < cs->nlisten; i++) {
		if (cs->listening[i])
			continue;
		loop_accept(w->loop, cs->listener[i], i);
		cs->listening[i] = true;
	}
	cs->accept_again = (struct mono){ 0 };
}

void
conns_listen(struct worker *w, const int *fd, unsigned n)
{
	struct conns *cs = w->conns;
	bug_on(n > CONF_LISTEN_MAX);
	memcpy(cs->listener, fd, n * sizeof *fd);
	cs->nlisten = n;
	arm_accept(w);
}

void
conns_stop_listening(struct worker *w)
{
	struct conns *cs = w->conns;
	for (unsigned i = 0; i < cs->nlisten; i++) {
		if (cs->listening[i])
			loop_cancel(w->loop, LOOP_ACCEPT, i, 0);
		close(cs->listener[i]);
	}
	cs->nlisten = 0;
	cs->accept_again = (struct mono){ 0 };
}

/* Out of descriptors: wait for a close or a while (architecture rule 13). */
static void
pause_accept(struct worker *w)
{
	worker_count(w, COUNTER_ACCEPT_PAUSED, 1);
	w->conns->accept_again = mono_add_ms(w->now, ACCEPT_PAUSE_MS);
	worker_wake_at(w, w->conns->accept_again);
}

static void
set_int(int fd, int level, int name, int value)
{
	/* best effort: a socket without it still works */
	(void)setsockopt(fd, level, name, &value, sizeof value);
}

static void
set_app_options(const struct conf_app *app, int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)app->notsent_bytes);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)app->stall_ms + 5000);
}

static void
set_options(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static void
peer_address(int fd, struct addr *peer, char out[64])
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len = sizeof u;
	char text[INET6_ADDRSTRLEN] = "?";
	memset(&u, 0, sizeof u);
	(void)getpeername(fd, &u.sa, &len);
	addr_from_sockaddr(&u.sa, peer);
	if (u.sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &u.in.sin_addr, text, sizeof text);
		snprintf(out, 64, "%s:%u", text, ntohs(u.in.sin_port));
	} else if (u.sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &u.in6.sin6_addr, text, sizeof text);
		snprintf(out, 64, "[%s]:%u", text, ntohs(u.in6.sin6_port));
	} else {
		snprintf(out, 64, "?");
	}
}

/* On the list that conns_tick() looks at, where it comes last. */
static void
enter_timed(struct conns *cs, struct conn *c)
{
	if (c->timed)
		return;
	c->timed = true;
	cs->ntimed++;
	TAILQ_INSERT_TAIL(&cs->timed, c, next_timed);
}

static void
leave_timed(struct conns *cs, struct conn *c)
{
	if (!c->timed)
		return;
	c->timed = false;
	cs->ntimed--;
	TAILQ_REMOVE(&cs->timed, c, next_timed);
}

void
conn_set_deadline(
    struct worker *w, struct conn *c, struct mono t, enum reason why)
{
	c->deadline = t;
	c->late = why;
	enter_timed(w->conns, c);
}

void
conn_no_deadline(struct conn *c)
{
	c->deadline = (struct mono){ 0 };
}

/* A free entry, the lowest used first; NULL when the table is full. */
static struct conn *
take_entry(struct conns *cs)
{
	if (cs->nfree > 0)
		return &cs->table[cs->free[--cs->nfree]];
	return cs->high < cs->size ? &cs->table[cs->high++] : NULL;
}

/* REASON_NONE, or why a newcomer is to be sent away. */
static enum reason
welcome(const struct worker *w, const struct conn *c)
{
	const struct conns *cs = w->conns;
	if (cs->open - cs->outbound >= cs->limit)
		return REASON_CLIENTS_FULL;
	if (!conf_admits(w->conf, &c->peer))
		return REASON_ADDRESS_DENIED;
	if (cs->bans.n > 0 && bans_until(&cs->bans, &c->peer, w->now).ns != 0)
		return REASON_BANNED;
	return REASON_NONE;
}

enum reason
conn_judge(struct worker *w, const struct addr *a)
{
	if (!conf_admits(w->conf, a))
		return REASON_ADDRESS_DENIED;
	return bans_until(&w->conns->bans, a, w->now).ns != 0 ? REASON_BANNED
							      : REASON_NONE;
}

uint64_t
conn_next_id(struct worker *w)
{
	/* unique over slots and incarnations; below 2^53, which is as far as
	 * programs that read JSON numbers as doubles are exact */
	return ((uint64_t)w->self << 46) | ((w->incarnation & 0x3fff) << 32) |
	       (++w->conns->next_id & UINT32_MAX);
}

enum reason
conn_claim(struct worker *w, struct conn *c, struct span text)
{
	char addr[sizeof c->row->addr];
	struct addr a;
	int n = snprintf(addr, sizeof addr, "%.*s", (int)text.len, text.p);
	if (text.len >= sizeof addr || n != (int)text.len ||
	    addr_parse_peer(addr, &a) != 0)
		return REASON_NONE;
	c->peer = a;
	row_begin(c->row);
	memcpy(c->row->addr, addr, (size_t)n + 1);
	row_end(c->row);
	return conn_judge(w, &a);
}

/* An entry for fd, with what does not depend on who called whom. */
static void
start_entry(
    struct worker *w, struct conn *c, int fd, const struct conf_app *app)
{
	struct conns *cs = w->conns;
	uint32_t gen = (c->gen + 1) & 0xffffff;
	memset(c, 0, sizeof *c);
	c->fd = fd;
	c->index = (uint32_t)(c - cs->table);
	c->gen = gen;
	c->id = conn_next_id(w);
	c->row = arena_row(&w->arena, w->self, c->index);
	c->since = c->heard = c->progress = w->now;
	c->app = app;
	conn_set_deadline(w, c,
	    mono_add_ms(w->now, (uint64_t)app->handshake_ms),
	    REASON_HANDSHAKE_TIMEOUT);
	set_options(fd);
	set_app_options(app, fd);
}

/* Its peer is known, as text too: it may be seen, and heard. */
static void
begin(struct worker *w, struct conn *c, const char *addr)
{
	row_start(c->row, addr, c->id, c->since.ns,
	    c->outbound ? ROW_UPSTREAM : ROW_NEW);
	set_state(c, CONN_HELLO);
	w->conns->open++;
	if (c->outbound)
		w->conns->outbound++;
	else
		word_add(&w->slot->clients, 1);
	loop_recv(w->loop, c->fd, c->index, c->gen);
	c->recv_armed = true;
	w->conns->ops->opened(w, c);
}

static void
accepted(struct worker *w, int fd)
{
	worker_count(w, COUNTER_ACCEPTED, 1);
	struct conn *c = w->quitting ? NULL : take_entry(w->conns);
	if (c == NULL) {
		worker_count(
		    w, (unsigned)COUNTER_REASONS + REASON_CLIENTS_FULL, 1);
		worker_count(w, COUNTER_CLOSED, 1);
		close(fd);
		return;
	}
	start_entry(w, c, fd, conf_app(w->conf, 0));
	char addr[sizeof c->row->addr];
	peer_address(fd, &c->peer, addr);
	c->refuse = welcome(w, c);
	begin(w, c, addr);
}

/* io_uring waits for a blocking socket, and says EAGAIN for another. */
static void
make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

struct conn *
conn_adopt(struct worker *w, int fd, const struct addr *peer, uint16_t port,
    const struct conf_app *app)
{
	struct conns *cs = w->conns;
	char text[ADDR_TEXT], addr[ADDR_TEXT + sizeof "[]:65535"];
	struct conn *c = NULL;
	if (!w->quitting && cs->outbound < cs->size / OUTBOUND_SHARE)
		c = take_entry(cs);
	if (c == NULL) {
		close(fd);
		return NULL;
	}
	make_blocking(fd);
	start_entry(w, c, fd, app);
	c->outbound = true;
	c->peer = *peer;
	addr_print(peer, text);
	snprintf(addr, sizeof addr, addr_is_v4(peer) ? "%s:%u" : "[%s]:%u",
	    text, port);
	begin(w, c, addr);
	return c;
}

static void
accept_event(struct worker *w, const struct loop_event *e)
{
	struct conns *cs = w->conns;
	/* a completion without F_MORE may still carry a result (rule 13) */
	if (e->res >= 0)
		accepted(w, e->res);
	if (e->more || e->index >= cs->nlisten)
		return;
	cs->listening[e->index] = false;
	if (e->res >= 0 || e->res == -ECONNABORTED || e->res == -EINTR)
		arm_accept(w);
	else if (e->res != -ECANCELED)
		pause_accept(w); /* whatever it is, it would come at once */
}

/* Ending ------------------------------------------------------------------ */

static void
drop_buf(struct worker *w, struct conn_buf *b)
{
	if (b->buf != NULL)
		bufpool_put(&w->pool, b->buf, b->cap);
	*b = (struct conn_buf){ 0 };
}

enum cause
conn_cause(const struct worker *w, const struct conn *c, uint32_t lag_ms,
    struct cause_evidence *e)
{
	slow_evidence(&c->slow, c->fd, &w->late, w->now, lag_ms, e);
	return cause_judge(e);
}

/* It is closed because it was too slow. */
static bool
was_slow(enum reason why)
{
	return why == REASON_STALLED || why == REASON_SLOW_TAIL ||
	       why == REASON_LATE || why == REASON_TOO_SLOW;
}

static struct log_maybe
some(uint64_t v)
{
	return (struct log_maybe){ true, (int64_t)v };
}

/* The same with what made it slow. */
static void
log_close_slow(struct worker *w, const struct conn *c)
{
	struct cause_evidence e;
	uint64_t stood = c->blocked ? mono_ms_since(c->progress, w->now) : 0;
	uint32_t lag = stood > c->lag_ms ? (uint32_t)stood : c->lag_ms;
	enum cause cause = conn_cause(w, c, lag, &e);
	LOG(client_close, .client = c->id, .addr = c->row->addr,
	    .reason = c->reason, .text = reason_text(c->reason),
	    .bytes_in = c->bytes_in, .bytes_out = c->bytes_out,
	    .seconds = (double)mono_ms_since(c->since, w->now) / 1000,
	    .cause = cause_name(cause), .lag_ms = some(e.lag_ms),
	    .span_ms = some(e.span_ms), .rwnd_ms = some(e.rwnd_ms),
	    .busy_ms = some(e.busy_ms), .rtt_ms = some(e.rtt_ms),
	    .retrans = some(e.retrans), .server_ms = some(e.server_ms));
}

static void
log_close(struct worker *w, struct conn *c)
{
	/* who wanted a connection to a server says what became of it */
	if (c->outbound)
		return;
	worker_count(w, COUNTER_CLOSED, 1);
	worker_count(w, (unsigned)COUNTER_REASONS + c->reason, 1);
	/* a scan of the port is a counter, not a log line */
	if (c->state == CONN_HELLO && c->reason == REASON_HANDSHAKE_ENDED)
		return;
	if (was_slow(c->reason)) {
		log_close_slow(w, c);
		return;
	}
	LOG(client_close, .client = c->id, .addr = c->row->addr,
	    .reason = c->reason, .text = reason_text(c->reason),
	    .bytes_in = c->bytes_in, .bytes_out = c->bytes_out,
	    .seconds = (double)mono_ms_since(c->since, w->now) / 1000);
}

/* Give the entry back once the kernel holds nothing of it. */
static void
finish(struct worker *w, struct conn *c)
{
	struct conns *cs = w->conns;
	if (c->state != CONN_CLOSING || c->recv_armed || c->writable_armed)
		return;
	close(c->fd);
	c->fd = -1;
	atomic_store_explicit(&c->row->role, ROW_FREE, memory_order_relaxed);
	set_state(c, CONN_FREE);
	cs->free[cs->nfree++] = c->index;
	cs->open--;
	if (c->outbound)
		cs->outbound--;
	else
		word_add(&w->slot->clients, UINT64_MAX);
	if (cs->accept_again.ns != 0)
		arm_accept(w);
}

static void
leave_ready(struct worker *w, struct conn *c)
{
	if (c->queued)
		TAILQ_REMOVE(&w->conns->ready, c, ready);
	c->queued = false;
}

static void
shut_down(struct worker *w, struct conn *c)
{
	set_state(c, CONN_CLOSING);
	leave_ready(w, c);
	leave_timed(w->conns, c);
	drop_buf(w, &c->out);
	drop_buf(w, &c->stash);
	/* the ring holds the socket while a recv is armed: shutdown first,
	 * so that the peer sees the end and the recv completes */
	(void)shutdown(c->fd, SHUT_RDWR);
	if (c->recv_armed && !c->cancelled)
		loop_cancel(w->loop, LOOP_RECV, c->index, c->gen);
	if (c->writable_armed)
		loop_cancel(w->loop, LOOP_WRITABLE, c->index, c->gen);
	finish(w, c);
}

static void
shut_write(struct conn *c)
{
	if (!c->shut)
		(void)shutdown(c->fd, SHUT_WR);
	c->shut = true;
}

static void
doom(struct worker *w, struct conn *c, enum reason why, bool abrupt)
{
	if (!conn_alive(c)) {
		c->abrupt |= c->doomed && abrupt;
		return;
	}
	c->doomed = true;
	c->abrupt = abrupt;
	c->reason = why;
	TAILQ_INSERT_TAIL(&w->conns->doomed, c, next_doomed);
}

void
conn_abort(struct worker *w, struct conn *c, enum reason why)
{
	if (c->state == CONN_LINGER)
		shut_down(w, c);
	else
		doom(w, c, why, true);
}

void
conn_close(struct worker *w, struct conn *c, enum reason why)
{
	doom(w, c, why, false);
}

/* The last bytes are sent, then the peer may end (architecture rule 17). */
static void
linger(struct worker *w, struct conn *c)
{
	set_state(c, CONN_LINGER);
	drop_buf(w, &c->stash);
	c->paused = false;
	conn_set_deadline(w, c, mono_add_ms(w->now, CONN_LINGER_MS), c->reason);
	if (!c->recv_armed) {
		loop_recv(w->loop, c->fd, c->index, c->gen);
		c->recv_armed = true;
		c->cancelled = false;
	}
	if (conn_out_empty(c))
		shut_write(c);
	else
		conn_ready(w, c);
}

void
conn_set_app(struct conn *c, const struct conf_app *app)
{
	const struct conf_app *was = c->app;
	bug_on(c->seat != SEAT_NONE);
	c->app = app;
	if (app->notsent_bytes != was->notsent_bytes ||
	    app->stall_ms != was->stall_ms)
		set_app_options(app, c->fd);
}

/* MaxConnections of its virtual host. */
static const struct seat_range *
seats_of(const struct worker *w, const struct conn *c)
{
	return &conf_vhost(w->conf, c->app->vhost)->seats;
}

bool
conn_sit(struct worker *w, struct conn *c)
{
	const struct seat_range *r = seats_of(w, c);
	if (r->count == 0)
		return true;
	c->seat = seats_take(&w->arena, r, &w->conns->seats[c->app->vhost],
	    seat_owner(w->self, w->incarnation));
	return c->seat != SEAT_NONE;
}

static void
stand_up(struct worker *w, struct conn *c)
{
	seats_give(&w->arena, seats_of(w, c), c->seat,
	    seat_owner(w->self, w->incarnation));
	c->seat = SEAT_NONE;
}

void
conns_reap(struct worker *w)
{
	struct conns *cs = w->conns;
	struct conn *c;
	while ((c = TAILQ_FIRST(&cs->doomed)) != NULL) {
		TAILQ_REMOVE(&cs->doomed, c, next_doomed);
		worker_wake_at(w, w->now); /* what it left is to be done */
		log_close(w, c);
		cs->ops->closed(w, c);
		stand_up(w, c);
		c->player = c->inside = c->sender = NULL;
		c->doomed = false;
		/* nobody reads any more after an end of file */
		if (c->abrupt || c->eof)
			shut_down(w, c);
		else
			linger(w, c);
	}
}

/* Output ------------------------------------------------------------------ */

bool
conn_out_empty(const struct conn *c)
{
	return c->out.off == c->out.len;
}

/* It publishes or plays: no newcomer any more. */
static bool
in_use(const struct conn *c)
{
	return c->state == CONN_OPEN && c->deadline.ns == 0;
}

/* Room for n more bytes, in a larger buffer if need be. */
static bool
make_room(struct worker *w, const struct conn *c, struct conn_buf *b, size_t n,
    size_t first)
{
	if (b->buf != NULL && n <= b->cap - b->len)
		return true;
	size_t want = b->len - b->off + n;
	size_t cap = bufpool_round(want < first ? first : want);
	uint8_t *buf = cap == 0	   ? NULL
		       : in_use(c) ? bufpool_get(&w->pool, cap)
				   : bufpool_get_new(&w->pool, cap);
	if (buf == NULL)
		return false;
	uint32_t len = b->len - b->off;
	if (len > 0)
		memcpy(buf, b->buf + b->off, len);
	if (b->buf != NULL)
		bufpool_put(&w->pool, b->buf, b->cap);
	*b = (struct conn_buf){ buf, (uint32_t)cap, 0, len };
	return true;
}

bool
conn_write(struct worker *w, struct conn *c, size_t n, struct writer *wr)
{
	if (!conn_alive(c))
		return false;
	if (c->out.len - c->out.off + n >
	    (c->bulk ? CONN_OUT_BULK : CONN_OUT_MAX)) {
		conn_abort(w, c, REASON_OUTPUT_LIMIT);
		return false;
	}
	if (!make_room(w, c, &c->out, n, OUT_FIRST)) {
		conn_abort(w, c, REASON_INPUT_MEMORY);
		return false;
	}
	writer_init(wr, c->out.buf + c->out.len, n);
	return true;
}

void
conn_write_end(struct worker *w, struct conn *c, const struct writer *wr)
{
	bug_on(!writer_ok(wr));
	c->out.len += (uint32_t)wr->len;
	conn_ready(w, c);
}

void
conn_ready(struct worker *w, struct conn *c)
{
	if (c->queued || c->doomed || c->state == CONN_FREE ||
	    c->state == CONN_CLOSING)
		return;
	c->queued = true;
	TAILQ_INSERT_TAIL(&w->conns->ready, c, ready);
}

void
conn_block(struct worker *w, struct conn *c)
{
	if (!c->blocked)
		c->progress = w->now;
	c->blocked = true;
	enter_timed(w->conns, c);
	if (c->writable_armed)
		return;
	c->writable_armed = true;
	loop_writable(w->loop, c->fd, c->index, c->gen);
}

void
conn_sent(struct worker *w, struct conn *c, uint32_t n)
{
	c->bytes_out += n;
	c->progress = w->now;
	atomic_store_explicit(
	    &c->row->bytes_out, c->bytes_out, memory_order_relaxed);
	worker_count(w, COUNTER_BYTES_OUT, n);
}

void
conn_out_sent(struct worker *w, struct conn *c, uint32_t n)
{
	c->out.off += n;
	if (conn_out_empty(c))
		drop_buf(w, &c->out);
}

void
conns_flush(struct worker *w)
{
	struct conns *cs = w->conns;
	struct conn *c;
	/* replies never take more than a part of a section from the players */
	unsigned sends = 0;
	while (
	    sends < CONN_FLUSH_MAX && (c = TAILQ_FIRST(&cs->ready)) != NULL) {
		if (c->player == NULL && !c->blocked && !c->doomed &&
		    !conn_out_empty(c)) {
			struct iovec iov = { c->out.buf + c->out.off,
				c->out.len - c->out.off };
			if (!loop_send(
				w->loop, c->fd, &iov, 1, c->index, c->gen))
				return;
			worker_count(w, COUNTER_SENDS, 1);
			sends++;
		}
		leave_ready(w, c);
		if (c->player != NULL && !c->doomed)
			cs->ops->player_ready(w, c);
	}
}

void
conn_flushed(struct worker *w, struct conn *c, int32_t res)
{
	if (c->doomed || c->state == CONN_FREE || c->state == CONN_CLOSING)
		return;
	if (res < 0 && res != -EAGAIN && res != -EINTR) {
		conn_abort(w, c, REASON_PEER_RESET);
		return;
	}
	if (res > 0) {
		conn_sent(w, c, (uint32_t)res);
		conn_out_sent(w, c, (uint32_t)res);
	}
	if (!conn_out_empty(c)) {
		worker_count(w,
		    res > 0 ? COUNTER_SENDS_SHORT : COUNTER_SENDS_BLOCKED, 1);
		conn_block(w, c);
	} else if (c->state == CONN_LINGER) {
		shut_write(c);
	}
}

void
conn_opened(struct conn *c)
{
	set_state(c, CONN_OPEN);
}

/* Input ------------------------------------------------------------------- */

void
conn_pause(struct conn *c)
{
	c->paused = true;
}

static void
stop_recv(struct worker *w, struct conn *c)
{
	if (!c->recv_armed || c->cancelled)
		return;
	loop_cancel(w->loop, LOOP_RECV, c->index, c->gen);
	c->cancelled = true;
}

void
conn_hold(struct worker *w, struct conn *c)
{
	conn_pause(c);
	stop_recv(w, c);
}

static void
rearm(struct worker *w, struct conn *c)
{
	if (c->recv_armed || c->eof || c->doomed || c->state == CONN_CLOSING)
		return;
	c->recv_armed = true;
	c->cancelled = false;
	loop_recv(w->loop, c->fd, c->index, c->gen);
}

void
conn_resume(struct worker *w, struct conn *c)
{
	if (!conn_alive(c))
		return;
	c->paused = false;
	/* the session may pause again in the middle of it */
	struct conn_buf b = c->stash;
	c->stash = (struct conn_buf){ 0 };
	if (b.buf != NULL) {
		w->conns->ops->input(w, c, b.buf + b.off, b.len - b.off);
		bufpool_put(&w->pool, b.buf, b.cap);
	}
	if (!conn_alive(c) || c->paused)
		return;
	if (c->eof)
		conn_abort(w, c, REASON_PEER_CLOSED);
	else
		rearm(w, c);
}

void
conn_stash(struct worker *w, struct conn *c, const uint8_t *p, size_t n)
{
	if (n == 0)
		return;
	if (c->stash.len + n > CONN_STASH_HARD ||
	    !make_room(w, c, &c->stash, n, STASH_FIRST)) {
		conn_abort(w, c, REASON_PIPELINE_LIMIT);
		return;
	}
	memcpy(c->stash.buf + c->stash.len, p, n);
	c->stash.len += (uint32_t)n;
	if (c->stash.len >= CONN_STASH_SOFT)
		stop_recv(w, c);
}

static void
received(struct worker *w, struct conn *c, const uint8_t *p, uint32_t n)
{
	c->bytes_in += n;
	c->heard = w->now;
	atomic_store_explicit(
	    &c->row->bytes_in, c->bytes_in, memory_order_relaxed);
	worker_count(w, COUNTER_BYTES_IN, n);
	if (c->state == CONN_LINGER) {
		c->lingered += n;
		if (c->lingered > CONN_LINGER_BYTES)
			shut_down(w, c);
	} else if (c->doomed) {
		/* nobody listens any more */
	} else if (c->paused) {
		conn_stash(w, c, p, n);
	} else {
		w->conns->ops->input(w, c, p, n);
	}
}

/* The recv ended without being cancelled by us. */
static void
recv_ended(struct worker *w, struct conn *c, int32_t res)
{
	if (res == 0 && c->paused && c->state == CONN_OPEN) {
		c->eof = true; /* what is in the stash comes first */
		return;
	}
	enum reason why = res != 0		   ? REASON_PEER_RESET
			  : c->state == CONN_HELLO ? REASON_HANDSHAKE_ENDED
						   : REASON_PEER_CLOSED;
	if (c->state == CONN_HELLO)
		why = REASON_HANDSHAKE_ENDED;
	c->eof = true;
	if (c->state == CONN_LINGER)
		shut_down(w, c);
	else
		conn_abort(w, c, why);
}

static void
recv_event(struct worker *w, const struct loop_event *e)
{
	struct conn *c = conn_at(w, e->index, e->gen);
	if (c == NULL) {
		worker_count(w, COUNTER_STALE_CQE, 1);
	} else {
		if (!e->more)
			c->recv_armed = false;
		if (e->res > 0 && c->state != CONN_CLOSING)
			received(w, c, e->data, (uint32_t)e->res);
	}
	/* whatever carries a buffer gives it back, late ones too (rule 11) */
	if (e->buffer >= 0)
		loop_give(w->loop, e->buffer);
	if (c == NULL || e->more || c->state == CONN_FREE)
		return;
	bool again = e->res > 0 || e->res == -ENOBUFS || e->res == -EINTR ||
		     e->res == -ECANCELED || e->res == -EAGAIN;
	if (c->state == CONN_CLOSING)
		finish(w, c);
	else if (!again)
		recv_ended(w, c, e->res);
	else if (!c->paused || !c->cancelled)
		rearm(w, c);
}

static void
writable_event(struct worker *w, const struct loop_event *e)
{
	struct conn *c = conn_at(w, e->index, e->gen);
	if (c == NULL) {
		worker_count(w, COUNTER_STALE_CQE, 1);
		return;
	}
	c->writable_armed = false;
	if (c->state == CONN_CLOSING) {
		finish(w, c);
		return;
	}
	c->blocked = false;
	conn_ready(w, c);
}

struct conn *
conn_by_id(struct worker *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->conns->high; i++) {
		struct conn *c = &w->conns->table[i];
		if (c->state != CONN_FREE && c->id == id)
			return c;
	}
	return NULL;
}

struct conn *
conn_at(struct worker *w, uint32_t index, uint32_t gen)
{
	if (index >= w->conns->high)
		return NULL;
	struct conn *c = &w->conns->table[index];
	return c->state != CONN_FREE && c->gen == gen ? c : NULL;
}

void
conns_event(struct worker *w, const struct loop_event *e)
{
	switch (e->op) {
	case LOOP_ACCEPT:
		accept_event(w, e);
		return;
	case LOOP_RECV:
		recv_event(w, e);
		return;
	case LOOP_WRITABLE:
		writable_event(w, e);
		return;
	case LOOP_NONE:
	case LOOP_SEND:
	case LOOP_POLL:
	case LOOP_DIAL:
	case LOOP_RESOLVE:
	case LOOP_CANCEL:
		bug_on(true);
	}
}

/* Time -------------------------------------------------------------------- */

static void
check_time(struct worker *w, struct conn *c)
{
	if (c->doomed || c->state == CONN_FREE || c->state == CONN_CLOSING)
		return;
	if (c->deadline.ns != 0 && !mono_before(w->now, c->deadline)) {
		conn_abort(w, c, c->late);
		return;
	}
	if (c->blocked && c->player != NULL &&
	    mono_ms_since(c->progress, w->now) >= CONN_SLOW_MS)
		slow_begin(&c->slow, c->fd, w->now);
	if (c->blocked &&
	    mono_ms_since(c->progress, w->now) >= (uint64_t)c->app->stall_ms)
		conn_abort(w, c, REASON_STALLED);
}

void
conns_tick(struct worker *w)
{
	struct conns *cs = w->conns;
	struct conn *c;
	if (cs->accept_again.ns != 0) {
		if (!mono_before(w->now, cs->accept_again))
			arm_accept(w);
		else
			worker_wake_at(w, cs->accept_again);
	}
	uint32_t n = cs->ntimed / TICKS_PER_SWEEP + 1;
	for (; n > 0 && (c = TAILQ_FIRST(&cs->timed)) != NULL; n--) {
		leave_timed(cs, c);
		/* it comes last now, if there is anything left to wait for */
		if (c->deadline.ns != 0 || c->blocked)
			enter_timed(cs, c);
		check_time(w, c);
	}
}

/* Listing ----------------------------------------------------------------- */

void
conn_row_key(struct conn *c, const char *key, size_t len)
{
	row_set_key(c->row, key, len);
}

void
conn_row_agent(struct conn *c, const char *agent, size_t len)
{
	row_set_agent(c->row, agent, len);
}

void
conn_row_role(struct conn *c, enum row_role role)
{
	atomic_store_explicit(&c->row->role, role, memory_order_relaxed);
}
