/*
 * section - when may memory be reused that another process could still read?
 * (quiescent sections, RCU style; models/m2_retire.pml)
 *
 * A worker is inside a section (its counter is odd) whenever it uses bytes of
 * rings, halves or directory entries, and the kernel has finished with them
 * when the section ends: every send is submitted and reaped inside.  Whoever
 * made memory unreachable takes a snapshot of all counters; once each was even
 * in the snapshot or has changed since, nobody can still use that memory.
 *
 *	reader				owner
 *	S1  ctr odd	relaxed		O1  tail = new	release
 *	S2  fence	seq_cst		O2  fence	seq_cst
 *	S3  read tail...		O3  snapshot	acquire
 *	S4  ctr even	release		O4  passed?	acquire
 *
 * S2/O2: either the snapshot sees the odd counter, or the reader sees the new
 * tail.  S4/O3, O4: what the reader did in the section happened before.
 */
#ifndef SHM_SECTION_H
#define SHM_SECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/slot.h"

struct arena;

/* Enter and leave a section of the caller's own slot; not nested. */
void section_enter(struct slot *own);
void section_leave(struct slot *own);
bool section_inside(const struct slot *s);

/* O2, O3: counters of all slots into snap[nslots]. */
void section_snapshot(const struct arena *a, uint64_t *snap);

/* O4: has everybody left the section it may have been in at the snapshot? */
bool section_passed(const struct arena *a, const uint64_t *snap);

/*
 * Make the counter of a dead worker's slot even, never back to 0.
 * Context	master, after the worker is dead and before its successor.
 */
void section_repair(struct slot *dead);

#endif
