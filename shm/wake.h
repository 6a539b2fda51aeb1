/*
 * wake - telling other workers that a stream has news, and sleeping without
 * missing it (architecture rule 1; models/m1_wake.pml).
 *
 * All words here are hints that every process may write: the worst a wrong one
 * does is a look for nothing.
 *
 *	producer, once per pass			reader
 *	P1  heads stored	release		R1  drain eventfd; asleep = 0
 *	P2  fence		seq_cst		R2  sum = exchange(sum, 0)
 *	P3  interest bits	relaxed		R3  d = exchange(dirty[i], 0)
 *	P4  dirty |= bit			R4  look at the streams in d
 *	P5  sum |= bit	always			R5  asleep = 1
 *	P6  fence		seq_cst		R6  fence		seq_cst
 *	P7  if asleep: write(eventfd)		R7  sum == 0 ? sleep : R1
 *
 * P5/R7 with the fences P6/R6: either the reader sees the sum, or the producer
 * sees asleep.  P2 pairs with the fence of ring_watch(): either the producer
 * sees the interest bit, or the joining reader sees the new head.
 * The master at the end of a stream marks every slot and then writes all
 * eventfds, asleep or not.
 */
#ifndef SHM_WAKE_H
#define SHM_WAKE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/slot.h"

enum { WAKE_DIRECTORY = 63 }; /* bit of the sum: directory */

struct hint_slot {
	alignas(64) _Atomic uint64_t sum;
	alignas(64) _Atomic uint64_t dirty[BLOCK_WORDS];
};

struct hints {
	struct hint_slot slot[SLOTS_MAX];
	alignas(64) _Atomic uint64_t seat[]; /* seats.h */
};

struct arena;

/* P2: call once per pass before wake_mark(), after all heads are stored. */
void wake_fence(void);

/*
 * P3-P5: mark block dirty in every slot that is interested in it.
 * Returns the set of slots marked (bit i = slot i).
 */
uint64_t wake_mark(const struct arena *a, uint32_t block);

/* P4-P5 for one slot without looking at interest. */
void wake_mark_slot(const struct arena *a, unsigned slot, uint32_t block);

/* Mark "the directory changed" in one slot. */
void wake_mark_directory(const struct arena *a, unsigned slot);

/*
 * P6-P7: after the last mark of a pass.  eventfd[i] is slot i's; the slot
 * `self` is not written (-1: none).  Returns the number of writes.
 */
unsigned wake_sleepers(
    const struct arena *a, uint64_t slots, const int *eventfd, int self);

/* R5-R7: returns true if the worker may sleep now; else asleep is 0 again. */
bool wake_may_sleep(const struct arena *a, unsigned self);

/* R1 (without the eventfd): awake again. */
void wake_awake(const struct arena *a, unsigned self);

/* R2, R3: take the sum; take one dirty word. */
uint64_t wake_take_sum(const struct arena *a, unsigned self);
uint64_t wake_take_word(const struct arena *a, unsigned self, unsigned word);

#endif
