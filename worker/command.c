#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/cidr.h"
#include "common/log.h"
#include "rtmp/explicit.h"
#include "rtmp/url.h"
#include "rtmp/wire.h"
#include "worker/command.h"
#include "worker/hook.h"
#include "worker/node.h"
#include "worker/query.h"
#include "worker/sessions.h"
#include "worker/ways.h"

#define FMS_VERSION	 "5,0,17,0" /* what clients compare their features with */
#define DEFAULT_INSTANCE "_definst_"

/* One command as its handler sees it. */
struct call {
	struct worker *w;
	struct conn *c;
	struct session *s;
	const struct cmd *cmd;
	uint32_t msid;
	struct netstream *ns; /* of msid, or NULL */
};

/* Where a client wants to go, by its connect. */
struct entrance {
	struct url_app a; /* of the last server */
	bool is_explicit;
	struct explicit_url u;
	char app[IPC_KEY_MAX]; /* explicit: of the key; a.app is in it */
	char words[IPC_TEXT_MAX];
};

typedef enum reason command_fn(const struct call *k);

static void
reply_null(const struct call *k)
{
	struct writer wr;
	if (k->cmd->txn == 0 || !conn_write(k->w, k->c, SESSION_REPLY, &wr))
		return;
	cmd_write_result_null(&wr, session_chunk(k->s), k->cmd->txn);
	conn_write_end(k->w, k->c, &wr);
}

static void
reply_error(const struct call *k, const char *code, const char *text)
{
	struct writer wr;
	worker_count(k->w, COUNTER_CALLS_REFUSED, 1);
	if (!conn_write(k->w, k->c, SESSION_REPLY, &wr))
		return;
	cmd_write_error(&wr, session_chunk(k->s), k->cmd->txn, code, text);
	conn_write_end(k->w, k->c, &wr);
}

static void
status_text(const struct call *k, const char *code, const char *text)
{
	struct writer wr;
	worker_count(k->w, COUNTER_CALLS_REFUSED, 1);
	if (!conn_write(k->w, k->c, SESSION_REPLY, &wr))
		return;
	struct cmd_status st = {
		.level = "error", .code = code, .description = span_of(text)
	};
	cmd_write_on_status(&wr, session_chunk(k->s), k->msid, &st);
	conn_write_end(k->w, k->c, &wr);
}

/* connect ----------------------------------------------------------------- */

/* A name of an application or instance: not empty, printable, bounded. */
static bool
name_ok(struct span s, size_t max)
{
	if (s.len == 0 || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.p[i] < 32 || s.p[i] == 127)
			return false;
	return true;
}

/* Put vhost, app and instance together; false if they are not allowed. */
static bool
set_prefix(
    const struct call *k, struct span vhost, struct span app, struct span inst)
{
	char prefix[IPC_KEY_MAX];
	if (inst.len == 0 || url_same_host(inst, span_of(DEFAULT_INSTANCE)))
		inst = span_of(DEFAULT_INSTANCE);
	size_t max = explicit_is(app) ? IPC_KEY_MAX : SESSION_APP_MAX;
	if (!name_ok(app, max) || !name_ok(inst, SESSION_APP_MAX) ||
	    vhost.len + app.len + inst.len + 4 > IPC_KEY_MAX)
		return false;
	struct writer wr;
	writer_init(&wr, prefix, sizeof prefix);
	writer_span(&wr, vhost);
	writer_u8(&wr, 0);
	writer_span(&wr, app);
	writer_u8(&wr, 0);
	writer_span(&wr, inst);
	return writer_ok(&wr) &&
	       session_set_prefix(k->w, k->s, (struct span){ prefix, wr.len });
}

/*
 * The virtual host that the client names, and the application: app as sent, or
 * the one of tcUrl when it is missing.
 */
static const struct conf_vhost *
find_vhost(
    const struct conf *conf, const struct cmd_connect *cc, struct url_app *a)
{
	struct url_tc tc = { 0 };
	struct span alt;
	const struct conf_vhost *v = NULL;
	bool split = url_split_tc(cc->tc_url, &tc);
	url_split_app(cc->app, a);
	if (split && a->query.len == 0)
		a->query = tc.query;
	if (split && a->app.len == 0) {
		a->app = tc.app;
		a->instance = tc.instance;
	}
	if (conf->alt_vhost && url_query(a->query, "_fcs_vhost", &alt))
		v = conf_find_vhost(conf, alt);
	else if (split)
		v = conf_find_vhost(conf, tc.host);
	return v ? v : conf_vhost(conf, 0);
}

