/*
 * ring_pool - the segments of a worker's own slot, between ring.c, which
 * writes into them, and the arena's budget.  struct ring_pool and its life are
 * in ring.h.  Context: the slot's own worker.
 */
#ifndef SHM_RING_POOL_H
#define SHM_RING_POOL_H

#include <stdint.h>

#include "shm/ring.h"

/*
 * Claim the first free segment for owner word `word`, first-fit, so that the
 * same memory is used again and again.
 * Returns	its number, or -ENOBUFS: none is free, or only ones that hold no
 *		memory and the budget is used up
 */
int64_t ring_pool_claim(struct ring_pool *p, uint64_t word);

/* Give a segment back that holds `word`; nobody may see it any more. */
void ring_pool_release(struct ring_pool *p, uint32_t seg, uint64_t word);

#endif
