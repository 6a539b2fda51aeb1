#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/tree.h"
#include "rtmp/wire.h"
#include "t/unit/edges.h"

static uint8_t buf[65536];
static struct writer wr;

static void
put(struct client *c)
{
	ck_assert(writer_ok(&wr));
	client_put(c, wr.buf, wr.len);
}

void
edges_trusted(void)
{
	strcpy(conf_vhost(x->conf, 0)->trusted_edges, "all");
}

void
edges_remote(void)
{
	struct conf_vhost *v = conf_vhost(x->conf, 0);
	v->mode = CONF_MODE_REMOTE;
	v->anonymous = true;
	x->far = true;
}

void
edges_two_ways(void)
{
	conf_vhost(x->conf, 0)->nroutes = 2;
}

/* Edges below ------------------------------------------------------------------ */

static void
connect_as(struct client *c, const struct cmd_connect *k)
{
	client_shake(c);
	c->listens = true;
	writer_init(&wr, buf, sizeof buf);
	cmd_write_connect(&wr, c->chunk, k);
	put(c);
	client_set_chunk(c, 65536);
}

struct client *
edge_open(unsigned worker, const char *url)
{
	const struct cmd_connect k = { .txn = 1,
		.app = span_of(""),
		.tc_url = span_of(url),
		.node = span_of("00000000000000ed"),
		.tree = 1 };
	struct client *c = client_open(x, worker);
	ck_assert_ptr_nonnull(c);
	c->edge = true;
	connect_as(c, &k);
	go(c);
	return c;
}

struct client *
edge(unsigned worker)
{
	struct client *c = edge_open(worker, "rtmp://localhost/");
	struct cmd_reply r;
	struct amf0_value v;
	struct cmd cmd;
	ck_assert_ptr_nonnull(last(c, "_result", &cmd));
	ck_assert_int_eq(cmd_parse_reply(&cmd, &r), AMF0_OK);
	ck_assert(amf0_find(&r.info, CMD_TREE, &v) && v.number == 1);
	deaf(c);
	return c;
}

void
edge_connect(struct client *e, uint32_t msid, const struct edge_client *k)
{
	static const struct edge_client usual = { .txn = 0 };
	struct wire_mark mark;
	k = k != NULL ? k : &usual;
	writer_init(&wr, buf, sizeof buf);
	wire_begin(&wr, &mark, 3, WIRE_COMMAND, msid, 0);
	amf0_write_text(&wr, "connect");
	amf0_write_number(&wr, k->txn != 0 ? k->txn : 1);
	amf0_object_begin(&wr);
	amf0_prop_text(&wr, "app", k->app != NULL ? k->app : "live");
	amf0_prop_text(
	    &wr, "tcUrl", k->url != NULL ? k->url : "rtmp://localhost/live");
	amf0_prop_text(
	    &wr, CMD_CLIENT, k->addr != NULL ? k->addr : "198.51.100.1:4711");
	if (k->via != NULL) {
		amf0_prop_text(&wr, CMD_CLIENT_VIA, k->via);
		amf0_prop_number(&wr, CMD_CLIENT_HOPS, k->hops);
	}
	amf0_object_end(&wr);
	wire_end(&wr, &mark, e->chunk);
	put(e);
}

/* name, transaction, null. */
static void
say(struct client *c, uint32_t msid, const char *name, double txn)
{
	struct wire_mark mark;
	writer_init(&wr, buf, sizeof buf);
	wire_begin(&wr, &mark, 3, WIRE_COMMAND, msid, 0);
	amf0_write_text(&wr, name);
	amf0_write_number(&wr, txn);
	amf0_write_null(&wr);
	wire_end(&wr, &mark, c->chunk);
	put(c);
}

void
edge_call(struct client *e, uint32_t msid, const char *name, double txn)
{
	say(e, msid, name, txn);
}

void
edge_gone(struct client *e, double msid)
{
	struct wire_mark mark;
	writer_init(&wr, buf, sizeof buf);
	wire_begin(&wr, &mark, 3, WIRE_COMMAND, 0, 0);
	amf0_write_text(&wr, TREE_GONE);
	amf0_write_number(&wr, 0);
	amf0_write_null(&wr);
	amf0_write_number(&wr, msid);
	wire_end(&wr, &mark, e->chunk);
	put(e);
}

struct client *
client_at(unsigned worker, const char *url)
{
	const struct cmd_connect k = { .txn = 1,
		.app = span_of("live"),
		.tc_url = span_of(url != NULL ? url : "rtmp://localhost/live"),
		.flash_ver = span_of("FMLE/3.0") };
	struct client *c = client_open(x, worker);
	ck_assert_ptr_nonnull(c);
	connect_as(c, &k);
	go(c);
	return c;
}

/* Servers above ---------------------------------------------------------------- */

/* A message was written whole, on message stream 0: it goes on another one. */
static void
put_on(struct client *s, uint32_t msid)
{
	ck_assert(writer_ok(&wr) && wr.len >= 12);
	wr.buf[8] = (uint8_t)msid;
	wr.buf[9] = (uint8_t)(msid >> 8);
	put(s);
}

void
server_accepts(
    struct client *s, uint32_t msid, double txn, bool tree, bool informed)
{
	const struct cmd_connect_result r = { .txn = txn,
		.fms_ver = "FMS/5,0,17,0",
		.version = "5,0,17,0",
		.node = tree ? "00000000000000aa" : NULL,
		.tree = tree,
		.informed = informed };
	writer_init(&wr, buf, sizeof buf);
	cmd_write_connect_result(&wr, s->chunk, &r);
	put_on(s, msid);
}

void
server_refuses(struct client *s, uint32_t msid, double txn)
{
	writer_init(&wr, buf, sizeof buf);
	cmd_write_error(&wr, s->chunk, txn, "NetConnection.Connect.Rejected",
	    "the server above says no");
	put_on(s, msid);
}

void
server_closes(struct client *s, uint32_t msid)
{
	writer_init(&wr, buf, sizeof buf);
	cmd_write_close(&wr, s->chunk);
	put_on(s, msid);
}

void
server_returns(struct client *s, uint32_t msid, const char *name, double txn)
{
	say(s, msid, name, txn);
}

/* What was heard --------------------------------------------------------------- */

static bool
is(const struct world_cmd *m, const char *name, struct cmd *cmd)
{
	ck_assert_int_eq(cmd_parse(m->type, m->data, m->len, cmd), AMF0_OK);
	return span_is(cmd->name, name);
}

unsigned
heard(const struct client *c, const char *name, uint32_t msid)
{
	struct cmd cmd;
	unsigned n = 0;
	for (size_t i = 0; i < c->ncmd; i++)
		n += c->cmd[i].msid == msid && is(&c->cmd[i], name, &cmd);
	return n;
}

const struct world_cmd *
last(const struct client *c, const char *name, struct cmd *cmd)
{
	for (size_t i = c->ncmd; i-- > 0;)
		if (is(&c->cmd[i], name, cmd))
			return &c->cmd[i];
	return NULL;
}

void
deaf(struct client *c)
{
	for (size_t i = 0; i < c->ncmd; i++)
		free(c->cmd[i].data);
	c->ncmd = 0;
}

unsigned
virtuals(unsigned worker)
{
	const struct worker *w = &x->w[worker];
	unsigned n = 0;
	for (uint32_t i = w->conns->size; i < w->arena.nrows; i++)
		n += arena_row(&w->arena, worker, i)->role != ROW_FREE;
	return n;
}
