#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/siphash.h"
#include "rtmp/tree.h"
#include "rtmp/wire.h"
#include "worker/node.h"
#include "worker/tree.h"
#include "worker/uplinks.h"
#include "worker/ways.h"

static uint64_t
prefix_hash(const struct uplink *ul, const struct guest *g)
{
	return siphash(ul->hash_key, g->prefix.p, g->prefix.len);
}

bool
uplink_trusts(const struct uplink *ul, const struct guest *g)
{
	uint64_t h = prefix_hash(ul, g);
	for (unsigned i = 0; i < ul->ntold; i++)
		if (ul->told[i] == h)
			return true;
	return false;
}

static void
note_told(struct uplink *ul, const struct guest *g, bool informed)
{
	uint64_t h = prefix_hash(ul, g);
	for (unsigned i = 0; i < ul->ntold; i++) {
		if (ul->told[i] != h)
			continue;
		if (!informed)
			ul->told[i] = ul->told[--ul->ntold];
		return;
	}
	if (!informed)
		return;
	if (ul->ntold == TOLD_MAX) /* the oldest makes room */
		memmove(
		    ul->told, ul->told + 1, --ul->ntold * sizeof ul->told[0]);
	ul->told[ul->ntold++] = h;
}

/* What goes up --------------------------------------------------------------- */

/* Bytes that wait to be sent there. */
uint32_t
uplink_waiting(const struct uplink *ul)
{
	const struct conn *c = ul->up != NULL ? ul->up->c : NULL;
	return c != NULL ? c->out.len - c->out.off : 0;
}

bool
uplink_ready(const struct uplink *ul)
{
	return ul->state == UPLINK_TREE && ul->up != NULL &&
	       ul->up->state == UP_READY && ul->up->c != NULL &&
	       conn_alive(ul->up->c);
}

static void
send_up(struct worker *w, struct uplink *ul, uint32_t msid, uint8_t type,
    const uint8_t *p, size_t n)
{
	struct writer wr;
	if (!conn_write(w, ul->up->c, n + n / WIRE_CHUNK + 32, &wr))
		return;
	wire_write(&wr, WIRE_CSID_COMMAND, type, msid, 0, p, n, WIRE_CHUNK);
	conn_write_end(w, ul->up->c, &wr);
}

/* What the next server shall see, other than the client has said. */
static void
replacements(struct worker *w, const struct guest *g, bool alone,
    char via[IPC_VIA_MAX + 1], char app[IPC_KEY_MAX], struct tree_connect *t)
{
	if (g->is_explicit) {
		ways_app_name(g->prefix.p, (uint32_t)g->prefix.len, app);
		t->app = span_of(app);
		t->url = g->url;
	}
	/* servers of another make may have one of ours above them */
	t->via.p = via;
	t->via.len = node_extend_via(w, g->via, via);
	t->hops = g->hops + 1;
	if (!alone)
		t->client = span_of(g->addr);
}

/*
 * The same of g's connect; alone: to one of another make.  False: it became longer
 * than any server of ours takes, which would end the connection, with all clients.
 */
static bool
send_connect(struct worker *w, struct uplink *ul, struct guest *g, bool alone)
{
	uint8_t *buf = bufpool_get_new(&w->pool, SESSION_COMMAND_MAX);
	char via[IPC_VIA_MAX + 1], app[IPC_KEY_MAX];
	struct tree_connect t = { 0 };
	struct writer wr;
	struct cmd cmd;
	if (buf == NULL) {
		ul->full = true; /* in a while */
		return true;
	}
	replacements(w, g, alone, via, app, &t);
	writer_init(&wr, buf, SESSION_COMMAND_MAX);
	bool ok = cmd_parse(g->connect_type, (const uint8_t *)g->connect.p,
		      g->connect.len, &cmd) == AMF0_OK &&
		  tree_write_connect(&wr, &cmd, &t);
	if (ok)
		send_up(
		    w, ul, alone ? 0 : g->above, WIRE_COMMAND, wr.buf, wr.len);
	g->announced = ok;
	explicit_bzero(buf, wr.len);
	bufpool_put(&w->pool, buf, SESSION_COMMAND_MAX);
	return ok;
}

/* ul carries clients: tell it of g, who is dropped if that cannot be. */
void
uplink_announce(struct worker *w, struct uplink *ul, struct guest *g)
{
	if (!uplink_ready(ul) || g->announced)
		return;
	if (uplink_waiting(ul) > HIGH) {
		ul->full = true;
		return;
	}
	if (!send_connect(w, ul, g, false)) {
		uplink_drop(w, g, (struct span){ "", 0 },
		    REASON_COMMAND_INVALID,
		    "what is said with connect is too long");
		return;
	}
	if (g->state == GUEST_ASKED && uplink_trusts(ul, g))
		guest_accept(w, g, true);
}

void
uplink_announce_all(struct worker *w, struct uplink *ul)
{
	struct guest *g, *after;
	for (unsigned i = 0; i < GUEST_BUCKETS; i++)
		for (g = LIST_FIRST(&ul->guests.bucket[i]); g != NULL;
		     g = after) {
			after = LIST_NEXT(g, next_above);
			uplink_announce(w, ul, g);
		}
}

