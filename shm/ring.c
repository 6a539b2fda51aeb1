#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/bug.h"
#include "common/clock.h"
#include "shm/arena.h"
#include "shm/ring.h"
#include "shm/ring_pool.h"
#include "shm/section.h"

enum { SEG_MASK = SEGMENT_SIZE - 1, SEGMENTS_MIN = 2 };

static uint64_t
segment_of(uint64_t pos)
{
	return pos >> SEGMENT_SHIFT;
}

static uint64_t
floor_segment(uint64_t pos)
{
	return pos & ~(uint64_t)SEG_MASK;
}

static uint64_t
min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
word_of(const struct ring_writer *w)
{
	return owner_word(w->block, w->gen);
}

static uint32_t
segment_at(const struct ring_writer *w, uint64_t pos)
{
	return atomic_load_explicit(
	    &w->half->segtab[segment_of(pos) % RING_SEGTAB],
	    memory_order_relaxed);
}

void
ring_open(struct ring_writer *w, struct ring_pool *p, uint32_t block,
    uint64_t gen, uint64_t quota)
{
	memset(w, 0, sizeof *w);
	w->pool = p;
	w->half = arena_half(p->a, p->self, block);
	w->block = block;
	w->gen = gen;
	w->quota = max64(floor_segment(quota), 8 * SEGMENT_SIZE);
	w->quota = min64(w->quota, (uint64_t)RING_QUOTA_SEGS << SEGMENT_SHIFT);
	w->head = w->end = w->tail = w->soft = RING_START;
	struct ring_half *h = w->half;
	/* freed means zero: nobody of an older generation is left */
	bug_on(atomic_load_explicit(&h->gen, memory_order_relaxed) != 0);
	atomic_store_explicit(&h->tail, RING_START, memory_order_relaxed);
	atomic_store_explicit(&h->soft, RING_START, memory_order_relaxed);
	atomic_store_explicit(&h->gen, gen, memory_order_relaxed);
	atomic_store_explicit(&h->head, RING_START, memory_order_release);
}

/* Retiring ---------------------------------------------------------------- */

/* Free the segments in limbo if their grace period has passed. */
static void
reclaim(struct ring_writer *w)
{
	if (w->limbo == 0 || !section_passed(w->pool->a, w->snap))
		return;
	for (uint64_t p = w->limbo; p < w->tail; p += SEGMENT_SIZE)
		ring_pool_release(w->pool, segment_at(w, p), word_of(w));
	w->limbo = 0;
}

static void
set_soft(struct ring_writer *w, uint64_t soft, uint64_t now_ns)
{
	if (soft <= w->soft)
		return;
	w->soft = soft;
	w->soft_ns = now_ns;
	atomic_store_explicit(&w->half->soft, soft, memory_order_release);
}

/* Move tail to the start of a segment; what lies below goes to limbo. */
static void
retire(struct ring_writer *w, uint64_t tail)
{
	if (tail <= w->tail || w->limbo != 0)
		return;
	bug_on((tail & SEG_MASK) != 0 || tail > w->soft || tail > w->end);
	w->limbo = w->tail;
	w->tail = tail;
	atomic_store_explicit(
	    &w->half->tail, tail, memory_order_release); /* section.h O1 */
	section_snapshot(w->pool->a, w->snap);
}

/* The oldest position worth keeping, a segment's start. */
static uint64_t
keep_from(const struct ring_writer *w, uint64_t now_ns)
{
	/* head may stand on the start of a segment that was never begun */
	uint64_t keep = floor_segment(w->head - 1);
	/* the segment that was being written RING_KEEP_MS ago */
	while (keep > w->tail && w->seg_ns[segment_of(keep) % RING_SEGTAB] +
					 RING_KEEP_MS * NS_PER_MS >
				     now_ns)
		keep -= SEGMENT_SIZE;
	if (w->key_pos[1] != 0 &&
	    now_ns - min64(w->key_ns, now_ns) < RING_KEY_MS * NS_PER_MS)
		keep = min64(keep, floor_segment(w->key_pos[1]));
	else if (w->key_pos[0] != 0 &&
		 now_ns - min64(w->key_ns, now_ns) < RING_KEY_MS * NS_PER_MS)
		keep = min64(keep, floor_segment(w->key_pos[0]));
	uint64_t least = (uint64_t)SEGMENTS_MIN << SEGMENT_SHIFT;
	keep = min64(keep,
	    w->end > least ? max64(w->end - least, RING_START) : RING_START);
	return max64(keep, w->tail);
}

