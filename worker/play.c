#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "shm/section.h"
#include "worker/hook.h"
#include "worker/link.h"
#include "worker/players.h"
#include "worker/push.h"
#include "worker/want.h"

struct player_list *
player_queue_of(struct worker *w, const struct player *p)
{
	return p->state == PLAYER_RUN ? &w->players->run : &w->players->join;
}

void
player_queue(struct worker *w, struct player *p)
{
	if (p->queue != NULL)
		return;
	p->queue = player_queue_of(w, p);
	TAILQ_INSERT_TAIL(p->queue, p, next_queue);
}

void
player_queue_later(struct worker *w, struct player *p)
{
	if (p->queue != NULL)
		return;
	p->queue = &w->players->later;
	TAILQ_INSERT_TAIL(p->queue, p, next_queue);
}

void
player_unqueue(struct player *p)
{
	if (p->queue != NULL)
		TAILQ_REMOVE(p->queue, p, next_queue);
	p->queue = NULL;
}

void
player_attach(struct worker *w, struct player *p)
{
	struct watch *v = p->title->cur;
	if (!watch_add(w, v, p)) {
		conn_abort(w, p->c, REASON_INPUT_MEMORY);
		return;
	}
	p->state = PLAYER_JOIN;
	p->cursor = p->mend = 0;
	p->has_cfg = false;
	p->join_from = 0;
	p->key_at = 0;
	if (p->c->app->join_ms == 0 || p->c->app->join_bytes == 0)
		p->join_from = v->view.head; /* only what comes from now on */
	watch_count(w, v);
	if (!p->told_live && !p->fresh && p->push == NULL)
		session_status(w, p->c, p->ns, "status",
		    "NetStream.Play.PublishNotify", "", " is now published.");
	p->told_live = true;
	p->fresh = false;
	if (p->push == NULL)
		conn_row_role(p->c, ROW_PLAY);
	player_queue(w, p);
}

/* Tell a player that is in no ring that its stream is over. */
void
player_tell_end(struct worker *w, struct player *p)
{
	struct title *t = p->title;
	if (p->watch != NULL || t == NULL || t->cur != NULL || !p->told_live ||
	    t->grace.ns != 0)
		return;
	p->told_live = false;
	if (p->push == NULL)
		session_status(w, p->c, p->ns, "status",
		    "NetStream.Play.UnpublishNotify", "",
		    " is now unpublished.");
}

void
player_detach(struct worker *w, struct player *p)
{
	struct watch *v = p->watch;
	if (v == NULL)
		return;
	watch_remove(w, v, p);
	watch_count(w, v);
	p->state = PLAYER_WAIT;
	p->waits = w->now;
	p->cursor = p->mend = 0;
	if (v->n == 0)
		watch_mark(w, v); /* to be closed after the section */
	if (p->title == NULL)
		return;
	if (p->push != NULL)
		push_drained(w, p);
	else
		conn_row_role(p->c, ROW_WAIT);
	if (p->title->cur != NULL && p->title->cur != v && p->tail == NULL)
		player_attach(w, p);
	else
		player_tell_end(w, p);
}

static void
free_player(struct worker *w, struct player *p)
{
	player_unqueue(p);
	player_drop_tail(w, p);
	struct player **at = &p->c->player;
	while (*at != p)
		at = &(*at)->next_conn;
	*at = p->next_conn;
	if (p->c->inside == p)
		p->c->inside = NULL;
	w->players->n--;
	bufpool_put(&w->pool, p, sizeof *p);
}

void
player_done(struct worker *w, struct player *p)
{
	struct conn *c = p->c;
	free_player(w, p);
	conn_no_deadline(c);
	session_idle(w, c);
	conn_ready(w, c); /* replies, and the other players */
}

static void
log_stop(struct worker *w, const struct player *p)
{
	if (p->push != NULL)
		return;
	LOG(play_stop, .client = p->c->id, .stream = netstream_name(p->ns),
	    .seconds = (double)mono_ms_since(p->since, w->now) / 1000,
	    .bytes_out = p->c->bytes_out, .skips = p->skips);
}

static void
leave_title(struct worker *w, struct player *p)
{
	struct title *t = p->title;
	TAILQ_REMOVE(&t->players, p, next_title);
	t->n--;
	p->title = NULL;
	title_release(w, t);
}

/* p is of no NetStream and no title any more. */
static void
quit_play(struct worker *w, struct player *p)
{
	leave_title(w, p);
	p->ns->player = NULL;
	p->ns->use = NS_IDLE;
	p->ns = NULL;
}

/*
 * p plays no more.  finish: the message it stands in is sent to its end, from
 * a private copy, whatever comes next on the connection.
 */
static void
end_player(struct worker *w, struct player *p, bool finish)
{
	log_stop(w, p);
	bool inside = player_inside(p), kept = false;
	if (inside && finish && p->tail == NULL) {
		section_enter(w->slot);
		w->players->section++;
		kept = watch_look(w, p->watch) && player_take_tail(w, p);
		section_leave(w->slot);
	}
	quit_play(w, p);
	player_detach(w, p);
	if (!finish || !inside) {
		free_player(w, p);
	} else if (!kept && p->tail == NULL) {
		conn_abort(w, p->c, REASON_SLOW_TAIL);
	} else {
		player_queue(w, p);
	}
}

void
play_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	struct player *p = ns->player;
	hook_done(w, c, ns);
	if (p == NULL) {
		ns->use = NS_IDLE;
		return;
	}
	/* a goodbye keeps the connection; anything else ends it */
	bool finish = why == REASON_UNPUBLISHED;
	if (!finish && player_inside(p))
		conn_out_sent(w, c, c->out.len - c->out.off);
	end_player(w, p, finish);
}

