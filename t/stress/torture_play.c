/* torture_play - the reader's part: see torture.h. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bug.h"
#include "shm/section.h"
#include "torture.h"

/* A player, as fan-out asks for it: (ring, generation, cursor). */
struct player {
	uint32_t name;
	bool on;	/* counted in watchers[view.block] */
	bool leaving;	/* after this section */
	bool ended;	/* the master has said so */
	bool lazy;	/* ignores soft, reads near tail */
	unsigned stall; /* passes it still sleeps through */
	struct ring_view v;
	uint64_t cursor; /* 0: not joined */
	/* the message under the cursor */
	struct thead h;
	size_t got;	 /* bytes of it read; 0: at a boundary */
	uint64_t number; /* expected; 0: any */
	/* the join point, until its message is read */
	bool joined;
	bool join_key;
	struct ring_point join;
	uint8_t cfg[RING_CFG_MAX];
	uint32_t cfg_len[RING_PARTS];
};

struct audience {
	struct worker *w;
	unsigned watchers[BLOCKS];
	struct player player[PLAYERS];
};

struct audience *
audience_new(struct worker *w)
{
	struct audience *p = calloc(1, sizeof *p);
	bug_on(p == NULL);
	p->w = w;
	for (unsigned i = 0; i < PLAYERS; i++)
		p->player[i].name = i % NAMES;
	return p;
}

void
audience_free(struct audience *au)
{
	free(au);
}

static void
wrong(struct audience *au, struct player *p, const char *what, uint64_t x)
{
	bad(au->w->score,
	    "%s: block %u gen %lu cursor %lu (tail %lu soft %lu head %lu), "
	    "message %lu + %zu, %lu",
	    what, p->v.block, p->v.gen, p->cursor, p->v.tail, p->v.soft,
	    p->v.head, p->h.number, p->got, x);
	p->leaving = true;
}

/* Find the name's stream and begin to watch it. */
static void
attach(struct audience *au, struct player *p)
{
	char key[DIR_KEY_MAX];
	uint32_t block;
	uint64_t gen;
	const struct arena *a = au->w->a;
	if (!directory_find(a, key, name_key(p->name, key), &block, &gen))
		return;
	if (!ring_watch(
		a, au->w->self, block, gen, au->watchers[block] > 0, &p->v))
		return;
	au->watchers[block]++;
	p->on = true;
	p->ended = p->leaving = p->joined = false;
	p->cursor = p->number = p->got = 0;
}

static void
detach(struct audience *au, struct player *p)
{
	uint32_t block = p->v.block;
	p->on = p->leaving = false;
	if (--au->watchers[block] > 0)
		return;
	atomic_store_explicit(
	    &au->w->t->seen[au->w->self][block].gen, 0, memory_order_relaxed);
	ring_unwatch(au->w->a, au->w->self, block);
}

/* Look at tail, soft and head; they only move up. */
static bool
look(struct audience *au, struct player *p)
{
	struct ring_view was = p->v;
	if (!ring_look(&p->v)) {
		if (was.head != 0)
			wrong(au, p, "a ring vanished", was.head);
		return false;
	}
	if (p->v.head < was.head || p->v.tail < was.tail ||
	    p->v.soft < was.soft || p->v.tail > p->v.head)
		wrong(au, p, "a position went back", was.head);
	struct seen *s = &au->w->t->seen[au->w->self][p->v.block];
	atomic_store_explicit(&s->head, p->v.head, memory_order_relaxed);
	atomic_store_explicit(&s->gen, p->v.gen, memory_order_relaxed);
	return !p->leaving;
}

static void
check_meta(struct audience *au, struct player *p)
{
	uint8_t buf[RING_CFG_MAX], want[RING_CFG_MAX];
	uint32_t len, ver;
	uint64_t seed;
	if (ring_read_meta(&p->v, buf, &len, &ver) != 0 || len == 0)
		return;
	seed = mix(p->v.gen ^ len ^ p->v.block);
	memcpy(want, &seed, 8);
	content(seed, 8, want + 8, len < 8 ? 0 : len - 8);
	if (len < 8 || memcmp(buf, want, len) != 0)
		wrong(au, p, "metadata", len);
}

static void
join(struct audience *au, struct player *p)
{
	bool key = chance(&au->w->rng, 3) != 0;
	if (!ring_newest_join(&p->v, key, &p->join))
		return;
	if (p->join.pos < p->v.tail || p->join.pos > p->v.head)
		wrong(au, p, "join point outside", p->join.pos);
	if (ring_read_headers(&p->v, p->join.cfg_ver, p->cfg, p->cfg_len) != 0)
		return;
	check_meta(au, p);
	p->join_key = key;
	p->joined = true;
	p->cursor = p->join.pos;
	p->got = 0;
	p->number = 0;
	add(&au->w->score->joins, 1);
}