static struct span
vhost_name(const struct call *k)
{
	return span_of(conf_vhost(k->w->conf, k->c->app->vhost)->name);
}

/* The keys that a client shows with connect.  False: too many of them. */
static bool
keep_query(const struct call *k, struct span query)
{
	char kept[IPC_QUERY_MAX];
	size_t len = 0;
	bool ok = query_keep(query, kept, sizeof kept, &len) &&
		  session_set_query(k->w, k->s, (struct span){ kept, len });
	explicit_bzero(kept, sizeof kept);
	return ok;
}

static void
write_window(struct writer *wr, struct session *s)
{
	wire_window_ack_size(wr, WIRE_WINDOW_DEFAULT);
	wire_peer_bandwidth(wr, WIRE_WINDOW_DEFAULT, 2);
	/* once, to everybody, before the answer (architecture rule 12) */
	if (!s->chunk_set)
		wire_set_chunk_size(wr, WIRE_CHUNK);
	s->chunk_set = true;
}

/* words: of the caller's, or "" for those of the reason */
static enum reason
reject_in(const struct call *k, enum reason why, const char *words)
{
	struct writer wr;
	char text[320];
	snprintf(text, sizeof text,
	    "[ Server.Reject ] : (_defaultRoot_, %s) : %s", vhost_name(k).p,
	    words[0] != '\0' ? words : reason_text(why));
	if (conn_write(k->w, k->c, SESSION_REPLY, &wr)) {
		write_window(&wr, k->s);
		cmd_write_error(&wr, session_chunk(k->s), k->cmd->txn,
		    reason_status(why), text);
		cmd_write_close(&wr, session_chunk(k->s));
		conn_write_end(k->w, k->c, &wr);
	}
	return why;
}

static enum reason
reject(const struct call *k, enum reason why)
{
	return reject_in(k, why, "");
}

static void
log_connect(
    const struct call *k, const struct cmd_connect *cc, const struct url_app *a)
{
	conn_row_key(k->c, k->s->prefix, k->s->prefix_len);
	conn_row_agent(k->c, cc->flash_ver.p, cc->flash_ver.len);
	LOG(client_connect, .client = k->c->id, .addr = k->c->row->addr,
	    .vhost = vhost_name(k), .app = a->app, .instance = a->instance,
	    .agent = cc->flash_ver, .worker = k->w->self);
}

/* What is asked of an edge goes on with the tcUrl of the client. */
static enum reason
enter_edge(const struct call *k, const struct conf_vhost *v, struct span url,
    struct entrance *e)
{
	/* without a host it is known when a stream is asked for */
	bool known = !e->is_explicit || e->u.host.len > 0;
	enum reason why = known ? ways_admit(k->w->conf, v, url, e->is_explicit)
				: REASON_NONE;
	if (why == REASON_EXPLICIT_HOST && e->is_explicit)
		ways_advise(e->u.host, e->u.port, e->words);
	if (why == REASON_NONE && !session_set_url(k->w, k->s, url))
		why = REASON_APP_INVALID;
	return why;
}

/* The client has named servers behind this one. */
static enum reason
read_explicit(struct entrance *e, struct span rest)
{
	struct writer wr;
	writer_init(&wr, e->app, sizeof e->app);
	e->is_explicit = true;
	if (rest.len > IPC_URL_MAX || !explicit_parse(rest, &e->u) ||
	    !explicit_normal(&e->u, &wr))
		return REASON_EXPLICIT_INVALID;
	e->a = (struct url_app){ .app = { e->app, wr.len },
		.instance = e->u.instance,
		.query = e->u.query };
	return REASON_NONE;
}

/* An edge that is trusted says for whom it publishes. */
static enum reason
claim(const struct call *k, const struct conf_vhost *v,
    const struct cmd_connect *cc)
{
	if (cc->client.len == 0 || !cidr_list_has(v->trusted_edges, &k->c->peer,
				       addr_is_loopback(&k->c->peer)))
		return REASON_NONE;
	return conn_claim(k->w, k->c, cc->client);
}

