/* torture_publish - the owner's part: see torture.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/bug.h"
#include "shm/wake.h"
#include "torture.h"

/*
 * Life of a stream here.
 *
 *	IDLE	-> ASKED	PUBLISH sent
 *	ASKED	-> LIVE, IDLE	granted, refused
 *	LIVE	-> ENDING	UNPUBLISH sent
 *	ENDING	-> FREED	ring_free_step() says so
 *	FREED	-> IDLE		FREED sent
 */
enum state { IDLE, ASKED, LIVE, ENDING, FREED };

struct stream {
	enum state state;
	uint32_t name, block;
	uint64_t gen;
	struct ring_writer w;
	struct ring_free f;
	uint64_t born_ns, speed; /* fast clocks, so that age retires as well */
	uint64_t left;		 /* messages until the end */
	struct thead next; /* being assembled; its number is the next one */
	uint64_t put;	   /* bytes of it put so far */
	bool assembling;
	bool news;
};

struct publisher {
	struct worker *w;
	struct ring_pool pool;
	struct stream stream[STREAMS];
	uint64_t ticked_ns;
};

struct publisher *
publisher_new(struct worker *w)
{
	struct publisher *p = calloc(1, sizeof *p);
	bug_on(p == NULL);
	p->w = w;
	bug_on(ring_pool_init(&p->pool, w->a, w->self) != 0);
	for (unsigned i = 0; i < STREAMS; i++)
		p->stream[i].name = w->self * STREAMS + i;
	return p;
}

void
publisher_free(struct publisher *p)
{
	if (p != NULL)
		ring_pool_fini(&p->pool);
	free(p);
}

static uint64_t
clock_of(const struct stream *s)
{
	return s->born_ns + (now_ns() - s->born_ns) * s->speed;
}

