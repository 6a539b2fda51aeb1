/*
 * block - one live stream as the master states it: state and generation,
 * owner, and how it ended.  Written by the master alone (architecture rule
 * 15); the publisher's side of a stream is struct ring_half in its slot.
 *
 *	FREE	-> LIVE		granted: gen + 1, owner set before
 *	LIVE	-> ENDED	unpublished, taken over, or its worker died;
 *				end_reason, grace, last_* set before
 *	ENDED	-> FREE		nobody can see it: FREED, or freed by the master
 *
 * A reference to a stream is (block, gen); gen is never reused.
 */
#ifndef SHM_BLOCK_H
#define SHM_BLOCK_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum block_state { BLOCK_FREE, BLOCK_LIVE, BLOCK_ENDED };

struct block {
	alignas(128) _Atomic uint64_t state_gen; /* gen << 8 | state */
	_Atomic uint32_t owner;			 /* slot */
	_Atomic uint32_t dir;			 /* entry in the directory */
	_Atomic uint64_t owner_incarnation;
	_Atomic uint64_t publisher; /* client id */
	_Atomic uint64_t since_ns;
	_Atomic uint32_t end_reason; /* enum reason, when ENDED */
	_Atomic uint32_t last_ts;    /* clock left behind, when ENDED */
	_Atomic uint64_t last_ns;
	_Atomic uint64_t grace_until_ns; /* viewers are told after this */
	_Atomic uint64_t pull; /* id that publishes it; 0: a client */
};
_Static_assert(sizeof(struct block) == 128, "shared layout");

static inline uint64_t
state_gen(enum block_state s, uint64_t gen)
{
	return gen << 8 | (uint64_t)s;
}

static inline enum block_state
state_of(uint64_t sg)
{
	return (enum block_state)(sg & 0xff);
}

static inline uint64_t
gen_of(uint64_t sg)
{
	return sg >> 8;
}

/* Is (block, gen) live?  Order: acquires what the master released. */
bool block_is_live(const struct block *b, uint64_t gen);

/* Has (block, gen) ended (or gone even further)? */
bool block_has_ended(const struct block *b, uint64_t gen);

#endif