/* Find virtual host and application; may somebody be let in there? */
static enum reason
enter(const struct call *k, const struct cmd_connect *cc, struct entrance *e)
{
	const struct conf *conf = k->w->conf;
	const struct conf_vhost *v = find_vhost(conf, cc, &e->a);
	struct span url = cc->tc_url, rest;
	conn_set_app(k->c, conf_app(conf, v->first_app));
	if (explicit_find(cc->tc_url, cc->app, &rest)) {
		enum reason why = read_explicit(e, rest);
		if (v->mode != CONF_MODE_REMOTE)
			return REASON_EXPLICIT_LOCAL;
		if (why != REASON_NONE)
			return why;
		url = rest;
		k->s->partial = e->u.partial;
	}
	if (!set_prefix(k, span_of(v->name), e->a.app, e->a.instance) ||
	    !keep_query(k, e->a.query))
		return REASON_APP_INVALID;
	const struct conf_app *app = k->s->partial
					 ? conf_app(conf, v->first_app)
					 : conf_find_app(conf, v, e->a.app);
	if (app == NULL)
		return REASON_APP_UNKNOWN;
	if (app->faulty)
		return REASON_APP_FAULTY;
	conn_set_app(k->c, app);
	enum reason why = claim(k, v, cc);
	return why == REASON_NONE && v->mode == CONF_MODE_REMOTE
		   ? enter_edge(k, v, url, e)
		   : why;
}

