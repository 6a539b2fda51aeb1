#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "rtmp/tree.h"
#include "rtmp/wire.h"
#include "worker/hops.h"
#include "worker/named.h"
#include "worker/node.h"
#include "worker/tree.h"
#include "worker/uplinks.h"
#include "worker/ways.h"

int
uplinks_init(struct worker *w)
{
	struct uplinks *us = calloc(1, sizeof *us);
	if (us == NULL)
		return -ENOMEM;
	TAILQ_INIT(&us->all);
	w->uplinks = us;
	return 0;
}

void
uplink_free(struct worker *w, struct uplink *ul)
{
	if (ul->up != NULL)
		upstream_release(w, ul->up);
	if (w->uplinks->after == ul)
		w->uplinks->after = TAILQ_NEXT(ul, next);
	TAILQ_REMOVE(&w->uplinks->all, ul, next);
	uplink_release_held(w, ul);
	explicit_bzero(ul->text, ul->size - sizeof *ul);
	free(ul);
}

void
uplinks_fini(struct worker *w)
{
	struct uplink *ul;
	while ((ul = TAILQ_FIRST(&w->uplinks->all)) != NULL) {
		ul->up = NULL; /* freed with the others */
		free(ul->held);
		ul->held = NULL;
		ul->nheld = 0;
		uplink_free(w, ul);
	}
	free(w->uplinks);
	w->uplinks = NULL;
}

/* Clients of an uplink ------------------------------------------------------ */

static void
attach(struct worker *w, struct uplink *ul, struct guest *g)
{
	g->up = ul;
	if (++ul->last_id == 0)
		ul->last_id = 1; /* 0 is the connection itself */
	g->above = ul->last_id;
	g->announced = false;
	LIST_INSERT_HEAD(guest_bucket(&ul->guests, g->above), g, next_above);
	ul->guests.n++;
	ul->used = w->now;
}

void
uplink_detach(struct worker *w, struct guest *g)
{
	struct uplink *ul = g->up;
	LIST_REMOVE(g, next_above);
	ul->guests.n--;
	ul->used = w->now;
	g->up = NULL;
	g->announced = false;
}

/* Any of them; NULL: none. */
static struct guest *
first_guest(struct uplink *ul)
{
	for (unsigned i = 0; i < GUEST_BUCKETS && ul->guests.n > 0; i++)
		if (!LIST_EMPTY(&ul->guests.bucket[i]))
			return LIST_FIRST(&ul->guests.bucket[i]);
	return NULL;
}

/* Connections ---------------------------------------------------------------- */

static void on_greeted(struct worker *w, struct upstream *up);
static void on_up(
    struct worker *w, struct upstream *up, const struct cmd_reply *r);
static void on_lost(struct worker *w, struct upstream *up, enum reason why,
    const char *text, bool refused);

static const struct up_keeper keeper = {
	.greeted = on_greeted,
	.up = on_up,
	.command = uplink_command,
	.lost = on_lost,
};

static void
dial(struct worker *w, struct uplink *ul)
{
	ul->state = UPLINK_CONNECTING;
	ul->retry = (struct mono){ 0 };
	ul->up = upstream_keep(w, &ul->to, &keeper, ul);
	if (ul->up == NULL) {
		ul->state = UPLINK_DOWN;
		ul->retry = mono_add_ms(w->now, BACKOFF_MINUTE_MS);
	}
}

static struct uplink *
new_uplink(struct worker *w, const struct guest *g, const struct way *way)
{
	char app[IPC_KEY_MAX];
	ways_app_name(g->prefix.p, (uint32_t)g->prefix.len, app);
	size_t n = strlen(app), size = sizeof(struct uplink) + n + g->url.len;
	struct uplink *ul = calloc(1, size);
	if (ul == NULL)
		return NULL;
	ul->size = size;
	(void)!getrandom(ul->hash_key, sizeof ul->hash_key, 0);
	memcpy(ul->text, app, n);
	memcpy(ul->text + n, g->url.p, g->url.len);
	ul->to = (struct up_target){ .vhost = g->vhost,
		.app = g->app,
		.app_name = { ul->text, n },
		.url = { ul->text + n, g->url.len } };
	up_target_set(&ul->to, way);
	ul->used = w->now;
	TAILQ_INSERT_TAIL(&w->uplinks->all, ul, next);
	return ul;
}

