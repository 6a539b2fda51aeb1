/*
 * ring - one publish: the bytes that every player gets, exactly as they go on
 * the wire, in segments of the publisher's own slot.  One writer, any number of
 * readers in any process; the writer never waits for a reader, a slow reader
 * skips or is closed, and nothing is reused while somebody may still read it.
 *
 *	      limbo        readers leave here       readers         assembling
 *	| freed | waits | tail ...... soft ......... join ... head | above head
 *	         grace    ^            ^              ^        ^
 *
 * Positions count bytes since the ring was opened, 64 bits, beginning at
 * RING_START; 0 is none.  Position p lies in segment segtab[(p >> 17) % 512]
 * of the owner's slot.  head is always a message boundary; tail is the start
 * of a segment, wherever messages are.
 *
 *	field		written by	meaning
 *	gen		owner		generation that the half belongs to; 0 = closed
 *	head		owner		end of the last whole message: the one
 *					word that publishes
 *	last_ts, _ns	owner		time of the last media message and of its
 *					arrival; stored before head
 *	tail		owner		first position that may be read
 *	soft		owner		readers below it must leave: tail follows
 *	join, njoins	owner		where players may begin: [1] keyframes, [0]
 *					any message; entry n % 16 of each
 *	cfg, cfg_ver	owner		codec headers; version v in cfg[v % 4]
 *	meta, meta_ver	owner		metadata, the same
 *	segtab		owner		segment of log segment n at n % 512
 *	facts		owner		for listings
 *
 * Life of a segment (owner words, slot.h):
 *	claimed		CAS 0 -> (block, gen): the claim and its record are one
 *	published	segtab entry, then head (release)
 *	retired		soft, tail (release), fence, snapshot of the section
 *			counters (section.h): in limbo
 *	freed		the snapshot has passed: CAS (block, gen) -> 0
 * A segtab entry is used again only after the segment formerly there has left
 * limbo.
 *
 * A versioned slot (cfg, meta) is a sequence lock over four copies: the writer
 * begins version v + 4 only after it has stored v + 3, so a reader that still
 * sees less than v + 3 after its copy has version v whole.
 *
 * Life of a ring: the owner opens it when the master has granted (block, gen);
 * at its end the owner, or the master for a dead one, calls ring_free_step()
 * until nobody can see it (architecture of the end of a stream: doc/design.md).
 */
#ifndef SHM_RING_H
#define SHM_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shm/slot.h"

enum {
	RING_SEGTAB = 512,
	RING_QUOTA_SEGS = 400, /* with a message and limbo it fits the table */
	RING_JOINS = 16,
	RING_VERSIONS = 4,
	RING_CFG_MAX = 15 * 1024,  /* bytes of codec headers, of metadata */
	RING_START = SEGMENT_SIZE, /* first position */
	RING_KEEP_MS = 2000,	   /* history kept at least */
	RING_KEY_MS = 30000, /* a keyframe older is not kept for joiners */
	RING_LEAVE_MS = 500, /* from soft to tail, unless the quota forces */
	RING_IDLE_S = 4	     /* memory not used so long may go back */
};

/* Which of the two parts of a struct ring_cfg. */
enum ring_part { RING_VIDEO, RING_AUDIO, RING_PARTS };

struct ring_cfg {
	_Atomic uint32_t len[RING_PARTS];	 /* metadata: in part 0 */
	_Atomic uint64_t word[RING_CFG_MAX / 8]; /* part 0, then part 1 */
};

struct ring_join {
	_Atomic uint64_t pos, ns; /* ns: CLOCK_MONOTONIC of its arrival */
	_Atomic uint32_t ts, cfg_ver;
};

