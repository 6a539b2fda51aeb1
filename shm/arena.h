/*
 * arena - all memory that several processes see: one memfd per writer.
 *
 *	region		writer		everybody else
 *	control		master		read	(block.h, directory.h)
 *	slot i		worker i	read	(slot.h, ring.h)
 *	hints		all		all	(wake.h, seats.h)
 *
 * The mapping enforces ownership.  The master makes each memfd, sets its mode
 * to 0400 and hands out descriptors opened O_RDONLY: a process of another user
 * cannot reopen them for writing, and mmap() or mprotect() for writing is
 * refused by the kernel.  A worker gets one writable descriptor: its slot's.
 *
 * Sizes are sealed (F_SEAL_GROW, F_SEAL_SHRINK).  Memory appears on first
 * touch; slots are virtually over-provisioned, the arena limit is a budget
 * summed over the slots (ring.h).
 *
 * Called by the master (create), workers and sluicectl (map).  Lives as long
 * as any process maps it.
 */
#ifndef SHM_ARENA_H
#define SHM_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/block.h"
#include "shm/directory.h"
#include "shm/ring.h"
#include "shm/slot.h"
#include "shm/wake.h"

#define ARENA_MAGIC UINT64_C(0x31656369756c7353) /* "Sluice1" */
enum { ARENA_LAYOUT = 4, SEATS_MAX = 1 << 24 };

enum worker_state { WORKER_DOWN, WORKER_STARTING, WORKER_UP, WORKER_QUIT };

/* One worker slot as the master sees it; written by the master alone. */
struct worker_entry {
	_Atomic uint64_t incarnation;
	_Atomic uint32_t pid;
	_Atomic uint32_t state; /* enum worker_state */
	_Atomic uint64_t since_ns;
	_Atomic uint64_t deaths;
};

/* The control region; written by the master alone. */
struct control {
	uint64_t magic;
	uint32_t layout, nslots;
	uint32_t nblocks, nrows;  /* per slot */
	uint32_t nsegs, dir_size; /* segments per slot; directory entries */
	uint64_t boot_id;
	uint64_t node; /* this server among its like, until it stops: edges */
	uint64_t start_ns;
	uint64_t budget_segs; /* arena limit over all slots */
	uint64_t hash_key[2];
	uint32_t master_pid;
	uint32_t nseats; /* words of seats in the hints */
	alignas(64) _Atomic uint64_t dir_epoch;
	alignas(64) struct worker_entry worker[SLOTS_MAX];
	struct block block[BLOCKS_MAX];
	alignas(64) struct dir_entry dir[];
};

/* What this process knows of the arena: its own mappings and geometry. */
struct arena {
	struct control *control; /* writable in the master only */
	struct hints *hints;
	struct slot *slot[SLOTS_MAX]; /* [own] writable, others read-only */
	int slot_fd[SLOTS_MAX];	      /* writable ones only, else -1 */
	uint32_t nslots, nblocks, nrows, nsegs, dir_size, nseats;
	uint64_t rows_at, owners_at, halves_at, segments_at, slot_size;
	uint64_t control_size, hints_size;
};

/* Wanted geometry for arena_create(). */
struct arena_size {
	uint32_t nslots;  /* 1..64 */
	uint32_t nblocks; /* live streams, 1..4032 */
	uint32_t nrows;	  /* clients per slot */
	uint64_t bytes;	  /* segments of all slots together, at most */
	uint32_t nseats;  /* words for limits across slots: seats.h */
};

/* Descriptors that the master keeps to hand out. */
struct arena_fds {
	int control_ro, hints, slot_rw[SLOTS_MAX], slot_ro[SLOTS_MAX];
};

/*
 * Make all regions, map them writable and initialise them.
 * Context	master, before any fork.  Returns 0 or -errno.
 */
int arena_create(
    struct arena *a, const struct arena_size *size, struct arena_fds *fds);

/*
 * Map an arena from descriptors; own is the slot mapped writable from own_fd,
 * or -1 for none (sluicectl: hints_fd may be -1 as well).  The descriptors
 * stay the caller's, but own_fd is kept in a->slot_fd.
 * Returns 0, -EPROTO if the header does not fit this program, or -errno.
 */
int arena_map(struct arena *a, int control_fd, int hints_fd, const int *slot_ro,
    unsigned nslots, int own, int own_fd);

void arena_unmap(struct arena *a);

/* Parts of slot s; index below the geometry of a (bug_on else). */
struct client_row *arena_row(const struct arena *a, unsigned s, uint32_t row);
_Atomic uint64_t *arena_owner(const struct arena *a, unsigned s, uint32_t seg);
struct ring_half *arena_half(const struct arena *a, unsigned s, uint32_t b);
uint8_t *arena_segment(const struct arena *a, unsigned s, uint32_t seg);

/*
 * Have the kernel put memory behind whole pages now, instead of at the first
 * write to each.  It is a hint: without memory the first writes try again.
 * Context: the worker of the slot.
 */
void arena_fill(void *at, uint64_t bytes);

/* Give the memory of bytes of slot s back to the kernel (reads give 0). */
void arena_punch(
    const struct arena *a, unsigned s, const void *at, uint64_t bytes);

/* Segments in use in slot s: owner words that are not 0. */
uint32_t arena_segments_used(const struct arena *a, unsigned s);

/*
 * Viewers of the stream of a block, here and behind edges.  Of others than its owner
 * words may be old, so that it is for people.  Context: any
 */
int64_t arena_viewers(const struct arena *a, uint32_t block);

#endif