/* Too much waits to go up: nothing is read from g for a while. */
static void
hold(struct worker *w, struct uplink *ul, struct guest *g)
{
	ul->full = true;
	if (g->c->paused)
		return;
	if (ul->nheld == ul->held_cap) {
		unsigned cap = ul->held_cap > 0 ? 2 * ul->held_cap : 16;
		struct held *more = realloc(ul->held, cap * sizeof *more);
		if (more == NULL)
			return;
		ul->held = more;
		ul->held_cap = cap;
	}
	ul->held[ul->nheld++] = (struct held){ g->c->index, g->c->gen };
	conn_hold(w, g->c);
}

void
uplink_release_held(struct worker *w, struct uplink *ul)
{
	struct held *held = ul->held;
	unsigned n = ul->nheld;
	ul->held = NULL; /* they may be held again at once */
	ul->nheld = ul->held_cap = 0;
	for (unsigned i = 0; i < n; i++) {
		struct conn *c = conn_at(w, held[i].index, held[i].gen);
		if (c != NULL && c->paused)
			conn_resume(w, c);
	}
	free(held);
}

bool
uplink_call(struct worker *w, struct guest *g, uint8_t type, double txn,
    const uint8_t *p, size_t n)
{
	struct uplink *ul = g->up;
	if (ul == NULL || ul->state == UPLINK_PLAIN)
		return false;
	if (!uplink_ready(ul) || !g->announced) {
		if (txn != 0)
			guest_call_failed(w, g, txn,
			    "NetConnection.Call.Failed",
			    "the path to the server above is lost");
		return true;
	}
	if (uplink_waiting(ul) + n > MOST) {
		/* of many, each of whom may say one thing more */
		hold(w, ul, g);
		if (txn != 0)
			guest_call_failed(w, g, txn,
			    "NetConnection.Call.Failed",
			    "too much waits to go to the server above");
		return true;
	}
	if (!guest_called(w, g, txn)) {
		guest_call_failed(w, g, txn, "NetConnection.Call.Failed",
		    "too many calls await an answer");
		return true;
	}
	g->c->bulk = true; /* answers may come faster than it reads */
	send_up(w, ul, ul->single != NULL ? 0 : g->above, type, p, n);
	if (uplink_waiting(ul) > HIGH)
		hold(w, ul, g);
	return true;
}

static struct guest *
find_guest(struct uplink *ul, uint32_t msid)
{
	struct guest *g;
	if (ul->single != NULL)
		return ul->single;
	LIST_FOREACH (g, guest_bucket(&ul->guests, msid), next_above)
		if (g->above == msid)
			return g;
	return NULL;
}

/* The answer to connect of one of many. */
static void
answered(
    struct worker *w, struct uplink *ul, struct guest *g, const struct cmd *cmd)
{
	struct cmd_reply r;
	struct amf0_value v;
	if (cmd_parse_reply(cmd, &r) != AMF0_OK)
		return;
	if (cmd->id == CMD_ERROR) {
		note_told(ul, g, false);
		uplink_drop(
		    w, g, cmd_reply_info(&r), REASON_ORIGIN_REFUSED, "");
		return;
	}
	bool informed = amf0_find(&r.info, CMD_ASK, &v) &&
			v.type == AMF0_BOOLEAN && !v.boolean;
	note_told(ul, g, informed);
	g->tried = 0;
	if (!informed && g->tree == NULL && g->state == GUEST_ASKED) {
		/* as at the server that has judged: it may stay for its calls */
		session_of(w, g->c)->stays = true;
		conn_no_deadline(g->c);
	}
	guest_accept(w, g, informed);
}

/* The server above wants the client to go. */
static void
disconnect(struct worker *w, struct uplink *ul, struct guest *g)
{
	bool alone = ul->single == g;
	uplink_detach(w, g);
	tree_drop(w, g);
	guest_close(w, g, REASON_ORIGIN_CLOSED);
	if (g->tree != NULL)
		guest_free(w, g, REASON_ORIGIN_CLOSED);
	if (alone)
		uplink_free(w, ul);
}

enum reason
uplink_command(struct worker *w, struct upstream *up, const struct cmd *cmd,
    uint8_t type, uint32_t msid, const uint8_t *p, size_t n)
{
	struct uplink *ul = up->owner;
	struct guest *g = find_guest(ul, msid);
	bool reply = cmd->id == CMD_RESULT || cmd->id == CMD_ERROR;
	if (g == NULL || (msid != 0 && ul->single != NULL))
		return REASON_NONE; /* it has just gone */
	if (cmd->id == CMD_CLOSE) {
		disconnect(w, ul, g);
		return REASON_NONE;
	}
	if (reply && !guest_returned(g, cmd->txn)) {
		/* to connect, or to nothing */
		if (cmd->txn == g->txn && ul->single == NULL)
			answered(w, ul, g, cmd);
		return REASON_NONE;
	}
	if (cmd->id == CMD_ON_BW_DONE)
		return REASON_NONE; /* what the first server says itself */
	if (g->state == GUEST_IN)
		guest_send(w, g, type, p, n);
	return REASON_NONE;
}

void
uplink_connect_alone(struct worker *w, struct uplink *ul, struct guest *g)
{
	/* what is too long for it waits for nothing: its time-out ends that */
	(void)send_connect(w, ul, g, true);
}