/* The first message after a join is the one that the join point meant. */
static void
check_join(struct audience *au, struct player *p)
{
	uint8_t want[RING_CFG_MAX];
	size_t n = 0;
	p->joined = false;
	if (p->h.ts != p->join.ts || p->h.key != p->join_key)
		wrong(au, p, "another message at a join point", p->join.ts);
	for (unsigned i = 0; i < RING_PARTS; i++) {
		size_t len = tag_content(&p->h, i, want + n);
		if (len != p->cfg_len[i])
			wrong(au, p, "codec header's length", len);
		n += len;
	}
	if (!p->leaving && memcmp(want, p->cfg, n) != 0)
		wrong(au, p, "codec header", p->join.cfg_ver);
}

static void
check_head(struct audience *au, struct player *p)
{
	const struct thead *h = &p->h;
	if (h->check != check_of(h) || h->gen != p->v.gen ||
	    h->block != p->v.block)
		wrong(au, p, "header of a message", h->check);
	else if (p->number != 0 && h->number != p->number)
		wrong(au, p, "a message is missing", p->number);
	else if (h->ts > atomic_load_explicit(
			     &p->v.half->last_ts, memory_order_relaxed))
		wrong(au, p, "clock behind head", h->ts); /* rule 9 */
	else if (p->joined)
		check_join(au, p);
}

/* Verify n bytes under the cursor. */
static void
verify(struct audience *au, struct player *p, const uint8_t *b, size_t n)
{
	uint8_t want[4096];
	while (n > 0 && !p->leaving) {
		size_t k;
		if (p->got < sizeof p->h) {
			k = sizeof p->h - p->got;
			k = k < n ? k : n;
			memcpy((uint8_t *)&p->h + p->got, b, k);
			if (p->got + k == sizeof p->h)
				check_head(au, p);
		} else {
			uint64_t off = p->got - sizeof p->h;
			k = p->h.len - off;
			k = k < n ? k : n;
			k = k < sizeof want ? k : sizeof want;
			content(seed_of(&p->h), off, want, k);
			if (memcmp(want, b, k) != 0)
				wrong(au, p, "content", off);
		}
		p->got += k;
		p->cursor += k;
		b += k;
		n -= k;
		add(&au->w->score->bytes, k);
		if (p->got >= sizeof p->h && p->got == sizeof p->h + p->h.len) {
			add(&au->w->score->messages, 1);
			p->number = p->h.number + 1;
			p->got = 0;
		}
	}
}

/* What the kernel does between submit and completion: look later. */
static void
linger(struct audience *au)
{
	uint64_t x = chance(&au->w->rng, 200);
	if (x < 4)
		usleep((useconds_t)(100 + 500 * x));
	else if (x < 20)
		sched_yield();
}

static void
read_on(struct audience *au, struct player *p)
{
	struct iovec iov[6];
	uint64_t most = 1 + chance(&au->w->rng, 300000), to = p->v.head;
	if (to - p->cursor > most)
		to = p->cursor + most;
	unsigned n = ring_spans(&p->v, p->cursor, to, iov, 6);
	linger(au);
	for (unsigned i = 0; i < n; i++)
		verify(au, p, iov[i].iov_base, iov[i].iov_len);
	if (p->cursor == p->v.head && p->got != 0)
		wrong(au, p, "head inside a message", 0);
}

/* One visit inside a section.  Returns true if there is more to read. */
static bool
visit(struct audience *au, struct player *p)
{
	uint64_t *rng = &au->w->rng;
	p->ended =
	    !block_is_live(&au->w->a->control->block[p->v.block], p->v.gen);
	if (!look(au, p)) {
		p->leaving |= p->ended;
		return false;
	}
	if (p->stall > 0 && !p->ended) {
		p->stall--;
		return false;
	}
	if (p->cursor != 0 && p->cursor < p->v.tail) {
		add(&au->w->score->late, 1);
		p->cursor = p->got = 0;
	}
	if (p->cursor != 0 && p->cursor < p->v.soft && p->got == 0 &&
	    !p->lazy) {
		add(&au->w->score->skips, 1);
		p->cursor = 0;
	}
	if (p->cursor == 0)
		join(au, p);
	if (p->cursor != 0 && p->cursor < p->v.head)
		read_on(au, p);
	if (chance(rng, 30) == 0) {
		p->stall = (unsigned)chance(rng, 40);
		p->lazy = chance(rng, 2) == 0;
	}
	bool more = p->cursor != 0 && p->cursor < p->v.head;
	/* an ended one finishes its message at least */
	if (p->ended && (!more || (p->got == 0 && chance(rng, 4) == 0)))
		p->leaving = true;
	return more || p->ended || p->stall > 0;
}

bool
audience_pass(struct audience *au)
{
	bool more = false;
	section_enter(au->w->a->slot[au->w->self]);
	for (unsigned i = 0; i < PLAYERS; i++) {
		struct player *p = &au->player[i];
		if (!p->on)
			attach(au, p);
		if (p->on)
			more |= visit(au, p);
	}
	section_leave(au->w->a->slot[au->w->self]);
	for (unsigned i = 0; i < PLAYERS; i++)
		if (au->player[i].leaving) {
			detach(au, &au->player[i]);
			more = true;
		}
	return more;
}
