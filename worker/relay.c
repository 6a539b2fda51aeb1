#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/admit.h"
#include "worker/node.h"
#include "worker/publish.h"
#include "worker/push.h"
#include "worker/relay.h"

enum { SAID_MAX = 16384 };

struct relay {
	struct conn *c;
	struct netstream *ns;
	struct push *push;
	struct mono lost; /* no server has it since; 0: one does */
	bool live;	  /* granted */
	uint32_t saidlen;
	uint8_t *said;	       /* information object of the next server */
	uint32_t vialen, hops; /* it came through, before this server */
	char via[IPC_VIA_MAX];
};

static void
free_relay(struct relay *r)
{
	r->ns->relay = NULL;
	free(r->said);
	free(r);
}

/* What the client is told: what the server said, or our words. */
static void
tell(struct worker *w, struct conn *c, const struct netstream *ns,
    enum reason why, const char *text, struct span said)
{
	struct writer wr;
	if (said.len == 0 || said.len > SAID_MAX) {
		session_deny(w, c, ns, why, "NetStream.Publish.Denied", text);
		return;
	}
	if (!conn_write(w, c, said.len + 256, &wr))
		return;
	cmd_write_on_status_raw(
	    &wr, session_chunk(session_of(w, c)), ns->id, said);
	conn_write_end(w, c, &wr);
}

static void
refuse(struct worker *w, struct conn *c, struct netstream *ns, enum reason why,
    const char *text, struct span said)
{
	worker_count(w, COUNTER_REFUSED, 1);
	LOG(publish_refused, .client = c->id, .addr = c->row->addr,
	    .stream = netstream_name(ns), .reason = why, .text = text);
	tell(w, c, ns, why, text, said);
}

/* What the push tells ------------------------------------------------------ */

static void
on_accepted(struct worker *w, struct push *p, void *owner, struct span said)
{
	struct relay *r = owner;
	(void)p;
	r->lost = (struct mono){ 0 };
	if (r->live) {
		push_flow(w, r->push);
		return;
	}
	if (said.len > 0 && said.len <= SAID_MAX &&
	    (r->said = malloc(said.len)) != NULL) {
		memcpy(r->said, said.p, said.len);
		r->saidlen = (uint32_t)said.len;
	}
	publish_ask(
	    w, r->c, r->ns, (struct span){ r->via, r->vialen }, r->hops);
}

static void
on_lost(struct worker *w, struct push *p, void *owner, const struct push_why *y)
{
	struct relay *r = owner;
	(void)p;
	(void)y;
	r->lost = w->now;
}

/* Nobody takes it (any more): the client is told, and need not send. */
static void
give_up(struct worker *w, struct relay *r, enum reason why, const char *text,
    struct span said)
{
	struct conn *c = r->c;
	struct netstream *ns = r->ns;
	bool live = r->live, asked = ns->pub != NULL;
	push_free(w, r->push);
	free_relay(r);
	refuse(w, c, ns, why, text, said);
	if (live || asked)
		publish_stop(w, c, ns, why);
	ns->use = NS_IDLE;
	if (live) {
		conn_close(w, c, why);
		return;
	}
	session_idle(w, c);
	conn_resume(w, c);
}

static void
on_failed(
    struct worker *w, struct push *p, void *owner, const struct push_why *y)
{
	(void)p;
	give_up(w, owner, y->reason, y->text, y->said);
}

static const struct push_ops push_ops = {
	.accepted = on_accepted,
	.lost = on_lost,
	.failed = on_failed,
};

/* What the client and the master say --------------------------------------- */

static struct relay *
start(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_publish *p, enum reason *why)
{
	const struct session *s = session_of(w, c);
	struct span name = netstream_name(ns);
	char sent[IPC_KEY_MAX + 1024];
	int n = snprintf(sent, sizeof sent, "%.*s%s%.*s", (int)name.len, name.p,
	    s->shown.len > 0 ? "?" : "", (int)s->shown.len, s->shown.p);
	struct relay *r = calloc(1, sizeof *r);
	*why = r == NULL ? REASON_INPUT_MEMORY : REASON_QUERY_LIMIT;
	if (r == NULL || n >= (int)sizeof sent) {
		free(r);
		return NULL;
	}
	struct push_spec spec = { .key = { ns->key, ns->keylen },
		.url = s->url,
		.name = { sent, (size_t)n },
		.via = p->via,
		.hops = p->hops,
		.client = c->row->addr };
	r->c = c;
	r->ns = ns;
	r->hops = (uint32_t)p->hops;
	r->vialen = (uint32_t)p->via.len; /* checked */
	if (p->via.len > 0)
		memcpy(r->via, p->via.p, p->via.len);
	r->push = push_start(w, &spec, &push_ops, r, why);
	explicit_bzero(sent, sizeof sent);
	if (r->push != NULL)
		return r;
	free(r);
	return NULL;
}

void
relay_publish(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_publish *p)
{
	/* what went out from here does not come back, by any way */
	enum reason why = node_check_via(w, p->via, p->hops);
	if (why == REASON_NONE &&
	    conf_vhost(w->conf, c->app->vhost)->mode != CONF_MODE_REMOTE) {
		publish_ask(w, c, ns, p->via, (uint32_t)p->hops);
		return;
	}
	if (why == REASON_NONE)
		ns->relay = start(w, c, ns, p, &why);
	if (ns->relay != NULL) {
		conn_pause(c);
		return;
	}
	ns->use = NS_IDLE;
	refuse(w, c, ns, why, reason_text(why), (struct span){ "", 0 });
	session_idle(w, c);
}

void
relay_live(struct worker *w, struct conn *c, struct netstream *ns)
{
	struct relay *r = ns->relay;
	r->live = true;
	struct span said = { (const char *)r->said, r->saidlen };
	if (said.len > 0)
		tell(w, c, ns, REASON_NONE, "", said);
	else
		session_status(w, c, ns, "status", "NetStream.Publish.Start",
		    "", " is now published.");
	free(r->said);
	r->said = NULL;
	push_flow(w, r->push);
}

void
relay_end(struct worker *w, struct netstream *ns, bool goodbye)
{
	struct relay *r = ns->relay;
	if (r == NULL)
		return;
	push_end(w, r->push, goodbye || !r->live);
	free_relay(r);
}

void
relay_tick(struct worker *w, struct conn *c, struct netstream *ns)
{
	struct relay *r = ns->relay;
	if (r != NULL && r->live)
		push_viewers(w, r->push);
	if (r == NULL || r->lost.ns == 0 ||
	    mono_ms_since(r->lost, w->now) < (uint64_t)c->app->grace_ms)
		return;
	give_up(w, r, REASON_UPSTREAM_LOST,
	    "the path to the next server is lost", (struct span){ "", 0 });
}
