/*
 * hist - a histogram of microseconds whose buckets grow with the value: exact
 * below 128 us, then 64 buckets to each doubling (1.6 % at most).  Fixed
 * size, no allocation; one thread.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

enum {
	HIST_LINEAR = 128, /* values that have a bucket of their own */
	HIST_STEPS = 64,   /* buckets to each doubling above */
	HIST_DOUBLINGS = 33,
	HIST_BUCKETS = HIST_LINEAR + HIST_STEPS * HIST_DOUBLINGS
};

/* Larger values (12 days) count as this one. */
#define HIST_MAX_US (((uint64_t)HIST_LINEAR << HIST_DOUBLINGS) - 1)

struct hist {
	uint64_t count, sum_us, max_us;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
/* Hot path. */
void hist_add(struct hist *h, uint64_t us);
/* Add all values of another one. */
void hist_merge(struct hist *to, const struct hist *from);
/*
 * The value that a share q of all (0 to 1) does not exceed: the top of its
 * bucket, and never more than the maximum.  0 when nothing was added.
 */
uint64_t hist_quantile_us(const struct hist *h, double q);
double hist_mean_us(const struct hist *h);

#endif
