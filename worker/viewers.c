#include "config.h"

#include "worker/players.h"
#include "worker/publishers.h"
#include "worker/upstream.h"
#include "worker/viewers.h"

enum { MOST = 1 << 24 }; /* nobody has more */

static void
add(struct worker *w, uint32_t block, int32_t n)
{
	_Atomic int32_t *b = &w->slot->beyond[block];
	/* an edge that lies on many NetStreams makes it wrong, not undefined */
	uint32_t sum = (uint32_t)atomic_load_explicit(b, memory_order_relaxed) +
		       (uint32_t)n;
	if (n != 0)
		atomic_store_explicit(b, (int32_t)sum, memory_order_relaxed);
}

void
viewers_move(
    struct worker *w, const struct player *p, uint32_t block, bool begins)
{
	add(w, block, begins ? p->beyond : -p->beyond);
}

void
viewers_end(struct worker *w, struct publish *p)
{
	add(w, p->ring.block, -p->beyond);
	p->beyond = 0;
}

void
viewers_said(struct worker *w, struct netstream *ns, double n)
{
	struct player *p = ns->player;
	struct publish *pub = ns->pub;
	if (!(n >= 0 && n <= MOST))
		return;
	if (ns->use == NS_PLAY && p != NULL) {
		int32_t now = (int32_t)n - 1;
		if (p->watch != NULL)
			add(w, p->watch->view.block, now - p->beyond);
		p->beyond = now;
	} else if (ns->use == NS_PUBLISH && pub != NULL) {
		add(w, pub->ring.block, (int32_t)n - pub->beyond);
		pub->beyond = (int32_t)n;
	}
}

void
viewers_tell(struct worker *w, struct leg *l, uint32_t block)
{
	struct upstream *up = l->up;
	struct writer wr;
	if (up == NULL || l->ns == NULL || !up->sluice ||
	    mono_ms_since(l->viewers_at, w->now) < VIEWERS_TELL_MS)
		return;
	int64_t n = arena_viewers(&w->arena, block);
	if (l->viewers_told && l->viewers == n)
		return;
	if (!conn_write(w, up->c, SESSION_REPLY, &wr))
		return;
	l->viewers = n;
	l->viewers_told = true;
	l->viewers_at = w->now;
	cmd_write_viewers(&wr, WIRE_CHUNK, l->ns->id, (double)n);
	conn_write_end(w, up->c, &wr);
}
