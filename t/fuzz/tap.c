#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "rtmp/wire.h"
#include "t/fuzz/keep.h"
#include "t/fuzz/tap.h"

enum { RESERVE = 1 << 19 };

struct gathered {
	size_t n, cap;
	uint8_t *data;
};

void
tap_init(struct tap *t, size_t skip, tap_fn *fn, void *ctx)
{
	memset(t, 0, sizeof *t);
	t->skip = skip;
	t->fn = fn;
	t->ctx = ctx;
	chunk_reader_init(&t->r, t->ctxs, TAP_CTXS);
}

static void
drop(struct chunk_ctx *x)
{
	struct gathered *g = x->user;
	if (g != NULL)
		keep_put(g->data, g->cap);
	free(g);
	x->user = NULL;
}

static void
begin(struct tap *t, struct chunk_ctx *x)
{
	x->user = calloc(1, sizeof(struct gathered));
	bug_on(x->user == NULL);
	t->mixed |= t->begun++ > 0;
}

static void
data(struct chunk_ctx *x, const uint8_t *p, size_t n)
{
	struct gathered *g = x->user;
	if (g->n + n > g->cap) {
		/* all at once, but for those that may never end */
		size_t cap = x->len <= RESERVE ? x->len : 2 * (g->n + n);
		g->data = keep_grow(g->data, g->cap, g->n, cap);
		g->cap = cap;
	}
	memcpy(g->data + g->n, p, n);
	g->n += n;
}

static uint32_t
word(const struct gathered *g)
{
	struct reader r;
	reader_init(&r, g->data, g->n);
	return reader_u32(&r);
}

static void
end(struct tap *t, struct chunk_ctx *x)
{
	struct gathered *g = x->user;
	struct chunk_ctx *gone;
	uint8_t none = 0;
	struct tap_msg m = { x->type, x->ts, x->msid, x->len,
		g->data != NULL ? g->data : &none };
	t->begun--;
	if (m.type == WIRE_SET_CHUNK_SIZE &&
	    (m.len < 4 || !chunk_reader_set_size(&t->r, word(g)))) {
		t->broken = true;
		t->why = "chunk size";
	} else if (m.type == WIRE_ABORT && m.len >= 4 &&
		   (gone = chunk_reader_abort(&t->r, word(g))) != NULL) {
		drop(gone);
		t->begun--;
	}
	t->fn(t->ctx, &m);
	drop(x);
}

void
tap_feed(struct tap *t, const uint8_t *p, size_t n)
{
	const uint8_t *stop = p + n;
	size_t skip = n < t->skip ? n : t->skip;
	t->skip -= skip;
	p += skip;
	while (!t->broken) {
		struct chunk_item it;
		enum chunk_event e = chunk_next(&t->r, &p, stop, &it);
		if (e == CHUNK_NEED_MORE)
			return;
		if (e == CHUNK_BEGIN)
			begin(t, it.ctx);
		else if (e == CHUNK_DATA)
			data(it.ctx, it.data, it.len);
		else if (e == CHUNK_END)
			end(t, it.ctx);
		else
			t->broken = true;
		if (e == CHUNK_ERROR)
			t->why = chunk_error_name(it.error);
	}
}

void
tap_fini(struct tap *t)
{
	for (uint32_t i = 0; i < TAP_CTXS && i < t->r.used; i++)
		drop(&t->ctxs[i]);
}