static bool
tell(struct publisher *p, uint32_t kind, const struct stream *s)
{
	struct tmsg m = { kind, s->name, s->block, 0, s->gen };
	return send(p->w->sock, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       sizeof m;
}

void
publisher_take(struct publisher *p, const struct tmsg *m)
{
	struct stream *s = &p->stream[m->name % STREAMS];
	bug_on(s->state != ASKED || s->name != m->name);
	s->state = IDLE;
	if (m->kind != T_GRANT)
		return;
	uint32_t name = s->name;
	memset(s, 0, sizeof *s);
	s->name = name;
	s->block = m->block;
	s->gen = m->gen;
	ring_open(&s->w, &p->pool, m->block, m->gen, QUOTA);
	s->state = LIVE;
	s->left = 1 + chance(&p->w->rng, 4) * chance(&p->w->rng, 400);
	s->next.number = 1;
	s->born_ns = now_ns();
	s->speed = chance(&p->w->rng, 2) == 0 ? 1 : 200;
	add(&p->w->score->streams, 1);
}

static void
change_headers(struct publisher *p, struct stream *s)
{
	static _Thread_local uint8_t buf[8192];
	unsigned part = (unsigned)chance(&p->w->rng, RING_PARTS);
	if (chance(&p->w->rng, 60) == 0) {
		s->next.tag[part]++;
		s->next.gen = s->gen;
		s->next.block = s->block;
		size_t n = tag_content(&s->next, part, buf);
		bug_on(ring_set_header(&s->w, part, buf, n) != 1);
		bug_on(ring_set_header(&s->w, part, buf, n) != 0);
	}
	if (chance(&p->w->rng, 60) == 0) {
		size_t n = 8 + chance(&p->w->rng, 4000);
		uint64_t seed = mix(s->gen ^ n ^ s->block);
		memcpy(buf, &seed, 8);
		content(seed, 8, buf + 8, n - 8);
		ring_set_meta(&s->w, buf, n);
	}
}

/* Begin a message; false if there is no room for it now. */
static bool
begin(struct publisher *p, struct stream *s)
{
	uint64_t *rng = &p->w->rng;
	uint64_t kind = chance(rng, 100);
	uint64_t len = chance(rng, kind < 75   ? 2000
				   : kind < 95 ? 40000
					       : QUOTA / 4 - sizeof s->next);
	if (ring_room(&s->w, sizeof s->next + len, clock_of(s)) != 0) {
		add(&p->w->score->dropped, 1);
		return false;
	}
	change_headers(p, s);
	s->next.gen = s->gen;
	s->next.block = s->block;
	s->next.len = (uint32_t)len;
	s->next.ts = (uint32_t)s->next.number;
	s->next.key = s->next.number == 1 || chance(rng, 20) == 0;
	s->next.check = check_of(&s->next);
	s->put = 0;
	s->assembling = true;
	if (s->next.key || chance(rng, 8) == 0)
		ring_mark_join(&s->w, s->next.ts, s->next.key, clock_of(s));
	return true;
}

/* Put up to n bytes more; commits a whole message.  True when it is whole. */
static bool
assemble(struct publisher *p, struct stream *s, uint64_t n)
{
	static _Thread_local uint8_t buf[65536];
	uint64_t size = sizeof s->next + s->next.len;
	while (n > 0 && s->put < size) {
		uint64_t k;
		if (s->put < sizeof s->next) {
			k = sizeof s->next - s->put;
			ring_put(&s->w, s->put,
			    (const uint8_t *)&s->next + s->put, k);
		} else {
			uint64_t off = s->put - sizeof s->next;
			k = s->next.len - off;
			k = k < n ? k : n;
			k = k < sizeof buf ? k : sizeof buf;
			content(seed_of(&s->next), off, buf, k);
			ring_put(&s->w, s->put, buf, k);
		}
		s->put += k;
		n -= k < n ? k : n;
	}
	if (s->put < size)
		return false;
	ring_commit(&s->w, size, s->next.ts, clock_of(s));
	s->next.number++;
	s->assembling = false;
	s->news = true;
	add(&p->w->score->published, 1);
	return true;
}

static void
publish_some(struct publisher *p, struct stream *s)
{
	uint64_t bytes = 1 + chance(&p->w->rng, 150000);
	for (uint64_t n = 1 + chance(&p->w->rng, 12); n > 0 && s->left > 0;
	     n--) {
		if (!s->assembling && !begin(p, s))
			return;
		if (!assemble(p, s, bytes))
			return;
		s->left--;
	}
}

static void
end(struct publisher *p, struct stream *s)
{
	ring_close(&s->w);
	s->f = (struct ring_free){
		.slot = p->w->self, .block = s->block, .gen = s->gen
	};
	s->state = ENDING;
}

static bool
step(struct publisher *p, struct stream *s, bool stop)
{
	switch (s->state) {
	case IDLE:
		if (!stop && tell(p, T_PUBLISH, s))
			s->state = ASKED;
		return !stop;
	case ASKED:
		return false;
	case LIVE:
		if (stop)
			s->left = 0;
		publish_some(p, s);
		ring_trim(&s->w, clock_of(s));
		/* an unfinished message is given up now and then */
		if (s->left == 0 && tell(p, T_UNPUBLISH, s))
			end(p, s);
		return true;
	case ENDING:
		if (ring_free_step(p->w->a, &s->f, &p->pool))
			s->state = FREED;
		return true;
	case FREED:
		if (tell(p, T_FREED, s)) {
			s->state = IDLE;
			add(&p->w->score->freed, 1);
		}
		return true;
	}
	return false;
}

bool
publisher_pass(struct publisher *p, bool stop)
{
	bool again = false;
	uint64_t marked = 0;
	for (unsigned i = 0; i < STREAMS; i++)
		again |= step(p, &p->stream[i], stop);
	wake_fence();
	for (unsigned i = 0; i < STREAMS; i++)
		if (p->stream[i].news) {
			marked |= wake_mark(p->w->a, p->stream[i].block);
			p->stream[i].news = false;
		}
	wake_sleepers(p->w->a, marked, p->w->t->efd, (int)p->w->self);
	if (now_ns() - p->ticked_ns > 100000000) {
		p->ticked_ns = now_ns();
		ring_pool_tick(&p->pool);
	}
	return again;
}
