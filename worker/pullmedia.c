/*
 * pullmedia - media of a pull: the master is asked when the first comes, and
 * which leg is the source is decided by what comes.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"
#include "worker/pulls.h"

enum { VAIN_MAX_MS = 10000 };

static struct pull *
pull_of(const struct netstream *ns)
{
	return ns->leg != NULL ? ns->leg->owner : NULL;
}

static int
index_of(const struct pull *p, const struct netstream *ns)
{
	return ns->leg == &p->leg[0].leg ? 0 : 1;
}

bool
pull_silent(const struct worker *w, const struct pull *p)
{
	uint64_t gap = (uint64_t)p->gap_ms * PULL_GAPS;
	return mono_ms_since(p->media, w->now) >=
	       (gap > PULL_SILENT_MS ? gap : PULL_SILENT_MS);
}

/* The usual distance of messages: the longest, slowly forgotten. */
static void
note_media(struct worker *w, struct pull *p)
{
	uint64_t gap = p->media.ns != 0 ? mono_ms_since(p->media, w->now) : 0;
	if (gap > PULL_GAP_MAX_MS)
		gap = PULL_GAP_MAX_MS;
	if (gap > p->gap_ms)
		p->gap_ms = (uint32_t)gap;
	else if (gap > 0)
		p->gap_ms -= p->gap_ms / 64;
	p->media = w->now;
}

static void
forget_meta(struct pull *p)
{
	free(p->meta);
	p->meta = NULL;
	p->metalen = 0;
}

void
pull_lose(struct worker *w, struct pull *p, int i, enum reason why)
{
	if (p->asking == i) {
		struct conn *c = p->pub != NULL ? p->pub->c : NULL;
		p->asking = -1;
		p->held = NULL;
		pull_end_publish(w, p, why);
		if (c != NULL && conn_alive(c))
			conn_resume(w, c);
	}
	if (p->source != i)
		return;
	p->source = -1;
	p->wanted = w->now;
	publish_detach(w, p->pub);
	if (why == REASON_UPSTREAM_IDLE)
		return;
	LOG(edge_lost, .vhost = pull_part(p, 0), .app = pull_part(p, 1),
	    .instance = pull_part(p, 2), .stream = pull_part(p, 3),
	    .hop = p->from, .reason = why, .text = reason_text(why));
}

/* A leg becomes the source ------------------------------------------------ */

static void
set_source(struct worker *w, struct pull *p, int i)
{
	p->source = i;
	p->up = p->media = w->now;
	p->retry = (struct mono){ 0 };
	p->error[0] = '\0';
	p->reason = REASON_NONE;
	memcpy(p->from, p->ways[p->leg[i].way].hop, sizeof p->from);
	p->leg[i].wanted = false;
	pull_set_state(w, p, PULL_LIVE);
	p->tell = true;
	pull_busy(w, p);
}

static void
log_up(struct worker *w, const struct pull *p)
{
	const struct pull_leg *pl = &p->leg[p->source];
	LOG(edge_up, .vhost = pull_part(p, 0), .app = pull_part(p, 1),
	    .instance = pull_part(p, 2), .stream = pull_part(p, 3),
	    .hop = p->from, .addr = pl->leg.up->addr,
	    .entry = p->ways[pl->way].line,
	    .waited_ms = mono_ms_since(p->wanted, w->now));
}

/* The publish goes on with what comes by leg i. */
static void
take_over(struct worker *w, struct pull *p, int i, struct conn *c,
    struct netstream *ns)
{
	int old = p->source;
	const char *to = p->ways[p->leg[i].way].hop;
	uint64_t silent = mono_ms_since(p->media, w->now);
	if (old >= 0) {
		p->source = -1;
		p->leg[old].close = true;
	}
	publish_detach(w, p->pub);
	publish_attach(w, p->pub, c, ns);
	bool vain = p->frames == p->pub->frames;
	p->frames = p->pub->frames;
	LOG(edge_route, .vhost = pull_part(p, 0), .app = pull_part(p, 1),
	    .instance = pull_part(p, 2), .stream = pull_part(p, 3),
	    .from = p->from, .to = to,
	    .text = old >= 0 ? (p->leg[i].wanted ? "asked for"
						 : "the other was silent")
			     : "the other was lost",
	    .silent_ms = silent);
	(void)leg_own(w, ns->leg);
	set_source(w, p, i);
	/* who repeats what was had, and no more, is not left for the like at
	 * once */
	p->vain_ms = !vain			    ? 0
		     : p->vain_ms > VAIN_MAX_MS / 2 ? VAIN_MAX_MS
		     : p->vain_ms > 0		    ? 2 * p->vain_ms
						    : PULL_SILENT_MS;
	if (p->vain_ms > 0)
		p->retry = mono_add_ms(w->now, PULL_SILENT_MS + p->vain_ms);
}

