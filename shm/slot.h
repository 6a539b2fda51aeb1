/*
 * slot - the memory of one worker slot: written by its worker alone (by the
 * master between that worker's death and its successor's fork; beside a
 * successor the master writes only owner words and halves of the dead one's
 * streams).  Everybody else maps it read-only.
 *
 *	| struct slot | rows | owner words | halves | segments |
 *
 *	field		written by	meaning
 *	section		worker (M)	odd while the worker may use ring bytes
 *	asleep		worker (M)	1: needs an eventfd write to look
 *	loops		worker		turns of its loop, for the watchdog
 *	interest	worker (M)	bit per block: players here may touch it
 *	readers		worker (M)	players per block
 *	beyond		worker (M)	the same behind edges that play here, as
 *					they say, less these edges; or publish
 *	resident	worker (M)	segments that hold memory
 *	counters	worker		see common/counters.def; never reset
 *	rows		worker (M)	one per client, for sluicectl: of
 *					connections, then of virtual clients
 *	owner words	worker, M	0 free, or OWNER(block, gen)
 *	halves		worker, M	per block: struct ring_half
 *	segments	worker		bytes of rings, no headers
 *
 * (M): the master too, while no worker of the slot lives.
 */
#ifndef SHM_SLOT_H
#define SHM_SLOT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/ipc.h"

enum {
	SEGMENT_SHIFT = 17,
	SEGMENT_SIZE = 1 << SEGMENT_SHIFT, /* 128 KiB */
	BLOCKS_MAX = 4032, /* 63 dirty words; bit 63 of the sum: directory */
	BLOCK_WORDS = 63,
	SLOTS_MAX = IPC_SLOTS_MAX,
	ROW_KEY = 256,
	COUNTERS_MAX = 128
};
_Static_assert(
    (int)COUNTER_COUNT <= (int)COUNTERS_MAX, "room for every counter");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared words must be lock-free");

enum row_role {
	ROW_FREE,
	ROW_NEW,
	ROW_IDLE,
	ROW_PUBLISH,
	ROW_PLAY,
	ROW_WAIT,
	ROW_UPSTREAM, /* a connection that this server has made */
	ROW_EDGE,     /* a server below, that carries its clients */
	ROW_VIRTUAL   /* one of these */
};

/*
 * One client, for people.  seq is odd while the worker writes the text part;
 * a reader copies and re-checks it.  Byte counts are plain relaxed words.
 */
struct client_row {
	alignas(64) _Atomic uint32_t seq;
	_Atomic uint32_t role;	   /* enum row_role */
	_Atomic uint64_t id;	   /* below 2^53; not used again */
	_Atomic uint64_t since_ns; /* CLOCK_MONOTONIC of the accept */
	_Atomic uint64_t bytes_in, bytes_out;
	_Atomic uint64_t skips;
	_Atomic uint64_t lag_bytes; /* play: head - cursor at the last look */
	_Atomic uint64_t edge;	    /* virtual: id of the edge's connection */
	alignas(64) char addr[64];  /* "192.0.2.1:4711", NUL-ended */
	uint32_t keylen; /* of key; before a name is known, app and instance */
	char key[ROW_KEY];
	char agent[124]; /* flashVer, NUL-ended, printable */
};

struct slot {
	alignas(64) _Atomic uint64_t section;
	alignas(64) _Atomic uint32_t asleep;
	alignas(64) _Atomic uint64_t loops;
	_Atomic uint64_t resident;
	_Atomic uint64_t clients;
	alignas(64) _Atomic uint64_t interest[BLOCK_WORDS + 1];
	alignas(64) _Atomic uint64_t counters[COUNTERS_MAX];
	alignas(64) _Atomic uint32_t readers[BLOCKS_MAX];
	_Atomic int32_t beyond[BLOCKS_MAX];
};
_Static_assert(offsetof(struct slot, asleep) == 64, "shared layout");
_Static_assert(offsetof(struct slot, loops) == 128, "shared layout");
_Static_assert(offsetof(struct slot, interest) == 192, "shared layout");
_Static_assert(offsetof(struct slot, counters) == 704, "shared layout");
_Static_assert(offsetof(struct slot, readers) == 1728, "shared layout");
_Static_assert(sizeof(struct client_row) == 512, "shared layout");

/* An owner word: the block and generation that a segment belongs to. */
static inline uint64_t
owner_word(uint32_t block, uint64_t gen)
{
	return ((uint64_t)block + 1) << 40 | (gen & UINT64_C(0xffffffffff));
}

/* Add n to counter c.  Context: the slot's own worker. */
static inline void
slot_count(struct slot *s, unsigned c, uint64_t n)
{
	uint64_t v =
	    atomic_load_explicit(&s->counters[c], memory_order_relaxed);
	atomic_store_explicit(&s->counters[c], v + n, memory_order_relaxed);
}

/* Add n to a statistic word that the caller alone writes. */
static inline void
word_add(_Atomic uint64_t *w, uint64_t n)
{
	atomic_store_explicit(w,
	    atomic_load_explicit(w, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/*
 * Begin and end a change of a row's text.  Context: the row's worker.
 * row_begin leaves seq odd, so a reader retries.
 */
void row_begin(struct client_row *r);
void row_end(struct client_row *r);

/*
 * A new client: nothing is known of it but this; addr is cut if it is too long.
 * role is set last.  Context: the row's worker.
 */
void row_start(struct client_row *r, const char *addr, uint64_t id,
    uint64_t since_ns, enum row_role role);

/* Change its key, or what it says it is, of which only ASCII is kept; cut. */
void row_set_key(struct client_row *r, const char *key, size_t len);
void row_set_agent(struct client_row *r, const char *agent, size_t len);

/*
 * Copy a row as it was at one moment.  Returns 0, or -EAGAIN if its worker
 * changed it again and again (or died inside a change).
 */
int row_read(const struct client_row *r, struct client_row *copy);

#endif
