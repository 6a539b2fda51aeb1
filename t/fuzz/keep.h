/*
 * keep - memory for worlds that come one after the other: large blocks and the
 * shared memory are asked from the kernel once and used again, which makes
 * fuzz_session several times faster.
 *
 * Lifetime	of the process.  Context: one thread.
 */
#ifndef FUZZ_KEEP_H
#define FUZZ_KEEP_H

#include <stddef.h>

#include "shm/arena.h"

/*
 * A block of n bytes, not zero.  Blocks that the allocator would map one by one
 * are kept when they are put; until they are lent again, and behind their n
 * bytes, an access is a finding of the address sanitizer, as with malloc.
 */
void *keep_get(size_t n);
void keep_put(void *p, size_t n); /* n as it was got; p may be NULL */
/* A block of to bytes with the first used of p, which is put. */
void *keep_grow(void *p, size_t n, size_t used, size_t to);

/*
 * An arena as arena_create() makes it, the same at every call of a process:
 * its keys are not random.  The segments hold what the last world left.
 * size is that of the first call.  Nobody unmaps or closes it.
 */
void keep_arena(
    struct arena *a, const struct arena_size *size, struct arena_fds *fds);

#endif
