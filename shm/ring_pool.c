#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "shm/arena.h"
#include "shm/ring.h"
#include "shm/ring_pool.h"
#include "shm/section.h"

static bool
bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void
set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static void
clear_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static void
publish_resident(struct ring_pool *p)
{
	atomic_store_explicit(
	    &p->a->slot[p->self]->resident, p->touched, memory_order_relaxed);
}

static bool
is_free(const struct ring_pool *p, uint32_t seg)
{
	return atomic_load_explicit(
		   arena_owner(p->a, p->self, seg), memory_order_acquire) == 0;
}

int
ring_pool_init(struct ring_pool *p, const struct arena *a, unsigned self)
{
	memset(p, 0, sizeof *p);
	p->a = a;
	p->self = self;
	p->nsegs = a->nsegs;
	p->bits = calloc((a->nsegs + 63) / 64, 8);
	p->foreign = calloc((a->nsegs + 63) / 64, 8);
	if (p->bits == NULL || p->foreign == NULL) {
		ring_pool_fini(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0, from = 0; i <= a->nsegs; i++) {
		if (i < a->nsegs && is_free(p, i))
			continue;
		if (i > from)
			arena_punch(a, self, arena_segment(a, self, from),
			    (uint64_t)(i - from) << SEGMENT_SHIFT);
		from = i + 1;
		if (i == a->nsegs)
			break;
		set_bit(p->bits, i);
		set_bit(p->foreign, i);
		p->touched++;
	}
	publish_resident(p);
	return 0;
}

void
ring_pool_fini(struct ring_pool *p)
{
	free(p->bits);
	free(p->foreign);
	p->bits = p->foreign = NULL;
}

/* What a predecessor held and the master has freed holds no memory now. */
static uint32_t
look_at_foreign(struct ring_pool *p)
{
	uint32_t held = 0;
	for (uint32_t w = 0; w < (p->nsegs + 63) / 64; w++) {
		for (uint64_t left = p->foreign[w]; left; left &= left - 1) {
			uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(left);
			if (!is_free(p, i)) {
				held++;
				continue;
			}
			clear_bit(p->foreign, i);
			clear_bit(p->bits, i);
			p->touched--;
		}
	}
	return held;
}

static void
punch_idle(struct ring_pool *p, uint32_t n)
{
	for (uint32_t i = p->nsegs; n > 0 && i-- > 0;) {
		if (!bit(p->bits, i) || !is_free(p, i))
			continue;
		arena_punch(p->a, p->self, arena_segment(p->a, p->self, i),
		    SEGMENT_SIZE);
		clear_bit(p->bits, i);
		p->touched--;
		n--;
	}
}

/*
 * What was not needed for RING_IDLE_S.  Streams that began together need more
 * in one second of their keyframes' period than in the next.
 */
static uint32_t
never_needed(struct ring_pool *p)
{
	p->idle_lows[p->seconds++ % RING_IDLE_S] = p->idle_low;
	uint32_t low = p->idle_low;
	for (unsigned i = 0; i < RING_IDLE_S; i++)
		if (p->idle_lows[i] < low)
			low = p->idle_lows[i];
	return low;
}

void
ring_pool_tick(struct ring_pool *p)
{
	uint32_t held = look_at_foreign(p);
	/* half of it, each second: at rest all goes */
	punch_idle(p, (never_needed(p) + 1) / 2);
	p->idle_low = p->touched - p->used - held;
	p->hint = 0;
	publish_resident(p);
}

static uint64_t
resident_everywhere(const struct arena *a)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < a->nslots; i++)
		sum += atomic_load_explicit(
		    &a->slot[i]->resident, memory_order_relaxed);
	return sum;
}

static void
note_claim(struct ring_pool *p, uint32_t seg)
{
	p->used++;
	p->hint = seg + 1;
	if (!bit(p->bits, seg)) {
		/* one call instead of 32 page faults; all of it will be used */
		arena_fill(arena_segment(p->a, p->self, seg), SEGMENT_SIZE);
		set_bit(p->bits, seg);
		p->touched++;
		publish_resident(p);
	} else if (bit(p->foreign, seg)) {
		/* the master punched and freed it since the last tick */
		clear_bit(p->foreign, seg);
	}
	uint32_t idle = p->touched > p->used ? p->touched - p->used : 0;
	if (idle < p->idle_low)
		p->idle_low = idle;
	slot_count(p->a->slot[p->self], COUNTER_SEGMENTS_CLAIMED, 1);
}

