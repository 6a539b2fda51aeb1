#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/cmd.h"
#include "worker/hops.h"
#include "worker/node.h"
#include "worker/play.h"
#include "worker/upstreams.h"
#include "worker/ways.h"

enum { TICK_UP_MS = 50 };

int
upstreams_init(struct worker *w)
{
	struct upstreams *us = calloc(1, sizeof *us);
	if (us == NULL)
		return -ENOMEM;
	TAILQ_INIT(&us->all);
	w->upstreams = us;
	return 0;
}

void
up_target_set(struct up_target *to, const struct way *way)
{
	memcpy(to->hop, way->hop, sizeof to->hop);
	memcpy(to->host, way->host, sizeof to->host);
	to->port = way->port;
	to->judge = way->judge;
}

static void
free_upstream(struct worker *w, struct upstream *up)
{
	resolve_stop(w, &up->resolve);
	dial_stop(w, &up->dial);
	TAILQ_REMOVE(&w->upstreams->all, up, next);
	free(up->said);
	explicit_bzero(up->text, up->size - sizeof *up); /* keys in tcUrl */
	free(up);
}

void
upstreams_fini(struct worker *w)
{
	struct upstream *up;
	while ((up = TAILQ_FIRST(&w->upstreams->all)) != NULL)
		free_upstream(w, up);
	free(w->upstreams);
	w->upstreams = NULL;
}

/* How long the server may take for each step. */
static unsigned
patience_ms(const struct upstream *up)
{
	return up->to.direct ? (unsigned)UP_DIRECT_MS
			     : (unsigned)up->to.vhost->request_timeout_ms;
}

static void
set_deadline(struct worker *w, struct upstream *up)
{
	up->deadline = mono_add_ms(w->now, patience_ms(up));
	worker_wake_at(w, up->deadline);
}

/* Legs -------------------------------------------------------------------- */

/* The only place that sets the state of a leg that is attached. */
void
leg_set_state(struct leg *l, enum leg_state to)
{
	struct upstream *up = l->up;
	if (l->state == LEG_OPENING)
		TAILQ_REMOVE(&up->opening, l, next_queue);
	else if (l->state == LEG_CREATING)
		TAILQ_REMOVE(&up->creating, l, next_queue);
	if (l->state == LEG_CREATING || l->state == LEG_ASKED)
		up->asking--;
	l->state = to;
	if (to == LEG_OPENING)
		TAILQ_INSERT_TAIL(&up->opening, l, next_queue);
	else if (to == LEG_CREATING)
		TAILQ_INSERT_TAIL(&up->creating, l, next_queue);
	if (to == LEG_CREATING || to == LEG_ASKED)
		up->asking++;
}

static void
detach(struct leg *l)
{
	struct upstream *up = l->up;
	if (l->publish && up->c != NULL)
		l->sent += up->c->bytes_out;
	leg_set_state(l, LEG_IDLE);
	TAILQ_REMOVE(&up->legs, l, next);
	up->nlegs--;
	if (l->ns != NULL)
		l->ns->leg = NULL;
	l->up = NULL;
	l->ns = NULL;
}

/* It has no legs, and is not needed. */
static void
end_idle(struct worker *w, struct upstream *up)
{
	if (up->nlegs > 0 || up->failing || up->keeper != NULL)
		return;
	up->failing = true;
	if (up->c != NULL)
		conn_close(w, up->c, REASON_UPSTREAM_IDLE);
	else
		free_upstream(w, up);
}

/* The NetStream of a leg that was detached is not needed any more. */
static void
drop_stream(struct worker *w, struct conn *c, struct netstream *ns)
{
	struct writer wr;
	if (ns == NULL)
		return;
	if (conn_write(w, c, SESSION_REPLY, &wr)) {
		cmd_write_delete_stream(&wr, UP_CHUNK, 0, ns->id);
		conn_write_end(w, c, &wr);
	}
	ns->use = NS_IDLE;
	session_free_stream(w, c, ns);
}

/* The player that sends a published stream stops. */
static void
stop_sending(struct worker *w, const struct leg *l, enum reason why)
{
	if (l->ns != NULL && l->ns->use == NS_PUSH)
		play_stop(w, l->up->c, l->ns, why);
}

void
leg_failed(struct worker *w, struct leg *l, enum reason why, const char *text,
    bool refused)
{
	struct netstream *ns = l->ns;
	struct upstream *up = l->up;
	stop_sending(w, l, REASON_UNPUBLISHED);
	detach(l);
	l->ops->failed(w, l, why, text, refused);
	drop_stream(w, up->c, ns);
	upstream_ask(w, up);
	end_idle(w, up);
}

