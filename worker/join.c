/*
 * join - where players begin, what they get before, and when they leave their
 * place for a newer one.  Everything here runs inside a section.
 */
#include "config.h"

#include <string.h>

#include "common/log.h"
#include "worker/headers.h"
#include "worker/players.h"

static bool
usable(
    const struct worker *w, const struct player *p, const struct ring_point *pt)
{
	if (pt->pos < p->join_from)
		return false;
	if (p->c->app->join_ms == 0 || p->c->app->join_bytes == 0)
		return true; /* join_from says so */
	if (p->watch->view.head - pt->pos > (uint64_t)p->c->app->join_bytes)
		return false;
	return mono_ms_since((struct mono){ pt->ns }, w->now) <=
	       (uint64_t)p->c->app->join_ms;
}

/* Where to begin: a keyframe if one is near enough, else any message. */
static bool
pick_point(
    const struct worker *w, const struct player *p, struct ring_point *pt)
{
	const struct ring_view *v = &p->watch->view;
	return (ring_newest_join(v, true, pt) && usable(w, p, pt)) ||
	       (ring_newest_join(v, false, pt) && usable(w, p, pt));
}

static void
write_part(struct writer *wr, const struct player *p, uint8_t type,
    uint32_t csid, uint32_t ts, const uint8_t *b, uint32_t n)
{
	if (n > 0)
		wire_write(wr, csid, type, p->msid, ts, b, n, WIRE_CHUNK);
}

static void
write_headers(struct writer *wr, const struct player *p, uint8_t type,
    uint32_t ts, const uint8_t *records, uint32_t n)
{
	uint32_t csid = type == WIRE_VIDEO ? WIRE_CSID_VIDEO : WIRE_CSID_AUDIO;
	uint32_t off = 0, len;
	const uint8_t *b;
	for (unsigned i = 0; i < HEADERS_MAX; i++)
		if ((b = headers_next(records, n, &off, &len)) != NULL)
			write_part(wr, p, type, csid, ts, b, len);
}

/* Codec headers (and metadata) for a start at pt.  False: read again. */
static bool
write_prologue(
    struct worker *w, struct player *p, const struct ring_point *pt, bool meta)
{
	struct players *ps = w->players;
	const struct ring_view *v = &p->watch->view;
	uint32_t len[RING_PARTS], mlen = 0, mver;
	struct writer wr;
	if (ring_read_headers(v, pt->cfg_ver, ps->cfg, len) != 0 ||
	    (meta && ring_read_meta(v, ps->meta, &mlen, &mver) != 0))
		return false;
	size_t n =
	    len[0] + len[1] + mlen + (1 + 2 * HEADERS_MAX) * WIRE_HEAD0_MAX;
	if (!conn_write(w, p->c, n, &wr))
		return true; /* it is being closed */
	write_part(&wr, p, WIRE_DATA, WIRE_CSID_DATA, pt->ts, ps->meta, mlen);
	if (!p->no_video && !p->audio_only)
		write_headers(
		    &wr, p, WIRE_VIDEO, pt->ts, ps->cfg, len[RING_VIDEO]);
	if (!p->no_audio)
		write_headers(&wr, p, WIRE_AUDIO, pt->ts,
		    ps->cfg + len[RING_VIDEO], len[RING_AUDIO]);
	conn_write_end(w, p->c, &wr);
	return true;
}

static void
begin_at(struct worker *w, struct player *p, const struct ring_point *pt)
{
	p->cursor = p->mend = pt->pos;
	p->state = PLAYER_RUN;
	p->has_cfg = true;
	p->cfg_ver = pt->cfg_ver;
	p->behind = false;
	p->key_at = 0;
	p->audio_back = false;
	worker_count(w, COUNTER_JOINS, 1);
}

static void
log_start(struct worker *w, struct player *p, const struct ring_point *pt)
{
	if (p->started)
		return;
	p->started = true;
	LOG(play_start, .client = p->c->id, .stream = netstream_name(p->ns),
	    .worker = w->self,
	    .behind_ms = mono_ms_since((struct mono){ pt->ns }, w->now),
	    .waited_ms = mono_ms_since(p->since, w->now));
}

/* JOIN -> RUN, if there is a place to begin. */
void
player_join(struct worker *w, struct player *p)
{
	struct ring_point pt;
	/* twice; then the newest headers: those of the point are gone, and
	 * what has changed since comes in the ring (rule 7) */
	for (int i = 0; i < 3; i++) {
		if (!pick_point(w, p, &pt))
			return;
		if (i == 2)
			pt.cfg_ver =
			    atomic_load_explicit(&p->watch->view.half->cfg_ver,
				memory_order_acquire);
		bool all = !p->has_cfg;
		if ((p->has_cfg && p->cfg_ver == pt.cfg_ver) ||
		    write_prologue(w, p, &pt, all)) {
			log_start(w, p, &pt);
			begin_at(w, p, &pt);
			return;
		}
	}
}

/* receiveAudio(true): the header may have changed since. */
void
player_bring_audio(struct worker *w, struct player *p)
{
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	struct ring_point pt = { .cfg_ver = atomic_load_explicit(
				     &p->watch->view.half->cfg_ver,
				     memory_order_acquire) };
	if (!watch_header(&p->watch->view, p->cursor, &m, buf))
		return;
	pt.ts = m.ts;
	if (write_prologue(w, p, &pt, false))
		p->audio_back = false;
}

/* receiveVideo(true): headers, then video from the next keyframe on. */
void
player_look_for_key(struct worker *w, struct player *p)
{
	struct ring_point pt;
	if (p->key_at < p->cursor)
		p->key_at = 0;
	if (!ring_newest_join(&p->watch->view, true, &pt) || pt.pos < p->cursor)
		return;
	if (p->key_at == 0)
		p->key_at = pt.pos;
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	if (p->key_at != p->cursor ||
	    !watch_header(&p->watch->view, p->cursor, &m, buf))
		return;
	pt.ts = m.ts; /* a newer keyframe may have come meanwhile */
	if (!write_prologue(w, p, &pt, false))
		return;
	p->cfg_ver = pt.cfg_ver;
	p->wait_key = false;
	p->key_at = 0;
}
