#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rtmp/wire.h"
#include "shm/directory.h"
#include "worker/guest.h"
#include "worker/hook.h"
#include "worker/sessions.h"
#include "worker/welcome.h"

/* Virtual clients have rows behind those of connections. */
struct guests {
	struct guest **seat; /* by row, or NULL */
	uint32_t *free;
	uint32_t size, high, nfree;
	size_t bytes; /* of all guests, virtual or not */
};

/*
 * Guests stay as long as their clients; so they are not of the pool, which is for what
 * passes by, but have as much again (InputMemory).
 */
static void *
take_bytes(struct worker *w, size_t n)
{
	struct guests *gs = w->guests;
	if (gs->bytes + n > (size_t)w->conf->input_bytes)
		return NULL;
	void *p = calloc(1, n);
	if (p != NULL)
		gs->bytes += n;
	return p;
}

static void
give_bytes(struct worker *w, void *p, size_t n)
{
	if (p == NULL)
		return;
	explicit_bzero(p, n); /* keys in tcUrl */
	free(p);
	w->guests->bytes -= n;
}

int
guests_init(struct worker *w)
{
	struct guests *gs = calloc(1, sizeof *gs);
	if (gs == NULL)
		return -ENOMEM;
	gs->size = w->arena.nrows - w->conns->size;
	gs->seat = calloc(gs->size + 1, sizeof *gs->seat);
	gs->free = calloc(gs->size + 1, sizeof *gs->free);
	w->guests = gs;
	if (gs->seat != NULL && gs->free != NULL)
		return 0;
	guests_fini(w);
	return -ENOMEM;
}

void
guests_fini(struct worker *w)
{
	free(w->guests->seat);
	free(w->guests->free);
	free(w->guests);
	w->guests = NULL;
}

/* A row for a virtual client; false: there are too many. */
static bool
take_seat(struct worker *w, struct guest *g)
{
	struct guests *gs = w->guests;
	if (gs->nfree > 0)
		g->seat = gs->free[--gs->nfree];
	else if (gs->high < gs->size)
		g->seat = gs->high++;
	else
		return false;
	gs->seat[g->seat] = g;
	g->row = arena_row(&w->arena, w->self, w->conns->size + g->seat);
	return true;
}

static void
leave_seat(struct worker *w, struct guest *g)
{
	struct guests *gs = w->guests;
	if (g->row == NULL)
		return;
	atomic_store_explicit(&g->row->role, ROW_FREE, memory_order_relaxed);
	gs->seat[g->seat] = NULL;
	gs->free[gs->nfree++] = g->seat;
	g->row = NULL;
}

static void
fill_row(struct guest *g, struct span agent)
{
	struct client_row *r = g->row;
	atomic_store_explicit(&r->edge, g->c->id, memory_order_relaxed);
	row_start(r, g->addr, g->id, g->since.ns, ROW_VIRTUAL);
	row_set_key(r, g->prefix.p, g->prefix.len);
	row_set_agent(r, agent.p, agent.len);
}

/* Life --------------------------------------------------------------------- */

static void
put(struct guest *g, size_t *at, struct span *to, struct span from)
{
	if (from.len > 0)
		memcpy(g->text + *at, from.p, from.len);
	*to = (struct span){ g->text + *at, from.len };
	*at += from.len;
}

/* Copies of all texts, in one piece.  False: no memory. */
static bool
keep_texts(struct worker *w, struct guest *g, struct span connect,
    struct span url, struct span prefix, struct span via)
{
	size_t size = connect.len + url.len + prefix.len + via.len, at = 0;
	char *old = g->text;
	size_t old_size = g->size;
	g->text = take_bytes(w, size);
	if (g->text == NULL) {
		g->text = old;
		return false;
	}
	g->size = size;
	put(g, &at, &g->connect, connect);
	put(g, &at, &g->url, url);
	put(g, &at, &g->prefix, prefix);
	put(g, &at, &g->via, via);
	give_bytes(w, old, old_size);
	return true;
}

/* Whose address it is. */
static void
set_address(struct guest *g, const struct cmd_connect *cc)
{
	struct addr a;
	if (g->tree == NULL) {
		snprintf(g->addr, sizeof g->addr, "%s", g->c->row->addr);
		return;
	}
	size_t n = cc->client.len < sizeof g->addr ? cc->client.len : 0;
	snprintf(g->addr, sizeof g->addr, "%.*s", (int)n, cc->client.p);
	if (addr_parse_peer(g->addr, &a) != 0)
		g->addr[0] = '\0';
}

