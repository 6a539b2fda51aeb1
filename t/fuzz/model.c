#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "rtmp/wire.h"
#include "shm/arena.h"
#include "t/fuzz/keep.h"
#include "t/fuzz/model.h"
#include "worker/headers.h"

static struct model *the_model;

void __real_ring_open(struct ring_writer *w, struct ring_pool *p,
    uint32_t block, uint64_t gen, uint64_t quota);
void __real_ring_mark_join(
    struct ring_writer *w, uint32_t ts, bool key, uint64_t now_ns);
void __real_ring_commit(
    struct ring_writer *w, uint64_t n, uint32_t last_ts, uint64_t now_ns);
int __real_ring_set_header(
    struct ring_writer *w, enum ring_part part, const void *p, size_t n);
int __real_ring_set_meta(struct ring_writer *w, const void *p, size_t n);
void __wrap_ring_open(struct ring_writer *w, struct ring_pool *p,
    uint32_t block, uint64_t gen, uint64_t quota);
void __wrap_ring_mark_join(
    struct ring_writer *w, uint32_t ts, bool key, uint64_t now_ns);
void __wrap_ring_commit(
    struct ring_writer *w, uint64_t n, uint32_t last_ts, uint64_t now_ns);
int __wrap_ring_set_header(
    struct ring_writer *w, enum ring_part part, const void *p, size_t n);
int __wrap_ring_set_meta(struct ring_writer *w, const void *p, size_t n);

void
model_begin(struct model *m, struct arena *a)
{
	memset(m, 0, sizeof *m);
	m->arena = a;
	the_model = m;
}

static void
free_msgs(struct model_msg *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		keep_put(m[i].data, m[i].len + 1);
	free(m);
}

void
model_end(struct model *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free_msgs(m->stream[i]->msg, m->stream[i]->n);
		free_msgs(m->stream[i]->kept, m->stream[i]->nkept);
		free(m->stream[i]);
	}
	free(m->stream);
	the_model = NULL;
}

/* Publishing -------------------------------------------------------------- */

static void *
grow(void *p, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return p;
	p = realloc(p, (n == 0 ? 1 : 2 * n) * size);
	bug_on(p == NULL);
	return p;
}

static uint8_t *
copy_of(const void *p, size_t n)
{
	uint8_t *b = keep_get(n + 1);
	if (n > 0)
		memcpy(b, p, n);
	return b;
}

static struct model_stream *
stream_of(const struct ring_writer *w)
{
	for (size_t i = the_model->n; i-- > 0;) {
		struct model_stream *s = the_model->stream[i];
		if (s->block == w->block && s->gen == w->gen)
			return s;
	}
	bug_on(true); /* a ring that was not opened */
	return NULL;
}

void
__wrap_ring_open(struct ring_writer *w, struct ring_pool *p, uint32_t block,
    uint64_t gen, uint64_t quota)
{
	struct model *m = the_model;
	__real_ring_open(w, p, block, gen, quota);
	struct model_stream *s = calloc(1, sizeof *s);
	bug_on(s == NULL);
	s->block = block;
	s->gen = gen;
	s->keylen = directory_key(m->arena,
	    atomic_load_explicit(
		&m->arena->control->block[block].dir, memory_order_relaxed),
	    s->key);
	m->stream = grow(m->stream, m->n, sizeof(struct model_stream *));
	m->stream[m->n++] = s;
}

void
__wrap_ring_mark_join(
    struct ring_writer *w, uint32_t ts, bool key, uint64_t now_ns)
{
	stream_of(w)->joins = true;
	__real_ring_mark_join(w, ts, key, now_ns);
}

/* The payload of the whole message in image; every header must be ours. */
static uint8_t *
unwrap(uint8_t *image, uint64_t n, struct wire_msg *h)
{
	uint8_t head[WIRE_HEAD3_MAX];
	bug_on(wire_parse(image, n, h) != WIRE_OK);
	bug_on(h->size != n || h->msid != 1);
	size_t h3 = wire_head3(head, h->csid, h->ts), got = 0;
	uint8_t *p = image + h->head_len, *to = keep_get(h->len + 1);
	while (got < h->len) {
		size_t k =
		    h->len - got < WIRE_CHUNK ? h->len - got : WIRE_CHUNK;
		if (got > 0) {
			bug_on(memcmp(p, head, h3) != 0);
			p += h3;
		}
		memcpy(to + got, p, k);
		p += k;
		got += k;
	}
	bug_on(p != image + n);
	return to;
}

