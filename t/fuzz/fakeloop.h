/*
 * fakeloop - worker/loop.h without a kernel: what is armed stands in tables,
 * the test says what completes, and sends end as the test wants.
 *
 * Kept from the real one: a request completes once without `more`; a cancelled
 * one completes with -ECANCELED, later; all sends of a run have happened before
 * the first of their results is told; buffers are lent and come back.
 * Every buffer is an allocation of its own, freed when it is given back.
 */
#ifndef FUZZ_FAKELOOP_H
#define FUZZ_FAKELOOP_H

#include "worker/loop.h"

enum { FAKE_CONNS = 64, FAKE_BUFFERS = 512, FAKE_BUFFER_SIZE = 16384 };

/* The socket fd is offered these bytes: how many does it take, or -errno? */
typedef int32_t fake_take_fn(
    void *ctx, int fd, const struct iovec *iov, unsigned n);

struct loop *fake_loop_new(fake_take_fn *take, void *ctx);

/* What is armed? */
bool fake_recv_armed(const struct loop *l, uint32_t index, uint32_t gen);
bool fake_accept_armed(const struct loop *l, uint32_t index);

/* Complete what is armed.  Returns false when it is not. */
bool fake_accept(struct loop *l, uint32_t index, int32_t res, bool more);
/* data == NULL: no buffer, res is 0 or -errno and nothing stays armed. */
bool fake_recv(struct loop *l, uint32_t index, uint32_t gen,
    const uint8_t *data, int32_t res, bool more);
bool fake_writable(struct loop *l, uint32_t index, uint32_t gen);

/* Events that wait for loop_next(); buffers that are not given back. */
bool fake_pending(const struct loop *l);
unsigned fake_lent(const struct loop *l);

#endif
