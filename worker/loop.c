#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "worker/loop.h"

enum {
	SQ_ENTRIES = 1024,
	CQ_ENTRIES = 8192,
	BUFFERS = 512, /* a power of two */
	BUFFER_SIZE = 16384,
	GROUP = 1
};

struct loop {
	struct io_uring ring;
	struct io_uring_buf_ring *br;
	size_t br_size;
	uint8_t *buffers;
	unsigned sends; /* prepared */
	struct msghdr msg[LOOP_SENDS_MAX];
	struct iovec iov[LOOP_SENDS_MAX][LOOP_SEND_IOV];
	/* events that came while sends were run */
	struct loop_event *kept;
	size_t kept_cap, kept_at, kept_n;
};

static uint64_t
name_of(enum loop_op op, uint32_t index, uint32_t gen)
{
	return (uint64_t)op << 56 | (uint64_t)(gen & 0xffffff) << 32 | index;
}

static struct io_uring_sqe *
get_sqe(struct loop *l)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);
	if (sqe == NULL) {
		io_uring_submit(&l->ring);
		sqe = io_uring_get_sqe(&l->ring);
	}
	bug_on(sqe == NULL);
	return sqe;
}

static int
make_buffers(struct loop *l)
{
	l->br_size = BUFFERS * sizeof(struct io_uring_buf);
	void *m = mmap(NULL, l->br_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	l->br = m;
	m = mmap(NULL, (size_t)BUFFERS * BUFFER_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	l->buffers = m;
	struct io_uring_buf_reg reg = { .ring_addr = (uintptr_t)l->br,
		.ring_entries = BUFFERS,
		.bgid = GROUP };
	int r = io_uring_register_buf_ring(&l->ring, &reg, 0);
	if (r != 0)
		return r;
	io_uring_buf_ring_init(l->br);
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(l->br, l->buffers + i * BUFFER_SIZE,
		    BUFFER_SIZE, (unsigned short)i,
		    io_uring_buf_ring_mask(BUFFERS), i);
	io_uring_buf_ring_advance(l->br, BUFFERS);
	return 0;
}

/* Does a multishot recv with a buffer work, and stay armed? */
static bool
probe(struct loop *l)
{
	int sv[2];
	bool ok = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
		return false;
	loop_recv(l, sv[0], 0, 0);
	if (write(sv[1], "x", 1) == 1) {
		loop_wait(l, 1, mono_add_ms(clock_now(), 1000));
		struct loop_event e;
		ok = loop_next(l, &e) && e.res == 1 && e.buffer >= 0 && e.more;
		if (ok)
			loop_give(l, e.buffer);
	}
	close(sv[1]);
	loop_wait(l, 1, mono_add_ms(clock_now(), 1000));
	struct loop_event e;
	while (loop_next(l, &e))
		if (e.buffer >= 0)
			loop_give(l, e.buffer);
	close(sv[0]);
	return ok;
}

struct loop *
loop_new(char *err, size_t errlen)
{
	struct loop *l = calloc(1, sizeof *l);
	if (l == NULL) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER |
					      IORING_SETUP_DEFER_TASKRUN |
					      IORING_SETUP_SUBMIT_ALL |
					      IORING_SETUP_CQSIZE,
		.cq_entries = CQ_ENTRIES };
	int r = io_uring_queue_init_params(SQ_ENTRIES, &l->ring, &p);
	if (r != 0) {
		snprintf(err, errlen,
		    r == -EPERM
			? "io_uring is not allowed here (%s): see sysctl "
			  "kernel.io_uring_disabled and the seccomp profile of "
			  "the container"
			: "io_uring cannot be set up (%s): Linux 6.1 or later "
			  "is needed",
		    strerror(-r));
		free(l);
		return NULL;
	}
	r = make_buffers(l);
	if (r != 0 || !(p.features & IORING_FEAT_NODROP) || !probe(l)) {
		snprintf(err, errlen,
		    "io_uring lacks multishot receive with buffer rings (%s): "
		    "Linux 6.1 or later is needed",
		    r != 0 ? strerror(-r) : "probe failed");
		loop_free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	io_uring_queue_exit(&l->ring);
	if (l->br != NULL)
		munmap(l->br, l->br_size);
	if (l->buffers != NULL)
		munmap(l->buffers, (size_t)BUFFERS * BUFFER_SIZE);
	free(l->kept);
	free(l);
}

void
loop_accept(struct loop *l, int fd, uint32_t index)
{
	struct io_uring_sqe *sqe = get_sqe(l);
	io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, name_of(LOOP_ACCEPT, index, 0));
}

void
loop_recv(struct loop *l, int fd, uint32_t index, uint32_t gen)
{
	struct io_uring_sqe *sqe = get_sqe(l);
	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data64(sqe, name_of(LOOP_RECV, index, gen));
}

void
loop_writable(struct loop *l, int fd, uint32_t index, uint32_t gen)
{
	struct io_uring_sqe *sqe = get_sqe(l);
	io_uring_prep_poll_add(sqe, fd, POLLOUT);
	io_uring_sqe_set_data64(sqe, name_of(LOOP_WRITABLE, index, gen));
}

void
loop_poll(struct loop *l, int fd, uint32_t index)
{
	struct io_uring_sqe *sqe = get_sqe(l);
	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	io_uring_sqe_set_data64(sqe, name_of(LOOP_POLL, index, 0));
}

void
loop_watch(struct loop *l, enum loop_op op, int fd, unsigned what,
    uint32_t index, uint32_t gen)
{
	struct io_uring_sqe *sqe = get_sqe(l);
	bug_on(op != LOOP_DIAL && op != LOOP_RESOLVE);
	io_uring_prep_poll_add(sqe, fd,
	    (what & LOOP_IN ? POLLIN : 0U) | (what & LOOP_OUT ? POLLOUT : 0U));
	io_uring_sqe_set_data64(sqe, name_of(op, index, gen));
}

void
loop_cancel(struct loop *l, enum loop_op op, uint32_t index, uint32_t gen)
{
	struct io_uring_sqe *sqe = get_sqe(l);
	io_uring_prep_cancel64(sqe, name_of(op, index, gen), 0);
	io_uring_sqe_set_data64(sqe, name_of(LOOP_CANCEL, 0, 0));
}

bool
loop_send(struct loop *l, int fd, const struct iovec *iov, unsigned n,
    uint32_t index, uint32_t gen)
{
	if (l->sends == LOOP_SENDS_MAX)
		return false;
	bug_on(n == 0 || n > LOOP_SEND_IOV);
	struct io_uring_sqe *sqe = get_sqe(l);
	if (n == 1) {
		io_uring_prep_send(sqe, fd, iov->iov_base, iov->iov_len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		struct msghdr *m = &l->msg[l->sends];
		memcpy(l->iov[l->sends], iov, n * sizeof *iov);
		*m = (struct msghdr){ .msg_iov = l->iov[l->sends],
			.msg_iovlen = n };
		io_uring_prep_sendmsg(sqe, fd, m, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	io_uring_sqe_set_data64(sqe, name_of(LOOP_SEND, index, gen));
	l->sends++;
	return true;
}

/* The result of a watch. */
static int32_t
what_came(int32_t res)
{
	bool both = (res & (POLLERR | POLLHUP)) != 0;
	if (res < 0)
		return res;
	return (both || res & POLLIN ? LOOP_IN : 0) |
	       (both || res & POLLOUT ? LOOP_OUT : 0);
}

static void
to_event(struct loop *l, const struct io_uring_cqe *cqe, struct loop_event *e)
{
	*e = (struct loop_event){
		.op = (enum loop_op)(cqe->user_data >> 56),
		.gen = (uint32_t)(cqe->user_data >> 32) & 0xffffff,
		.index = (uint32_t)cqe->user_data,
		.res = cqe->res,
		.more = (cqe->flags & IORING_CQE_F_MORE) != 0,
		.buffer = -1,
	};
	if (e->op == LOOP_DIAL || e->op == LOOP_RESOLVE)
		e->res = what_came(cqe->res);
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		e->buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		e->data = l->buffers + (size_t)e->buffer * BUFFER_SIZE;
	}
}

static void
keep(struct loop *l, const struct loop_event *e)
{
	if (l->kept_n == l->kept_cap) {
		size_t cap = l->kept_cap != 0 ? 2 * l->kept_cap : 1024;
		void *p = realloc(l->kept, cap * sizeof *l->kept);
		bug_on(p == NULL);
		l->kept = p;
		l->kept_cap = cap;
	}
	l->kept[l->kept_n++] = *e;
}

/* Take all completions; sends go to fn, the rest is kept. */
static unsigned
reap(struct loop *l, loop_sent_fn *fn, void *ctx)
{
	unsigned sent = 0;
	struct io_uring_cqe *cqe;
	while (io_uring_peek_cqe(&l->ring, &cqe) == 0) {
		struct loop_event e;
		to_event(l, cqe, &e);
		io_uring_cqe_seen(&l->ring, cqe);
		if (e.op == LOOP_SEND) {
			sent++;
			fn(ctx, e.index, e.gen, e.res);
		} else if (e.op != LOOP_CANCEL) {
			keep(l, &e);
		}
	}
	return sent;
}

void
loop_run_sends(struct loop *l, loop_sent_fn *fn, void *ctx)
{
	unsigned want = l->sends, got;
	if (want == 0)
		return;
	int r;
	do
		r = io_uring_submit(&l->ring);
	while (r == -EINTR || r == -EAGAIN);
	bug_on(r < 0 && r != -EBUSY);
	got = reap(l, fn, ctx);
	/* MSG_DONTWAIT: all are complete when submit returns; an overflowed
	 * completion queue needs one more call */
	for (unsigned i = 0; got < want && i < 1000; i++) {
		io_uring_submit(&l->ring);
		io_uring_get_events(&l->ring);
		got += reap(l, fn, ctx);
	}
	bug_on(got != want);
	l->sends = 0;
}

bool
loop_next(struct loop *l, struct loop_event *e)
{
	struct io_uring_cqe *cqe;
	if (l->kept_at < l->kept_n) {
		*e = l->kept[l->kept_at++];
		return true;
	}
	l->kept_at = l->kept_n = 0;
	while (io_uring_peek_cqe(&l->ring, &cqe) == 0) {
		to_event(l, cqe, e);
		io_uring_cqe_seen(&l->ring, cqe);
		if (e->op != LOOP_CANCEL)
			return true;
	}
	return false;
}

void
loop_give(struct loop *l, int buffer)
{
	io_uring_buf_ring_add(l->br, l->buffers + (size_t)buffer * BUFFER_SIZE,
	    BUFFER_SIZE, (unsigned short)buffer,
	    io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(l->br, 1);
}

bool
loop_wait(struct loop *l, unsigned n, struct mono t)
{
	struct mono now = clock_now();
	struct io_uring_cqe *cqe;
	if (l->kept_at < l->kept_n)
		n = 0; /* the next turn is due */
	if (n == 0 || !mono_before(now, t)) {
		loop_look(l);
		return n == 0 || io_uring_cq_ready(&l->ring) > 0;
	}
	uint64_t ns = t.ns - now.ns;
	struct __kernel_timespec ts = { .tv_sec = (int64_t)(ns / NS_PER_S),
		.tv_nsec = (long long)(ns % NS_PER_S) };
	io_uring_submit_and_wait_timeout(&l->ring, &cqe, n, &ts, NULL);
	return io_uring_cq_ready(&l->ring) > 0;
}

void
loop_look(struct loop *l)
{
	io_uring_submit(&l->ring);
	io_uring_get_events(&l->ring);
}