struct ring_half {
	alignas(64) _Atomic uint64_t gen;
	alignas(64) _Atomic uint64_t head;
	_Atomic uint64_t last_ns;
	_Atomic uint32_t last_ts;
	alignas(64) _Atomic uint64_t tail;
	_Atomic uint64_t soft;
	alignas(64) _Atomic uint64_t njoins[2];
	_Atomic uint32_t cfg_ver, meta_ver;
	/* facts for listings; names are text of at most 8 bytes, NUL-padded */
	alignas(64) _Atomic uint64_t video_codec;
	_Atomic uint64_t audio_codec;
	_Atomic uint64_t frames, dropped;
	_Atomic uint32_t width, height, audio_rate, audio_channels;
	alignas(64) struct ring_join join[2][RING_JOINS];
	alignas(64) _Atomic uint32_t segtab[RING_SEGTAB];
	struct ring_cfg cfg[RING_VERSIONS];
	struct ring_cfg meta[RING_VERSIONS];
};
_Static_assert(offsetof(struct ring_half, head) == 64, "shared layout");
_Static_assert(offsetof(struct ring_half, tail) == 128, "shared layout");
_Static_assert(offsetof(struct ring_half, njoins) == 192, "shared layout");
_Static_assert(offsetof(struct ring_half, video_codec) == 256, "shared layout");
_Static_assert(offsetof(struct ring_half, join) == 320, "shared layout");
_Static_assert(offsetof(struct ring_half, segtab) == 1088, "shared layout");
_Static_assert(sizeof(struct ring_cfg) == RING_CFG_MAX + 8, "shared layout");

struct arena;

/* The segments of the caller's own slot. -------------------------------- */

/*
 * Private to the worker of the slot.  A segment holds memory from its first
 * use until it is punched; the sum of those over all slots is kept within the
 * arena's budget (two workers may overshoot it by a segment each: the other's
 * count is read, not locked).
 */
struct ring_pool {
	const struct arena *a;
	unsigned self;
	uint32_t nsegs;
	uint32_t hint;	  /* no free segment of ours below, as far as known */
	uint32_t touched; /* segments that hold memory */
	/* least number of free ones among them, this second and before */
	uint32_t idle_low, idle_lows[RING_IDLE_S];
	uint32_t seconds;  /* ticks so far */
	uint32_t used;	   /* claimed and not freed by us */
	uint64_t *bits;	   /* holds memory */
	uint64_t *foreign; /* claimed by a predecessor, as last seen */
};

/*
 * Take over the slot: memory of its free segments goes back to the kernel,
 * those of a predecessor's streams stay until the master has freed them.
 * Returns 0 or -ENOMEM.  Context: start of a worker.
 */
int ring_pool_init(struct ring_pool *p, const struct arena *a, unsigned self);
void ring_pool_fini(struct ring_pool *p);

/* Once a second: notice what the master freed, give idle memory back. */
void ring_pool_tick(struct ring_pool *p);

/* Writing. --------------------------------------------------------------- */

/* Private to the publisher's worker, one per publish. */
struct ring_writer {
	struct ring_pool *pool;
	struct ring_half *half;
	uint64_t gen;
	uint32_t block;
	uint32_t cfg_ver, meta_ver;
	uint64_t head, end; /* end: segments are claimed up to here */
	uint64_t tail, soft;
	uint64_t soft_ns; /* when soft moved */
	uint64_t quota;	  /* bytes */
	uint64_t njoins[2];
	uint64_t limbo; /* segments from limbo to tail wait; 0: none do */
	uint64_t snap[SLOTS_MAX];
	uint64_t key_pos[2], key_ns;  /* newest keyframe, the one before */
	uint64_t seg_ns[RING_SEGTAB]; /* when a segment was begun */
};

/*
 * Open the half of (block, gen), which the master has granted to this worker.
 *
 * quota	bytes, taken as at least 8 and at most RING_QUOTA_SEGS segments
 */
void ring_open(struct ring_writer *w, struct ring_pool *p, uint32_t block,
    uint64_t gen, uint64_t quota);

/*
 * Make room for n bytes above head, retiring the oldest as needed.
 * Returns	0, or -ENOBUFS: quota, arena or a grace period that lasts; the
 *		caller drops the message and waits for a keyframe
 * Context	hot path; outside sections; never blocks
 */
int ring_room(struct ring_writer *w, uint64_t n, uint64_t now_ns);

/* Write, and read back, n bytes at head + off, inside the room made. */
void ring_put(struct ring_writer *w, uint64_t off, const void *p, size_t n);
void ring_peek(const struct ring_writer *w, uint64_t off, void *p, size_t n);

/*
 * A player may begin at head, with the codec headers set so far.  To be called
 * before the ring_commit() of the message that stands there.
 */
void ring_mark_join(
    struct ring_writer *w, uint32_t ts, bool key, uint64_t now_ns);