bool
ring_trim(struct ring_writer *w, uint64_t now_ns)
{
	reclaim(w);
	if (w->limbo != 0)
		return true;
	if (now_ns - min64(w->soft_ns, now_ns) < RING_LEAVE_MS * NS_PER_MS)
		return false;
	retire(w, floor_segment(w->soft));
	set_soft(w, keep_from(w, now_ns), now_ns);
	return w->limbo != 0;
}

/*
 * The quota is reached: give up the oldest whether readers have left or not,
 * and warn those of the next eighth.
 */
static void
force(struct ring_writer *w, uint64_t end, uint64_t now_ns)
{
	if (w->limbo != 0 || end < w->quota)
		return;
	uint64_t tail = min64(end - w->quota, floor_segment(w->head));
	uint64_t soft = floor_segment(tail + w->quota / 8);
	if (w->key_pos[0] > tail)
		soft = min64(soft, floor_segment(w->key_pos[0]));
	set_soft(w, max64(min64(soft, floor_segment(w->head)), tail), now_ns);
	retire(w, tail);
}

/*
 * A quarter of the quota, the largest message, before the oldest must go: tell
 * those who still stand there, so that they leave while it can be read.
 */
static void
warn(struct ring_writer *w, uint64_t end, uint64_t now_ns)
{
	uint64_t ahead = end + w->quota / 4;
	if (ahead - w->tail > w->quota)
		set_soft(
		    w, floor_segment(min64(ahead - w->quota, w->head)), now_ns);
}

static bool
has_space(const struct ring_writer *w, uint64_t end)
{
	uint64_t oldest = w->limbo != 0 ? w->limbo : w->tail;
	/* a quarter, one message, more while a grace period lasts; segtab is
	 * never lapped */
	return end - oldest <= w->quota + w->quota / 4 + 2 * SEGMENT_SIZE &&
	       segment_of(end) - segment_of(oldest) < RING_SEGTAB;
}

static int
claim(struct ring_writer *w, uint64_t now_ns)
{
	int64_t seg = ring_pool_claim(w->pool, word_of(w));
	if (seg < 0)
		return (int)seg;
	uint64_t n = segment_of(w->end) % RING_SEGTAB;
	w->seg_ns[n] = now_ns;
	atomic_store_explicit(
	    &w->half->segtab[n], (uint32_t)seg, memory_order_relaxed);
	w->end += SEGMENT_SIZE;
	return 0;
}

int
ring_room(struct ring_writer *w, uint64_t n, uint64_t now_ns)
{
	uint64_t need = floor_segment(w->head + n + SEG_MASK);
	if (need <= w->end)
		return 0;
	reclaim(w);
	warn(w, need, now_ns);
	if (need - w->tail > w->quota)
		force(w, need, now_ns);
	if (!has_space(w, need))
		return -ENOBUFS;
	while (w->end < need) {
		int r = claim(w, now_ns);
		if (r != 0) {
			ring_trim(w, now_ns);
			return r;
		}
	}
	return 0;
}

/* Writing ----------------------------------------------------------------- */

void
ring_put(struct ring_writer *w, uint64_t off, const void *p, size_t n)
{
	const uint8_t *from = p;
	uint64_t pos = w->head + off;
	bug_on(pos + n > w->end);
	while (n > 0) {
		size_t at = pos & SEG_MASK, fits = SEGMENT_SIZE - at;
		fits = fits < n ? fits : n;
		memcpy(arena_segment(
			   w->pool->a, w->pool->self, segment_at(w, pos)) +
			   at,
		    from, fits);
		from += fits;
		pos += fits;
		n -= fits;
	}
}

void
ring_peek(const struct ring_writer *w, uint64_t off, void *p, size_t n)
{
	uint8_t *to = p;
	uint64_t pos = w->head + off;
	bug_on(pos + n > w->end);
	while (n > 0) {
		size_t at = pos & SEG_MASK, fits = SEGMENT_SIZE - at;
		fits = fits < n ? fits : n;
		memcpy(to,
		    arena_segment(
			w->pool->a, w->pool->self, segment_at(w, pos)) +
			at,
		    fits);
		to += fits;
		pos += fits;
		n -= fits;
	}
}

