#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "rtmp/explicit.h"
#include "rtmp/url.h"
#include "rtmp/wire.h"
#include "worker/access.h"
#include "worker/command.h"
#include "worker/connect.h"
#include "worker/door.h"
#include "worker/hook.h"
#include "worker/sessions.h"
#include "worker/tree.h"
#include "worker/viewers.h"

/* One command as its handler sees it. */
struct call {
	struct worker *w;
	struct conn *c;
	struct session *s;
	const struct cmd *cmd;
	uint32_t msid;
	struct netstream *ns; /* of msid, or NULL */
	uint8_t type;	      /* the message as it came */
	const uint8_t *p;
	size_t n;
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
bind_target(const struct call *k, const struct explicit_url *u, char *words)
{
	const struct conf *conf = k->w->conf;
	struct entrance e;
	enum reason why =
	    entrance_bind(conf, conf_vhost(conf, k->c->app->vhost), u, &e);
	snprintf(words, IPC_TEXT_MAX, "%s", e.words);
	if (why != REASON_NONE)
		return why;
	if (!connect_set(k->w, k->c, &e) ||
	    (k->s->guest != NULL && !guest_bind(k->w, k->s->guest, &e)))
		return REASON_INPUT_MEMORY;
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
	return bind_target(k, &u, words);
}

/*
 * Of a connection with half an address nobody was asked yet: may it be here?  True:
 * the command waits for the answer, or there is nobody any more to answer it to.
 */
static bool
must_wait(const struct call *k)
{
	struct guest *g = k->s->guest;
	if (g == NULL || g->state == GUEST_IN)
		return false;
	g->later = bufpool_get_new(&k->w->pool, k->n);
	if (g->later == NULL) {
		conn_abort(k->w, k->c, REASON_INPUT_MEMORY);
		return true;
	}
	memcpy(g->later, k->p, k->n);
	g->later_len = (uint32_t)k->n;
	g->later_type = k->type;
	g->later_msid = k->msid;
	conn_pause(k->c);
	door_ask(k->w, g);
	return true;
}

/* REASON_NONE, or why the NetStream cannot get that name. */
static enum reason
set_key(const struct call *k, struct span sent, char words[IPC_TEXT_MAX],
    bool publish)
{
	struct url_name n;
	words[0] = '\0';
	enum reason why = complete(k, &sent, words);
	if (why != REASON_NONE)
		return why;
	url_split_name(sent, &n);
	if (!entrance_name_ok(n.name, IPC_KEY_MAX))
		return REASON_NAME_INVALID;
	if (!access_may(k->s->access, publish, n.name))
		return REASON_SCRIPT_ACCESS;
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
	enum reason why = set_key(k, p.name, words, true);
	if (why != REASON_NONE) {
		const char *text = words[0] != '\0' ? words : reason_text(why);
		LOG(publish_refused, .client = k->c->id,
		    .addr = k->c->row->addr, .stream = shown_name(p.name),
		    .reason = why, .text = text);
		status_text(k, reason_status(why), text);
		return REASON_NONE;
	}
	if (must_wait(k))
		return REASON_NONE;
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
	enum reason why = set_key(k, p->name, words, false);
	if (why != REASON_NONE) {
		fail_play(k, p->name, why,
		    words[0] != '\0' ? words : reason_text(why));
		return REASON_NONE;
	}
	if (must_wait(k))
		return REASON_NONE;
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

/* A call, or the answer to one: of those who are asked about the client. */
static bool
handed_on(const struct call *k)
{
	struct guest *g = k->s->guest;
	if (g == NULL || g->state != GUEST_IN)
		return false;
	door_call(k->w, g, k->cmd, k->type, k->p, k->n);
	return true;
}

static enum reason
on_answer(const struct call *k)
{
	(void)handed_on(k);
	return REASON_NONE;
}

static enum reason
on_unknown(const struct call *k)
{
	char text[128];
	if (handed_on(k))
		return REASON_NONE;
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

/* An edge that plays, or publishes for a client, says how many watch there. */
static enum reason
on_viewers(const struct call *k)
{
	double n;
	if (cmd_parse_number(k->cmd, &n) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	if (k->s->trusted && k->ns != NULL)
		viewers_said(k->w, k->ns, n);
	return REASON_NONE;
}

static command_fn *
handler(enum cmd_id id)
{
	switch (id) {
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
	case CMD_VIEWERS:
		return on_viewers;
	case CMD_RECEIVE_AUDIO:
	case CMD_RECEIVE_VIDEO:
		return on_receive;
	case CMD_RESULT:
	case CMD_ERROR:
		return on_answer;
	case CMD_ON_STATUS:
	case CMD_ON_BW_DONE:
	case CMD_ON_FC_PUBLISH:
	case CMD_ON_FC_UNPUBLISH:
	case CMD_ON_FC_SUBSCRIBE:
	case CMD_CLOSE:
		return on_nothing;
	case CMD_CONNECT:
	case CMD_OTHER:
	case CMD_COUNT:
		break;
	}
	return on_unknown;
}

/* Calls that encoders and players make everywhere, and scripts may have methods for. */
static bool
is_noted(enum cmd_id id)
{
	return id == CMD_RELEASE_STREAM || id == CMD_FC_PUBLISH ||
	       id == CMD_FC_UNPUBLISH || id == CMD_FC_SUBSCRIBE ||
	       id == CMD_FC_UNSUBSCRIBE;
}

enum reason
command_message(struct worker *w, struct conn *c, uint8_t type, uint32_t msid,
    const uint8_t *p, size_t n)
{
	struct cmd cmd;
	if (cmd_parse(type, p, n, &cmd) != AMF0_OK)
		return REASON_COMMAND_INVALID;
	struct guest_connect connect = { &cmd, type, p, n };
	struct session *s = session_of(w, c);
	if (s->tree != NULL)
		return tree_message(w, c, &cmd, type, msid, p, n);
	if (cmd.id == CMD_CONNECT)
		return connect_message(w, c, &connect);
	if (!s->connected)
		return REASON_COMMAND_ORDER;
	if (is_noted(cmd.id) && s->guest != NULL && s->guest->state == GUEST_IN)
		door_note(w, s->guest, &cmd);
	struct call k = { w, c, s, &cmd, msid, session_stream(s, msid), type, p,
		n };
	return handler(cmd.id)(&k);
}
