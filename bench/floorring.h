/*
 * floorring - the bytes of one stream on the wire, the newest of them, for
 * sends straight out of memory.  Positions are bytes since the start.  The
 * memory is mapped twice in a row: what lies between two positions is always
 * contiguous.
 */
#ifndef BENCH_FLOORRING_H
#define BENCH_FLOORRING_H

#include <stddef.h>
#include <stdint.h>

struct floorring {
	uint8_t *base;
	size_t size; /* a power of two, of whole pages */
	uint64_t head;
	uint64_t key;	 /* the newest keyframe */
	uint64_t before; /* where the newest message begins */
};

/* At least `size` bytes.  Returns 0 or -errno. */
int floorring_open(struct floorring *r, size_t size);
void floorring_close(struct floorring *r);

static inline uint8_t *
floorring_at(const struct floorring *r, uint64_t position)
{
	return r->base + (position & (r->size - 1));
}

#endif
