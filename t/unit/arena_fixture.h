/*
 * arena_fixture - an arena for a Check case: mapped writable as the master
 * has it, so that one process can play every part.
 */
#ifndef ARENA_FIXTURE_H
#define ARENA_FIXTURE_H

#include <check.h>
#include <string.h>

#include "shm/arena.h"
#include "shm/block.h"

enum { FIX_SLOTS = 4, FIX_BLOCKS = 200, FIX_ROWS = 16, FIX_SEGS = 64,
	FIX_SEATS = 64 };

static struct arena fix;
static struct arena_fds fix_fds;

static inline void
fix_create(void)
{
	const struct arena_size size = { .nslots = FIX_SLOTS,
		.nblocks = FIX_BLOCKS,
		.nrows = FIX_ROWS,
		.nseats = FIX_SEATS,
		.bytes = (uint64_t)FIX_SEGS * SEGMENT_SIZE };
	ck_assert_int_eq(arena_create(&fix, &size, &fix_fds), 0);
}

static inline void
fix_remove(void)
{
	arena_unmap(&fix);
}

/* What the master does at a grant (slot s) and at an end. */
static inline void
fix_grant(uint32_t block, unsigned s, uint64_t gen)
{
	struct block *b = &fix.control->block[block];
	atomic_store_explicit(&b->owner, s, memory_order_relaxed);
	atomic_store_explicit(
	    &b->state_gen, state_gen(BLOCK_LIVE, gen), memory_order_release);
}

static inline void
fix_end(uint32_t block, uint64_t gen)
{
	atomic_store_explicit(&fix.control->block[block].state_gen,
	    state_gen(BLOCK_ENDED, gen), memory_order_release);
}

static inline int
fix_main(TCase *t, const char *name)
{
	Suite *s = suite_create(name);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}

static inline TCase *
fix_tcase(const char *name)
{
	TCase *t = tcase_create(name);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fix_create, fix_remove);
	return t;
}

#endif
