#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rtmp/explicit.h"
#include "shm/directory.h"
#include "worker/backoff.h"
#include "worker/hops.h"
#include "worker/node.h"
#include "worker/players.h"
#include "worker/push.h"
#include "worker/upstream.h"
#include "worker/ways.h"

enum {
	ANSWER_MS = 10000, /* a takeover takes PublishTimeout at each server */
	SOON_MS = 300,	   /* between attempts, while it is lost for */
	SOON_FOR_MS = 20000
};

enum push_state {
	PUSH_IDLE,
	PUSH_CONNECTING,
	PUSH_ACCEPTED,
	PUSH_RETRY,
	PUSH_ENDING
};

struct push {
	const struct push_ops *ops;
	void *owner;
	enum push_state state;
	struct leg leg; /* leg.up == NULL: not in use */
	const struct conf_app *app;
	const struct conf_vhost *vhost;
	uint32_t keylen;
	char key[IPC_KEY_MAX];
	char app_name[IPC_KEY_MAX];
	char via[IPC_VIA_MAX + 1]; /* with us */
	struct way ways[WAYS_MAX];
	unsigned nways;
	char client[64]; /* for whom */
	uint32_t tried;	 /* bits of ways, in this round */
	int way;
	bool ever;    /* was accepted once */
	bool goodbye; /* ENDING: the server is told */
	bool drained; /* ENDING: nothing is left to be sent */
	struct backoff backoff;
	struct mono retry, deadline, lost; /* 0: none */
	struct span url, name;		   /* in text */
	size_t size;
	TAILQ_ENTRY(push) next;
	char text[];
};

struct pushes {
	TAILQ_HEAD(, push) all;
	unsigned n;
	struct mono due; /* none is to be looked at before; 0: none at all */
};

int
pushes_init(struct worker *w)
{
	struct pushes *ps = calloc(1, sizeof *ps);
	if (ps == NULL)
		return -ENOMEM;
	TAILQ_INIT(&ps->all);
	w->pushes = ps;
	return 0;
}

void
pushes_fini(struct worker *w)
{
	struct push *p;
	while ((p = TAILQ_FIRST(&w->pushes->all)) != NULL) {
		TAILQ_REMOVE(&w->pushes->all, p, next);
		explicit_bzero(p->text, p->size - sizeof *p);
		free(p);
	}
	free(w->pushes);
	w->pushes = NULL;
}

/* Some push is to be looked at by then. */
static void
look_at(struct worker *w, struct mono t)
{
	struct mono *due = &w->pushes->due;
	if (due->ns == 0 || mono_before(t, *due))
		*due = t;
	worker_wake_at(w, t);
}

const char *
push_hop(const struct push *p)
{
	return p->way >= 0 ? p->ways[p->way].hop : "";
}

static struct span
part(const struct push *p, unsigned i)
{
	struct span s;
	s.p = directory_key_part(p->key, p->keylen, i, &s.len);
	return s;
}

/* Ways -------------------------------------------------------------------- */

static void
open_way(struct worker *w, struct push *p, int y)
{
	struct up_target to = { .vhost = p->vhost,
		.app = p->app,
		.again = p->ever,
		.client = p->client,
		.app_name = span_of(p->app_name),
		.url = p->url };
	up_target_set(&to, &p->ways[y]);
	p->tried |= UINT32_C(1) << y;
	p->way = y;
	p->state = PUSH_CONNECTING;
	p->retry = (struct mono){ 0 };
	p->deadline = mono_add_ms(w->now, ANSWER_MS);
	look_at(w, p->deadline);
	if (leg_open(w, &p->leg, &to, true) != 0) {
		p->state = PUSH_RETRY;
		p->retry = mono_add_ms(w->now, SOON_MS);
		look_at(w, p->retry);
	}
}

static int
best_way(const struct worker *w, const struct push *p)
{
	return hops_best(w, p->ways, p->nways, p->tried);
}

static void
retry_later(struct worker *w, struct push *p)
{
	uint32_t chance = (uint32_t)(w->now.ns ^ (uintptr_t)p * 2654435761u);
	uint32_t ms = backoff_next(&p->backoff, w->now, chance);
	if (ms > SOON_MS && mono_ms_since(p->lost, w->now) < SOON_FOR_MS)
		ms = SOON_MS;
	p->tried = 0;
	p->state = PUSH_RETRY;
	p->retry = mono_add_ms(w->now, ms);
	look_at(w, p->retry);
}

/* What upstream tells ----------------------------------------------------- */

