#include "config.h"

#include <stddef.h>
#include <string.h>

#include "bench/hist.h"

void
hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

static size_t
bucket_of(uint64_t us)
{
	if (us < HIST_LINEAR)
		return (size_t)us;
	/* Above, the top seven bits tell: 1 and six that choose the step. */
	unsigned shift = 63u - (unsigned)__builtin_clzll(us) - 6u;
	return HIST_LINEAR + (shift - 1) * HIST_STEPS +
	       (size_t)((us >> shift) - HIST_STEPS);
}

static uint64_t
top_of(size_t bucket)
{
	if (bucket < HIST_LINEAR)
		return bucket;
	size_t above = bucket - HIST_LINEAR;
	unsigned shift = (unsigned)(above / HIST_STEPS) + 1;
	return ((above % HIST_STEPS + HIST_STEPS + 1) << shift) - 1;
}

void
hist_add(struct hist *h, uint64_t us)
{
	if (us > HIST_MAX_US)
		us = HIST_MAX_US;
	h->count++;
	h->sum_us += us;
	if (us > h->max_us)
		h->max_us = us;
	h->bucket[bucket_of(us)]++;
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	to->sum_us += from->sum_us;
	if (from->max_us > to->max_us)
		to->max_us = from->max_us;
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t
hist_quantile_us(const struct hist *h, double q)
{
	uint64_t seen = 0;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= q * (double)h->count)
			return top_of(i) < h->max_us ? top_of(i) : h->max_us;
	}
	return h->max_us;
}

double
hist_mean_us(const struct hist *h)
{
	return h->count > 0 ? (double)h->sum_us / (double)h->count : 0;
}
