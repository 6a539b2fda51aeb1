#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/hops.h"
#include "worker/players.h"
#include "worker/pushes.h"
#include "worker/viewers.h"

enum {
	ANSWER_MS = 10000, /* a takeover takes PublishTimeout at each server */
	SOON_MS = 300,	   /* between attempts, while it is lost for */
	SOON_FOR_MS = 20000,
	REFUSED_MS = 2000, /* a server that said no is left in peace so long */
	TELLING = 6	   /* bytes of a key that a text may not repeat */
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
	while ((p = TAILQ_FIRST(&w->pushes->all)) != NULL)
		push_delete(w, p);
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

/* Ways -------------------------------------------------------------------- */

static void
open_way(struct worker *w, struct push *p, int y)
{
	struct up_target to = { .vhost = p->vhost,
		.app = p->app,
		.again = p->ever,
		.client = p->client,
		.direct = p->direct,
		.app_name = p->app_name,
		.url = p->url,
		.args = p->args };
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
retry_later(struct worker *w, struct push *p, bool refused)
{
	uint32_t chance = (uint32_t)(w->now.ns ^ (uintptr_t)p * 2654435761u);
	uint32_t ms = backoff_next(&p->backoff, w->now, chance);
	if (p->direct)
		ms += refused ? (uint32_t)REFUSED_MS : 0;
	else if (ms > SOON_MS && mono_ms_since(p->lost, w->now) < SOON_FOR_MS)
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
	p->troubled = false;
	p->deadline = (struct mono){ 0 };
	backoff_reset(&p->backoff);
	if (p->leg.name.len > 0)
		LOG(push_up, .vhost = push_part(p, 0), .app = push_part(p, 1),
		    .instance = push_part(p, 2), .stream = push_part(p, 3),
		    .hop = push_hop(p), .addr = l->up->addr,
		    .entry = p->ways[p->way].line);
	p->ops->accepted(w, p, p->owner, l->said);
}

static void
on_moved(struct worker *w, struct leg *l)
{
	(void)w;
	(void)l; /* its connection is its own */
}

static void
log_refused(const struct push *p, const struct push_why *y)
{
	LOG(push_refused, .vhost = push_part(p, 0), .app = push_part(p, 1),
	    .instance = push_part(p, 2), .stream = push_part(p, 3),
	    .hop = push_hop(p), .reason = y->reason, .text = y->text);
}

static void
log_lost(const struct push *p, const struct push_why *y)
{
	LOG(push_lost, .vhost = push_part(p, 0), .app = push_part(p, 1),
	    .instance = push_part(p, 2), .stream = push_part(p, 3),
	    .hop = push_hop(p), .reason = y->reason, .text = y->text);
}

static void
fail(struct worker *w, struct push *p, const struct push_why *y)
{
	p->state = PUSH_IDLE;
	p->retry = p->deadline = (struct mono){ 0 };
	log_refused(p, y);
	p->ops->failed(w, p, p->owner, y);
}

/* A direct one: its end, or tried again for ever. */
static void
direct_failed(
    struct worker *w, struct push *p, const struct push_why *y, bool was_up)
{
	bool say = !p->troubled;
	p->troubled = true;
	if (say && was_up && !y->refused)
		log_lost(p, y);
	else if (say)
		log_refused(p, y);
	if (p->keep) {
		retry_later(w, p, y->refused);
		p->ops->lost(w, p, p->owner, y);
		return;
	}
	p->state = PUSH_IDLE;
	p->retry = p->deadline = (struct mono){ 0 };
	p->ops->failed(w, p, p->owner, y);
}

static void
relay_failed(
    struct worker *w, struct push *p, const struct push_why *y, bool was_up)
{
	struct push_why silent = *y;
	if (y->refused) {
		fail(w, p, y);
		return;
	}
	silent.said = (struct span){ "", 0 };
	if (was_up) {
		p->lost = w->now;
		p->tried = 0;
		log_lost(p, y);
		p->ops->lost(w, p, p->owner, &silent);
	}
	int y2 = best_way(w, p);
	if (y2 >= 0)
		open_way(w, p, y2);
	else if (p->ever)
		retry_later(w, p, false);
	else
		fail(w, p, &silent);
}

/* Does text repeat what is secret in s? */
static bool
repeats(const char *text, struct span s)
{
	size_t n = strlen(text);
	if (s.len < TELLING)
		return s.len > 0 && memmem(text, n, s.p, s.len) != NULL;
	for (size_t i = 0; i + TELLING <= s.len; i++)
		if (memmem(text, n, s.p + i, TELLING) != NULL)
			return true;
	return false;
}

static void
on_failed(struct worker *w, struct leg *l, enum reason why, const char *text,
    bool refused)
{
	struct push *p = l->owner;
	bool was_up = p->state == PUSH_ACCEPTED;
	char words[IPC_TEXT_MAX];
	if (text == NULL || (p->secret && (repeats(text, l->name) ||
					      repeats(text, p->app_name))))
		text = reason_text(why);
	snprintf(words, sizeof words, "%s", text);
	struct push_why y = { why, words, refused, l->said };
	if (p->state == PUSH_ENDING) {
		p->drained = true;
		look_at(w, w->now);
	} else if (p->direct) {
		direct_failed(w, p, &y, was_up);
	} else {
		relay_failed(w, p, &y, was_up);
	}
}

static void
on_answered(
    struct worker *w, struct leg *l, uint64_t call, bool ok, struct span value)
{
	struct push *p = l->owner;
	if (p->state != PUSH_ENDING && p->ops->answered != NULL)
		p->ops->answered(w, p, p->owner, call, ok, value);
}

const struct leg_ops push_leg_ops = {
	.answered = on_answered,
	.started = on_started,
	.moved = on_moved,
	.failed = on_failed,
};

/* The life of a push ------------------------------------------------------ */

struct push *
push_start(struct worker *w, const struct push_spec *spec,
    const struct push_ops *ops, void *owner, enum reason *why)
{
	struct push *p = push_new(w, spec);
	*why = REASON_INPUT_MEMORY;
	if (p == NULL)
		return NULL;
	p->ops = ops;
	p->owner = owner;
	*why = push_set_ways(w, p);
	if (*why != REASON_NONE) {
		push_free(w, p);
		return NULL;
	}
	worker_count(w, COUNTER_PUSHES, 1);
	open_way(w, p, best_way(w, p));
	return p;
}

bool
push_publish(struct worker *w, struct push *p, const struct push_spec *s)
{
	if (!push_set_key(p, s->key) || !push_set_name(p, s->name))
		return false;
	p->secret |= s->secret;
	p->lag_ms = s->lag_ms;
	p->leg.mode = s->mode;
	push_set_via(w, p, s);
	if (p->state == PUSH_ACCEPTED) {
		p->state = PUSH_CONNECTING;
		p->deadline = mono_add_ms(w->now, ANSWER_MS);
		look_at(w, p->deadline);
	}
	leg_publish(w, &p->leg);
	return true;
}

bool
push_call(struct worker *w, struct push *p, uint64_t call, const char *method,
    struct span args)
{
	return leg_call(w, &p->leg, call, method, args);
}

bool
push_is_bare(const struct push *p)
{
	return p->leg.connect;
}

uint32_t
push_lag_ms(const struct push *p)
{
	return p->lag_ms;
}

void
push_set_lag(struct push *p, uint32_t ms)
{
	p->lag_ms = ms;
}

void
push_skipped(struct push *p)
{
	p->skips++;
}

void
push_figures(const struct push *p, struct push_figures *f)
{
	const struct upstream *up = p->leg.up;
	const struct conn *c = up != NULL ? up->c : NULL;
	f->bytes = p->leg.sent + (c != NULL ? c->bytes_out : 0);
	f->skips = p->skips;
	f->retries = p->retries;
	f->lag_ms = c != NULL && p->state == PUSH_ACCEPTED ? c->lag_ms : 0;
	f->addr = up != NULL ? up->addr : "";
}

uint64_t
push_position(const struct push *p)
{
	const struct netstream *ns = p->leg.ns;
	return p->state == PUSH_ACCEPTED && ns != NULL && ns->player != NULL
		   ? ns->player->cursor
		   : 0;
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
	push_delete(w, p);
}

void
push_viewers(struct worker *w, struct push *p)
{
	const struct netstream *ns = p->leg.ns;
	const struct player *pl = ns != NULL ? ns->player : NULL;
	if (p->state == PUSH_ACCEPTED && pl != NULL && pl->watch != NULL)
		viewers_tell(w, &p->leg, pl->watch->view.block);
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
	if (p->leg.name.len > 0)
		LOG(push_end, .vhost = push_part(p, 0), .app = push_part(p, 1),
		    .instance = push_part(p, 2), .stream = push_part(p, 3),
		    .hop = push_hop(p), .goodbye = goodbye);
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

void
push_quit(struct worker *w, struct push *p)
{
	p->goodbye = p->state == PUSH_ACCEPTED;
	finish(w, p);
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
		p->retries++;
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
