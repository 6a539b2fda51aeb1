#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/explicit.h"
#include "shm/directory.h"
#include "worker/link.h"
#include "worker/named.h"
#include "worker/node.h"
#include "worker/viewers.h"
#include "worker/pulls.h"

int
pull_init(struct worker *w)
{
	struct pulls *ps = calloc(1, sizeof *ps);
	if (ps == NULL)
		return -ENOMEM;
	TAILQ_INIT(&ps->all);
	TAILQ_INIT(&ps->busy);
	w->pulls = ps;
	int r = upstreams_init(w);
	if (r != 0)
		pull_fini(w);
	return r;
}

static void
free_pull(struct worker *w, struct pull *p)
{
	LIST_REMOVE(p, next_hash);
	TAILQ_REMOVE(&w->pulls->all, p, next);
	if (p->busy)
		TAILQ_REMOVE(&w->pulls->busy, p, next_busy);
	w->pulls->n--;
	if (p->url != NULL)
		explicit_bzero(p->url, p->url_len);
	if (p->name != NULL)
		explicit_bzero(p->name, p->namelen);
	free(p->url);
	free(p->name);
	free(p->ways);
	free(p->meta);
	free(p);
}

void
pull_fini(struct worker *w)
{
	struct pull *p;
	if (w->upstreams != NULL)
		upstreams_fini(w);
	while ((p = TAILQ_FIRST(&w->pulls->all)) != NULL)
		free_pull(w, p);
	free(w->pulls);
	w->pulls = NULL;
}

static struct pull *
find(struct worker *w, uint64_t id)
{
	struct pull *p;
	LIST_FOREACH (p, &w->pulls->hash[id % PULL_BUCKETS], next_hash)
		if (p->id == id)
			return p;
	return NULL;
}

struct span
pull_part(const struct pull *p, unsigned i)
{
	return directory_part(p->key, p->keylen, i);
}

/* What the master is told ------------------------------------------------- */

static void
tell(struct worker *w, struct pull *p)
{
	struct ipc_msg m = { .kind = IPC_PULLED };
	struct ipc_pulled *d = &m.u.pulled;
	int y = pull_way(p);
	int i = p->source >= 0 ? p->source : p->leg[0].leg.up != NULL ? 0 : 1;
	const struct upstream *up = p->leg[i].leg.up;
	d->id = p->id;
	d->state = p->state;
	d->reason = p->reason;
	d->retries = p->retries;
	d->bytes = p->bytes + (p->live ? p->pub->bytes : 0);
	d->media_ns = p->media.ns;
	if (y >= 0) {
		d->entry = p->ways[y].line;
		snprintf(d->hop, sizeof d->hop, "%s", p->ways[y].hop);
	}
	if (up != NULL)
		snprintf(d->addr, sizeof d->addr, "%s", up->addr);
	snprintf(d->error, sizeof d->error, "%s", p->error);
	link_send(w, &m);
	p->told = w->now;
	p->tell = false;
}

void
pull_busy(struct worker *w, struct pull *p)
{
	if (!p->busy)
		TAILQ_INSERT_TAIL(&w->pulls->busy, p, next_busy);
	p->busy = true;
	worker_wake_at(w, mono_add_ms(w->now, PULL_TICK_MS));
}

void
pull_set_state(struct worker *w, struct pull *p, enum pull_state s)
{
	if (p->state == s && p->told.ns != 0)
		return;
	p->state = s;
	p->tell = true;
	pull_busy(w, p);
}

/* Ends -------------------------------------------------------------------- */

static void
log_end(struct worker *w, const struct pull *p, enum reason why)
{
	LOG(edge_end, .vhost = pull_part(p, 0), .app = pull_part(p, 1),
	    .instance = pull_part(p, 2), .stream = pull_part(p, 3),
	    .reason = why, .text = reason_text(why),
	    .seconds = (double)mono_ms_since(p->since, w->now) / 1000,
	    .bytes = p->bytes);
}

