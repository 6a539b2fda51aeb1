#include "config.h"

#include "common/bug.h"
#include "shm/arena.h"
#include "shm/section.h"

void
section_enter(struct slot *own)
{
	uint64_t c = atomic_load_explicit(&own->section, memory_order_relaxed);
	bug_on(c & 1);
	atomic_store_explicit(
	    &own->section, c + 1, memory_order_relaxed); /* S1 */
	atomic_thread_fence(memory_order_seq_cst);	 /* S2 */
	slot_count(own, COUNTER_SECTIONS, 1);
}

void
section_leave(struct slot *own)
{
	uint64_t c = atomic_load_explicit(&own->section, memory_order_relaxed);
	bug_on(!(c & 1));
	atomic_store_explicit(
	    &own->section, c + 1, memory_order_release); /* S4 */
}

bool
section_inside(const struct slot *s)
{
	return atomic_load_explicit(&s->section, memory_order_relaxed) & 1;
}

void
section_snapshot(const struct arena *a, uint64_t *snap)
{
	atomic_thread_fence(memory_order_seq_cst); /* O2 */
	for (unsigned i = 0; i < a->nslots; i++)
		snap[i] = atomic_load_explicit(
		    &a->slot[i]->section, memory_order_acquire); /* O3 */
}

bool
section_passed(const struct arena *a, const uint64_t *snap)
{
	for (unsigned i = 0; i < a->nslots; i++)
		if ((snap[i] & 1) &&
		    atomic_load_explicit(&a->slot[i]->section,
			memory_order_acquire) == snap[i]) /* O4 */
			return false;
	return true;
}

void
section_repair(struct slot *dead)
{
	uint64_t c = atomic_load_explicit(&dead->section, memory_order_relaxed);
	atomic_store_explicit(
	    &dead->section, c + (c & 1 ? 1 : 2), memory_order_release);
}
