#include "config.h"

#include "shm/block.h"

bool
block_is_live(const struct block *b, uint64_t gen)
{
	return atomic_load_explicit(&b->state_gen, memory_order_acquire) ==
	       state_gen(BLOCK_LIVE, gen);
}

bool
block_has_ended(const struct block *b, uint64_t gen)
{
	return !block_is_live(b, gen);
}
