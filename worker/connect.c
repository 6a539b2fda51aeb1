#include "config.h"

#include <string.h>

#include "common/cidr.h"
#include "worker/connect.h"
#include "worker/door.h"
#include "worker/hook.h"
#include "worker/node.h"
#include "worker/sessions.h"
#include "worker/tree.h"
#include "worker/welcome.h"

bool
connect_set(struct worker *w, struct conn *c, const struct entrance *e)
{
	struct session *s = session_of(w, c);
	conn_set_app(c, e->app);
	s->partial |= e->partial;
	struct span url = e->vhost->mode == CONF_MODE_REMOTE
			      ? e->url
			      : (struct span){ NULL, 0 };
	return session_set_prefix(
		   w, s, (struct span){ e->prefix, e->prefix_len }) &&
	       session_set_url(w, s, url);
}

static bool
is_trusted(const struct conf_vhost *v, const struct conn *c)
{
	return cidr_list_has(
	    v->trusted_edges, &c->peer, addr_is_loopback(&c->peer));
}

/*
 * The same of any virtual host: the address of a connection that carries clients is that
 * of the first of them, which may name what it wants; each is judged by its own.
 */
static bool
may_carry(const struct worker *w, const struct conn *c)
{
	for (uint32_t i = 0; i < w->conf->nvhosts; i++)
		if (is_trusted(conf_vhost(w->conf, i), c))
			return true;
	return false;
}

/* A server of ours that will carry clients over this connection, of any application. */
static enum reason
carry(struct worker *w, struct conn *c, const struct cmd_connect *cc,
    const struct conf_vhost *v)
{
	char prefix[CONF_NAME + 2];
	size_t n = strlen(v->name);
	memcpy(prefix, v->name, n);
	prefix[n] = prefix[n + 1] = '\0';
	if (!session_set_prefix(
		w, session_of(w, c), (struct span){ prefix, n + 2 }) ||
	    !tree_begin(w, c))
		return REASON_INPUT_MEMORY;
	welcome_accept(w, c, cc);
	return REASON_NONE;
}

/* Let it in, or ask whether it is let in. */
static enum reason
admit(struct worker *w, struct conn *c, const struct guest_connect *k,
    const struct cmd_connect *cc, const struct entrance *e)
{
	struct session *s = session_of(w, c);
	/* an edge that is trusted has asked about its clients; this is media */
	if (!door_asks(e) || s->trusted) {
		welcome_accept(w, c, cc);
		return REASON_NONE;
	}
	s->guest = guest_new(w, c, NULL, 0, k, cc, e);
	if (s->guest == NULL)
		return REASON_INPUT_MEMORY;
	if (e->partial) {
		/* where to is known when a stream is asked for */
		s->guest->answered = true;
		welcome_accept(w, c, cc);
		return REASON_NONE;
	}
	conn_pause(c);
	door_ask(w, s->guest);
	return REASON_NONE;
}

static enum reason
enter(struct worker *w, struct conn *c, const struct guest_connect *k,
    const struct cmd_connect *cc, struct entrance *e)
{
	struct session *s = session_of(w, c);
	struct span query;
	enum reason why = entrance_find(w->conf, cc, e);
	conn_set_app(c, e->app);
	s->amf3 = cc->object_encoding == 3;
	s->edge = cc->node.len > 0;
	/* before it says for whom it speaks */
	s->trusted = s->edge && is_trusted(e->vhost, c);
	if (s->edge && cc->tree != 0 && may_carry(w, c))
		return carry(w, c, cc, e->vhost);
	if (cc->tree != 0)
		why = REASON_EDGE_TRUST; /* it does without */
	if (why == REASON_NONE)
		why = node_check_via(w, cc->via, cc->hops);
	query = (struct span){ e->query, e->query_len };
	if (why == REASON_NONE &&
	    (!connect_set(w, c, e) || !session_set_query(w, s, query)))
		why = REASON_APP_INVALID;
	if (why == REASON_NONE && cc->client.len > 0 && is_trusted(e->vhost, c))
		why = conn_claim(w, c, cc->client);
	if (why == REASON_NONE && !conn_sit(w, c))
		why = REASON_CONNECTIONS_FULL;
	if (why == REASON_NONE && !hook_client(w, c, cc, e->at.query))
		why = REASON_NO_MASTER;
	if (why == REASON_NONE)
		return admit(w, c, k, cc, e);
	welcome_reject(w, c, cc->txn, e->vhost, why, e->words);
	return why;
}

enum reason
connect_message(struct worker *w, struct conn *c, const struct guest_connect *k)
{
	struct session *s = session_of(w, c);
	struct cmd_connect cc;
	struct entrance e;
	if (s->connected)
		return REASON_COMMAND_ORDER;
	if (cmd_parse_connect(k->cmd, &cc) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	if (c->refuse != REASON_NONE) {
		(void)entrance_find(w->conf, &cc, &e);
		welcome_reject(w, c, cc.txn, e.vhost, c->refuse, "");
		return c->refuse;
	}
	enum reason why = enter(w, c, k, &cc, &e);
	explicit_bzero(e.query, sizeof e.query);
	return why;
}

void
connect_end(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	struct guest *g = s->guest;
	tree_end(w, c);
	if (g == NULL)
		return;
	s->guest = NULL;
	door_leave(w, g);
	guest_free(w, g, c->reason);
}