struct guest *
guest_new(struct worker *w, struct conn *c, struct tree *tree, uint32_t below,
    const struct guest_connect *k, const struct cmd_connect *cc,
    const struct entrance *e)
{
	struct guest *g = take_bytes(w, sizeof *g);
	if (g == NULL)
		return NULL;
	g->c = c;
	g->tree = tree;
	g->below = below;
	g->id = tree != NULL ? conn_next_id(w) : c->id;
	g->vhost = e->vhost;
	g->app = e->app;
	g->is_explicit = e->is_explicit;
	g->txn = k->cmd->txn;
	g->connect_type = k->type;
	g->hops = cc->hops;
	g->since = w->now;
	set_address(g, cc);
	if (!keep_texts(w, g, (struct span){ (const char *)k->p, k->n }, e->url,
		(struct span){ e->prefix, e->prefix_len }, cc->via) ||
	    (tree != NULL && !take_seat(w, g))) {
		give_bytes(w, g->text, g->size);
		give_bytes(w, g, sizeof *g);
		return NULL;
	}
	if (g->row != NULL)
		fill_row(g, cc->flash_ver);
	return g;
}

bool
guest_bind(struct worker *w, struct guest *g, const struct entrance *e)
{
	g->app = e->app;
	return keep_texts(w, g, g->connect, e->url,
	    (struct span){ e->prefix, e->prefix_len }, g->via);
}

static void
drop_later(struct worker *w, struct guest *g)
{
	if (g->later == NULL)
		return;
	explicit_bzero(g->later, g->later_len);
	bufpool_put(&w->pool, g->later, g->later_len);
	g->later = NULL;
}

void
guest_free(struct worker *w, struct guest *g, enum reason why)
{
	if (g->tree != NULL && g->answered)
		LOG(client_close, .client = g->id, .addr = g->addr,
		    .reason = why, .text = reason_text(why),
		    .seconds = (double)mono_ms_since(g->since, w->now) / 1000,
		    .edge = { true, (int64_t)g->c->id });
	hook_guest_gone(w, g);
	leave_seat(w, g);
	drop_later(w, g);
	give_bytes(w, g->text, g->size);
	if (g->calls != NULL)
		bufpool_put(
		    &w->pool, g->calls, g->calls_cap * sizeof *g->calls);
	give_bytes(w, g, sizeof *g);
}

struct guest *
guest_by_id(struct worker *w, uint64_t id)
{
	struct guests *gs = w->guests;
	for (uint32_t i = 0; i < gs->high; i++)
		if (gs->seat[i] != NULL && gs->seat[i]->id == id)
			return gs->seat[i];
	return NULL;
}

/* What it is told ----------------------------------------------------------- */

void
guest_send(
    struct worker *w, struct guest *g, uint8_t type, const uint8_t *p, size_t n)
{
	struct writer wr;
	/* an edge ends a connection, with all its clients, for a longer one */
	if (g->tree != NULL && n > SESSION_COMMAND_MAX)
		return;
	/* a header for each chunk but the first is one byte */
	if (!conn_write(w, g->c, n + n / WIRE_CHUNK + 32, &wr))
		return;
	wire_write(&wr, WIRE_CSID_COMMAND, type, g->below, 0, p, n, WIRE_CHUNK);
	conn_write_end(w, g->c, &wr);
}

/* The same of a message that was written whole, for message stream 0. */
static void
send_built(struct worker *w, struct guest *g, const struct writer *built)
{
	struct wire_msg m;
	if (!writer_ok(built) ||
	    wire_parse(built->buf, built->len, &m) != WIRE_OK)
		return;
	size_t head = wire_head0_size(0);
	guest_send(w, g, m.type, built->buf + head, built->len - head);
}

/* Unchunked: the payload stays in one piece. */
enum { WHOLE = 0x3fffffff };

static uint32_t
whole(const struct guest *g)
{
	bool amf3 = g->connect_type == WIRE_COMMAND_AMF3;
	return (uint32_t)WHOLE | (amf3 ? (uint32_t)CMD_AMF3 : 0);
}

static void
log_virtual(struct worker *w, const struct guest *g, struct span agent)
{
	struct span part[3];
	for (unsigned i = 0; i < 3; i++)
		part[i].p = directory_key_part(
		    g->prefix.p, g->prefix.len, i, &part[i].len);
	LOG(client_connect, .client = g->id, .addr = g->addr, .vhost = part[0],
	    .app = part[1], .instance = part[2], .agent = agent,
	    .worker = w->self, .edge = { true, (int64_t)g->c->id });
}

static void
accept_virtual(struct worker *w, struct guest *g, const struct cmd_connect *cc,
    bool informed)
{
	struct cmd_connect_result r;
	char node[17];
	uint8_t buf[SESSION_REPLY];
	struct writer wr;
	writer_init(&wr, buf, sizeof buf);
	welcome_result(w, cc, false, node, &r);
	r.informed = informed;
	cmd_write_connect_result(&wr, WHOLE, &r);
	send_built(w, g, &wr);
	log_virtual(w, g, cc->flash_ver);
}

/* A command had to wait: it comes now. */
static void
go_on(struct worker *w, struct guest *g)
{
	struct conn *c = g->c;
	uint8_t *p = g->later;
	uint32_t n = g->later_len;
	g->later = NULL;
	if (p != NULL) {
		enum reason why = REASON_NONE;
		if (conn_alive(c))
			why = w->sessions->ops->again(
			    w, c, g->later_type, g->later_msid, p, n);
		explicit_bzero(p, n);
		bufpool_put(&w->pool, p, n);
		if (why != REASON_NONE)
			conn_close(w, c, why);
	}
	conn_resume(w, c);
}