static void
on_started(struct worker *w, struct leg *l)
{
	struct push *p = l->owner;
	if (p->state != PUSH_CONNECTING)
		return;
	p->state = PUSH_ACCEPTED;
	p->ever = true;
	p->deadline = (struct mono){ 0 };
	backoff_reset(&p->backoff);
	LOG(push_up, .vhost = part(p, 0), .app = part(p, 1),
	    .instance = part(p, 2), .stream = part(p, 3), .hop = push_hop(p),
	    .addr = l->up->addr, .entry = p->ways[p->way].line);
	p->ops->accepted(w, p, p->owner, l->said);
}

static void
on_moved(struct worker *w, struct leg *l)
{
	(void)w;
	(void)l; /* its connection is its own */
}

static void
fail(struct worker *w, struct push *p, enum reason why, const char *text,
    struct span said)
{
	p->state = PUSH_IDLE;
	p->retry = p->deadline = (struct mono){ 0 };
	LOG(push_refused, .vhost = part(p, 0), .app = part(p, 1),
	    .instance = part(p, 2), .stream = part(p, 3), .hop = push_hop(p),
	    .reason = why, .text = text);
	p->ops->failed(w, p, p->owner, why, text, said);
}

static void
on_failed(struct worker *w, struct leg *l, enum reason why, const char *text,
    bool refused)
{
	struct push *p = l->owner;
	bool was_up = p->state == PUSH_ACCEPTED;
	char words[IPC_TEXT_MAX];
	snprintf(
	    words, sizeof words, "%s", text != NULL ? text : reason_text(why));
	if (p->state == PUSH_ENDING) {
		p->drained = true;
		look_at(w, w->now);
		return;
	}
	if (refused) {
		fail(w, p, why, words, l->said);
		return;
	}
	if (was_up) {
		p->lost = w->now;
		p->tried = 0;
		LOG(push_lost, .vhost = part(p, 0), .app = part(p, 1),
		    .instance = part(p, 2), .stream = part(p, 3),
		    .hop = push_hop(p), .reason = why, .text = words);
		p->ops->lost(w, p, p->owner, why, words);
	}
	int y = best_way(w, p);
	if (y >= 0)
		open_way(w, p, y);
	else if (p->ever)
		retry_later(w, p);
	else
		fail(w, p, why, words, (struct span){ "", 0 });
}

static const struct leg_ops leg_ops = {
	.started = on_started,
	.moved = on_moved,
	.failed = on_failed,
};

/* The life of a push ------------------------------------------------------ */

static struct push *
new_push(struct worker *w, const struct push_spec *s)
{
	size_t size = sizeof(struct push) + s->url.len + s->name.len;
	struct push *p = s->key.len <= IPC_KEY_MAX ? calloc(1, size) : NULL;
	if (p == NULL)
		return NULL;
	p->size = size;
	p->way = -1;
	if (s->client != NULL)
		snprintf(p->client, sizeof p->client, "%s", s->client);
	p->keylen = (uint32_t)s->key.len;
	memcpy(p->key, s->key.p, s->key.len);
	memcpy(p->text, s->url.p, s->url.len);
	memcpy(p->text + s->url.len, s->name.p, s->name.len);
	p->url = (struct span){ p->text, s->url.len };
	p->name = (struct span){ p->text + s->url.len, s->name.len };
	p->app = conf_key_app(w->conf, p->key, p->keylen);
	p->vhost = conf_vhost(w->conf, p->app->vhost);
	ways_app_name(p->key, p->keylen, p->app_name);
	size_t vialen = node_extend_via(w, s->via, p->via);
	p->leg = (struct leg){ .ops = &leg_ops,
		.publish = true,
		.owner = p,
		.name = p->name,
		.via = { p->via, vialen },
		.hops = (uint32_t)s->hops + 1 };
	TAILQ_INSERT_TAIL(&w->pushes->all, p, next);
	w->pushes->n++;
	return p;
}

/* Without ExplicitHosts, servers that clients have named: so many at a time. */
static bool
too_many_named(const struct worker *w, const struct push *p)
{
	const struct push *q, *seen[UP_NAMED_MAX];
	unsigned n = 0, i;
	if (!p->ways[0].judge || p->vhost->explicit_hosts[0] != '\0')
		return false;
	TAILQ_FOREACH (q, &w->pushes->all, next) {
		if (q == p || !q->ways[0].judge ||
		    q->vhost->explicit_hosts[0] != '\0')
			continue;
		if (strcmp(q->ways[0].hop, p->ways[0].hop) == 0)
			return false;
		for (i = 0; i < n; i++)
			if (strcmp(seen[i]->ways[0].hop, q->ways[0].hop) == 0)
				break;
		if (i == n && n < UP_NAMED_MAX)
			seen[n++] = q;
	}
	return n == UP_NAMED_MAX;
}