void
uplink_named(struct worker *w, struct named *s)
{
	const struct uplink *ul;
	TAILQ_FOREACH (ul, &w->uplinks->all, next)
		if (ul->to.judge && (ul->guests.n > 0 || ul->up != NULL))
			named_add_hop(s, ul->to.vhost, ul->to.hop);
}

static struct uplink *
find_uplink(
    const struct worker *w, const struct guest *g, const struct way *way)
{
	struct uplink *ul;
	TAILQ_FOREACH (ul, &w->uplinks->all, next)
		if (ul->single == NULL && ul->to.vhost == g->vhost &&
		    ul->to.judge == way->judge &&
		    strcmp(ul->to.hop, way->hop) == 0)
			return ul;
	return NULL;
}

/* Asking ---------------------------------------------------------------------- */

/* g is not let in, or no more. */
void
uplink_drop(struct worker *w, struct guest *g, struct span info,
    enum reason why, const char *words)
{
	if (g->up != NULL)
		uplink_detach(w, g);
	tree_drop(w, g);
	guest_refuse(w, g, info, why, words);
	if (g->tree != NULL)
		guest_free(w, g, why);
}

/* A server of another make judges g on a connection of its own. */
static void
ask_alone(struct worker *w, struct guest *g, const struct way *way)
{
	struct uplink *ul = new_uplink(w, g, way);
	if (ul == NULL) {
		uplink_drop(
		    w, g, (struct span){ "", 0 }, REASON_INPUT_MEMORY, "");
		return;
	}
	ul->single = g;
	ul->to.own_connect = true;
	attach(w, ul, g);
	dial(w, ul);
}

/* g waits at ul until it is asked about again. */
static void
wait_at(struct worker *w, struct uplink *ul, struct guest *g)
{
	attach(w, ul, g);
	g->tried = 0;
	if (ul->state == UPLINK_PLAIN && !mono_before(w->now, ul->retry))
		ul->retry = mono_add_ms(w->now, PLAIN_RETRY_MS);
}

/* No way is left to try. */
static void
exhausted(struct worker *w, struct guest *g, struct uplink *last, bool trusts)
{
	char words[IPC_TEXT_MAX];
	if (g->state == GUEST_IN || trusts) {
		/* it waits for this one to come back */
		if (last != NULL)
			wait_at(w, last, g);
		guest_accept(w, g, false);
		return;
	}
	if (last != NULL && mono_ms_since(g->asked, w->now) <
				(uint64_t)g->vhost->request_timeout_ms) {
		wait_at(w, last, g);
		return;
	}
	snprintf(words, sizeof words, "no server above answers (%.*s)", 120,
	    last != NULL ? last->to.hop : "none");
	uplink_drop(w, g, (struct span){ "", 0 }, REASON_NO_ANSWER, words);
}

static void
refuse(struct worker *w, struct guest *g, enum reason why)
{
	char words[IPC_TEXT_MAX] = "";
	struct explicit_url u;
	if (why == REASON_EXPLICIT_HOST && explicit_parse(g->url, &u))
		ways_advise(u.host, u.port, words);
	uplink_drop(w, g, (struct span){ "", 0 }, why, words);
}

/* Is it known what to do with g at ul, or will it be?  False: the next way. */
static bool
take(
    struct worker *w, struct uplink *ul, struct guest *g, const struct way *way)
{
	bool alone = ul->to.vhost->client_check == CONF_CHECK_ORIGIN;
	if (ul->state == UPLINK_PLAIN &&
	    mono_ms_since(ul->plain, w->now) >= FORGET_MS)
		dial(w, ul); /* it may be another one by now */
	if (ul->state == UPLINK_PLAIN && alone) {
		ask_alone(w, g, way);
		return true;
	}
	if (ul->state == UPLINK_PLAIN) {
		ul->used = w->now;
		guest_accept(w, g, false);
		return true;
	}
	if (ul->state == UPLINK_DOWN && mono_before(w->now, ul->retry))
		return false;
	if (ul->state == UPLINK_DOWN)
		dial(w, ul);
	if (ul->state == UPLINK_DOWN)
		return false;
	attach(w, ul, g);
	uplink_announce(w, ul, g);
	return true;
}