void
guest_accept(struct worker *w, struct guest *g, bool informed)
{
	struct cmd_connect cc;
	struct cmd cmd;
	bool first = !g->answered;
	if (g->state == GUEST_IN)
		return;
	g->state = GUEST_IN;
	g->answered = true;
	if (first &&
	    cmd_parse(g->connect_type, (const uint8_t *)g->connect.p,
		g->connect.len, &cmd) == AMF0_OK &&
	    cmd_parse_connect(&cmd, &cc) == AMF0_OK) {
		cc.txn = g->txn;
		if (g->tree != NULL)
			accept_virtual(w, g, &cc, informed);
		else
			welcome_accept(w, g->c, &cc);
	}
	if (g->tree == NULL)
		go_on(w, g);
}

static void
refuse_virtual(struct worker *w, struct guest *g, struct span info,
    enum reason why, const char *words)
{
	size_t size = info.len + SESSION_REPLY;
	uint8_t *buf = bufpool_get_new(&w->pool, size);
	char text[320];
	struct writer wr;
	if (buf == NULL)
		return;
	writer_init(&wr, buf, size);
	welcome_words(g->vhost, why, words, text);
	if (info.len > 0)
		cmd_write_error_raw(&wr, WHOLE, g->txn, info);
	else
		cmd_write_error(&wr, WHOLE, g->txn, reason_status(why), text);
	send_built(w, g, &wr);
	bufpool_put(&w->pool, buf, size);
}

/* It was in, or its connect is answered: on the NetConnection, as a status. */
static void
tell_out(struct worker *w, struct guest *g, struct span info, enum reason why,
    const char *words)
{
	uint32_t chunk = session_chunk(session_of(w, g->c));
	struct writer wr;
	if (!conn_write(w, g->c, info.len + SESSION_REPLY, &wr))
		return;
	struct cmd_status st = { .level = "error",
		.code = reason_status(why),
		.description =
		    span_of(words[0] != '\0' ? words : reason_text(why)) };
	if (info.len > 0)
		cmd_write_on_status_raw(&wr, chunk, 0, info);
	else
		cmd_write_on_status(&wr, chunk, 0, &st);
	conn_write_end(w, g->c, &wr);
}

void
guest_refuse(struct worker *w, struct guest *g, struct span info,
    enum reason why, const char *words)
{
	/* of a virtual one that was let in already, it says that this is over */
	if (g->tree != NULL)
		refuse_virtual(w, g, info, why, words);
	else if (g->answered)
		tell_out(w, g, info, why, words);
	else if (info.len > 0)
		welcome_reject_raw(w, g->c, g->txn, info);
	else
		welcome_reject(w, g->c, g->txn, g->vhost, why, words);
	if (g->tree == NULL)
		conn_close(w, g->c, why);
}

void
guest_close(struct worker *w, struct guest *g, enum reason why)
{
	uint8_t buf[64];
	struct writer wr;
	if (g->tree == NULL) {
		session_end(w, g->c, why);
		return;
	}
	writer_init(&wr, buf, sizeof buf);
	cmd_write_close(&wr, WHOLE);
	send_built(w, g, &wr);
}

/* Calls --------------------------------------------------------------------- */

void
guest_call_failed(struct worker *w, struct guest *g, double txn,
    const char *code, const char *text)
{
	uint8_t buf[1024];
	struct writer wr;
	writer_init(&wr, buf, sizeof buf);
	cmd_write_error(&wr, whole(g), txn, code, text);
	send_built(w, g, &wr);
}

bool
guest_called(struct worker *w, struct guest *g, double txn)
{
	if (txn == 0)
		return true;
	if (g->ncalls == GUEST_CALLS_MAX)
		return false;
	if (g->ncalls == g->calls_cap) {
		uint32_t cap = g->calls_cap > 0 ? g->calls_cap * 4 : 16;
		double *more = bufpool_get_new(&w->pool, cap * sizeof *more);
		if (more == NULL)
			return false;
		if (g->calls != NULL) {
			memcpy(more, g->calls, g->ncalls * sizeof *more);
			bufpool_put(&w->pool, g->calls,
			    g->calls_cap * sizeof *g->calls);
		}
		g->calls = more;
		g->calls_cap = cap;
	}
	g->calls[g->ncalls++] = txn;
	return true;
}

bool
guest_returned(struct guest *g, double txn)
{
	for (uint32_t i = 0; i < g->ncalls; i++) {
		if (g->calls[i] != txn)
			continue;
		memmove(&g->calls[i], &g->calls[i + 1],
		    (g->ncalls - i - 1) * sizeof *g->calls);
		g->ncalls--;
		return true;
	}
	return false;
}

void
guest_calls_lost(struct worker *w, struct guest *g, const char *text)
{
	for (uint32_t i = 0; i < g->ncalls; i++)
		guest_call_failed(
		    w, g, g->calls[i], "NetConnection.Call.Failed", text);
	g->ncalls = 0;
}
