/*
 * loop - io_uring as the worker uses it; the only file that knows liburing.
 *
 * Multishot accept and poll, multishot recv into a shared ring of buffers,
 * sends that complete at once (MSG_DONTWAIT), poll for POLLOUT after a short
 * one.  Plain descriptors; no SQPOLL, zero copy, links or fixed files.
 *
 * A request is named by operation, index and generation, never by a pointer;
 * what comes late for an old generation is the caller's to ignore.
 *
 * Sends are special: loop_send() only prepares, loop_run_sends() submits all
 * and hands over every completion before it returns.  So the kernel has
 * finished with the bytes of a ring when the section ends.
 *
 * Context: one thread.  Lifetime: the process.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/clock.h"

enum loop_op {
	LOOP_NONE,
	LOOP_ACCEPT,   /* index: listener; res: descriptor */
	LOOP_RECV,     /* index, gen: connection; res: bytes in data */
	LOOP_SEND,     /* index, gen: connection; res: bytes taken */
	LOOP_WRITABLE, /* index, gen: connection */
	LOOP_POLL,     /* index: the caller's number; readable */
	LOOP_DIAL,     /* index, gen: attempt of worker/dial.h; once */
	LOOP_RESOLVE,  /* index, gen: socket of worker/resolve.h; once */
	LOOP_CANCEL
};

enum {
	LOOP_SENDS_MAX = 256, /* prepared and not run */
	LOOP_SEND_IOV = 64    /* pieces of one send */
};

/* What to watch for; LOOP_IN and LOOP_OUT may be added. */
enum { LOOP_IN = 1, LOOP_OUT = 2 };

struct loop_event {
	enum loop_op op;
	uint32_t index, gen; /* gen: 24 bits */
	int32_t res;
	bool more;	     /* the request stays armed */
	int buffer;	     /* to be given back, or -1 */
	const uint8_t *data; /* LOOP_RECV */
};

struct loop;
typedef void loop_sent_fn(void *ctx, uint32_t index, uint32_t gen, int32_t res);

/*
 * Set up and probe.  Returns NULL, with what is missing in err ("io_uring is
 * disabled: sysctl kernel.io_uring_disabled"), when the kernel is too old or
 * forbids it.
 */
struct loop *loop_new(char *err, size_t errlen);
void loop_free(struct loop *l);

/* Arm.  A request in the table may be armed once at a time. */
void loop_accept(struct loop *l, int fd, uint32_t index);
void loop_recv(struct loop *l, int fd, uint32_t index, uint32_t gen);
void loop_writable(struct loop *l, int fd, uint32_t index, uint32_t gen);
void loop_poll(struct loop *l, int fd, uint32_t index);
/*
 * Watch fd for `what`, once.  A descriptor must not be closed before its watch
 * has completed, or is cancelled by loop_cancel(): no need to wait for the
 * cancelled one, if gen is not used for another.
 *
 * op	LOOP_DIAL or LOOP_RESOLVE; res of the event is what has come (LOOP_IN,
 *	LOOP_OUT; both after an error or the end), or -errno
 */
void loop_watch(struct loop *l, enum loop_op op, int fd, unsigned what,
    uint32_t index, uint32_t gen);
/* End what is armed under that name; its own last completion tells. */
void loop_cancel(struct loop *l, enum loop_op op, uint32_t index, uint32_t gen);

/*
 * Prepare a send of n pieces; the array is copied, the bytes are not.
 * Returns false when LOOP_SENDS_MAX are prepared: run them first.
 */
bool loop_send(struct loop *l, int fd, const struct iovec *iov, unsigned n,
    uint32_t index, uint32_t gen);

/* Submit all prepared sends; fn is called once for each of them. */
void loop_run_sends(struct loop *l, loop_sent_fn *fn, void *ctx);

/*
 * The next event that has arrived, without waiting.
 * Returns false when there is none.  A buffer goes back by loop_give().
 */
bool loop_next(struct loop *l, struct loop_event *e);
void loop_give(struct loop *l, int buffer);

/*
 * Submit what is armed and sleep until there are n events, or until t.
 * Returns true when there is an event, or something was submitted and not
 * waited for.
 */
bool loop_wait(struct loop *l, unsigned n, struct mono t);
/* The same without sleeping. */
void loop_look(struct loop *l);

#endif