/* Publish the n bytes above head: one or more whole messages. */
void ring_commit(
    struct ring_writer *w, uint64_t n, uint32_t last_ts, uint64_t now_ns);

/*
 * Keep a codec header (its payload) for joiners; identical bytes make no new
 * version.  Holds for join points marked afterwards.
 * Returns	1 changed, 0 the same, -E2BIG not kept: the parts together are
 *		larger than RING_CFG_MAX
 */
int ring_set_header(
    struct ring_writer *w, enum ring_part part, const void *p, size_t n);

/* The same for metadata; n = 0 forgets it. */
int ring_set_meta(struct ring_writer *w, const void *p, size_t n);

/*
 * Retire what is older than needed and free what nobody can see any more.
 * Returns true while segments wait in limbo.  Context: once per pass.
 */
bool ring_trim(struct ring_writer *w, uint64_t now_ns);

/* Give back what was claimed above head; nothing is published any more. */
void ring_close(struct ring_writer *w);

/* The end. --------------------------------------------------------------- */

/* Freeing of one ended ring; zero-initialise, set slot, block and gen. */
struct ring_free {
	unsigned slot;
	uint32_t block;
	uint64_t gen;
	unsigned phase;
	unsigned from; /* phase 1: slots below were seen without interest */
	uint64_t snap[SLOTS_MAX];
};

/*
 * One step of freeing (block, gen): see it ENDED; see every interest bit 0;
 * snapshot; grace; free its owner words, zero its half.
 *
 * pool		the owner's pool, or NULL in the master, which frees for a
 *		dead owner and gives the memory back
 * Returns	true when all is done: FREED may be sent, the block made FREE
 * Context	owner, or master in a dead owner's place; outside sections
 */
bool ring_free_step(
    const struct arena *a, struct ring_free *f, struct ring_pool *pool);

/* Reading. --------------------------------------------------------------- */

/* What a worker knows of a ring that it reads. */
struct ring_view {
	const struct arena *a;
	const struct ring_half *half;
	unsigned owner; /* slot */
	uint32_t block;
	uint64_t gen;
	uint64_t tail, soft,
	    head; /* of the last ring_look(); 0: not open yet */
};

/*
 * Begin to touch (block, gen): set the caller's interest bit, fence, re-check.
 *
 * held		the bit is set already for another player of this worker on
 *		that block: it is left as it is when the re-check fails
 * Returns	true with v filled in, or false: it is not live (any more)
 * Context	worker `self`; inside or outside a section
 */
bool ring_watch(const struct arena *a, unsigned self, uint32_t block,
    uint64_t gen, bool held, struct ring_view *v);

/* Stop touching block: after the section in which it was last used. */
void ring_unwatch(const struct arena *a, unsigned self, uint32_t block);

/*
 * Read tail, soft, head (acquire).  Returns false while the owner has not
 * opened the ring.  Context: inside a section, like all that follow; what lies
 * at or above v->tail may be used until the section ends.
 */
bool ring_look(struct ring_view *v);

/*
 * The bytes [from, to) as at most max pieces; to may be cut.
 * Returns the number of pieces; their sum tells how far they go.
 */
unsigned ring_spans(const struct ring_view *v, uint64_t from, uint64_t to,
    struct iovec *iov, unsigned max);

/* Copy n bytes at from; false if they are not all in [tail, head). */
bool ring_copy(const struct ring_view *v, uint64_t from, void *buf, size_t n);

/* A join point as it was read. */
struct ring_point {
	uint64_t pos, ns;
	uint32_t ts, cfg_ver;
};

/*
 * The newest join point at or above soft: a keyframe, or any message.
 * Returns false if there is none (or they move too fast to be read).
 */
bool ring_newest_join(
    const struct ring_view *v, bool key, struct ring_point *p);

/*
 * Copy codec headers of version ver: part i to buf + sum of the parts before.
 *
 * buf		RING_CFG_MAX bytes
 * Returns	0, or -EAGAIN: overwritten meanwhile; version 0 has no bytes
 */
int ring_read_headers(const struct ring_view *v, uint32_t ver, uint8_t *buf,
    uint32_t len[RING_PARTS]);

/* Copy the newest metadata; *len may be 0.  Returns 0 or -EAGAIN. */
int ring_read_meta(
    const struct ring_view *v, uint8_t *buf, uint32_t *len, uint32_t *ver);

#endif