void
uplink_ask(struct worker *w, struct guest *g)
{
	struct way ways[WAYS_MAX];
	struct uplink *ul = NULL;
	enum reason why = REASON_NO_ROUTE;
	bool trusts = false;
	int y;
	if (g->state == GUEST_KEPT)
		g->state = GUEST_ASKED;
	/* others may have been asked about it before */
	if (g->asked.ns == 0)
		g->asked = w->now;
	const char *inst = memchr(g->prefix.p, '\0', g->prefix.len);
	struct span key = inst != NULL ? span_skip(g->prefix,
					     (size_t)(inst + 1 - g->prefix.p))
				       : g->prefix;
	unsigned n = ways_find(
	    w->conf, g->vhost, g->url, g->is_explicit, key, ways, &why);
	if (n == 0) {
		refuse(w, g, why);
		return;
	}
	while ((y = hops_best(w, ways, n, g->tried)) >= 0) {
		g->tried |= UINT32_C(1) << y;
		ul = find_uplink(w, g, &ways[y]);
		if (!named_admit(w, g->vhost, &ways[y], 1)) {
			refuse(w, g, REASON_EXPLICIT_LIMIT);
			return;
		}
		if (ul == NULL && (ul = new_uplink(w, g, &ways[y])) == NULL)
			continue;
		if (ul->up == NULL && ul->state == UPLINK_CONNECTING)
			dial(w, ul);
		trusts |= uplink_trusts(ul, g);
		if (take(w, ul, g, &ways[y]))
			return;
	}
	if (ul == NULL && (y = hops_best(w, ways, n, 0)) >= 0)
		ul = find_uplink(w, g, &ways[y]);
	exhausted(w, g, ul, trusts);
}

void
uplink_leave(struct worker *w, struct guest *g)
{
	struct uplink *ul = g->up;
	struct writer wr;
	if (ul == NULL)
		return;
	bool told = g->announced && uplink_ready(ul) && ul->single == NULL;
	uint32_t above = g->above;
	uplink_detach(w, g);
	if (ul->single == g) {
		uplink_free(w, ul);
		return;
	}
	if (!told || !conn_write(w, ul->up->c, 64, &wr))
		return;
	tree_write_gone(&wr, WIRE_CHUNK, above);
	conn_write_end(w, ul->up->c, &wr);
}

/* What comes from above -------------------------------------------------------- */

/*
 * Everybody at ul is asked about elsewhere, or waits there.  afresh: by any way;
 * else newcomers only by those that were not tried yet
 */
static void
reroute(struct worker *w, struct uplink *ul, bool afresh)
{
	struct guest *g;
	struct guest_list moved = LIST_HEAD_INITIALIZER(moved);
	uplink_release_held(w, ul);
	while ((g = first_guest(ul)) != NULL) {
		guest_calls_lost(w, g, "the path to the server above is lost");
		uplink_detach(w, g);
		if (g->state == GUEST_IN || afresh)
			g->tried = 0;
		LIST_INSERT_HEAD(&moved, g, next_above);
	}
	while ((g = LIST_FIRST(&moved)) != NULL) {
		LIST_REMOVE(g, next_above);
		uplink_ask(w, g);
	}
}

/* It is a server that judges no clients of ours. */
static void
set_plain(struct worker *w, struct uplink *ul)
{
	ul->state = UPLINK_PLAIN;
	ul->plain = w->now;
	ul->ntold = 0;
	reroute(w, ul, true);
}

static void
on_greeted(struct worker *w, struct upstream *up)
{
	struct uplink *ul = up->owner;
	if (ul->single != NULL)
		uplink_connect_alone(w, ul, ul->single);
}

static void
let_go(struct worker *w, struct uplink *ul)
{
	struct upstream *up = ul->up;
	ul->up = NULL;
	upstream_release(w, up);
}

