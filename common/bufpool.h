/*
 * bufpool - buffers of a few size classes inside one budget, for what is not
 * in a ring: unfinished messages, replies, tails, handshakes.
 *
 * One mapping of budget bytes is reserved at start and touched as it is used;
 * every class has a free list.  A larger class is never split, a smaller one
 * never merged: classes are 4x apart and traffic keeps its mix.
 *
 * Context: one thread, never blocks.
 */
#ifndef COMMON_BUFPOOL_H
#define COMMON_BUFPOOL_H

#include <stddef.h>
#include <stdint.h>

enum { BUFPOOL_CLASSES = 8, BUFPOOL_MIN = 512 }; /* 512 B .. 8 MiB */

struct bufpool {
	uint8_t *base;
	size_t size, used; /* used: carved so far */
	void *free[BUFPOOL_CLASSES];
	size_t lent; /* bytes handed out */
};

/* Reserve budget bytes.  Returns 0 or -errno. */
int bufpool_init(struct bufpool *p, size_t budget);
void bufpool_fini(struct bufpool *p);

/* Size of the buffer that get(size) would return; 0 if above the largest. */
size_t bufpool_round(size_t size);

/* A buffer of bufpool_round(size) bytes, or NULL: budget used up. */
void *bufpool_get(struct bufpool *p, size_t size);

/* Give buf back; size is any size that rounds to its class. */
void bufpool_put(struct bufpool *p, void *buf, size_t size);

#endif
