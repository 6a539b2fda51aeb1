/*
 * flush - the sends of players (play.h).  Everything here runs inside a
 * section; what is prepared is sent before it ends.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "shm/section.h"
#include "worker/headers.h"
#include "worker/players.h"

bool
player_inside(const struct player *p)
{
	return p->tail != NULL ||
	       (p->state == PLAYER_RUN && p->cursor != p->mend);
}

bool
watch_look(struct worker *w, struct watch *v)
{
	if (v->look != w->players->section) {
		v->look = w->players->section;
		ring_look(&v->view);
	}
	return v->view.head != 0;
}

/* The header of the message at pos. */
static bool
header_at(const struct ring_view *v, uint64_t pos, struct wire_msg *m,
    uint8_t buf[WIRE_HEAD0_MAX])
{
	size_t n = WIRE_HEAD0_MAX;
	if (pos >= v->head)
		return false;
	if (v->head - pos < n)
		n = (size_t)(v->head - pos);
	return ring_copy(v, pos, buf, n) && wire_parse(buf, n, m) == WIRE_OK;
}

/* Private copies ---------------------------------------------------------- */

void
player_drop_tail(struct worker *w, struct player *p)
{
	struct tail *t = p->tail;
	p->tail = NULL;
	p->tail_off = 0;
	if (t == NULL || --t->refs > 0)
		return;
	if (t->watch != NULL)
		LIST_REMOVE(t, next);
	size_t size = sizeof *t + (size_t)(t->end - t->from);
	w->players->tails -= size;
	bufpool_put(&w->pool, t, size);
}

static struct tail *
new_tail(
    struct worker *w, const struct ring_view *v, uint64_t from, uint64_t end)
{
	size_t size = sizeof(struct tail) + (size_t)(end - from);
	/* a slow player goes before a publisher does */
	if (w->players->tails + size > PLAY_TAILS_MAX ||
	    w->pool.lent + size > w->pool.budget - w->pool.budget / 8)
		return NULL;
	struct tail *t = bufpool_get(&w->pool, size);
	if (t == NULL)
		return NULL;
	*t = (struct tail){ .from = from, .end = end };
	if (!ring_copy(v, from, t->data, (size_t)(end - from))) {
		bufpool_put(&w->pool, t, size);
		return NULL;
	}
	w->players->tails += size;
	worker_count(w, COUNTER_TAILS, 1);
	return t;
}

/* The lowest cursor among players of v in the message that ends at end. */
static uint64_t
lowest_cursor(const struct watch *v, uint64_t end, uint64_t cursor)
{
	struct player *q;
	TAILQ_FOREACH (q, &v->players, next_watch)
		if (q->state == PLAYER_RUN && q->mend == end &&
		    q->cursor < cursor && q->cursor >= v->view.tail)
			cursor = q->cursor;
	return cursor;
}

static struct tail *
shared_tail(struct worker *w, struct player *p)
{
	struct watch *v = p->watch;
	struct tail *t;
	LIST_FOREACH (t, &v->tails, next)
		if (t->end == p->mend && t->from <= p->cursor)
			return t;
	t = new_tail(
	    w, &v->view, lowest_cursor(v, p->mend, p->cursor), p->mend);
	if (t != NULL) {
		t->watch = v;
		LIST_INSERT_HEAD(&v->tails, t, next);
	}
	return t;
}

/* Translated: its own copy, with its own header where that is not out yet. */
static struct tail *
own_tail(struct worker *w, struct player *p)
{
	struct tail *t = new_tail(w, &p->watch->view, p->cursor, p->mend);
	uint64_t done = p->cursor - p->mstart;
	if (t != NULL && done < p->head_len)
		memcpy(t->data, p->head + done, (size_t)(p->head_len - done));
	return t;
}

/* A message left behind must be finished in time, however it trickles. */
void
player_limit_tail(struct worker *w, struct player *p)
{
	p->c->deadline = mono_add_ms(w->now, (uint64_t)w->conf->stall_ms);
	p->c->late = REASON_SLOW_TAIL;
}

