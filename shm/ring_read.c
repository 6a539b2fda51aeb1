#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/bug.h"
#include "shm/arena.h"
#include "shm/ring.h"

enum { SEG_MASK = SEGMENT_SIZE - 1 };

bool
ring_watch(const struct arena *a, unsigned self, uint32_t block, uint64_t gen,
    bool held, struct ring_view *v)
{
	bug_on(block >= a->nblocks);
	const struct block *b = &a->control->block[block];
	_Atomic uint64_t *word = &a->slot[self]->interest[block / 64];
	uint64_t mask = UINT64_C(1) << (block % 64);
	/* the word has one writer: us */
	uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);
	atomic_store_explicit(word, bits | mask, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (!block_is_live(b, gen)) {
		if (!held)
			ring_unwatch(a, self, block);
		return false;
	}
	uint32_t owner = atomic_load_explicit(&b->owner, memory_order_relaxed);
	bug_on(owner >= a->nslots);
	*v = (struct ring_view){ .a = a,
		.half = arena_half(a, owner, block),
		.owner = owner,
		.block = block,
		.gen = gen };
	return true;
}

void
ring_unwatch(const struct arena *a, unsigned self, uint32_t block)
{
	_Atomic uint64_t *word = &a->slot[self]->interest[block / 64];
	uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);
	atomic_store_explicit(
	    word, bits & ~(UINT64_C(1) << (block % 64)), memory_order_release);
}

bool
ring_look(struct ring_view *v)
{
	const struct ring_half *h = v->half;
	v->tail = atomic_load_explicit(&h->tail, memory_order_acquire);
	v->soft = atomic_load_explicit(&h->soft, memory_order_acquire);
	v->head = atomic_load_explicit(&h->head, memory_order_acquire);
	if (v->head >= RING_START &&
	    atomic_load_explicit(&h->gen, memory_order_relaxed) == v->gen)
		return true;
	v->tail = v->soft = v->head = 0;
	return false;
}

/* Address of pos, and the bytes from there to the end of its segment. */
static const uint8_t *
address(const struct ring_view *v, uint64_t pos, size_t *left)
{
	uint32_t seg = atomic_load_explicit(
	    &v->half->segtab[(pos >> SEGMENT_SHIFT) % RING_SEGTAB],
	    memory_order_relaxed);
	*left = SEGMENT_SIZE - (pos & SEG_MASK);
	return arena_segment(v->a, v->owner, seg) + (pos & SEG_MASK);
}

unsigned
ring_spans(const struct ring_view *v, uint64_t from, uint64_t to,
    struct iovec *iov, unsigned max)
{
	unsigned n = 0;
	bug_on(from < v->tail || to > v->head);
	while (from < to && n < max) {
		size_t left;
		const uint8_t *p = address(v, from, &left);
		if (left > to - from)
			left = (size_t)(to - from);
		/* iovec has no const; it is only ever sent from */
		memcpy(&iov[n].iov_base, &p, sizeof p);
		iov[n++].iov_len = left;
		from += left;
	}
	return n;
}

bool
ring_copy(const struct ring_view *v, uint64_t from, void *buf, size_t n)
{
	uint8_t *to = buf;
	if (from < v->tail || from > v->head || n > v->head - from)
		return false;
	while (n > 0) {
		size_t left;
		const uint8_t *p = address(v, from, &left);
		left = left < n ? left : n;
		memcpy(to, p, left);
		to += left;
		from += left;
		n -= left;
	}
	return true;
}

bool
ring_newest_join(const struct ring_view *v, bool key, struct ring_point *p)
{
	const struct ring_half *h = v->half;
	const _Atomic uint64_t *count = &h->njoins[key];
	for (int tries = 0; tries < 4; tries++) {
		uint64_t n = atomic_load_explicit(count, memory_order_acquire);
		if (n == 0)
			return false;
		const struct ring_join *j = &h->join[key][(n - 1) % RING_JOINS];
		p->pos = atomic_load_explicit(&j->pos, memory_order_relaxed);
		p->ns = atomic_load_explicit(&j->ns, memory_order_relaxed);
		p->ts = atomic_load_explicit(&j->ts, memory_order_relaxed);
		p->cfg_ver =
		    atomic_load_explicit(&j->cfg_ver, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		uint64_t now =
		    atomic_load_explicit(count, memory_order_relaxed);
		if (now - n < RING_JOINS - 1)
			/* a point newer than our head comes with a later look */
			return p->pos >= v->soft && p->pos <= v->head;
	}
	return false;
}

/* Copy version ver of a sequence-locked set; see ring.h. */
static int
read_version(const struct ring_cfg *slots, const _Atomic uint32_t *version,
    uint32_t ver, uint8_t *buf, uint32_t len[RING_PARTS])
{
	const struct ring_cfg *c = &slots[ver % RING_VERSIONS];
	uint32_t sum = 0;
	for (unsigned i = 0; i < RING_PARTS; i++) {
		len[i] = atomic_load_explicit(&c->len[i], memory_order_relaxed);
		if (len[i] > RING_CFG_MAX || (sum += len[i]) > RING_CFG_MAX)
			return -EAGAIN;
	}
	for (uint32_t i = 0; i < sum; i += 8) {
		uint64_t w =
		    atomic_load_explicit(&c->word[i / 8], memory_order_relaxed);
		memcpy(buf + i, &w, sum - i < 8 ? sum - i : 8);
	}
	atomic_thread_fence(memory_order_acquire);
	uint32_t now = atomic_load_explicit(version, memory_order_relaxed);
	return now - ver < RING_VERSIONS - 1 ? 0 : -EAGAIN;
}

int
ring_read_headers(const struct ring_view *v, uint32_t ver, uint8_t *buf,
    uint32_t len[RING_PARTS])
{
	return read_version(v->half->cfg, &v->half->cfg_ver, ver, buf, len);
}

int
ring_read_meta(
    const struct ring_view *v, uint8_t *buf, uint32_t *len, uint32_t *ver)
{
	uint32_t lens[RING_PARTS];
	*ver = atomic_load_explicit(&v->half->meta_ver, memory_order_acquire);
	int r =
	    read_version(v->half->meta, &v->half->meta_ver, *ver, buf, lens);
	*len = lens[0];
	return r;
}