void
ring_mark_join(struct ring_writer *w, uint32_t ts, bool key, uint64_t now_ns)
{
	uint64_t n = w->njoins[key]++;
	struct ring_join *j = &w->half->join[key][n % RING_JOINS];
	/* a reader of entry n - 16 sees njoins >= n once it sees these */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&j->pos, w->head, memory_order_relaxed);
	atomic_store_explicit(&j->ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&j->ts, ts, memory_order_relaxed);
	atomic_store_explicit(&j->cfg_ver, w->cfg_ver, memory_order_relaxed);
	atomic_store_explicit(
	    &w->half->njoins[key], n + 1, memory_order_release);
	if (key) {
		w->key_pos[1] = w->key_pos[0];
		w->key_pos[0] = w->head;
		w->key_ns = now_ns;
	}
}

void
ring_commit(
    struct ring_writer *w, uint64_t n, uint32_t last_ts, uint64_t now_ns)
{
	bug_on(w->head + n > w->end);
	w->head += n;
	atomic_store_explicit(&w->half->last_ts, last_ts, memory_order_relaxed);
	atomic_store_explicit(&w->half->last_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&w->half->head, w->head, memory_order_release);
}

/* Codec headers and metadata ---------------------------------------------- */

struct cfg_copy {
	uint32_t len[RING_PARTS];
	union {
		uint8_t byte[RING_CFG_MAX];
		uint64_t word[RING_CFG_MAX / 8];
	} u;
};

static void
cfg_load(const struct ring_cfg *from, struct cfg_copy *to)
{
	for (unsigned i = 0; i < RING_PARTS; i++)
		to->len[i] =
		    atomic_load_explicit(&from->len[i], memory_order_relaxed);
	uint32_t n = (to->len[0] + to->len[1] + 7) / 8;
	for (uint32_t i = 0; i < n; i++)
		to->u.word[i] =
		    atomic_load_explicit(&from->word[i], memory_order_relaxed);
}

/* Store version ver: see the sequence lock in ring.h. */
static void
cfg_store(struct ring_cfg *slots, _Atomic uint32_t *version, uint32_t ver,
    const struct cfg_copy *from)
{
	struct ring_cfg *to = &slots[ver % RING_VERSIONS];
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < RING_PARTS; i++)
		atomic_store_explicit(
		    &to->len[i], from->len[i], memory_order_relaxed);
	uint32_t n = (from->len[0] + from->len[1] + 7) / 8;
	for (uint32_t i = 0; i < n; i++)
		atomic_store_explicit(
		    &to->word[i], from->u.word[i], memory_order_relaxed);
	atomic_store_explicit(version, ver, memory_order_release);
}

int
ring_set_header(
    struct ring_writer *w, enum ring_part part, const void *p, size_t n)
{
	struct cfg_copy old = { 0 }, new = { 0 };
	cfg_load(&w->half->cfg[w->cfg_ver % RING_VERSIONS], &old);
	const uint8_t *was = old.u.byte + (part == RING_AUDIO ? old.len[0] : 0);
	if (old.len[part] == n && (n == 0 || memcmp(was, p, n) == 0))
		return 0;
	uint32_t other = old.len[!part];
	if (n > RING_CFG_MAX || other + n > RING_CFG_MAX)
		return -E2BIG;
	new.len[part] = (uint32_t)n;
	new.len[!part] = other;
	uint8_t *mine = new.u.byte + (part == RING_AUDIO ? other : 0);
	uint8_t *theirs = new.u.byte + (part == RING_AUDIO ? 0 : n);
	if (n > 0)
		memcpy(mine, p, n);
	memcpy(
	    theirs, old.u.byte + (part == RING_AUDIO ? 0 : old.len[0]), other);
	cfg_store(w->half->cfg, &w->half->cfg_ver, ++w->cfg_ver, &new);
	return 1;
}

int
ring_set_meta(struct ring_writer *w, const void *p, size_t n)
{
	struct cfg_copy old = { 0 }, new = { 0 };
	if (n > RING_CFG_MAX)
		return -E2BIG;
	cfg_load(&w->half->meta[w->meta_ver % RING_VERSIONS], &old);
	if (old.len[0] == n && (n == 0 || memcmp(old.u.byte, p, n) == 0))
		return 0;
	new.len[0] = (uint32_t)n;
	if (n > 0)
		memcpy(new.u.byte, p, n);
	cfg_store(w->half->meta, &w->half->meta_ver, ++w->meta_ver, &new);
	return 1;
}

void
ring_close(struct ring_writer *w)
{
	/* what is claimed, in limbo too, is freed by its owner words */
	w->limbo = 0;
	w->end = w->head;
}