void
pull_end_publish(struct worker *w, struct pull *p, enum reason why)
{
	struct publish *pub = p->pub;
	if (pub == NULL)
		return;
	bool live = p->live;
	if (live)
		p->bytes += pub->bytes;
	p->pub = NULL;
	p->live = false;
	p->source = -1;
	publish_finish(w, pub, why);
	if (live)
		log_end(w, p, why);
}

static void
end_pull(struct worker *w, struct pull *p, enum reason why)
{
	pull_end_publish(w, p, why);
	for (int i = 0; i < PULL_LEGS; i++)
		pull_close_leg(w, p, i);
	free_pull(w, p);
}

void
pull_refuse(struct worker *w, struct pull *p, enum reason why, const char *text)
{
	snprintf(p->error, sizeof p->error, "%s",
	    text != NULL ? text : reason_text(why));
	p->reason = why;
	LOG(edge_refuse, .vhost = pull_part(p, 0), .app = pull_part(p, 1),
	    .instance = pull_part(p, 2), .stream = pull_part(p, 3),
	    .reason = why, .text = p->error);
	p->state = PULL_REFUSED;
	tell(w, p);
	end_pull(w, p, why);
}

/* What the master says ---------------------------------------------------- */

/* The name to play: the stream, and what its first player showed. */
static bool
set_name(struct pull *p, const struct ipc_pull *q)
{
	struct span s = pull_part(p, 3);
	size_t size = s.len + 1 + q->querylen;
	p->name = malloc(size + 1);
	if (p->name == NULL)
		return false;
	int n = snprintf(p->name, size + 1, "%.*s%s%.*s", (int)s.len, s.p,
	    q->querylen > 0 ? "?" : "", (int)q->querylen, q->query);
	p->namelen = (size_t)n;
	return true;
}

/* Is it an explicit address of what the key names? */
static bool
same_target(const struct pull *p, struct span url)
{
	char app[IPC_KEY_MAX];
	struct explicit_url u;
	struct writer wr;
	writer_init(&wr, app, sizeof app);
	return explicit_parse(url, &u) && !u.partial &&
	       explicit_normal(&u, &wr) &&
	       span_equal((struct span){ app, wr.len }, pull_part(p, 1));
}

static bool
set_url(struct pull *p, const struct ipc_pull *q)
{
	char made[CONF_NAME + IPC_KEY_MAX + 16];
	struct span url = { q->url, q->urllen }, app = pull_part(p, 1);
	struct span rest;
	/* the key says where it goes: what is told must be the same */
	if (explicit_is(app) && !same_target(p, url))
		url.len = 0;
	if (url.len == 0 && explicit_is(app)) {
		rest = span_skip(app, 1);
		url = (struct span){ made,
			(size_t)snprintf(made, sizeof made, "%.*s/%.*s",
			    (int)rest.len, rest.p, (int)pull_part(p, 2).len,
			    pull_part(p, 2).p) };
	} else if (url.len == 0)
		url = (struct span){ made,
			(size_t)snprintf(made, sizeof made, "rtmp://%s/%s",
			    p->vhost->name, p->app_name) };
	p->url = malloc(url.len + 1);
	if (p->url == NULL)
		return false;
	memcpy(p->url, url.p, url.len);
	p->url[url.len] = '\0';
	p->url_len = url.len;
	return true;
}

static void
set_via(struct worker *w, struct pull *p, const struct ipc_pull *q)
{
	struct span via = { q->via, q->vialen };
	p->vialen = node_extend_via(w, via, p->via);
	p->hops = q->hops + 1;
	for (int i = 0; i < PULL_LEGS; i++) {
		p->leg[i].leg.via = (struct span){ p->via, p->vialen };
		p->leg[i].leg.hops = p->hops;
	}
}

void
pull_named(struct worker *w, struct named *s)
{
	const struct pull *p;
	TAILQ_FOREACH (p, &w->pulls->all, next)
		if (p->ways != NULL)
			named_add(s, p->vhost, p->ways, p->nways);
}

