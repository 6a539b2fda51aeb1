#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cidr.h"
#include "common/log.h"
#include "rtmp/tree.h"
#include "rtmp/wire.h"
#include "worker/door.h"
#include "worker/node.h"
#include "worker/sessions.h"
#include "worker/tree.h"
#include "worker/upstream.h"

/*
 * An edge is asked for a sign of life: it asks us itself only while it hears nothing,
 * and may hear much and have nothing to say.  One of which nothing is read for a while
 * hears at least that, or it would give us up.
 */
enum { PING_MS = UP_PING_MS, SILENT_MS = 15000 };

struct tree {
	struct conn *c;
	struct guest_table guests;
	struct mono pinged;
	struct mono unread; /* it was paused then: silence counts from there */
	TAILQ_ENTRY(tree) next;
};

struct trees {
	TAILQ_HEAD(, tree) all;
};

int
trees_init(struct worker *w)
{
	w->trees = calloc(1, sizeof *w->trees);
	if (w->trees == NULL)
		return -ENOMEM;
	TAILQ_INIT(&w->trees->all);
	return 0;
}

void
trees_fini(struct worker *w)
{
	struct tree *t;
	while ((t = TAILQ_FIRST(&w->trees->all)) != NULL) {
		TAILQ_REMOVE(&w->trees->all, t, next);
		free(t);
	}
	free(w->trees);
	w->trees = NULL;
}

bool
tree_begin(struct worker *w, struct conn *c)
{
	struct tree *t = calloc(1, sizeof *t);
	if (t == NULL)
		return false;
	t->c = c;
	TAILQ_INSERT_TAIL(&w->trees->all, t, next);
	session_of(w, c)->tree = t;
	c->bulk = true;
	conn_no_deadline(c);
	conn_row_role(c, ROW_EDGE);
	return true;
}

static struct guest *
find_guest(struct tree *t, uint32_t msid)
{
	struct guest *g;
	LIST_FOREACH (g, guest_bucket(&t->guests, msid), next_below)
		if (g->below == msid)
			return g;
	return NULL;
}

void
tree_drop(struct worker *w, struct guest *g)
{
	(void)w;
	if (g->tree == NULL)
		return;
	LIST_REMOVE(g, next_below);
	g->tree->guests.n--;
}

static void
end_guest(struct worker *w, struct guest *g, enum reason why)
{
	tree_drop(w, g);
	door_leave(w, g);
	guest_free(w, g, why);
}

void
tree_kick(struct worker *w, struct guest *g)
{
	guest_close(w, g, REASON_KICKED);
	end_guest(w, g, REASON_KICKED);
}

void
tree_end(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	struct tree *t = s->tree;
	struct guest *g;
	if (t == NULL)
		return;
	s->tree = NULL;
	for (unsigned i = 0; i < GUEST_BUCKETS; i++)
		while ((g = LIST_FIRST(&t->guests.bucket[i])) != NULL)
			end_guest(w, g, REASON_EDGE_LOST);
	TAILQ_REMOVE(&w->trees->all, t, next);
	free(t);
}

/* Somebody comes ------------------------------------------------------------ */

/* May clients of virtual host v come through this edge, from that address? */
static enum reason
judge(struct worker *w, const struct tree *t, const struct conf_vhost *v,
    const struct cmd_connect *cc)
{
	char text[64];
	struct addr a;
	if (!cidr_list_has(
		v->trusted_edges, &t->c->peer, addr_is_loopback(&t->c->peer)))
		return REASON_EDGE_TRUST;
	size_t n = cc->client.len < sizeof text ? cc->client.len : 0;
	snprintf(text, sizeof text, "%.*s", (int)n, cc->client.p);
	if (addr_parse_peer(text, &a) != 0)
		return REASON_COMMAND_INVALID;
	enum reason why = conn_judge(w, &a);
	return why == REASON_NONE ? node_check_via(w, cc->via, cc->hops) : why;
}

static enum reason
arrive(struct worker *w, struct tree *t, uint32_t msid,
    const struct guest_connect *k)
{
	struct cmd_connect cc;
	struct entrance e;
	if (find_guest(t, msid) != NULL)
		return REASON_COMMAND_ORDER;
	if (cmd_parse_connect(k->cmd, &cc) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	enum reason why = entrance_find(w->conf, &cc, &e);
	if (why == REASON_NONE && e.partial)
		why = REASON_EXPLICIT_INVALID;
	if (why == REASON_NONE)
		why = judge(w, t, e.vhost, &cc);
	struct guest *g = guest_new(w, t->c, t, msid, k, &cc, &e);
	explicit_bzero(e.query, sizeof e.query);
	if (g == NULL) {
		struct guest none = { .c = t->c,
			.tree = t,
			.below = msid,
			.txn = cc.txn,
			.vhost = e.vhost };
		guest_refuse(
		    w, &none, (struct span){ "", 0 }, REASON_GUESTS_FULL, "");
		return REASON_NONE;
	}
	if (why != REASON_NONE) {
		guest_refuse(w, g, (struct span){ "", 0 }, why, e.words);
		guest_free(w, g, why);
		return REASON_NONE;
	}
	LIST_INSERT_HEAD(guest_bucket(&t->guests, msid), g, next_below);
	t->guests.n++;
	door_ask(w, g);
	return REASON_NONE;
}

enum reason
tree_message(struct worker *w, struct conn *c, const struct cmd *cmd,
    uint8_t type, uint32_t msid, const uint8_t *p, size_t n)
{
	struct tree *t = session_of(w, c)->tree;
	struct guest_connect k = { cmd, type, p, n };
	struct guest *g;
	uint32_t gone;
	if (msid == 0) {
		if (tree_parse_gone(cmd, &gone) &&
		    (g = find_guest(t, gone)) != NULL)
			end_guest(w, g, REASON_PEER_CLOSED);
		return REASON_NONE;
	}
	if (cmd->id == CMD_CONNECT)
		return arrive(w, t, msid, &k);
	g = find_guest(t, msid);
	/* it may have been disconnected while this was on its way */
	if (g == NULL)
		return REASON_NONE;
	bool answer = cmd->id == CMD_RESULT || cmd->id == CMD_ERROR;
	if (g->state == GUEST_IN)
		door_call(w, g, cmd, type, p, n);
	else if (cmd->txn != 0 && !answer)
		/* its edge let it in by what was said of others before */
		guest_call_failed(w, g, cmd->txn, "NetConnection.Call.Failed",
		    "the server above has not let the client in yet");
	return REASON_NONE;
}

static void
check_life(struct worker *w, struct tree *t)
{
	struct conn *c = t->c;
	struct writer wr;
	if (c->paused)
		t->unread = w->now;
	struct mono since =
	    mono_before(c->heard, t->unread) ? t->unread : c->heard;
	uint64_t silent = mono_ms_since(since, w->now);
	if (silent >= SILENT_MS) {
		conn_abort(w, c, REASON_EDGE_LOST);
	} else if ((silent >= PING_MS || c->paused) &&
		   mono_ms_since(t->pinged, w->now) >= PING_MS &&
		   conn_write(w, c, 32, &wr)) {
		wire_user_control(
		    &wr, WIRE_PING_REQUEST, (uint32_t)(w->now.ns / NS_PER_MS));
		conn_write_end(w, c, &wr);
		t->pinged = w->now;
	}
}

void
trees_tick(struct worker *w)
{
	struct tree *t;
	TAILQ_FOREACH (t, &w->trees->all, next)
		if (conn_alive(t->c))
			check_life(w, t);
}