static void
create_stream(struct worker *w, struct leg *l)
{
	struct upstream *up = l->up;
	struct writer wr;
	if (!conn_write(w, up->c, SESSION_REPLY + 2 * l->name.len, &wr))
		return;
	/* as FFmpeg does; what is answered to 0 is of no interest */
	if (l->publish) {
		cmd_write_call_name(
		    &wr, UP_CHUNK, CMD_RELEASE_STREAM, 0, l->name);
		cmd_write_call_name(&wr, UP_CHUNK, CMD_FC_PUBLISH, 0, l->name);
	}
	l->txn = ++up->txn;
	cmd_write_call(&wr, UP_CHUNK, CMD_CREATE_STREAM, 0, l->txn);
	conn_write_end(w, up->c, &wr);
	leg_set_state(l, LEG_CREATING);
	if (up->deadline.ns == 0)
		set_deadline(w, up);
}

void
upstream_created(struct worker *w, struct upstream *up)
{
	up->deadline = (struct mono){ 0 };
	if (!TAILQ_EMPTY(&up->creating))
		set_deadline(w, up);
}

void
upstream_ask(struct worker *w, struct upstream *up)
{
	struct leg *l;
	while (up->state == UP_READY && conn_alive(up->c) &&
	       (up->asking < UP_ASKING_MAX || !up->sluice) &&
	       (l = TAILQ_FIRST(&up->opening)) != NULL) {
		if (!l->connect) {
			create_stream(w, l);
			continue;
		}
		leg_set_state(l, LEG_STARTED);
		l->ops->started(w, l);
	}
}

bool
leg_call(struct worker *w, struct leg *l, uint64_t call, const char *method,
    struct span args)
{
	struct upstream *up = l->up;
	struct writer wr;
	if (up == NULL || up->state != UP_READY || !conn_alive(up->c) ||
	    !conn_write(w, up->c, SESSION_REPLY + args.len, &wr))
		return false;
	cmd_write_invoke(&wr, UP_CHUNK, call != 0 ? UP_CALLS + (double)call : 0,
	    method, args);
	conn_write_end(w, up->c, &wr);
	return true;
}

void
leg_publish(struct worker *w, struct leg *l)
{
	struct upstream *up = l->up;
	l->connect = false;
	if (up == NULL || l->state != LEG_STARTED)
		return; /* asked for when the connection is up */
	leg_set_state(l, LEG_OPENING);
	upstream_ask(w, up);
}

void
leg_play(struct worker *w, struct leg *l)
{
	struct upstream *up = l->up;
	struct writer wr;
	struct span via = up->sluice ? l->via : (struct span){ "", 0 };
	if (!conn_write(w, up->c, SESSION_REPLY + l->name.len, &wr))
		return;
	if (l->publish)
		cmd_write_publish(&wr, UP_CHUNK, l->ns->id, 0, l->name,
		    l->mode != NULL ? l->mode : "live", via, l->hops);
	else
		cmd_write_play(&wr, UP_CHUNK, l->ns->id, 0, l->name,
		    CMD_PLAY_LIVE, via, l->hops);
	conn_write_end(w, up->c, &wr);
	leg_set_state(l, LEG_ASKED);
}

void
leg_again(struct worker *w, struct leg *l)
{
	if (l->up != NULL && l->ns != NULL)
		leg_play(w, l);
}

/* Ends -------------------------------------------------------------------- */

void
leg_close(struct worker *w, struct leg *l)
{
	struct upstream *up = l->up;
	struct netstream *ns = l->ns;
	if (up == NULL)
		return;
	stop_sending(w, l, REASON_UNPUBLISHED);
	detach(l);
	drop_stream(w, up->c, ns);
	upstream_ask(w, up);
	end_idle(w, up);
}

void
leg_abort(struct worker *w, struct leg *l)
{
	struct upstream *up = l->up;
	bool connected = up->c != NULL;
	stop_sending(w, l, REASON_UPSTREAM_IDLE);
	detach(l);
	up->failing = true;
	if (connected)
		conn_abort(w, up->c, REASON_UPSTREAM_IDLE);
	else
		free_upstream(w, up);
}