/* REASON_NONE, or why there is nowhere to go. */
static enum reason
set_ways(struct worker *w, struct pull *p)
{
	struct way ways[WAYS_MAX];
	enum reason why = REASON_NONE;
	size_t vhost = pull_part(p, 0).len + 1; /* of this server alone */
	p->nways = ways_find(w->conf, p->vhost,
	    (struct span){ p->url, p->url_len }, explicit_is(pull_part(p, 1)),
	    (struct span){ p->key + vhost, p->keylen - vhost }, ways, &why);
	if (p->nways == 0)
		return why;
	if (!named_admit(w, p->vhost, ways, p->nways))
		return REASON_EXPLICIT_LIMIT;
	p->ways = malloc(p->nways * sizeof *p->ways);
	if (p->ways == NULL)
		return REASON_INPUT_MEMORY;
	memcpy(p->ways, ways, p->nways * sizeof *p->ways);
	return REASON_NONE;
}

static struct pull *
new_pull(struct worker *w, const struct ipc_pull *q)
{
	struct pull *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->id = q->id;
	p->keylen = q->keylen;
	memcpy(p->key, q->key, q->keylen);
	p->app = conf_key_app(w->conf, p->key, p->keylen);
	p->vhost = conf_vhost(w->conf, p->app->vhost);
	p->source = p->asking = -1;
	p->since = p->wanted = w->now;
	LIST_INSERT_HEAD(&w->pulls->hash[p->id % PULL_BUCKETS], p, next_hash);
	TAILQ_INSERT_TAIL(&w->pulls->all, p, next);
	w->pulls->n++;
	ways_app_name(p->key, p->keylen, p->app_name);
	return p;
}

/* There is no memory even for the pull itself. */
static void
refuse_unknown(struct worker *w, uint64_t id)
{
	struct ipc_msg m = { .kind = IPC_PULLED };
	m.u.pulled.id = id;
	m.u.pulled.state = PULL_REFUSED;
	m.u.pulled.reason = REASON_INPUT_MEMORY;
	snprintf(m.u.pulled.error, sizeof m.u.pulled.error, "%s",
	    reason_text(REASON_INPUT_MEMORY));
	link_send(w, &m);
}

static void
begin(struct worker *w, const struct ipc_pull *q)
{
	struct pull *p = new_pull(w, q);
	if (p == NULL) {
		refuse_unknown(w, q->id);
		return;
	}
	if (!set_url(p, q) || !set_name(p, q)) {
		pull_refuse(w, p, REASON_INPUT_MEMORY, NULL);
		return;
	}
	for (int i = 0; i < PULL_LEGS; i++) {
		p->leg[i].leg.ops = &pull_leg_ops;
		p->leg[i].leg.owner = p;
		p->leg[i].leg.name = (struct span){ p->name, p->namelen };
	}
	set_via(w, p, q);
	enum reason why = set_ways(w, p);
	if (why != REASON_NONE) {
		pull_refuse(w, p, why, NULL);
		return;
	}
	worker_count(w, COUNTER_PULLS, 1);
	pull_set_state(w, p, PULL_CONNECTING);
	pull_open(w, p);
}

/* It has come through more servers than before: ask again with them. */
static void
extend(struct worker *w, struct pull *p, const struct ipc_pull *q)
{
	set_via(w, p, q);
	/* who has media is in no circle */
	if (p->pub != NULL)
		return;
	for (int i = 0; i < PULL_LEGS; i++)
		leg_again(w, &p->leg[i].leg);
}

static void
rebalance(struct worker *w)
{
	struct pull *p;
	TAILQ_FOREACH (p, &w->pulls->all, next) {
		int best = pull_best_way(w, p, 0);
		if (p->source >= 0 && pull_idle(p) && best >= 0 &&
		    best < pull_way(p))
			pull_beside(w, p, best, true);
	}
}

bool
pull_message(struct worker *w, const struct ipc_msg *m)
{
	const struct ipc_pull *q = &m->u.pull;
	struct pull *p;
	if (m->kind == IPC_REBALANCE) {
		rebalance(w);
		return true;
	}
	if (m->kind != IPC_PULL && m->kind != IPC_DROP)
		return false;
	p = find(w, q->id);
	if (m->kind == IPC_DROP && p != NULL)
		end_pull(w, p, REASON_UPSTREAM_IDLE);
	else if (m->kind == IPC_PULL && p != NULL)
		extend(w, p, q);
	else if (m->kind == IPC_PULL && !w->quitting)
		begin(w, q);
	return true;
}

