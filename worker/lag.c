/*
 * lag - players that are too slow: further behind than MaxLag, or where their
 * ring gives up what they stand at.  SlowPolicy says what becomes of them; the
 * log says why (worker/slow.h).  Inside a section.
 *
 *	lag		what happens
 *	> MaxLag / 4	the evidence begins
 *	> MaxLag	skip: the newest keyframe, if it is ahead of the cursor
 *			audio: no video until the lag is below MaxLag / 4 and
 *			MaxLag has passed, then from the next keyframe on
 *			close: closed
 *	at head		the evidence ends
 */
#include "config.h"

#include "common/log.h"
#include "worker/players.h"
#include "worker/push.h"

enum {
	TELL_MS = 1000,
	EARLY = 4 /* the evidence begins at a part of MaxLag */
};

/*
 * Milliseconds of media between the cursor and head; when the cursor's message
 * is gone, the time since the player was sent anything.
 */
static uint32_t
lag_ms(const struct worker *w, const struct player *p)
{
	struct wire_msg m;
	uint8_t buf[WIRE_HEAD0_MAX];
	const struct ring_view *v = &p->watch->view;
	if (!watch_header(v, p->cursor, &m, buf))
		return (uint32_t)mono_ms_since(p->c->progress, w->now);
	uint32_t last =
	    atomic_load_explicit(&v->half->last_ts, memory_order_relaxed);
	int32_t lag = rtmp_ts_diff(m.ts, last);
	return lag > 0 ? (uint32_t)lag : 0;
}

/* The cause is looked for once a second at most, and a new lag begins then. */
static void
tell_skip(struct worker *w, struct player *p, const char *action)
{
	struct conn *c = p->c;
	struct cause_evidence e;
	p->untold++;
	if (p->told_skip.ns != 0 &&
	    mono_ms_since(p->told_skip, w->now) < TELL_MS)
		return;
	enum cause cause = conn_cause(w, c, c->lag_ms, &e);
	LOG(play_skip, .client = c->id, .stream = netstream_name(p->ns),
	    .action = action, .count = p->untold, .cause = cause_name(cause),
	    .lag_ms = e.lag_ms, .span_ms = e.span_ms, .rwnd_ms = e.rwnd_ms,
	    .busy_ms = e.busy_ms, .server_ms = e.server_ms,
	    .retrans = e.retrans, .rtt_ms = e.rtt_ms);
	p->told_skip = w->now;
	p->untold = 0;
	slow_end(&c->slow);
	if (c->blocked)
		slow_begin(&c->slow, c->fd, w->now);
}

/* Of what is sent to another server its own limits hold: see push.h. */
static uint64_t
max_lag_ms(const struct player *p)
{
	uint32_t own = p->push != NULL ? push_lag_ms(p->push) : 0;
	return own != 0 ? own : (uint64_t)p->c->app->max_lag_ms;
}

static enum conf_slow
slow_policy(const struct player *p)
{
	if (p->push != NULL && push_lag_ms(p->push) != 0)
		return CONF_SLOW_SKIP;
	return (enum conf_slow)p->c->app->slow_policy;
}

static void
count_skip(struct worker *w, struct player *p, const char *action)
{
	p->skips++;
	worker_count(w, COUNTER_SKIPS, 1);
	word_add(&p->c->row->skips, 1);
	if (p->push != NULL)
		push_skipped(p->push);
	tell_skip(w, p, action);
}

static void
drop_video(struct worker *w, struct player *p)
{
	p->audio_only = true;
	p->audio_since = w->now;
	p->wait_key = false;
	p->key_at = 0;
}

void
player_leave_point(struct worker *w, struct player *p)
{
	p->c->lag_ms = lag_ms(w, p);
	if (slow_policy(p) == CONF_SLOW_CLOSE) {
		conn_abort(w, p->c, REASON_TOO_SLOW);
		return;
	}
	count_skip(w, p, "keyframe");
	if (slow_policy(p) == CONF_SLOW_AUDIO)
		drop_video(w, p);
	p->join_from = p->cursor + 1;
	p->state = PLAYER_JOIN;
}

void
player_skip(struct worker *w, struct player *p)
{
	player_leave_point(w, p);
	if (conn_alive(p->c))
		player_join(w, p);
}

/* Less than MaxLag / 4 behind, for long enough: video from a keyframe on. */
static void
bring_video(struct worker *w, struct player *p)
{
	if (mono_ms_since(p->audio_since, w->now) < max_lag_ms(p))
		return;
	p->audio_only = false;
	p->wait_key = !p->no_video;
	p->key_at = 0;
}

static void
too_slow(struct worker *w, struct player *p)
{
	struct ring_point pt;
	switch (slow_policy(p)) {
	case CONF_SLOW_CLOSE:
		player_leave_point(w, p);
		return;
	case CONF_SLOW_AUDIO:
		if (!p->audio_only) {
			drop_video(w, p);
			count_skip(w, p, "audio");
			return;
		}
		break; /* audio alone is too much: leave some out */
	case CONF_SLOW_SKIP:
		break;
	}
	if (ring_newest_join(&p->watch->view, true, &pt) && pt.pos > p->cursor)
		player_skip(w, p);
}

void
player_check_lag(struct worker *w, struct player *p)
{
	const struct ring_view *v = &p->watch->view;
	uint64_t max = max_lag_ms(p);
	p->behind = false;
	if (p->cursor < v->soft) {
		player_skip(w, p);
		return;
	}
	uint32_t lag = p->cursor == v->head ? 0 : lag_ms(w, p);
	p->c->lag_ms = lag;
	if (lag > max)
		too_slow(w, p);
	else if (lag > max / EARLY)
		slow_begin(&p->c->slow, p->c->fd, w->now);
	else if (p->audio_only)
		bring_video(w, p);
}