bool
leg_own(struct worker *w, struct leg *l)
{
	struct upstream *up = l->up;
	struct leg *o, *after;
	if (up->own || up->nlegs - 1 > UP_MOVES_MAX)
		return up->own;
	up->own = true;
	for (o = TAILQ_FIRST(&up->legs); o != NULL; o = after) {
		after = TAILQ_NEXT(o, next);
		if (o == l)
			continue;
		struct netstream *ns = o->ns;
		detach(o);
		drop_stream(w, up->c, ns);
		o->ops->moved(w, o);
	}
	return true;
}

/* All legs fail; nothing can be opened on up any more. */
static void
fail_legs(struct worker *w, struct upstream *up, enum reason why,
    const char *text, bool refused)
{
	const struct up_keeper *keeper = up->keeper;
	struct leg *l;
	up->failing = true;
	up->keeper = NULL;
	if (keeper != NULL)
		keeper->lost(w, up, why, text, refused);
	while ((l = TAILQ_FIRST(&up->legs)) != NULL) {
		stop_sending(w, l, why);
		detach(l);
		l->said = (struct span){ (const char *)up->said, up->saidlen };
		l->ops->failed(w, l, why, text, refused);
		/* l may be gone */
	}
}

/* Say it, and remember the hop if it did not even answer. */
static void
note_failure(struct worker *w, struct upstream *up, enum reason why,
    const char *text, bool refused)
{
	worker_count(w, COUNTER_UPSTREAM_FAILURES, 1);
	if (up->to.direct)
		return; /* its owner tells */
	LOG(edge_failed, .hop = up->to.hop, .reason = why, .text = text);
	/* hops are looked at again by themselves: not what clients name */
	if (!refused && !up->to.judge && up->state != UP_READY &&
	    why != REASON_CLIENTS_FULL)
		hops_failed(w, up->to.hop, text);
}

void
upstream_fail(struct worker *w, struct upstream *up, enum reason why,
    const char *text, bool refused)
{
	if (up->failing)
		return;
	note_failure(w, up, why, text ? text : reason_text(why), refused);
	if (up->c != NULL) {
		up->why = why;
		up->refused = refused;
		snprintf(up->words, sizeof up->words, "%s",
		    text != NULL ? text : reason_text(why));
		up->failing = true;
		conn_abort(w, up->c, why); /* upstream_closed() goes on */
		return;
	}
	fail_legs(w, up, why, text, refused);
	free_upstream(w, up);
}

void
upstream_closed(struct worker *w, struct conn *c)
{
	struct upstream *up = session_of(w, c)->up;
	if (up == NULL)
		return;
	session_of(w, c)->up = NULL;
	if (!up->failing) {
		snprintf(
		    up->words, sizeof up->words, "%s", reason_text(c->reason));
		up->why = c->reason;
		note_failure(w, up, c->reason, up->words, false);
	}
	fail_legs(w, up, up->why, up->words, up->refused);
	up->c = NULL;
	free_upstream(w, up);
}

/* Connecting -------------------------------------------------------------- */

static void
dialled(struct worker *w, void *ctx, int fd, const struct addr *peer,
    const char *text)
{
	struct upstream *up = ctx;
	char host[ADDR_TEXT];
	if (fd < 0) {
		upstream_fail(w, up, REASON_UPSTREAM_LOST, text, false);
		return;
	}
	worker_count(w, COUNTER_UPSTREAM_CONNECTS, 1);
	struct conn *c = conn_adopt(w, fd, peer, up->to.port, up->to.app);
	if (c == NULL) {
		upstream_fail(w, up, REASON_CLIENTS_FULL, NULL, false);
		return;
	}
	addr_print(peer, host);
	snprintf(up->addr, sizeof up->addr,
	    strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, up->to.port);
	up->c = c;
	up->state = UP_HELLO;
	session_of(w, c)->up = up;
	conn_row_agent(c, up->to.hop, strlen(up->to.hop));
}

static void
refuse_host(struct worker *w, struct upstream *up)
{
	char text[IPC_TEXT_MAX];
	ways_advise(span_of(up->to.host), up->to.port, text);
	upstream_fail(w, up, REASON_EXPLICIT_HOST, text, true);
}