void
play_closed(struct worker *w, struct conn *c)
{
	struct player *p;
	/* only one that finishes its message is left here */
	while ((p = c->player) != NULL) {
		bug_on(p->ns != NULL);
		conn_out_sent(w, c, c->out.len - c->out.off);
		free_player(w, p);
	}
}

static void
write_start(struct worker *w, struct player *p, const struct cmd_play *cp)
{
	struct writer wr;
	if (conn_write(w, p->c, 128, &wr)) {
		wire_user_control(&wr, WIRE_STREAM_BEGIN, p->msid);
		conn_write_end(w, p->c, &wr);
	}
	if (cp->reset != 0)
		session_status(w, p->c, p->ns, "status", "NetStream.Play.Reset",
		    "Playing and resetting ", ".");
	session_status(w, p->c, p->ns, "status", "NetStream.Play.Start",
	    "Started playing ", ".");
}

static void
fail_play(struct worker *w, const struct conn *c, const struct netstream *ns,
    enum reason why, struct mono since)
{
	worker_count(w, COUNTER_PLAYS_FAILED, 1);
	LOG(play_failed, .client = c->id, .stream = netstream_name(ns),
	    .reason = why, .text = reason_text(why),
	    .seconds = (double)mono_ms_since(since, w->now) / 1000);
}

static void
refuse_play(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	fail_play(w, c, ns, why, w->now);
	ns->use = NS_IDLE;
	session_refuse(w, c, ns, why, "NetStream.Play.Failed");
	session_idle(w, c);
}

void
player_give_up(struct worker *w, struct player *p, enum reason why)
{
	player_deny(w, p, why, reason_text(why));
}

void
player_deny(
    struct worker *w, struct player *p, enum reason why, const char *text)
{
	struct conn *c = p->c;
	fail_play(w, c, p->ns, why, p->since);
	session_deny(w, c, p->ns, why, "NetStream.Play.Failed", text);
	quit_play(w, p);
	free_player(w, p);
	session_idle(w, c);
}

/* p plays t on ns, as soon as it is live. */
static void
enter(struct worker *w, struct player *p, struct conn *c, struct netstream *ns,
    struct title *t)
{
	p->c = c;
	p->ns = ns;
	p->title = t;
	p->msid = ns->id;
	p->fresh = p->newcomer = true;
	p->since = p->waits = w->now;
	p->next_conn = c->player;
	c->player = p;
	ns->player = p;
	TAILQ_INSERT_TAIL(&t->players, p, next_title);
	t->n++;
	w->players->n++;
	title_scan(w, t);
}

void
play_start(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_play *cp)
{
	struct player *p = bufpool_get_new(&w->pool, sizeof *p);
	struct title *t = p != NULL ? title_find(w, ns->key, ns->keylen) : NULL;
	if (t != NULL && !t->wanted && link_busy(w) && want_is_remote(w, t)) {
		bufpool_put(&w->pool, p, sizeof *p);
		title_release(w, t);
		refuse_play(w, c, ns, REASON_NO_MASTER);
		return;
	}
	enum reason why =
	    t == NULL ? REASON_INPUT_MEMORY : title_may_wait(w, t, &c->peer);
	if (why != REASON_NONE) {
		if (p != NULL)
			bufpool_put(&w->pool, p, sizeof *p);
		if (t != NULL)
			title_release(w, t);
		refuse_play(w, c, ns, why);
		return;
	}
	memset(p, 0, sizeof *p);
	enter(w, p, c, ns, t);
	want_add(w, c, ns, t, cp);
	worker_count(w, COUNTER_PLAYS, 1);
	conn_row_key(c, ns->key, ns->keylen);
	conn_row_role(c, ROW_WAIT);
	write_start(w, p, cp);
}

bool
play_push(
    struct worker *w, struct conn *c, struct netstream *ns, struct push *push)
{
	struct player *p = bufpool_get_new(&w->pool, sizeof *p);
	struct title *t = p != NULL ? title_find(w, ns->key, ns->keylen) : NULL;
	if (t == NULL) {
		if (p != NULL)
			bufpool_put(&w->pool, p, sizeof *p);
		return false;
	}
	memset(p, 0, sizeof *p);
	p->push = push;
	p->started = true;
	enter(w, p, c, ns, t);
	return true;
}

void
play_ready(struct worker *w, struct conn *c)
{
	for (struct player *p = c->player; p != NULL; p = p->next_conn) {
		p->behind = true;
		player_queue(w, p);
	}
}

void
play_receive(struct worker *w, struct netstream *ns, bool video, bool on)
{
	struct player *p = ns->player;
	if (p == NULL)
		return;
	if (video) {
		/* from the next keyframe on, with the headers before it */
		p->wait_key = on && (p->no_video || p->wait_key);
		p->no_video = !on;
		p->key_at = 0;
	} else {
		p->no_audio = !on;
		p->audio_back |= on;
	}
	player_queue(w, p);
}

void
play_pause(struct worker *w, struct netstream *ns, bool on)
{
	struct player *p = ns->player;
	if (p == NULL || p->paused == on)
		return;
	p->paused = on;
	session_status(w, p->c, ns, "status",
	    on ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify",
	    on ? "Pausing " : "Unpausing ", ".");
	if (!on)
		session_status(w, p->c, ns, "status", "NetStream.Play.Start",
		    "Started playing ", ".");
	player_queue(w, p);
}