int64_t
ring_pool_claim(struct ring_pool *p, uint64_t word)
{
	bool may_grow = resident_everywhere(p->a) < p->a->control->budget_segs;
	for (uint32_t i = p->hint; i < p->nsegs; i++) {
		uint64_t zero = 0;
		if (!bit(p->bits, i) && !may_grow)
			continue;
		if (!is_free(p, i))
			continue;
		/* no other writer claims here; CAS, because the master frees
		 * a predecessor's words beside us */
		if (!atomic_compare_exchange_strong_explicit(
			arena_owner(p->a, p->self, i), &zero, word,
			memory_order_acq_rel, memory_order_relaxed))
			continue;
		note_claim(p, i);
		return i;
	}
	return -ENOBUFS;
}

static void
poison(const struct arena *a, unsigned slot, uint32_t seg)
{
#ifdef SLUICE_POISON
	memset(arena_segment(a, slot, seg), 0xdd, SEGMENT_SIZE);
#else
	(void)a, (void)slot, (void)seg;
#endif
}

void
ring_pool_release(struct ring_pool *p, uint32_t seg, uint64_t word)
{
	poison(p->a, p->self, seg);
	bool ours = atomic_compare_exchange_strong_explicit(
	    arena_owner(p->a, p->self, seg), &word, 0, memory_order_acq_rel,
	    memory_order_relaxed);
	bug_on(!ours);
	p->used--;
	if (seg < p->hint)
		p->hint = seg;
	slot_count(p->a->slot[p->self], COUNTER_SEGMENTS_FREED, 1);
}

/* Free every segment of slot f->slot that belongs to (block, gen). */
static void
free_words(
    const struct arena *a, const struct ring_free *f, struct ring_pool *pool)
{
	uint64_t word = owner_word(f->block, f->gen);
	for (uint32_t i = 0; i < a->nsegs; i++) {
		_Atomic uint64_t *w = arena_owner(a, f->slot, i);
		uint64_t have = word;
		if (atomic_load_explicit(w, memory_order_relaxed) != word)
			continue;
		if (pool != NULL) {
			ring_pool_release(pool, i, word);
			continue;
		}
		arena_punch(
		    a, f->slot, arena_segment(a, f->slot, i), SEGMENT_SIZE);
		poison(a, f->slot, i);
		atomic_compare_exchange_strong_explicit(
		    w, &have, 0, memory_order_acq_rel, memory_order_relaxed);
	}
}

static bool
nobody_interested(const struct arena *a, struct ring_free *f)
{
	for (; f->from < a->nslots; f->from++)
		if (atomic_load_explicit(
			&a->slot[f->from]->interest[f->block / 64],
			memory_order_acquire) >>
			(f->block % 64) &
		    1)
			return false;
	return true;
}

bool
ring_free_step(
    const struct arena *a, struct ring_free *f, struct ring_pool *pool)
{
	enum { SEE_END, SEE_BITS, GRACE, DONE };
	const struct block *b = &a->control->block[f->block];
	if (f->phase == SEE_END) {
		if (atomic_load_explicit(&b->state_gen, memory_order_acquire) !=
		    state_gen(BLOCK_ENDED, f->gen))
			return false;
		atomic_thread_fence(memory_order_seq_cst);
		f->from = 0;
		f->phase = SEE_BITS;
	}
	if (f->phase == SEE_BITS) {
		if (!nobody_interested(a, f))
			return false;
		section_snapshot(a, f->snap); /* begins with a fence */
		f->phase = GRACE;
	}
	if (f->phase == GRACE) {
		if (!section_passed(a, f->snap))
			return false;
		free_words(a, f, pool);
		struct ring_half *h = arena_half(a, f->slot, f->block);
		atomic_store_explicit(&h->gen, 0, memory_order_relaxed);
		arena_punch(a, f->slot, h, (sizeof *h + 4095) & ~4095u);
		f->phase = DONE;
	}
	return true;
}