static void
resolved(struct worker *w, void *ctx, const struct addr *addrs, unsigned n,
    const char *error)
{
	struct upstream *up = ctx;
	struct addr good[RESOLVE_ADDRS];
	if (n == 0) {
		upstream_fail(w, up, REASON_UPSTREAM_LOST, error, false);
		return;
	}
	if (up->to.judge) {
		n = ways_judge(up->to.vhost, span_of(up->to.host), up->to.port,
		    addrs, n < RESOLVE_ADDRS ? n : RESOLVE_ADDRS, good);
		addrs = good;
	}
	if (n == 0) {
		refuse_host(w, up);
		return;
	}
	if (ways_ours(w, addrs, n, up->to.port)) {
		upstream_fail(w, up,
		    up->to.direct ? REASON_LOOP : REASON_NO_ROUTE, NULL, true);
		return;
	}
	unsigned ms = patience_ms(up);
	up->state = UP_DIAL;
	dial_start(w, &up->dial, addrs, n, up->to.port,
	    up->to.vhost->local_address,
	    up->to.again && ms > UP_AGAIN_MS ? UP_AGAIN_MS : ms, dialled, up);
}

static struct upstream *
new_upstream(struct worker *w, const struct up_target *to)
{
	size_t size = sizeof(struct upstream) + to->app_name.len + to->url.len +
		      to->args.len;
	struct upstream *up = calloc(1, size);
	if (up == NULL)
		return NULL;
	up->size = size;
	up->to = *to;
	memcpy(up->text, to->app_name.p, to->app_name.len);
	memcpy(up->text + to->app_name.len, to->url.p, to->url.len);
	up->to.app_name.p = up->text;
	up->to.url.p = up->text + to->app_name.len;
	up->to.args.p = up->to.url.p + to->url.len;
	if (to->args.len > 0)
		memcpy(up->text + to->app_name.len + to->url.len, to->args.p,
		    to->args.len);
	if (to->client != NULL && !to->judge)
		snprintf(up->client, sizeof up->client, "%s", to->client);
	up->to.client = up->client;
	up->state = UP_RESOLVE;
	TAILQ_INIT(&up->legs);
	TAILQ_INIT(&up->opening);
	TAILQ_INIT(&up->creating);
	TAILQ_INSERT_TAIL(&w->upstreams->all, up, next);
	set_deadline(w, up);
	resolve_start(w, &up->resolve, up->to.host, resolved, up);
	return up;
}

/* Is `up` a connection on which names for `to` may wait? */
static bool
serves(const struct upstream *up, const struct up_target *to)
{
	return up->keeper == NULL && !up->own && !up->full && !up->failing &&
	       !up->probe && up->to.app == to->app &&
	       strcmp(up->to.hop, to->hop) == 0 &&
	       span_equal(up->to.app_name, to->app_name) &&
	       span_equal(up->to.url, to->url) &&
	       (up->c == NULL || conn_alive(up->c)) &&
	       (up->sluice || up->state != UP_READY ||
		   up->nlegs < UP_LEGS_OTHER);
}

int
leg_open(
    struct worker *w, struct leg *l, const struct up_target *to, bool alone)
{
	struct upstream *up = NULL;
	if (!alone)
		TAILQ_FOREACH (up, &w->upstreams->all, next)
			if (serves(up, to))
				break;
	if (up == NULL)
		up = new_upstream(w, to);
	if (up == NULL)
		return -ENOMEM;
	up->own |= alone;
	l->up = up;
	l->ns = NULL;
	l->said = (struct span){ "", 0 };
	l->viewers_told = false;
	leg_set_state(l, LEG_OPENING);
	TAILQ_INSERT_TAIL(&up->legs, l, next);
	up->nlegs++;
	upstream_ask(w, up);
	return 0;
}

struct upstream *
upstream_keep(struct worker *w, const struct up_target *to,
    const struct up_keeper *keeper, void *owner)
{
	struct upstream *up = new_upstream(w, to);
	if (up == NULL)
		return NULL;
	up->keeper = keeper;
	up->owner = owner;
	return up;
}

void
upstream_release(struct worker *w, struct upstream *up)
{
	up->keeper = NULL;
	end_idle(w, up);
}

void
upstream_probe(struct worker *w, const struct up_target *to)
{
	struct upstream *up = new_upstream(w, to);
	if (up != NULL)
		up->probe = true;
}

/* On the connection ------------------------------------------------------- */

