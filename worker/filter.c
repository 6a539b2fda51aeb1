/*
 * filter - players that cannot use the common image of a ring: another message
 * stream id, or without audio or video.  Inside a section.
 */
#include "config.h"

#include <string.h>

#include "worker/players.h"

/* Does p get its messages one by one, with headers or choices of its own? */
bool
player_translated(const struct player *p)
{
	return p->msid != 1 || p->no_audio || p->no_video || p->audio_only ||
	       p->wait_key;
}

static bool
left_out(const struct player *p, uint8_t type)
{
	return type == WIRE_AUDIO ? p->no_audio
	       : type == WIRE_VIDEO
		   ? p->no_video || p->audio_only || p->wait_key
		   : false;
}

/* Header bytes of a message of ours with the player's message stream id. */
static void
translate(const struct player *p, uint8_t head[WIRE_HEAD0_MAX])
{
	/* RTMP 1.0, 5.3.1.2.1: the message stream id is little-endian */
	for (unsigned i = 0; i < 4; i++)
		head[8 + i] = (uint8_t)(p->msid >> (8 * i));
}

/* Pieces of [cursor, to) with private headers; *to is where they end. */
unsigned
player_translated_spans(struct worker *w, struct player *p, uint64_t *to,
    struct iovec *iov, unsigned max)
{
	struct players *ps = w->players;
	const struct ring_view *v = &p->watch->view;
	uint8_t(*heads)[WIRE_HEAD0_MAX] = ps->heads[ps->nheads++];
	uint64_t pos = p->cursor;
	unsigned n = 0, used = 0;
	if (p->cursor != p->mend) {
		/* without a header of its own the ring's is right */
		uint64_t done = p->cursor - p->mstart;
		if (p->msid != 1 && done < p->head_len) {
			iov[n++] = (struct iovec){ p->head + done,
				(size_t)(p->head_len - done) };
			pos = p->mstart + p->head_len;
		}
		uint64_t end = p->mend < *to ? p->mend : *to;
		if (pos < end)
			n += ring_spans(v, pos, end, iov + n, max - n);
		pos = end > pos ? end : pos;
	}
	while (pos < *to && used < HEADS_PER_SEND) {
		struct wire_msg m;
		uint8_t *head = heads[used];
		if (!watch_header(v, pos, &m, head))
			break;
		if (left_out(p, m.type)) {
			pos += m.size;
			continue;
		}
		used++;
		uint64_t body = pos + m.head_len, end = pos + m.size;
		if (end > *to)
			end = *to > body ? *to : body; /* a part of it */
		unsigned pieces = (unsigned)((end - pos) >> SEGMENT_SHIFT) + 2;
		if (n + 1 + pieces > max)
			break;
		translate(p, head);
		iov[n++] = (struct iovec){ head, m.head_len };
		if (end > body)
			n += ring_spans(v, body, end, iov + n, max - n);
		pos = end;
	}
	*to = pos;
	return n;
}

/* Move the cursor by n bytes that were sent, past what p does not get. */
bool
player_walk_translated(struct player *p, uint32_t n)
{
	const struct ring_view *v = &p->watch->view;
	struct wire_msg m;
	while (n > 0) {
		if (p->cursor == p->mend) {
			if (!watch_header(v, p->cursor, &m, p->head))
				return false;
			p->mend = p->cursor + m.size;
			if (left_out(p, m.type)) {
				p->cursor = p->mend;
				continue;
			}
			p->mstart = p->cursor;
			p->head_len = m.head_len;
			translate(p, p->head);
		}
		uint64_t left = p->mend - p->cursor;
		left = left < n ? left : n;
		p->cursor += left;
		n -= (uint32_t)left;
	}
	return true;
}

/* Move the cursor over messages that p does not get. */
void
player_pass_left_out(struct worker *w, struct player *p)
{
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	uint64_t from = p->cursor;
	while (p->cursor == p->mend &&
	       !(p->wait_key && p->cursor == p->key_at) &&
	       watch_header(&p->watch->view, p->cursor, &m, buf) &&
	       left_out(p, m.type))
		p->cursor = p->mend = p->cursor + m.size;
	if (p->cursor != from && p->cursor < p->watch->view.head)
		player_queue(w, p);
}