static enum reason
on_connect(const struct call *k)
{
	struct cmd_connect cc;
	struct entrance e = { 0 };
	struct writer wr;
	if (k->s->connected)
		return REASON_COMMAND_ORDER;
	if (cmd_parse_connect(k->cmd, &cc) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	if (k->c->refuse != REASON_NONE)
		return reject(k, k->c->refuse);
	enum reason why = enter(k, &cc, &e);
	if (why != REASON_NONE)
		return reject_in(k, why, e.words);
	if (!conn_sit(k->w, k->c))
		return reject(k, REASON_CONNECTIONS_FULL);
	if (!hook_client(k->w, k->c, &cc, e.a.query))
		return reject(k, REASON_NO_MASTER);
	if (!conn_write(k->w, k->c, SESSION_REPLY, &wr))
		return REASON_NONE;
	k->s->amf3 = cc.object_encoding == 3;
	write_window(&wr, k->s);
	struct cmd_connect_result r = { .txn = k->cmd->txn,
		.fms_ver = "FMS/" FMS_VERSION,
		.version = FMS_VERSION,
		.object_encoding = cc.object_encoding };
	char node[NODE_TEXT];
	k->s->edge = cc.node.len > 0;
	if (k->s->edge) {
		node_print(k->w, node);
		r.node = node;
	}
	cmd_answer_enhanced(
	    &r, &cc, CMD_CAPS_MULTITRACK | CMD_CAPS_MODEX | CMD_CAPS_NANO);
	cmd_write_connect_result(&wr, session_chunk(k->s), &r);
	conn_write_end(k->w, k->c, &wr);
	k->s->connected = true;
	log_connect(k, &cc, &e.a);
	return REASON_NONE;
}

/* NetStreams -------------------------------------------------------------- */

/* An edge lets many names wait on one connection; they are limited as such. */
static uint64_t
stream_limit(const struct call *k)
{
	uint64_t one = (uint64_t)k->c->app->max_netstreams;
	uint64_t all = (uint64_t)k->w->conf->max_waiting;
	return k->s->edge && all > one ? all : one;
}

static enum reason
on_create_stream(const struct call *k)
{
	struct writer wr;
	if (k->s->nstreams >= stream_limit(k)) {
		reply_error(k, reason_status(REASON_STREAM_LIMIT),
		    reason_text(REASON_STREAM_LIMIT));
		return REASON_NONE;
	}
	struct netstream *ns = session_new_stream(k->w, k->c, 0);
	if (ns == NULL)
		return REASON_INPUT_MEMORY;
	if (conn_write(k->w, k->c, SESSION_REPLY, &wr)) {
		cmd_write_result_number(
		    &wr, session_chunk(k->s), k->cmd->txn, ns->id);
		conn_write_end(k->w, k->c, &wr);
	}
	return REASON_NONE;
}

static void
stop(const struct call *k, struct netstream *ns)
{
	if (ns == NULL || ns->use == NS_IDLE)
		return;
	k->w->sessions->ops->stop(k->w, k->c, ns, REASON_UNPUBLISHED);
	session_idle(k->w, k->c);
}

static enum reason
on_delete_stream(const struct call *k)
{
	uint32_t id;
	struct netstream *ns;
	/* GStreamer's rtmp2sink sends the stream's name, and hangs up */
	if (cmd_parse_stream_id(k->cmd, &id) != AMF0_OK)
		return REASON_NONE;
	if ((ns = session_stream(k->s, id)) == NULL)
		return REASON_NONE;
	stop(k, ns);
	session_free_stream(k->w, k->c, ns);
	return REASON_NONE;
}

static enum reason
on_close_stream(const struct call *k)
{
	stop(k, k->ns);
	return REASON_NONE;
}

/* An address of which the first name has said the rest: this connection's. */
static enum reason
bind_target(const struct call *k, const struct explicit_url *u)
{
	const struct conf *conf = k->w->conf;
	const struct conf_vhost *v = conf_vhost(conf, k->c->app->vhost);
	const struct conf_app *app = conf_find_app(conf, v, u->app);
	char normal[IPC_KEY_MAX];
	struct writer wr;
	writer_init(&wr, normal, sizeof normal);
	if (!explicit_normal(u, &wr) || u->rest.len > IPC_URL_MAX)
		return REASON_EXPLICIT_INVALID;
	if (app == NULL || app->faulty)
		return app == NULL ? REASON_APP_UNKNOWN : REASON_APP_FAULTY;
	enum reason why = ways_admit(conf, v, u->rest, true);
	if (why != REASON_NONE)
		return why;
	if (!set_prefix(k, span_of(v->name), (struct span){ normal, wr.len },
		u->instance) ||
	    !session_set_url(k->w, k->s, u->rest))
		return REASON_APP_INVALID;
	conn_set_app(k->c, app);
	conn_row_key(k->c, k->s->prefix, k->s->prefix_len);
	k->s->bound = true;
	struct cmd_connect cc = { .tc_url = u->rest };
	if (!hook_client(k->w, k->c, &cc, u->query))
		return REASON_NO_MASTER;
	return REASON_NONE;
}

/*
 * The name of a stream as it was meant: of a connection with half an address its
 * rest comes with it.  *sent becomes the part that is the stream's.
 */
static enum reason
complete(const struct call *k, struct span *sent, char words[IPC_TEXT_MAX])
{
	char whole[IPC_URL_MAX + IPC_KEY_MAX];
	struct explicit_url u;
	struct span stream, rest = k->s->url;
	if (!k->s->partial)
		return REASON_NONE;
	/* once it is bound url is whole: the part that connect had */
	if (k->s->bound)
		rest = span_head(rest, k->s->part_len);
	if (!explicit_join(rest, *sent, whole, sizeof whole, &u, &stream))
		return REASON_EXPLICIT_INVALID;
	*sent = span_skip(*sent, sent->len - stream.len);
	if (k->s->bound)
		return span_equal(u.rest, k->s->url) ? REASON_NONE
						     : REASON_EXPLICIT_OTHER;
	k->s->part_len = (uint32_t)rest.len;
	enum reason why = bind_target(k, &u);
	if (why == REASON_EXPLICIT_HOST)
		ways_advise(u.host, u.port, words);
	return why;
}

/* REASON_NONE, or why the NetStream cannot get that name. */
static enum reason
set_key(const struct call *k, struct span sent, char words[IPC_TEXT_MAX])
{
	struct url_name n;
	words[0] = '\0';
	enum reason why = complete(k, &sent, words);
	if (why != REASON_NONE)
		return why;
	url_split_name(sent, &n);
	if (!name_ok(n.name, IPC_KEY_MAX))
		return REASON_NAME_INVALID;
	k->s->shown = n.query;
	return netstream_set_name(k->w, k->s, k->ns, n.name);
}

/* Commands have come in time; that of a player's tail stays. */
static void
no_deadline(struct conn *c)
{
	if (c->inside == NULL)
		conn_no_deadline(c);
}

/* Without what stands behind the question mark: it may be a key. */
static struct span
shown_name(struct span sent)
{
	struct url_name n;
	url_split_name(sent, &n);
	return n.name;
}

static enum reason
on_publish(const struct call *k)
{
	struct cmd_publish p;
	if (cmd_parse_publish(k->cmd, &p) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	if (k->ns == NULL)
		return REASON_COMMAND_ORDER;
	if (p.stop) {
		stop(k, k->ns);
		return REASON_NONE;
	}
	if (k->ns->use != NS_IDLE)
		return REASON_COMMAND_ORDER;
	if (p.type.len > 0 && !span_is(p.type, "live")) {
		status_text(k, reason_status(REASON_RECORD),
		    reason_text(REASON_RECORD));
		return REASON_NONE;
	}
	char words[IPC_TEXT_MAX];
	enum reason why = set_key(k, p.name, words);
	if (why != REASON_NONE) {
		const char *text = words[0] != '\0' ? words : reason_text(why);
		LOG(publish_refused, .client = k->c->id,
		    .addr = k->c->row->addr, .stream = shown_name(p.name),
		    .reason = why, .text = text);
		status_text(k, reason_status(why), text);
		return REASON_NONE;
	}
	k->ns->use = NS_ASKED;
	no_deadline(k->c);
	k->w->sessions->ops->publish(k->w, k->c, k->ns, &p);
	k->s->shown = (struct span){ NULL, 0 };
	return REASON_NONE;
}

static void
fail_play(
    const struct call *k, struct span sent, enum reason why, const char *text)
{
	worker_count(k->w, COUNTER_PLAYS_FAILED, 1);
	LOG(play_failed, .client = k->c->id, .stream = shown_name(sent),
	    .reason = why, .text = text);
	status_text(k, "NetStream.Play.Failed", text);
}

static enum reason
start_play(const struct call *k, const struct cmd_play *p)
{
	if (k->ns == NULL)
		return REASON_COMMAND_ORDER;
	if (k->ns->use == NS_PLAY || p->stop)
		stop(k, k->ns);
	if (p->stop || !conn_alive(k->c))
		return REASON_NONE;
	if (k->ns->use != NS_IDLE)
		return REASON_COMMAND_ORDER;
	char words[IPC_TEXT_MAX];
	enum reason why = set_key(k, p->name, words);
	if (why != REASON_NONE) {
		fail_play(k, p->name, why,
		    words[0] != '\0' ? words : reason_text(why));
		return REASON_NONE;
	}
	k->ns->use = NS_PLAY;
	no_deadline(k->c);
	k->w->sessions->ops->play(k->w, k->c, k->ns, p);
	k->s->shown = (struct span){ NULL, 0 };
	return REASON_NONE;
}

static enum reason
on_play(const struct call *k)
{
	struct cmd_play p;
	if (cmd_parse_play(k->cmd, &p) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	return start_play(k, &p);
}

/* What publishers say around it ------------------------------------------ */

static enum reason
on_acknowledged(const struct call *k)
{
	reply_null(k);
	return REASON_NONE;
}

/* FMLE begins when it has seen onFCPublish. */
static enum reason
on_fc_publish(const struct call *k)
{
	struct writer wr;
	reply_null(k);
	if (conn_write(k->w, k->c, SESSION_REPLY, &wr)) {
		cmd_write_on_fc(&wr, session_chunk(k->s), "onFCPublish",
		    "NetStream.Publish.Start", span_of("Publish."));
		conn_write_end(k->w, k->c, &wr);
	}
	return REASON_NONE;
}

static enum reason
on_fc_unpublish(const struct call *k)
{
	struct span sent;
	struct url_name n;
	struct netstream *ns;
	if (cmd_parse_name(k->cmd, &sent) != AMF0_OK)
		return REASON_NONE;
	url_split_name(sent, &n);
	LIST_FOREACH (ns, &k->s->streams, next)
		if (ns->use == NS_PUBLISH &&
		    span_equal(netstream_name(ns), n.name))
			break;
	stop(k, ns);
	/* no answer: old OBS waits for nothing, and hangs on one */
	return REASON_NONE;
}

static enum reason
on_fc_subscribe(const struct call *k)
{
	struct writer wr;
	if (conn_write(k->w, k->c, SESSION_REPLY, &wr)) {
		cmd_write_on_fc(&wr, session_chunk(k->s), "onFCSubscribe",
		    "NetStream.Play.Start", span_of("Started playing."));
		conn_write_end(k->w, k->c, &wr);
	}
	return REASON_NONE;
}

static enum reason
on_stream_length(const struct call *k)
{
	struct writer wr;
	if (conn_write(k->w, k->c, SESSION_REPLY, &wr)) {
		/* live has none */
		cmd_write_result_number(
		    &wr, session_chunk(k->s), k->cmd->txn, 0);
		conn_write_end(k->w, k->c, &wr);
	}
	return REASON_NONE;
}

static enum reason
on_nothing(const struct call *k)
{
	(void)k;
	return REASON_NONE;
}

static enum reason
on_unknown(const struct call *k)
{
	char text[128];
	if (k->cmd->txn == 0)
		return REASON_NONE;
	int n = (int)(k->cmd->name.len < 64 ? k->cmd->name.len : 64);
	snprintf(
	    text, sizeof text, "Method not found (%.*s).", n, k->cmd->name.p);
	reply_error(k, "NetConnection.Call.Failed", text);
	return REASON_NONE;
}

static enum reason
on_receive(const struct call *k)
{
	bool on;
	double number;
	if (cmd_parse_flag(k->cmd, &on, &number) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	if (k->ns != NULL && k->ns->use == NS_PLAY)
		k->w->sessions->ops->receive(
		    k->w, k->ns, k->cmd->id == CMD_RECEIVE_VIDEO, on);
	return REASON_NONE;
}

static enum reason
on_pause(const struct call *k)
{
	bool on;
	double ms;
	if (cmd_parse_flag(k->cmd, &on, &ms) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	if (k->ns != NULL && k->ns->use == NS_PLAY)
		k->w->sessions->ops->pause(k->w, k->ns, on);
	return REASON_NONE;
}

/* There is only one place in a live stream. */
static enum reason
on_seek(const struct call *k)
{
	double ms;
	if (cmd_parse_number(k->cmd, &ms) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	status_text(k, "NetStream.Seek.Failed", "a live stream has no seek");
	return REASON_NONE;
}

/* play2({streamName, ...}): another stream on this NetStream. */
static enum reason
on_play2(const struct call *k)
{
	struct cmd_play2 p2;
	struct cmd_play p = { .start_ms = CMD_PLAY_ANY, .duration_ms = -1 };
	if (cmd_parse_play2(k->cmd, &p2) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	p.name = p2.name;
	return start_play(k, &p);
}

static command_fn *
handler(enum cmd_id id)
{
	switch (id) {
	case CMD_CONNECT:
		return on_connect;
	case CMD_CREATE_STREAM:
		return on_create_stream;
	case CMD_PUBLISH:
		return on_publish;
	case CMD_PLAY:
		return on_play;
	case CMD_DELETE_STREAM:
		return on_delete_stream;
	case CMD_CLOSE_STREAM:
		return on_close_stream;
	case CMD_FC_PUBLISH:
		return on_fc_publish;
	case CMD_RELEASE_STREAM:
	case CMD_CHECK_BW:
	case CMD_CHECK_BANDWIDTH:
	case CMD_INIT_STREAM:
	case CMD_FC_UNSUBSCRIBE:
		return on_acknowledged;
	case CMD_FC_UNPUBLISH:
		return on_fc_unpublish;
	case CMD_FC_SUBSCRIBE:
		return on_fc_subscribe;
	case CMD_GET_STREAM_LENGTH:
		return on_stream_length;
	case CMD_PLAY2:
		return on_play2;
	case CMD_PAUSE:
	case CMD_PAUSE_RAW:
		return on_pause;
	case CMD_SEEK:
		return on_seek;
	case CMD_RECEIVE_AUDIO:
	case CMD_RECEIVE_VIDEO:
		return on_receive;
	case CMD_RESULT:
	case CMD_ERROR:
	case CMD_ON_STATUS:
	case CMD_ON_BW_DONE:
	case CMD_ON_FC_PUBLISH:
	case CMD_ON_FC_UNPUBLISH:
	case CMD_ON_FC_SUBSCRIBE:
	case CMD_CLOSE:
		return on_nothing;
	case CMD_OTHER:
	case CMD_COUNT:
		break;
	}
	return on_unknown;
}

enum reason
command_message(struct worker *w, struct conn *c, uint8_t type, uint32_t msid,
    const uint8_t *p, size_t n)
{
	struct cmd cmd;
	if (cmd_parse(type, p, n, &cmd) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	struct call k = { w, c, session_of(w, c), &cmd, msid, NULL };
	if (!k.s->connected && cmd.id != CMD_CONNECT)
		return REASON_COMMAND_ORDER;
	k.ns = session_stream(k.s, msid);
	return handler(cmd.id)(&k);
}