struct push *
push_start(struct worker *w, const struct push_spec *spec,
    const struct push_ops *ops, void *owner, enum reason *why)
{
	struct push *p = new_push(w, spec);
	*why = REASON_INPUT_MEMORY;
	if (p == NULL)
		return NULL;
	p->ops = ops;
	p->owner = owner;
	p->nways = ways_find(w->conf, p->vhost, p->url, explicit_is(part(p, 1)),
	    span_skip(spec->key, part(p, 0).len + 1), p->ways, why);
	if (p->nways > 0 && too_many_named(w, p)) {
		*why = REASON_EXPLICIT_LIMIT;
		p->nways = 0;
	}
	if (p->nways == 0) {
		push_free(w, p);
		return NULL;
	}
	worker_count(w, COUNTER_PUSHES, 1);
	open_way(w, p, best_way(w, p));
	return p;
}

void
push_flow(struct worker *w, struct push *p)
{
	struct netstream *ns = p->leg.ns;
	if (p->state != PUSH_ACCEPTED || ns == NULL || ns->player != NULL)
		return;
	if (!netstream_set_key(w, ns, p->key, p->keylen) ||
	    !play_push(w, p->leg.up->c, ns, p))
		leg_failed(w, &p->leg, REASON_INPUT_MEMORY, NULL, false);
}

void
push_free(struct worker *w, struct push *p)
{
	if (p->leg.up != NULL)
		leg_abort(w, &p->leg);
	TAILQ_REMOVE(&w->pushes->all, p, next);
	w->pushes->n--;
	explicit_bzero(p->text, p->size - sizeof *p); /* keys */
	free(p);
}

void
push_drained(struct worker *w, const struct player *pl)
{
	struct push *p = pl->push;
	if (p->state != PUSH_ENDING)
		return;
	p->drained = true;
	look_at(w, w->now);
}

void
push_end(struct worker *w, struct push *p, bool goodbye)
{
	const struct netstream *ns = p->leg.ns;
	LOG(push_end, .vhost = part(p, 0), .app = part(p, 1),
	    .instance = part(p, 2), .stream = part(p, 3), .hop = push_hop(p),
	    .goodbye = goodbye);
	if (p->state != PUSH_ACCEPTED) {
		push_free(w, p);
		return;
	}
	p->owner = NULL;
	p->goodbye = goodbye;
	p->state = PUSH_ENDING;
	p->deadline = mono_add_ms(w->now, PLAY_DRAIN_MS);
	p->drained =
	    ns == NULL || ns->player == NULL || ns->player->watch == NULL;
	look_at(w, p->drained ? w->now : p->deadline);
}

static void
finish(struct worker *w, struct push *p)
{
	if (p->leg.up != NULL && p->goodbye)
		leg_close(w, &p->leg);
	push_free(w, p);
}

static void
look(struct worker *w, struct push *p)
{
	bool late = p->deadline.ns != 0 && !mono_before(w->now, p->deadline);
	if (p->state == PUSH_ENDING) {
		if (p->drained || late)
			finish(w, p);
		else
			look_at(w, p->deadline);
	} else if (p->state == PUSH_CONNECTING && late) {
		p->deadline = (struct mono){ 0 };
		leg_failed(w, &p->leg, REASON_UPSTREAM_TIMEOUT, NULL, false);
	} else if (p->state == PUSH_RETRY && !mono_before(w->now, p->retry)) {
		int y = best_way(w, p);
		if (y < 0) {
			p->tried = 0;
			y = best_way(w, p);
		}
		open_way(w, p, y);
	} else if (p->state == PUSH_RETRY) {
		look_at(w, p->retry);
	} else if (p->deadline.ns != 0) {
		look_at(w, p->deadline);
	}
}

void
pushes_tick(struct worker *w)
{
	struct pushes *ps = w->pushes;
	if (ps->due.ns == 0)
		return;
	if (mono_before(w->now, ps->due)) {
		worker_wake_at(w, ps->due);
		return;
	}
	ps->due = (struct mono){ 0 };
	struct push *p = TAILQ_FIRST(&ps->all);
	/* an owner that is told may free any of them */
	for (unsigned n = ps->n; n > 0 && p != NULL; n--) {
		TAILQ_REMOVE(&ps->all, p, next);
		TAILQ_INSERT_TAIL(&ps->all, p, next);
		look(w, p);
		p = TAILQ_FIRST(&ps->all);
	}
}
