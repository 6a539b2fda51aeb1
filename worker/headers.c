#include "config.h"

#include <errno.h>
#include <string.h>

#include "rtmp/flvtag.h"
#include "worker/headers.h"

enum { RECORD = 4 };

static void
drop(struct worker *w, struct headers *h, struct header *e)
{
	LIST_REMOVE(e, next);
	h->n--;
	bufpool_put(&w->pool, e, sizeof *e + e->len);
}

/* Track and kind of a header message; old tags are track 0. */
static void
describe(struct header *e, const uint8_t *p, uint32_t n)
{
	struct flv_track t;
	bool known = e->part == RING_VIDEO ? flv_video_track(p, n, &t)
					   : flv_audio_track(p, n, &t);
	e->track = known ? t.id : 0;
	e->extra = known && (t.class & FLV_METADATA) != 0;
}

static struct header *
find(const struct headers *h, const struct header *like)
{
	struct header *e;
	LIST_FOREACH (e, &h->list, next)
		if (e->part == like->part && e->track == like->track &&
		    e->extra == like->extra)
			return e;
	return NULL;
}

/* Bytes of all records of a part. */
static size_t
part_size(const struct headers *h, enum ring_part part)
{
	const struct header *e;
	size_t n = 0;
	LIST_FOREACH (e, &h->list, next)
		if (e->part == part)
			n += RECORD + e->len;
	return n;
}

static uint8_t *
write_kind(
    const struct headers *h, enum ring_part part, bool extra, uint8_t *to)
{
	const struct header *e;
	LIST_FOREACH (e, &h->list, next) {
		if (e->part != part || e->extra != extra)
			continue;
		memcpy(to, &e->len, RECORD);
		memcpy(to + RECORD, e->data, e->len);
		to += RECORD + e->len;
	}
	return to;
}

/* The configuration first: what follows is of it. */
static int
write_part(const struct headers *h, enum ring_part part, uint8_t *buf)
{
	uint8_t *end = write_kind(h, part, false, buf);
	return (int)(write_kind(h, part, true, end) - buf);
}

/* In the order of tracks: the default one first. */
static void
insert(struct headers *h, struct header *e)
{
	struct header *at, *before = NULL;
	LIST_FOREACH (at, &h->list, next)
		if (at->track <= e->track)
			before = at;
	if (before != NULL)
		LIST_INSERT_AFTER(before, e, next);
	else
		LIST_INSERT_HEAD(&h->list, e, next);
}

int
headers_put(struct worker *w, struct headers *h, enum ring_part part,
    const uint8_t *p, uint32_t n, uint8_t *buf)
{
	struct header like = { .part = part };
	describe(&like, p, n);
	struct header *old = find(h, &like);
	size_t size = part_size(h, part) + RECORD + n -
		      (old != NULL ? RECORD + old->len : 0);
	if (old != NULL && old->len == n && memcmp(old->data, p, n) == 0)
		return write_part(h, part, buf); /* told again */
	if (size > RING_CFG_MAX || (old == NULL && h->n == HEADERS_MAX)) {
		if (old != NULL)
			drop(w, h, old); /* a wrong one is worse than none */
		return -E2BIG;
	}
	struct header *e = bufpool_get(&w->pool, sizeof *e + n);
	if (e == NULL)
		return -ENOMEM;
	*e = like;
	e->len = n;
	memcpy(e->data, p, n);
	if (old != NULL)
		drop(w, h, old);
	insert(h, e);
	h->n++;
	return write_part(h, part, buf);
}

void
headers_fini(struct worker *w, struct headers *h)
{
	struct header *e;
	while ((e = LIST_FIRST(&h->list)) != NULL)
		drop(w, h, e);
}

const uint8_t *
headers_next(const uint8_t *buf, uint32_t n, uint32_t *off, uint32_t *len)
{
	if (n - *off < RECORD)
		return NULL;
	memcpy(len, buf + *off, RECORD);
	if (*len > n - *off - RECORD)
		return NULL;
	const uint8_t *p = buf + *off + RECORD;
	*off += RECORD + *len;
	return p;
}