bool
player_take_tail(struct worker *w, struct player *p)
{
	const struct ring_view *v = &p->watch->view;
	if (p->cursor < v->tail || p->mend > v->head)
		return false;
	struct tail *t = p->msid == 1 ? shared_tail(w, p) : own_tail(w, p);
	if (t == NULL)
		return false;
	t->refs++;
	p->tail = t;
	p->tail_off = (uint32_t)(p->cursor - t->from);
	player_limit_tail(w, p);
	return true;
}

/* Joining and skipping ---------------------------------------------------- */

static bool
usable(
    const struct worker *w, const struct player *p, const struct ring_point *pt)
{
	if (pt->pos < p->join_from)
		return false;
	if (w->conf->join_ms == 0)
		return true;
	return mono_ms_since((struct mono){ pt->ns }, w->now) <=
	       (uint64_t)w->conf->join_ms;
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
	if (!p->no_video)
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
	struct span name = netstream_name(p->ns);
	if (p->started)
		return;
	p->started = true;
	log_event(LOG_LEVEL_INFO, "play.start", "s:I, s:o, s:i, s:I, s:I",
	    "client", (json_int_t)p->c->id, "stream",
	    log_text(name.p, name.len), "worker", (int)w->self, "behind_ms",
	    (json_int_t)mono_ms_since((struct mono){ pt->ns }, w->now),
	    "waited_ms", (json_int_t)mono_ms_since(p->since, w->now));
}

/* JOIN -> RUN, if there is a place to begin. */
static void
try_join(struct worker *w, struct player *p)
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

/* At a boundary below soft: begin anew when the socket takes bytes again. */
static void
leave_between(struct worker *w, struct player *p)
{
	p->skips++;
	worker_count(w, COUNTER_SKIPS, 1);
	word_add(&p->c->row->skips, 1);
	p->join_from = p->cursor + 1;
	p->state = PLAYER_JOIN;
}

/* Leave the cursor for a newer keyframe; p is at a boundary. */
static void
skip(struct worker *w, struct player *p)
{
	leave_between(w, p);
	try_join(w, p);
}

/* Milliseconds of media between the cursor and head. */
static uint32_t
lag_ms(const struct player *p)
{
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	const struct ring_view *v = &p->watch->view;
	if (!header_at(v, p->cursor, &m, buf))
		return 0;
	uint32_t last =
	    atomic_load_explicit(&v->half->last_ts, memory_order_relaxed);
	int32_t lag = rtmp_ts_diff(m.ts, last);
	return lag > 0 ? (uint32_t)lag : 0;
}

static void
skip_if_late(struct worker *w, struct player *p)
{
	struct ring_point pt;
	const struct ring_view *v = &p->watch->view;
	p->behind = false;
	if (p->cursor < v->soft) {
		skip(w, p);
		return;
	}
	if (p->cursor == v->head || lag_ms(p) <= (uint64_t)w->conf->max_lag_ms)
		return;
	if (ring_newest_join(v, true, &pt) && pt.pos > p->cursor)
		skip(w, p);
}

/* Filtered players --------------------------------------------------------- */

/* Does p get its messages one by one, with headers or choices of its own? */
static bool
translated(const struct player *p)
{
	return p->msid != 1 || p->no_audio || p->no_video || p->wait_key;
}

static bool
left_out(const struct player *p, uint8_t type)
{
	return type == WIRE_AUDIO   ? p->no_audio
	       : type == WIRE_VIDEO ? p->no_video || p->wait_key
				    : false;
}

/* receiveAudio(true): the header may have changed since. */
static void
bring_audio_back(struct worker *w, struct player *p)
{
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	struct ring_point pt = { .cfg_ver = atomic_load_explicit(
				     &p->watch->view.half->cfg_ver,
				     memory_order_acquire) };
	if (!header_at(&p->watch->view, p->cursor, &m, buf))
		return;
	pt.ts = m.ts;
	if (write_prologue(w, p, &pt, false))
		p->audio_back = false;
}

