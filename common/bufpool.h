/*
 * bufpool - buffers of a few size classes inside one budget, for what is not
 * in a ring: unfinished messages, replies, tails, handshakes.
 *
 * Every class has a list of buffers that were given back, so that traffic of a
 * steady mix allocates nothing; when the budget is needed for another class,
 * they go back to the system.  The last quarter of the budget is kept for what
 * runs already: newcomers are refused first.
 *
 * Context: one thread, never blocks.
 */
#ifndef COMMON_BUFPOOL_H
#define COMMON_BUFPOOL_H

#include <stddef.h>
#include <stdint.h>

enum {
	BUFPOOL_MIN_SHIFT = 6,
	BUFPOOL_MIN = 1 << BUFPOOL_MIN_SHIFT,
	BUFPOOL_CLASSES = 35 /* 64, 96, 128, 192, 256 B ... 8 MiB */
};

struct bufpool {
	size_t budget;
	size_t lent;   /* bytes handed out */
	size_t cached; /* bytes on the lists; lent + cached <= budget */
	void *free[BUFPOOL_CLASSES];
};

void bufpool_init(struct bufpool *p, size_t budget);
/* What is lent stays the borrowers' problem. */
void bufpool_fini(struct bufpool *p);

/* Size of the buffer that get(size) would return; 0 if above the largest. */
size_t bufpool_round(size_t size);

/* A buffer of bufpool_round(size) bytes, or NULL: budget used up. */
void *bufpool_get(struct bufpool *p, size_t size);

/* The same for a newcomer: NULL when three quarters are used. */
void *bufpool_get_new(struct bufpool *p, size_t size);

/* Give buf back; size is any size that rounds to its class. */
void bufpool_put(struct bufpool *p, void *buf, size_t size);

#endif