void
__wrap_ring_commit(
    struct ring_writer *w, uint64_t n, uint32_t last_ts, uint64_t now_ns)
{
	struct model *m = the_model;
	struct model_stream *s = stream_of(w);
	struct wire_msg h;
	uint8_t *image = keep_get(n);
	ring_peek(w, 0, image, n);
	uint8_t *data = unwrap(image, n, &h);
	keep_put(image, n);
	uint64_t client =
	    atomic_load_explicit(&m->arena->control->block[w->block].publisher,
		memory_order_relaxed);
	bug_on(
	    m->known != NULL && !m->known(m->ctx, client, h.type, data, h.len));
	s->msg = grow(s->msg, s->n, sizeof *s->msg);
	s->msg[s->n++] =
	    (struct model_msg){ h.type, s->joins, h.ts, h.len, data };
	s->joins = false;
	m->bytes += n;
	__real_ring_commit(w, n, last_ts, now_ns);
}

static void
keep(struct ring_writer *w, uint8_t type, const void *p, size_t n)
{
	struct model_stream *s = stream_of(w);
	s->kept = grow(s->kept, s->nkept, sizeof *s->kept);
	s->kept[s->nkept++] = (struct model_msg){
		.type = type, .len = (uint32_t)n, .data = copy_of(p, n)
	};
}

int
__wrap_ring_set_header(
    struct ring_writer *w, enum ring_part part, const void *p, size_t n)
{
	int r = __real_ring_set_header(w, part, p, n);
	uint8_t type = part == RING_VIDEO ? WIRE_VIDEO : WIRE_AUDIO;
	uint32_t off = 0, len;
	const uint8_t *b;
	while (r == 1 && (b = headers_next(p, (uint32_t)n, &off, &len)) != NULL)
		keep(w, type, b, len);
	return r;
}

int
__wrap_ring_set_meta(struct ring_writer *w, const void *p, size_t n)
{
	int r = __real_ring_set_meta(w, p, n);
	if (r == 1)
		keep(w, WIRE_DATA, p, n);
	return r;
}

/* Playing ----------------------------------------------------------------- */

static bool
is_named(const struct model_stream *s, const char *name)
{
	size_t len;
	const char *p = directory_key_part(s->key, s->keylen, 3, &len);
	return len == strlen(name) && memcmp(p, name, len) == 0;
}

struct model_stream *
model_find(const struct model *m, const char *name)
{
	for (size_t i = m->n; i-- > 0;)
		if (is_named(m->stream[i], name))
			return m->stream[i];
	return NULL;
}

static bool
same(const struct model_msg *a, const struct tap_msg *t)
{
	return a->type == t->type && a->len == t->len &&
	       memcmp(a->data, t->data, t->len) == 0;
}

/* A later join point of the same stream, or one of a later stream. */
static bool
jumps(const struct model *m, struct model_player *p, const char *name,
    const struct tap_msg *t)
{
	for (size_t i = m->n; i-- > 0;) {
		const struct model_stream *s = m->stream[i];
		bool here = s == p->at && !p->anywhere;
		for (size_t k = here ? p->next : 0;
		     is_named(s, name) && k < s->n; k++) {
			if (!s->msg[k].join || s->msg[k].ts != t->ts ||
			    !same(&s->msg[k], t))
				continue;
			p->at = s;
			p->next = k + 1;
			p->anywhere = false;
			p->joins++;
			return true;
		}
		if (here)
			return false;
	}
	return false;
}

static bool
is_prologue(const struct model *m, const char *name, const struct tap_msg *t)
{
	for (size_t i = m->n; i-- > 0;) {
		const struct model_stream *s = m->stream[i];
		for (size_t k = 0; is_named(s, name) && k < s->nkept; k++)
			if (same(&s->kept[k], t))
				return true;
	}
	return false;
}

const char *
model_sent(const struct model *m, struct model_player *p, const char *name,
    const struct tap_msg *t)
{
	const struct model_stream *s = p->at;
	p->messages++;
	if (s != NULL && p->next < s->n && s->msg[p->next].ts == t->ts &&
	    same(&s->msg[p->next], t)) {
		p->next++;
		return NULL;
	}
	for (size_t k = p->next; p->filters && s != NULL && k < s->n; k++) {
		if (s->msg[k].ts != t->ts || !same(&s->msg[k], t))
			continue;
		p->next = k + 1;
		return NULL;
	}
	if (jumps(m, p, name, t))
		return NULL;
	if (is_prologue(m, name, t)) {
		p->prologue++;
		return NULL;
	}
	return "a message that is neither next nor at a join point";
}