void
upstream_greeted(struct worker *w, struct conn *c)
{
	struct upstream *up = session_of(w, c)->up;
	char node[NODE_TEXT];
	struct writer wr;
	if (!up->to.direct)
		hops_alive(w, up->to.hop);
	if (up->probe) {
		up->failing = true;
		conn_close(w, c, REASON_UPSTREAM_IDLE);
		return;
	}
	if (!conn_write(w, c, SESSION_REPLY + up->to.args.len, &wr))
		return;
	node_print(w, node);
	wire_set_chunk_size(&wr, WIRE_CHUNK);
	up->state = UP_CONNECT;
	set_deadline(w, up);
	if (up->to.own_connect) {
		conn_write_end(w, c, &wr);
		up->keeper->greeted(w, up);
		return;
	}
	struct cmd_connect cc = { .txn = ++up->txn,
		.app = up->to.app_name,
		.tc_url = up->to.url,
		.flash_ver = span_of("LNX 9,0,124,2"),
		.capabilities = 239,
		.audio_codecs = 3575,
		.video_codecs = 252,
		.video_function = 1,
		.caps_ex = CMD_CAPS_MULTITRACK | CMD_CAPS_MODEX | CMD_CAPS_NANO,
		.node = span_of(node),
		.tree = up->keeper != NULL ? 1 : 0,
		.client = span_of(up->client) };
	reader_init(&cc.args, up->to.args.p, up->to.args.len);
	cmd_write_connect(&wr, UP_CHUNK, &cc);
	conn_write_end(w, c, &wr);
}

void
upstream_ready(struct worker *w, struct upstream *up)
{
	up->state = UP_READY;
	up->deadline = (struct mono){ 0 };
	/* the others go elsewhere; for their owner it is a failure */
	while (!up->sluice && up->nlegs > UP_LEGS_OTHER)
		leg_failed(w, TAILQ_LAST(&up->legs, leg_list),
		    REASON_STREAM_LIMIT, NULL, false);
	upstream_ask(w, up);
}

/* Time -------------------------------------------------------------------- */

/* A peer of ours that is silent is asked whether it lives. */
static void
check_life(struct worker *w, struct upstream *up)
{
	struct writer wr;
	uint64_t silent = mono_ms_since(up->c->heard, w->now);
	/* slow it may be, as far as its buffer says: StallTime judges that */
	if (up->to.direct && up->c->blocked)
		up->slow = w->now;
	bool slow =
	    up->slow.ns != 0 && mono_ms_since(up->slow, w->now) < UP_DEAD_MS;
	if (silent >= UP_DEAD_MS && !slow) {
		upstream_fail(w, up, REASON_UPSTREAM_TIMEOUT, NULL, false);
	} else if (silent >= UP_PING_MS && !up->c->blocked &&
		   mono_ms_since(up->pinged, w->now) >= UP_PING_MS &&
		   conn_write(w, up->c, 32, &wr)) {
		wire_user_control(
		    &wr, WIRE_PING_REQUEST, (uint32_t)(w->now.ns / NS_PER_MS));
		conn_write_end(w, up->c, &wr);
		up->pinged = w->now;
	}
	worker_wake_at(w, mono_add_ms(w->now, UP_PING_MS / 2));
}

/* Hops that were down: do they answer again? */
static void
probe_hops(struct worker *w)
{
	struct up_target to = { .vhost = conf_vhost(w->conf, 0),
		.app = conf_app(w->conf, 0),
		.app_name = span_of(""),
		.url = span_of("") };
	while (hops_next_probe(w, to.hop)) {
		const char *colon = strrchr(to.hop, ':');
		const char *host = to.hop;
		size_t n = colon != NULL ? (size_t)(colon - host) : 0;
		if (n > 2 && host[0] == '[') {
			host++;
			n -= 2;
		}
		if (n == 0 || n >= sizeof to.host)
			continue;
		snprintf(to.host, sizeof to.host, "%.*s", (int)n, host);
		to.port = (uint16_t)atoi(colon + 1);
		upstream_probe(w, &to);
	}
}

/* Others may be gone after it: returns where to go on. */
static struct upstream *
fail_late(struct worker *w, struct upstream *up)
{
	upstream_fail(w, up, REASON_UPSTREAM_TIMEOUT, NULL, false);
	return TAILQ_FIRST(&w->upstreams->all);
}

void
upstreams_tick(struct worker *w)
{
	struct upstreams *us = w->upstreams;
	struct upstream *up, *after;
	if (mono_ms_since(us->tick, w->now) < TICK_UP_MS)
		return;
	us->tick = w->now;
	probe_hops(w);
	for (up = TAILQ_FIRST(&us->all); up != NULL; up = after) {
		after = TAILQ_NEXT(up, next);
		if (up->failing)
			continue;
		/* what fails may take others of the list with it */
		if (up->deadline.ns != 0 && !mono_before(w->now, up->deadline))
			after = fail_late(w, up);
		else if (up->deadline.ns != 0)
			worker_wake_at(w, up->deadline);
		else if (up->sluice)
			check_life(w, up);
	}
}