/* receiveVideo(true): headers, then video from the next keyframe on. */
static void
look_for_key(struct worker *w, struct player *p)
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
	    !header_at(&p->watch->view, p->cursor, &m, buf))
		return;
	pt.ts = m.ts; /* a newer keyframe may have come meanwhile */
	if (!write_prologue(w, p, &pt, false))
		return;
	p->cfg_ver = pt.cfg_ver;
	p->wait_key = false;
	p->key_at = 0;
}

/* Sending ----------------------------------------------------------------- */

/*
 * p is at a boundary: the other players of its connection, which had to wait
 * for that, come before it.
 */
static void
let_others(struct worker *w, struct player *p)
{
	struct player **at = &p->c->player;
	if (p->next_conn == NULL && *at == p)
		return;
	while (*at != p)
		at = &(*at)->next_conn;
	*at = p->next_conn;
	for (; *at != NULL; at = &(*at)->next_conn)
		;
	*at = p;
	p->next_conn = NULL;
	for (struct player *q = p->c->player; q != p; q = q->next_conn)
		player_queue(w, q);
}

/* The message that p stands in is finished from its tail. */
static void
tail_finished(struct worker *w, struct player *p)
{
	player_drop_tail(w, p);
	p->c->inside = NULL;
	p->c->deadline = (struct mono){ 0 };
	if (p->ns == NULL) {
		player_done(w, p);
		return;
	}
	let_others(w, p);
	p->cursor = p->mend;
	if (p->watch != NULL && p->state == PLAYER_RUN)
		skip(w, p);
	else if (p->watch == NULL)
		p->title->scan = w->players->scan = true;
	player_queue(w, p);
}