/* Metadata that came before the media was. */
static void
feed_meta(
    struct worker *w, struct pull *p, struct conn *c, struct netstream *ns)
{
	struct chunk_ctx x = { .type = p->meta_type,
		.len = p->metalen,
		.msid = ns->id,
		.ts = p->meta_ts };
	struct msg *m = NULL;
	if (p->meta == NULL)
		return;
	if (publish_begin(w, c, ns, &m, &x) == REASON_NONE) {
		if (publish_data(w, c, &m, p->meta, p->metalen) == REASON_NONE)
			(void)publish_end(w, c, &m);
		else
			publish_drop(w, c, m);
	}
	forget_meta(p);
}

/* The message that began when the master was asked. */
static void
begin_held(
    struct worker *w, struct conn *c, struct netstream *ns, struct chunk_ctx *x)
{
	struct msg *m = NULL;
	if (x == NULL)
		return;
	enum reason r = publish_begin(w, c, ns, &m, x);
	x->user = m;
	if (r != REASON_NONE)
		conn_close(w, c, r);
}

/* The master's answer. */
static void
answered(struct worker *w, struct publish *pub, void *owner, enum reason why)
{
	struct pull *p = owner;
	int i = p->asking;
	struct conn *c = p->leg[i].leg.up->c;
	struct netstream *ns = p->leg[i].leg.ns;
	struct chunk_ctx *x = p->held;
	p->asking = -1;
	p->held = NULL;
	if (pub == NULL) {
		p->pub = NULL;
		leg_failed(w, &p->leg[i].leg, why, NULL, false);
		if (conn_alive(c))
			conn_resume(w, c);
		return;
	}
	p->live = p->ever = true;
	p->gap_ms = 0;
	set_source(w, p, i);
	log_up(w, p);
	feed_meta(w, p, c, ns);
	begin_held(w, c, ns, x);
	conn_resume(w, c);
}

/* Nobody delivered yet: the name is live above.  Ask the master. */
static void
ask(struct worker *w, struct pull *p, int i, struct conn *c,
    struct netstream *ns, struct chunk_ctx *x)
{
	if (!leg_own(w, ns->leg)) {
		/* many others wait on this connection: it gets its own */
		p->leg[i].close = true;
		pull_beside(w, p, p->leg[i].way, false);
		return;
	}
	if (!netstream_set_key(w, ns, p->key, p->keylen))
		return; /* the next message asks again */
	p->pub = publish_ask_pull(w, c, ns, p->id, !p->ever, answered, p);
	if (p->pub == NULL)
		return; /* the next message asks again */
	p->asking = i;
	p->held = x;
}

/* Media by another leg than the source: is it taken? */
static bool
choose(struct worker *w, struct pull *p, int i, struct conn *c,
    struct netstream *ns)
{
	if (p->leg[i].close)
		return false;
	if (p->source >= 0 && !p->leg[i].wanted && !pull_silent(w, p)) {
		p->leg[i].close = true; /* it came back meanwhile */
		pull_busy(w, p);
		return false;
	}
	take_over(w, p, i, c, ns);
	return true;
}

enum reason
pull_begin(struct worker *w, struct conn *c, struct netstream *ns,
    struct msg **m, const struct chunk_ctx *x)
{
	struct pull *p = pull_of(ns);
	if (p == NULL)
		return REASON_NONE; /* of a leg that is gone */
	int i = index_of(p, ns);
	if (p->leg[i].close || p->asking >= 0)
		return REASON_NONE;
	if (p->pub == NULL) {
		ask(w, p, i, c, ns, (struct chunk_ctx *)(uintptr_t)x);
		return REASON_NONE;
	}
	if (p->source != i && !choose(w, p, i, c, ns))
		return REASON_NONE;
	note_media(w, p);
	return publish_begin(w, c, ns, m, x);
}

/* What other servers say about themselves is not for viewers. */
static bool
is_ours(struct span name)
{
	return !span_is(name, "|RtmpSampleAccess") &&
	       !span_is(name, "onStatus");
}

enum reason
pull_note(struct worker *w, struct conn *c, const struct msg *m)
{
	struct netstream *ns =
	    session_stream_from(session_of(w, c), c, m->msid);
	struct pull *p = ns != NULL ? pull_of(ns) : NULL;
	struct data_msg d;
	if (p == NULL || m->got > PULL_META_MAX || m->got == 0 ||
	    data_parse(m->type, m->data, m->got, &d) != AMF0_OK ||
	    !is_ours(d.name))
		return REASON_NONE;
	forget_meta(p);
	p->meta = malloc(m->got);
	if (p->meta == NULL)
		return REASON_NONE;
	memcpy(p->meta, m->data, m->got);
	p->metalen = m->got;
	p->meta_type = m->type;
	p->meta_ts = m->ts;
	return REASON_NONE;
}