void
pull_quit(struct worker *w)
{
	struct pull *p;
	while ((p = TAILQ_FIRST(&w->pulls->all)) != NULL)
		end_pull(w, p, REASON_SERVER_STOP);
}

void
pull_orphan(struct worker *w)
{
	struct pull *p, *after;
	for (p = TAILQ_FIRST(&w->pulls->all); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next);
		if (!p->live)
			end_pull(w, p, REASON_NO_MASTER);
	}
}

/* Time -------------------------------------------------------------------- */

/* Legs that could not be closed where that was found out. */
static void
close_marked(struct worker *w, struct pull *p)
{
	for (int i = 0; i < PULL_LEGS; i++)
		if (p->leg[i].close)
			pull_close_leg(w, p, i);
}

/* The source says nothing: the next way beside it. */
static void
check_silence(struct worker *w, struct pull *p)
{
	if (p->source >= 0 && !pull_silent(w, p)) {
		if (p->state == PULL_SILENT)
			pull_set_state(w, p, PULL_LIVE);
		if (mono_ms_since(p->up, w->now) > PULL_STEADY_MS)
			backoff_reset(&p->backoff);
		return;
	}
	if (p->source < 0) {
		pull_check_stuck(w, p);
		return;
	}
	if (p->state == PULL_LIVE) {
		pull_set_state(w, p, PULL_SILENT);
		p->tried = 0;
		LOG(edge_lost, .vhost = pull_part(p, 0), .app = pull_part(p, 1),
		    .instance = pull_part(p, 2), .stream = pull_part(p, 3),
		    .hop = p->from, .reason = REASON_UPSTREAM_TIMEOUT,
		    .text = "no media comes, another way is tried");
	}
	if (pull_idle(p) && p->retry.ns == 0)
		pull_restart(w, p);
}

/* Returns false: p needs no more ticks. */
static bool
look(struct worker *w, struct pull *p)
{
	close_marked(w, p);
	if (p->live)
		check_silence(w, p);
	if (p->live && p->source >= 0)
		viewers_tell(w, &p->leg[p->source].leg, p->pub->ring.block);
	if (p->live && p->source < 0 &&
	    mono_ms_since(p->wanted, w->now) >= (uint64_t)p->vhost->hold_ms)
		pull_end_publish(w, p, REASON_UPSTREAM_LOST);
	if (p->retry.ns != 0 && !mono_before(w->now, p->retry)) {
		p->retry = (struct mono){ 0 };
		if (p->source < 0 || pull_silent(w, p))
			pull_restart(w, p);
	}
	return p->live || p->retry.ns != 0;
}

void
pull_tick(struct worker *w)
{
	struct pulls *ps = w->pulls;
	struct pull *p, *after;
	if (TAILQ_EMPTY(&ps->busy))
		return;
	if (mono_ms_since(ps->tick, w->now) < PULL_TICK_MS) {
		worker_wake_at(w, mono_add_ms(ps->tick, PULL_TICK_MS));
		return;
	}
	ps->tick = w->now;
	for (p = TAILQ_FIRST(&ps->busy); p != NULL; p = after) {
		uint64_t id = p->id;
		bool on = look(w, p);
		/* what it opened may have ended it */
		if (find(w, id) == NULL) {
			after = NULL;
			continue;
		}
		after = TAILQ_NEXT(p, next_busy);
		if ((p->tell || (p->live && mono_ms_since(p->told, w->now) >=
						PULL_TELL_MS)) &&
		    !link_busy(w))
			tell(w, p);
		if (!on && !p->tell) {
			TAILQ_REMOVE(&ps->busy, p, next_busy);
			p->busy = false;
		}
	}
	if (!TAILQ_EMPTY(&ps->busy))
		worker_wake_at(w, mono_add_ms(w->now, PULL_TICK_MS));
}
