#include "config.h"

#include <unistd.h>

#include "shm/arena.h"
#include "shm/wake.h"

void
wake_fence(void)
{
	atomic_thread_fence(memory_order_seq_cst); /* P2 */
}

void
wake_mark_slot(const struct arena *a, unsigned slot, uint32_t block)
{
	struct hint_slot *h = &a->hints->slot[slot];
	unsigned word = block / 64;
	atomic_fetch_or_explicit(&h->dirty[word], UINT64_C(1) << (block % 64),
	    memory_order_release); /* P4 */
	atomic_fetch_or_explicit(
	    &h->sum, UINT64_C(1) << word, memory_order_release); /* P5 */
}

uint64_t
wake_mark(const struct arena *a, uint32_t block)
{
	uint64_t marked = 0, bit = UINT64_C(1) << (block % 64);
	for (unsigned i = 0; i < a->nslots; i++) {
		const struct slot *s = a->slot[i];
		if (!(atomic_load_explicit(
			  &s->interest[block / 64], memory_order_relaxed) &
			bit)) /* P3 */
			continue;
		wake_mark_slot(a, i, block);
		marked |= UINT64_C(1) << i;
	}
	return marked;
}

void
wake_mark_directory(const struct arena *a, unsigned slot)
{
	atomic_fetch_or_explicit(&a->hints->slot[slot].sum,
	    UINT64_C(1) << WAKE_DIRECTORY, memory_order_release);
}

unsigned
wake_sleepers(
    const struct arena *a, uint64_t slots, const int *eventfd, int self)
{
	static const uint64_t one = 1;
	unsigned n = 0;
	atomic_thread_fence(memory_order_seq_cst); /* P6 */
	for (unsigned i = 0; i < a->nslots; i++) {
		if (!(slots >> i & 1) || (int)i == self)
			continue;
		if (!atomic_load_explicit(
			&a->slot[i]->asleep, memory_order_relaxed)) /* P7 */
			continue;
		/* a full counter (EAGAIN) wakes as well */
		ssize_t r = write(eventfd[i], &one, sizeof one);
		(void)r;
		n++;
	}
	return n;
}

bool
wake_may_sleep(const struct arena *a, unsigned self)
{
	struct slot *s = a->slot[self];
	atomic_store_explicit(&s->asleep, 1, memory_order_relaxed); /* R5 */
	atomic_thread_fence(memory_order_seq_cst);		    /* R6 */
	if (atomic_load_explicit(
		&a->hints->slot[self].sum, memory_order_relaxed) == 0) /* R7 */
		return true;
	wake_awake(a, self);
	return false;
}

void
wake_awake(const struct arena *a, unsigned self)
{
	atomic_store_explicit(
	    &a->slot[self]->asleep, 0, memory_order_relaxed); /* R1 */
}

uint64_t
wake_take_sum(const struct arena *a, unsigned self)
{
	return atomic_exchange_explicit(
	    &a->hints->slot[self].sum, 0, memory_order_acq_rel); /* R2 */
}

uint64_t
wake_take_word(const struct arena *a, unsigned self, unsigned word)
{
	return atomic_exchange_explicit(&a->hints->slot[self].dirty[word], 0,
	    memory_order_acq_rel); /* R3 */
}
