/*
 * seats - limits that are exact across workers (doc/models/m5_seats.pml).
 *
 * A range is a counter of seats given back and one word per seat: 0, or who
 * sits there, (slot, incarnation).  Whoever may sit down owns the one
 * instruction that wrote the word, so wherever a worker dies its seats are
 * known, and the master clears them before it starts a successor.  A number
 * that several processes count up and down could not be set right again.
 *
 *	take			give			sweep (master, at a death)
 *	T1  g = given		G1  CAS me -> 0		S1  every word of the
 *	T2  CAS 0 -> me, or	G2  given++		    dead: CAS -> 0
 *	    all are taken				S2  given++
 *	T3  given == g? full
 *	    else T1
 *
 * T3: a seat that was taken when the search passed it may have been given back
 * since.  Full means: at one moment of the call every seat was taken.
 *
 * The words lie in the hints region, which every worker may write: the worst
 * that a wrong one does is a wrong refusal, or a client too many.
 */
#ifndef SHM_SEATS_H
#define SHM_SEATS_H

#include <stdint.h>

#include "common/conf.h"

struct arena;

/* What one worker remembers of a range; begin with zeroes. */
struct seat_search {
	uint32_t next;	  /* where the next search begins */
	uint32_t known;	  /* full_at holds */
	uint64_t full_at; /* given, when all were taken */
};

enum { SEAT_NONE = 0 };

/* The word of a worker: 0 < slot + 1 <= 64 below its incarnation. */
static inline uint64_t
seat_owner(unsigned slot, uint64_t incarnation)
{
	return incarnation << 8 | (slot + 1);
}

/* Words that a range of n seats needs. */
static inline uint64_t
seats_words(uint32_t n)
{
	return (uint64_t)n + 1;
}

/*
 * Take a seat of r for `owner`.
 * Returns	the seat (never SEAT_NONE), or SEAT_NONE when all are taken
 * Cost		one compare-and-swap while there is room; a look at each seat
 *		when there was none and one has been given back since
 */
uint32_t seats_take(const struct arena *a, const struct seat_range *r,
    struct seat_search *s, uint64_t owner);

/* Give a seat back; of a seat that is not `owner`'s nothing is changed. */
void seats_give(const struct arena *a, const struct seat_range *r,
    uint32_t seat, uint64_t owner);

/*
 * Clear every seat of `owner`, in all ranges.  Returns how many.
 * Context	master, when the worker is dead and has no successor yet
 */
uint32_t seats_sweep(const struct arena *a, const struct seat_range *r,
    unsigned nranges, uint64_t owner);

/* Seats taken just now. */
uint32_t seats_used(const struct arena *a, const struct seat_range *r);

#endif
