#include "config.h"

#include "common/bug.h"
#include "shm/arena.h"
#include "shm/seats.h"

/* Word i of a range: 0 counts what is given back, the seats follow. */
static _Atomic uint64_t *
words(const struct arena *a, const struct seat_range *r)
{
	bug_on((uint64_t)r->first + seats_words(r->count) > a->nseats);
	return &a->hints->seat[r->first];
}

static uint32_t
search(_Atomic uint64_t *w, uint32_t count, uint32_t from, uint64_t owner)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t seat = 1 + (from + i) % count;
		uint64_t nobody = 0;
		/* relaxed: the count of the taken is all that they tell */
		if (atomic_load_explicit(&w[seat], memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_strong_explicit(&w[seat], &nobody,
			owner, memory_order_acq_rel, memory_order_relaxed))
			return seat;
	}
	return SEAT_NONE;
}

uint32_t
seats_take(const struct arena *a, const struct seat_range *r,
    struct seat_search *s, uint64_t owner)
{
	if (r->count == 0)
		return SEAT_NONE;
	_Atomic uint64_t *w = words(a, r);
	for (;;) {
		uint64_t given =
		    atomic_load_explicit(&w[0], memory_order_acquire);
		if (s->known && s->full_at == given)
			return SEAT_NONE;
		uint32_t seat = search(w, r->count, s->next, owner);
		if (seat != SEAT_NONE) {
			s->next = seat % r->count;
			s->known = 0;
			return seat;
		}
		/* the looks above come before this one */
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&w[0], memory_order_relaxed) != given)
			continue;
		s->known = 1;
		s->full_at = given;
		return SEAT_NONE;
	}
}

static void
count_given(_Atomic uint64_t *w)
{
	atomic_fetch_add_explicit(&w[0], 1, memory_order_release);
}

void
seats_give(const struct arena *a, const struct seat_range *r, uint32_t seat,
    uint64_t owner)
{
	if (seat == SEAT_NONE)
		return;
	_Atomic uint64_t *w = words(a, r);
	bug_on(seat > r->count);
	if (atomic_compare_exchange_strong_explicit(&w[seat], &owner, 0,
		memory_order_acq_rel, memory_order_relaxed))
		count_given(w);
}

uint32_t
seats_sweep(const struct arena *a, const struct seat_range *r, unsigned nranges,
    uint64_t owner)
{
	uint32_t n = 0;
	for (unsigned k = 0; k < nranges; k++) {
		_Atomic uint64_t *w = words(a, &r[k]);
		for (uint32_t i = 1; i <= r[k].count; i++) {
			uint64_t who = owner;
			n +=
			    atomic_load_explicit(&w[i], memory_order_relaxed) ==
				owner &&
			    atomic_compare_exchange_strong_explicit(&w[i], &who,
				0, memory_order_acq_rel, memory_order_relaxed);
		}
		/* also when it died between its own G1 and G2 */
		count_given(w);
	}
	return n;
}

uint32_t
seats_used(const struct arena *a, const struct seat_range *r)
{
	const _Atomic uint64_t *w = words(a, r);
	uint32_t n = 0;
	for (uint32_t i = 1; i <= r->count; i++)
		n += atomic_load_explicit(&w[i], memory_order_relaxed) != 0;
	return n;
}
