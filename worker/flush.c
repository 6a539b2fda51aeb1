/*
 * flush - the sends of players (play.h).  Everything here runs inside a
 * section; what is prepared is sent before it ends.
 */
#include "config.h"

#include <errno.h>

#include "worker/players.h"

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
	conn_no_deadline(p->c);
	if (p->ns == NULL) {
		player_done(w, p);
		return;
	}
	let_others(w, p);
	p->cursor = p->mend;
	if (p->watch != NULL && p->state == PLAYER_RUN)
		player_skip(w, p);
	else if (p->watch == NULL)
		title_scan_for(w, p);
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
		if (!player_translated(p))
			n += ring_spans(&p->watch->view, p->cursor, to, iov + n,
			    LOOP_SEND_IOV - n);
		else if (w->players->nheads == LOOP_SENDS_MAX)
			return false;
		else
			n += player_translated_spans(
			    w, p, &to, iov + n, LOOP_SEND_IOV - n);
	}
	for (unsigned i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (total == 0) {
		/* nothing of this was for it */
		if (run && player_translated(p))
			player_pass_left_out(w, p);
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
		player_join(w, p);
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
		   (p->cursor < v->view.soft || p->behind || p->audio_only)) {
		player_check_lag(w, p);
	}
	if (p->audio_back && p->state == PLAYER_RUN)
		player_bring_audio(w, p);
	if (p->wait_key && p->state == PLAYER_RUN)
		player_look_for_key(w, p);
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
		if (!watch_header(v, p->mend, &m, buf))
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
		if (player_translated(p)) {
			ok = player_walk_translated(p, n - out);
		} else {
			p->cursor += n - out;
			ok = walk(p);
		}
		if (!ok) {
			conn_abort(w, p->c, REASON_INTERNAL);
			return;
		}
	}
	if (p->state == PLAYER_RUN && p->cursor == p->watch->view.head)
		slow_end(&p->c->slow);
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
		player_leave_point(w, p);
}