static bool
send_tail(struct worker *w, struct player *p)
{
	struct tail *t = p->tail;
	uint32_t left = (uint32_t)(t->end - t->from) - p->tail_off;
	struct iovec iov = { t->data + p->tail_off,
		left < PLAY_SEND_MAX ? left : PLAY_SEND_MAX };
	if (!loop_send(w->loop, p->c->fd, &iov, 1, p->c->index, p->c->gen))
		return false;
	p->sending = SEND_TAIL;
	p->c->sender = p;
	p->offered = (uint32_t)iov.iov_len;
	w->players->section_bytes += iov.iov_len;
	worker_count(w, COUNTER_SENDS, 1);
	return true;
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
static unsigned
translated_spans(struct worker *w, struct player *p, uint64_t *to,
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
		if (!header_at(v, pos, &m, head))
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

/* How far p may send now; see rule 3. */
static uint64_t
send_limit(struct worker *w, const struct player *p)
{
	const struct watch *v = p->watch;
	uint64_t to = v->view.head;
	if (to - p->cursor > PLAY_SEND_MAX)
		to = p->cursor + PLAY_SEND_MAX;
	bool stop = v->ended && !mono_before(w->now, v->drain_until);
	if (p->wait_key && p->key_at > p->cursor && to > p->key_at)
		to = p->key_at;
	if (p->cursor != p->mend && to > p->mend &&
	    (stop || !conn_out_empty(p->c) || p->behind))
		to = p->mend;
	return to;
}

/* Move the cursor over messages that p does not get. */
static void
pass_left_out(struct worker *w, struct player *p)
{
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	uint64_t from = p->cursor;
	while (p->cursor == p->mend &&
	       !(p->wait_key && p->cursor == p->key_at) &&
	       header_at(&p->watch->view, p->cursor, &m, buf) &&
	       left_out(p, m.type))
		p->cursor = p->mend = p->cursor + m.size;
	if (p->cursor != from && p->cursor < p->watch->view.head)
		player_queue(w, p);
}

/* Prepare out (at a boundary) and ring bytes in one send. */
static bool
send_ring(struct worker *w, struct player *p)
{
	struct iovec iov[LOOP_SEND_IOV];
	struct conn *c = p->c;
	unsigned n = 0;
	size_t total = 0;
	bool run = p->state == PLAYER_RUN;
	p->offered_out = 0;
	if (!conn_out_empty(c) && (!run || p->cursor == p->mend)) {
		iov[n++] = (struct iovec){ c->out.buf + c->out.off,
			c->out.len - c->out.off };
		p->offered_out = c->out.len - c->out.off;
	}
	if (run && p->cursor < p->watch->view.head) {
		uint64_t to = send_limit(w, p);
		if (!translated(p))
			n += ring_spans(&p->watch->view, p->cursor, to, iov + n,
			    LOOP_SEND_IOV - n);
		else if (w->players->nheads == LOOP_SENDS_MAX)
			return false;
		else
			n += translated_spans(
			    w, p, &to, iov + n, LOOP_SEND_IOV - n);
	}
	for (unsigned i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (total == 0) {
		/* nothing of this was for it */
		if (run && translated(p))
			pass_left_out(w, p);
		return true;
	}
	if (!loop_send(w->loop, c->fd, iov, n, c->index, c->gen))
		return false;
	p->sending = SEND_RING;
	p->c->sender = p;
	p->offered = (uint32_t)total;
	w->players->section_bytes += total;
	worker_count(w, COUNTER_SENDS, 1);
	return true;
}

/*
 * p stands inside a message and must let go of the ring: the rest is sent from
 * a copy.  False: it could not be copied, p is closed.
 */
static bool
leave_inside(struct worker *w, struct player *p)
{
	if (!player_take_tail(w, p)) {
		conn_abort(w, p->c, REASON_SLOW_TAIL);
		return false;
	}
	if (p->watch->ended)
		player_detach(w, p);
	return true;
}

/* What p must do before it may send from its ring.  False: it is closed. */
static bool
prepare(struct worker *w, struct player *p)
{
	struct watch *v = p->watch;
	if (v == NULL || !watch_look(w, v)) {
		if (v != NULL && v->ended)
			player_detach(w, p);
		return true;
	}
	if (p->state == PLAYER_RUN && p->cursor != p->mend) {
		if (p->cursor < v->view.tail) {
			conn_abort(w, p->c, REASON_LATE);
			return false;
		}
		if (p->cursor < v->view.soft && !leave_inside(w, p))
			return false;
		return true;
	}
	bool late = v->ended && !mono_before(w->now, v->drain_until);
	/* of a stream that has just ended a newcomer gets what there is */
	if (p->state == PLAYER_JOIN && !p->paused && !late)
		try_join(w, p);
	bool over = late || (v->ended && (p->state == PLAYER_JOIN ||
					     p->cursor == v->view.head));
	if (over) {
		player_detach(w, p);
		return true;
	}
	if (p->paused) {
		/* back at the newest keyframe that it has not seen yet */
		if (p->state == PLAYER_RUN)
			p->join_from = p->cursor;
		p->state = PLAYER_JOIN;
		p->cursor = p->mend = 0;
	} else if (p->state == PLAYER_RUN &&
		   (p->cursor < v->view.soft || p->behind)) {
		skip_if_late(w, p);
	}
	if (p->audio_back && p->state == PLAYER_RUN)
		bring_audio_back(w, p);
	if (p->wait_key && p->state == PLAYER_RUN)
		look_for_key(w, p);
	return true;
}

bool
player_flush(struct worker *w, struct player *p)
{
	struct conn *c = p->c;
	if (c->blocked || !conn_alive(c))
		return true;
	if (c->inside != NULL && c->inside != p)
		return true; /* queued again when that one is at a boundary */
	if (c->sender != NULL) {
		player_queue_later(w, p);
		return true;
	}
	if (p->tail == NULL) {
		if (!prepare(w, p))
			return true;
		if (!conn_alive(c))
			return true;
	} else if (p->watch != NULL && p->watch->ended) {
		player_detach(w, p);
	}
	return p->tail != NULL ? send_tail(w, p) : send_ring(w, p);
}

/* Move the cursor by n bytes that were sent, past what p does not get. */
static bool
walk_translated(struct player *p, uint32_t n)
{
	const struct ring_view *v = &p->watch->view;
	struct wire_msg m;
	while (n > 0) {
		if (p->cursor == p->mend) {
			if (!header_at(v, p->cursor, &m, p->head))
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

/* Find the end of the message that cursor stands in. */
static bool
walk(struct player *p)
{
	const struct ring_view *v = &p->watch->view;
	uint8_t buf[WIRE_HEAD0_MAX];
	struct wire_msg m;
	if (p->cursor == v->head) {
		p->mend = p->cursor; /* head is a boundary: no walk */
		return true;
	}
	while (p->mend < p->cursor) {
		if (!header_at(v, p->mend, &m, buf))
			return false;
		p->mend += m.size;
	}
	return true;
}

static void
ring_sent(struct worker *w, struct player *p, uint32_t n)
{
	uint32_t out = n < p->offered_out ? n : p->offered_out;
	if (out > 0)
		conn_out_sent(w, p->c, out);
	if (n > out) {
		bool ok;
		if (translated(p)) {
			ok = walk_translated(p, n - out);
		} else {
			p->cursor += n - out;
			ok = walk(p);
		}
		if (!ok) {
			conn_abort(w, p->c, REASON_INTERNAL);
			return;
		}
	}
	if (p->state == PLAYER_RUN)
		atomic_store_explicit(&p->c->row->lag_bytes,
		    p->watch->view.head - p->cursor, memory_order_relaxed);
}

void
player_sent(struct worker *w, struct player *p, int32_t res)
{
	struct conn *c = p->c;
	bool tail = p->sending == SEND_TAIL;
	uint32_t offered = p->offered;
	p->sending = SEND_NONE;
	c->sender = NULL;
	if (res < 0 && res != -EAGAIN && res != -EINTR) {
		conn_abort(w, c, REASON_PEER_RESET);
		return;
	}
	uint32_t n = res > 0 ? (uint32_t)res : 0;
	if (n > 0)
		conn_sent(w, c, n);
	if (tail)
		p->tail_off += n;
	else
		ring_sent(w, p, n);
	if (!conn_alive(c))
		return;
	c->inside = player_inside(p) ? p : NULL;
	if (c->inside == NULL && n == offered)
		let_others(w, p);
	if (n < offered) {
		worker_count(
		    w, n > 0 ? COUNTER_SENDS_SHORT : COUNTER_SENDS_BLOCKED, 1);
		conn_block(w, c);
	} else if (tail && p->tail->from + p->tail_off == p->tail->end) {
		tail_finished(w, p);
	} else if (tail || !conn_out_empty(c)) {
		player_queue(w, p);
	} else if (p->state == PLAYER_RUN &&
		   (p->cursor < p->watch->view.head || p->watch->ended)) {
		p->behind |= n >= PLAY_SEND_MAX;
		player_queue(w, p);
	}
}

void
player_leave_old(struct worker *w, struct player *p)
{
	const struct watch *v = p->watch;
	if (p->tail != NULL) {
		/* it needs the ring no more */
		if (v->ended)
			player_detach(w, p);
		return;
	}
	bool inside = player_inside(p);
	bool late = v->ended && !mono_before(w->now, v->drain_until);
	bool below = v->view.head != 0 && p->cursor < v->view.soft;
	if (inside && p->cursor < v->view.tail)
		conn_abort(w, p->c, REASON_LATE);
	else if (inside && (late || below))
		(void)leave_inside(w, p);
	else if (!inside && v->ended && (late || p->state == PLAYER_JOIN))
		player_detach(w, p);
	else if (p->state == PLAYER_RUN && !inside && below)
		leave_between(w, p);
}
