#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/conf.h"
#include "t/fuzz/fakeloop.h"
#include "t/fuzz/keep.h"

enum { EVENTS = 4096 };

struct armed {
	bool on;
	uint32_t gen;
};

struct prepared {
	int fd;
	uint32_t index, gen;
	unsigned n;
	int32_t res;
	struct iovec iov[LOOP_SEND_IOV];
};

struct loop {
	fake_take_fn *take;
	void *ctx;
	struct armed accept[CONF_LISTEN_MAX];
	struct armed recv[FAKE_CONNS], writable[FAKE_CONNS];
	struct loop_event event[EVENTS];
	unsigned first, last; /* of event, mod EVENTS */
	uint8_t *buffer[FAKE_BUFFERS];
	unsigned lent;
	bool running;
	unsigned sends;
	struct prepared send[LOOP_SENDS_MAX];
};

struct loop *
fake_loop_new(fake_take_fn *take, void *ctx)
{
	struct loop *l = keep_get(sizeof *l);
	memset(l, 0, sizeof *l);
	l->take = take;
	l->ctx = ctx;
	return l;
}

void
loop_free(struct loop *l)
{
	for (unsigned i = 0; i < FAKE_BUFFERS; i++)
		free(l->buffer[i]);
	keep_put(l, sizeof *l);
}

static void
arm(struct armed *a, uint32_t gen)
{
	/* a request in the table may be armed once at a time */
	bug_on(a->on);
	*a = (struct armed){ true, gen };
}

static void
push(struct loop *l, struct loop_event e)
{
	l->event[l->last++ % EVENTS] = e;
	bug_on(l->last - l->first > EVENTS);
}

static struct armed *
armed_at(struct loop *l, enum loop_op op, uint32_t index)
{
	bug_on(index >= FAKE_CONNS);
	if (op == LOOP_ACCEPT) {
		bug_on(index >= CONF_LISTEN_MAX);
		return &l->accept[index];
	}
	bug_on(op != LOOP_RECV && op != LOOP_WRITABLE);
	return op == LOOP_RECV ? &l->recv[index] : &l->writable[index];
}

void
loop_accept(struct loop *l, int fd, uint32_t index)
{
	(void)fd;
	arm(armed_at(l, LOOP_ACCEPT, index), 0);
}

void
loop_recv(struct loop *l, int fd, uint32_t index, uint32_t gen)
{
	bug_on(fd < 0);
	arm(armed_at(l, LOOP_RECV, index), gen);
}

void
loop_writable(struct loop *l, int fd, uint32_t index, uint32_t gen)
{
	bug_on(fd < 0);
	arm(armed_at(l, LOOP_WRITABLE, index), gen);
}

void
loop_poll(struct loop *l, int fd, uint32_t index)
{
	(void)l, (void)fd, (void)index;
}

void
loop_cancel(struct loop *l, enum loop_op op, uint32_t index, uint32_t gen)
{
	struct armed *a = armed_at(l, op, index);
	if (!a->on || a->gen != gen)
		return;
	a->on = false;
	push(l, (struct loop_event){ .op = op,
		    .index = index,
		    .gen = gen,
		    .res = -ECANCELED,
		    .buffer = -1 });
}

bool
loop_send(struct loop *l, int fd, const struct iovec *iov, unsigned n,
    uint32_t index, uint32_t gen)
{
	if (l->sends == LOOP_SENDS_MAX)
		return false;
	bug_on(n == 0 || n > LOOP_SEND_IOV || fd < 0 || l->running);
	struct prepared *s = &l->send[l->sends++];
	*s = (struct prepared){ .fd = fd, .index = index, .gen = gen, .n = n };
	memcpy(s->iov, iov, n * sizeof *iov);
	return true;
}

void
loop_run_sends(struct loop *l, loop_sent_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < l->sends; i++) {
		struct prepared *s = &l->send[i];
		s->res = l->take(l->ctx, s->fd, s->iov, s->n);
	}
	l->running = true;
	for (unsigned i = 0; i < l->sends; i++)
		fn(ctx, l->send[i].index, l->send[i].gen, l->send[i].res);
	l->running = false;
	l->sends = 0;
}

bool
loop_next(struct loop *l, struct loop_event *e)
{
	if (l->first == l->last)
		return false;
	*e = l->event[l->first++ % EVENTS];
	return true;
}

void
loop_give(struct loop *l, int buffer)
{
	bug_on(
	    buffer < 0 || buffer >= FAKE_BUFFERS || l->buffer[buffer] == NULL);
	free(l->buffer[buffer]);
	l->buffer[buffer] = NULL;
	l->lent--;
}

bool
loop_wait(struct loop *l, unsigned n, struct mono t)
{
	(void)n;
	(void)t;
	return fake_pending(l);
}

void
loop_look(struct loop *l)
{
	(void)l;
}

/* The test's side --------------------------------------------------------- */

bool
fake_recv_armed(const struct loop *l, uint32_t index, uint32_t gen)
{
	return l->recv[index].on && l->recv[index].gen == gen;
}

bool
fake_accept_armed(const struct loop *l, uint32_t index)
{
	return l->accept[index].on;
}

bool
fake_accept(struct loop *l, uint32_t index, int32_t res, bool more)
{
	if (!l->accept[index].on)
		return false;
	l->accept[index].on = more;
	push(l, (struct loop_event){ .op = LOOP_ACCEPT,
		    .index = index,
		    .res = res,
		    .more = more,
		    .buffer = -1 });
	return true;
}

static int
lend(struct loop *l, const uint8_t *data, size_t n)
{
	int b = 0;
	while (b < FAKE_BUFFERS && l->buffer[b] != NULL)
		b++;
	bug_on(b == FAKE_BUFFERS);
	l->buffer[b] = malloc(n);
	bug_on(l->buffer[b] == NULL);
	memcpy(l->buffer[b], data, n);
	l->lent++;
	return b;
}

bool
fake_recv(struct loop *l, uint32_t index, uint32_t gen, const uint8_t *data,
    int32_t res, bool more)
{
	struct loop_event e = { .op = LOOP_RECV,
		.index = index,
		.gen = gen,
		.res = res,
		.more = more && data != NULL,
		.buffer = -1 };
	if (!fake_recv_armed(l, index, gen))
		return false;
	if (data != NULL) {
		bug_on(res <= 0 || res > FAKE_BUFFER_SIZE);
		e.buffer = lend(l, data, (size_t)res);
		e.data = l->buffer[e.buffer];
	}
	l->recv[index].on = e.more;
	push(l, e);
	return true;
}

bool
fake_writable(struct loop *l, uint32_t index, uint32_t gen)
{
	struct armed *a = &l->writable[index];
	if (!a->on || a->gen != gen)
		return false;
	a->on = false;
	push(l, (struct loop_event){ .op = LOOP_WRITABLE,
		    .index = index,
		    .gen = gen,
		    .res = 4,
		    .buffer = -1 });
	return true;
}

bool
fake_pending(const struct loop *l)
{
	return l->first != l->last;
}

unsigned
fake_lent(const struct loop *l)
{
	return l->lent;
}