/* It answered connect; of a single client that is the answer to it. */
static void
on_up(struct worker *w, struct upstream *up, const struct cmd_reply *r)
{
	struct uplink *ul = up->owner;
	struct amf0_value v;
	backoff_reset(&ul->backoff);
	if (ul->single != NULL) {
		ul->state = UPLINK_TREE;
		up->c->bulk = true;
		ul->single->announced = true;
		guest_accept(w, ul->single, false);
		return;
	}
	if (amf0_find(&r->info, CMD_TREE, &v) && v.type == AMF0_NUMBER) {
		ul->state = UPLINK_TREE;
		up->c->bulk = true;
		LOG(edge_tree, .hop = ul->to.hop, .addr = up->addr);
		uplink_announce_all(w, ul);
		return;
	}
	let_go(w, ul);
	set_plain(w, ul);
}

static void
later(struct worker *w, struct uplink *ul)
{
	uint32_t chance = (uint32_t)(w->now.ns ^ (uintptr_t)ul * 2654435761u);
	ul->state = UPLINK_DOWN;
	ul->retry =
	    mono_add_ms(w->now, backoff_next(&ul->backoff, w->now, chance));
	worker_wake_at(w, ul->retry);
}

/* Its connection for one client ended. */
static void
lost_alone(struct worker *w, struct uplink *ul, const struct upstream *up,
    bool refused)
{
	struct guest *g = ul->single;
	guest_calls_lost(w, g, "the path to the server above is lost");
	if (!refused && g->state == GUEST_IN) {
		later(w, ul);
		uplink_release_held(w, ul);
		return;
	}
	uplink_detach(w, g);
	if (refused)
		uplink_drop(w, g,
		    (struct span){ (const char *)up->said, up->saidlen },
		    REASON_ORIGIN_REFUSED, "");
	else
		uplink_ask(w, g);
	uplink_free(w, ul);
}

static void
on_lost(struct worker *w, struct upstream *up, enum reason why,
    const char *text, bool refused)
{
	struct uplink *ul = up->owner;
	bool was_tree = ul->state == UPLINK_TREE;
	ul->up = NULL;
	if (ul->single != NULL) {
		lost_alone(w, ul, up, refused);
		return;
	}
	if (refused && !was_tree) {
		set_plain(w, ul);
		return;
	}
	later(w, ul);
	if (was_tree)
		LOG(edge_tree_lost, .hop = ul->to.hop, .reason = why,
		    .text = text != NULL ? text : reason_text(why),
		    .clients = ul->guests.n);
	reroute(w, ul, was_tree);
}

/* Time -------------------------------------------------------------------------- */

/* What had to wait to go up may go. */
static void
flow(struct worker *w, struct uplink *ul)
{
	worker_wake_at(w, mono_add_ms(w->now, TICK_LINK_MS));
	if (uplink_waiting(ul) > LOW)
		return;
	ul->full = false;
	uplink_announce_all(w, ul);
	uplink_release_held(w, ul);
}

static void
look_alone(struct worker *w, struct uplink *ul)
{
	if (uplink_ready(ul) && ul->full)
		flow(w, ul);
	else if (ul->state == UPLINK_DOWN && !mono_before(w->now, ul->retry))
		dial(w, ul);
	else if (ul->state == UPLINK_DOWN)
		worker_wake_at(w, ul->retry);
}

static void
look(struct worker *w, struct uplink *ul)
{
	bool waits = ul->state == UPLINK_DOWN || ul->state == UPLINK_PLAIN;
	if (ul->guests.n > 0)
		ul->used = w->now;
	if (waits && ul->guests.n > 0) {
		if (!mono_before(w->now, ul->retry))
			reroute(w, ul, true); /* the first of them dials */
		else
			worker_wake_at(w, ul->retry);
	} else if (uplink_ready(ul) && ul->full) {
		flow(w, ul);
	}
	unsigned ms = ul->to.judge ? NAMED_FORGET_MS : FORGET_MS;
	if (ul->guests.n == 0 && mono_ms_since(ul->used, w->now) >= ms)
		uplink_free(w, ul);
}

void
uplinks_tick(struct worker *w)
{
	struct uplinks *us = w->uplinks;
	struct uplink *ul;
	if (TAILQ_EMPTY(&us->all) ||
	    mono_ms_since(us->tick, w->now) < TICK_LINK_MS)
		return;
	us->tick = w->now;
	for (ul = TAILQ_FIRST(&us->all); ul != NULL; ul = us->after) {
		us->after = TAILQ_NEXT(ul, next);
		if (ul->single == NULL)
			look(w, ul);
		else
			look_alone(w, ul);
	}
}
