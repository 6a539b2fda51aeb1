#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/talk.h"
#include "rtmp/amfjson.h"
#include "rtmp/wire.h"
#include "worker/link.h"
#include "worker/loop.h"
#include "worker/scripted.h"
#include "worker/tree.h"

enum {
	INFO_MAX = 48 * 1024,		/* bytes of an information object, */
	SENT_MAX = SESSION_COMMAND_MAX, /* of a message: edges take no more */
	WORDS = 300,
	AT_ONCE = 64, /* messages in a turn: media comes first */
	FLUSH_MS = 5  /* until what the master did not take is tried again */
};

struct scripted {
	struct talk_link link;
	struct guest_table guests; /* by the lower half of their ids */
	uint64_t *gone;		   /* to be told of at the end of the turn */
	unsigned ngone, gone_cap;
	unsigned nasked; /* attached, and not in */
	bool readable;
	struct mono flushed;
	char heard[TALK_MAX];
	uint8_t json[TALK_TEXT_MAX], amf[SENT_MAX];
};

int
scripted_init(struct worker *w, int fd)
{
	struct scripted *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	talk_open(&s->link, fd);
	w->scripted = s;
	loop_poll(w->loop, fd, SCRIPTED_POLL);
	return 0;
}

void
scripted_fini(struct worker *w)
{
	talk_close(&w->scripted->link);
	free(w->scripted->gone);
	free(w->scripted);
	w->scripted = NULL;
}

bool
scripted_asks(const struct conf_vhost *v, const struct conf_app *app)
{
	return v->mode == CONF_MODE_LOCAL && app->script;
}

/* Those that the master knows. ------------------------------------------------ */

static void
attach(struct worker *w, struct guest *g)
{
	struct guest_table *t = &w->scripted->guests;
	g->above = (uint32_t)g->id;
	g->announced = true;
	LIST_INSERT_HEAD(guest_bucket(t, g->above), g, next_above);
	t->n++;
	w->scripted->nasked++;
}

static void
detach(struct worker *w, struct guest *g)
{
	LIST_REMOVE(g, next_above);
	w->scripted->guests.n--;
	w->scripted->nasked -= g->state != GUEST_IN;
	g->announced = false;
}

static struct guest *
find(struct worker *w, uint64_t id)
{
	struct guest *g;
	LIST_FOREACH (
	    g, guest_bucket(&w->scripted->guests, (uint32_t)id), next_above)
		if (g->id == id)
			return g;
	return NULL;
}

/* The master has forgotten g: it does not get in, or must leave. */
static void
drop(struct worker *w, struct guest *g, struct span info, enum reason why,
    const char *words)
{
	if (g->announced)
		detach(w, g);
	tree_drop(w, g);
	if (g->state == GUEST_IN)
		guest_close(w, g, why);
	else
		guest_refuse(w, g, info, why, words);
	if (g->tree != NULL)
		guest_free(w, g, why);
}

static void
refuse(struct worker *w, struct guest *g, enum reason why, const char *words)
{
	drop(w, g, (struct span){ "", 0 }, why, words);
}

/* Asking. ---------------------------------------------------------------------- */

/* What its connect says; the arguments are in the buffer for JSON. */
static const char *
question(struct worker *w, const struct guest *g, struct talk *t)
{
	struct scripted *s = w->scripted;
	struct cmd_connect cc;
	struct cmd cmd;
	struct writer wr;
	if (cmd_parse(g->connect_type, (const uint8_t *)g->connect.p,
		g->connect.len, &cmd) != AMF0_OK ||
	    cmd_parse_connect(&cmd, &cc) != AMF0_OK)
		return "its connect is malformed";
	writer_init(&wr, s->json, sizeof s->json);
	if (amfjson_args(&wr, &cc.args) != AMF0_OK)
		return "the arguments of connect are malformed, too many, too "
		       "long or nested too deep for the application's script";
	*t = (struct talk){ .kind = TALK_CONNECT, .client = g->id };
	t->field[TALK_KEY] = g->prefix;
	t->field[TALK_ADDR] = span_of(g->addr);
	t->field[TALK_AGENT] = cc.flash_ver;
	t->field[TALK_URL] = cc.tc_url;
	t->field[TALK_PAGE] = cc.page_url;
	t->field[TALK_SWF] = cc.swf_url;
	t->field[TALK_ARGS] = (struct span){ (char *)s->json, wr.len };
	return NULL;
}

void
scripted_ask(struct worker *w, struct guest *g)
{
	struct talk t;
	const char *wrong = question(w, g, &t);
	if (g->state == GUEST_KEPT)
		g->state = GUEST_ASKED;
	int r =
	    wrong == NULL && !w->orphan ? talk_send(&w->scripted->link, &t) : 0;
	explicit_bzero(w->scripted->json, sizeof w->scripted->json);
	if (wrong != NULL)
		refuse(w, g, REASON_SCRIPT_REJECTED, wrong);
	else if (r == -EMSGSIZE)
		refuse(w, g, REASON_SCRIPT_REJECTED,
		    "what is said with connect is too long for the "
		    "application's script");
	else if (r == -ENOBUFS || r == -ENOMEM)
		refuse(w, g, REASON_SCRIPT_REJECTED,
		    "the server has too much to do: try again");
	else if (r != 0 || w->orphan)
		refuse(w, g, REASON_NO_MASTER, "");
	else {
		attach(w, g);
		/* the master knows how long it may take */
		if (g->tree == NULL)
			conn_no_deadline(g->c);
	}
}

static void
call_failed(struct worker *w, struct guest *g, double txn, struct span text)
{
	char words[WORDS];
	int n = (int)(text.len < WORDS - 1 ? text.len : WORDS - 1);
	snprintf(words, sizeof words, "%.*s", n, text.p);
	worker_count(w, COUNTER_CALLS_REFUSED, 1);
	guest_call_failed(w, g, txn, "NetConnection.Call.Failed", words);
}

static int
say_call(struct worker *w, const struct guest *g, const struct cmd *cmd)
{
	struct scripted *s = w->scripted;
	struct reader r = cmd->rest;
	struct amf0_value object;
	struct writer wr;
	enum amf0_result e = amf0_read(&r, &object);
	if (e != AMF0_OK && e != AMF0_END)
		return -EINVAL;
	writer_init(&wr, s->json, sizeof s->json);
	if (amfjson_args(&wr, &r) != AMF0_OK)
		return -EINVAL;
	struct talk t = {
		.kind = TALK_CALL, .client = g->id, .number = cmd->txn
	};
	t.field[0] = cmd->name;
	t.field[1] = (struct span){ (char *)s->json, wr.len };
	return talk_send(&s->link, &t);
}

/* _result, _error: the argument behind the null. */
static void
say_result(struct worker *w, const struct guest *g, const struct cmd *cmd)
{
	struct scripted *s = w->scripted;
	struct cmd_reply reply;
	struct writer wr;
	writer_init(&wr, s->json, sizeof s->json);
	if (cmd_parse_reply(cmd, &reply) != AMF0_OK ||
	    amfjson_value(&wr, &reply.info) != AMF0_OK)
		return;
	struct talk t = { .kind = TALK_RESULT,
		.client = g->id,
		.number = cmd->txn,
		.flag = cmd->id == CMD_RESULT };
	t.field[0] = (struct span){ (char *)s->json, wr.len };
	(void)talk_send(&s->link, &t);
}

void
scripted_call(struct worker *w, struct guest *g, const struct cmd *cmd)
{
	const char *wrong = NULL;
	if (!g->announced || w->orphan)
		wrong = "the application's script does not run any more";
	else if (cmd->id == CMD_RESULT || cmd->id == CMD_ERROR)
		say_result(w, g, cmd);
	else if (!guest_called(w, g, cmd->txn))
		wrong = "too many calls await an answer";
	else {
		int r = say_call(w, g, cmd);
		if (r != 0)
			(void)guest_returned(g, cmd->txn);
		wrong = r == 0 ? NULL
			: r == -EINVAL || r == -EMSGSIZE
			    ? "the arguments are malformed, or too many, too "
			      "long or nested too deep for the application's "
			      "script"
			    : "the server has too much to do";
	}
	explicit_bzero(w->scripted->json, sizeof w->scripted->json);
	if (wrong != NULL && cmd->txn != 0 && cmd->id != CMD_RESULT &&
	    cmd->id != CMD_ERROR)
		call_failed(w, g, cmd->txn, span_of(wrong));
}

/* What the script says. ---------------------------------------------------------- */

static uint8_t
begin_message(const struct guest *g, struct writer *wr)
{
	bool amf3 = g->connect_type == WIRE_COMMAND_AMF3;
	if (amf3)
		writer_u8(wr, 0);
	return amf3 ? WIRE_COMMAND_AMF3 : WIRE_COMMAND;
}

/*
 * {level, code, description[, application][, ex: {code: 302, redirect}]}, as FMS
 * has it; without the script's information if that does not fit.
 */
static struct span
information(struct worker *w, const struct guest *g, const struct talk *t,
    bool with_info)
{
	struct scripted *s = w->scripted;
	struct span text = t->field[0], info = t->field[1];
	bool away = t->kind == TALK_REDIRECT;
	char words[WORDS];
	struct writer wr;
	snprintf(words, sizeof words,
	    "[ Server.Reject ] : (_defaultRoot_, %s) : %s", g->vhost->name,
	    away ? "Connection failed" : reason_text(REASON_SCRIPT_REJECTED));
	if (text.len == 0)
		text = span_of(words);
	writer_init(&wr, s->amf, INFO_MAX);
	amf0_object_begin(&wr);
	amf0_prop_text(&wr, "level", "error");
	amf0_prop_text(&wr, "code", "NetConnection.Connect.Rejected");
	amf0_prop_string(&wr, "description", text);
	if (with_info && info.len > 0) {
		amf0_key(&wr, "application");
		(void)amfjson_parse(&wr, info);
	}
	if (away) {
		amf0_key(&wr, "ex");
		amf0_object_begin(&wr);
		amf0_prop_number(&wr, "code", 302);
		amf0_prop_string(&wr, "redirect", t->field[2]);
		amf0_object_end(&wr);
	}
	amf0_object_end(&wr);
	return (struct span){ (char *)s->amf, writer_ok(&wr) ? wr.len : 0 };
}

static void
rejected(struct worker *w, struct guest *g, const struct talk *t)
{
	struct span info = information(w, g, t, true);
	if (info.len == 0)
		info = information(w, g, t, false);
	drop(w, g, info, REASON_SCRIPT_REJECTED, "");
}

static void
returned(struct worker *w, struct guest *g, const struct talk *t)
{
	struct writer wr;
	writer_init(&wr, w->scripted->amf, SENT_MAX);
	if (!guest_returned(g, t->number))
		return;
	if (t->kind == TALK_FAIL) {
		call_failed(w, g, t->number, t->field[0]);
		return;
	}
	uint8_t type = begin_message(g, &wr);
	amf0_write_text(&wr, "_result");
	amf0_write_number(&wr, t->number);
	amf0_write_null(&wr);
	if (!amfjson_parse(&wr, t->field[0]))
		call_failed(
		    w, g, t->number, span_of("the method's value is too long"));
	else
		guest_send(w, g, type, wr.buf, wr.len);
}

static void
invoked(struct worker *w, struct guest *g, const struct talk *t)
{
	struct writer wr;
	writer_init(&wr, w->scripted->amf, SENT_MAX);
	uint8_t type = begin_message(g, &wr);
	amf0_write_string(&wr, t->field[0]);
	amf0_write_number(&wr, t->number);
	amf0_write_null(&wr);
	if (amfjson_parse_args(&wr, t->field[1]))
		guest_send(w, g, type, wr.buf, wr.len);
}

/* Written once for all, in both ways: a command of AMF3 has one byte more in front. */
static void
broadcast(struct worker *w, const struct talk *t)
{
	struct guest_table *all = &w->scripted->guests;
	struct guest *g;
	struct writer wr;
	writer_init(&wr, w->scripted->amf, SENT_MAX);
	writer_u8(&wr, 0);
	amf0_write_string(&wr, t->field[0]);
	amf0_write_number(&wr, t->number);
	amf0_write_null(&wr);
	if (!amfjson_parse_args(&wr, t->field[1]))
		return;
	for (unsigned i = 0; i < GUEST_BUCKETS && all->n > 0; i++)
		LIST_FOREACH (g, &all->bucket[i], next_above) {
			unsigned skip = g->connect_type != WIRE_COMMAND_AMF3;
			if (g->state == GUEST_IN &&
			    span_equal(g->prefix, t->field[2]))
				guest_send(w, g,
				    skip ? WIRE_COMMAND : WIRE_COMMAND_AMF3,
				    wr.buf + skip, wr.len - skip);
		}
}

/* Virtual clients play and publish at their edges, which are not told. */
static void
restrict_to(struct worker *w, struct guest *g, const struct talk *t)
{
	struct writer wr;
	if (g->tree != NULL)
		return;
	writer_init(&wr, w->scripted->json, sizeof w->scripted->json);
	writer_span(&wr, t->field[0]);
	writer_u8(&wr, 0);
	writer_span(&wr, t->field[1]);
	struct span both = { (char *)w->scripted->json, wr.len };
	if (!writer_ok(&wr) ||
	    !session_set_access(w, session_of(w, g->c), both))
		conn_abort(w, g->c, REASON_INPUT_MEMORY);
}

static void
accepted(struct worker *w, struct guest *g)
{
	/* it may stay for its calls alone */
	if (g->tree == NULL)
		session_of(w, g->c)->stays = true;
	w->scripted->nasked--;
	guest_accept(w, g, false);
}

/* Of g, which waits for an answer. */
static void
answered(struct worker *w, struct guest *g, const struct talk *t)
{
	if (t->kind == TALK_ACCEPT)
		accepted(w, g);
	else if (t->kind == TALK_REJECT || t->kind == TALK_REDIRECT)
		rejected(w, g, t);
	else if (t->kind == TALK_DROP)
		refuse(w, g, REASON_SCRIPT_REJECTED, "");
	else if (t->kind == TALK_ACCESS)
		restrict_to(w, g, t);
}

/* Of g, which is in. */
static void
said(struct worker *w, struct guest *g, const struct talk *t)
{
	char words[WORDS];
	switch (t->kind) {
	case TALK_RETURN:
	case TALK_FAIL:
		returned(w, g, t);
		break;
	case TALK_LOST:
		snprintf(words, sizeof words, "%.*s",
		    (int)(t->field[0].len < WORDS ? t->field[0].len : WORDS),
		    t->field[0].p);
		guest_calls_lost(w, g, words);
		break;
	case TALK_INVOKE:
		invoked(w, g, t);
		break;
	case TALK_ACCESS:
		restrict_to(w, g, t);
		break;
	case TALK_REJECT:
	case TALK_REDIRECT:
	case TALK_DROP:
		refuse(w, g, REASON_SCRIPT_CLOSED, "");
		break;
	case TALK_CONNECT:
	case TALK_CALL:
	case TALK_RESULT:
	case TALK_ACCEPT:
	case TALK_BROADCAST:
	case TALK_KIND_COUNT:
		worker_count(w, COUNTER_IPC_DROPPED, 1);
	}
}

static void
hear(struct worker *w, const struct talk *t)
{
	struct guest *g = find(w, t->client);
	if (t->kind == TALK_BROADCAST)
		broadcast(w, t);
	else if (g == NULL)
		worker_count(w, COUNTER_IPC_DROPPED, 1);
	else if (g->state == GUEST_IN)
		said(w, g, t);
	else
		answered(w, g, t);
}

static void
read_some(struct worker *w)
{
	struct scripted *s = w->scripted;
	struct talk t;
	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (talk_recv(&s->link, s->heard, &t) != 1) {
			s->readable = false;
			return;
		}
		hear(w, &t);
		if (t.kind == TALK_BROADCAST)
			break; /* that was many */
	}
	worker_wake_at(w, w->now);
}

void
scripted_event(struct worker *w, bool more)
{
	w->scripted->readable = true;
	if (!more && !w->orphan)
		loop_poll(w->loop, w->scripted->link.fd, SCRIPTED_POLL);
}

/* Ends. --------------------------------------------------------------------------- */

static void
say_gone(struct worker *w, uint64_t id)
{
	struct ipc_msg m = { .kind = IPC_LEFT };
	m.u.kick.conn = id;
	link_send(w, &m);
}

void
scripted_leave(struct worker *w, struct guest *g)
{
	struct scripted *s = w->scripted;
	if (!g->announced)
		return;
	detach(w, g);
	if (talk_forget(&s->link, g->id))
		return;
	if (s->ngone == s->gone_cap) {
		unsigned cap = s->gone_cap > 0 ? 2 * s->gone_cap : 64;
		uint64_t *more = realloc(s->gone, cap * sizeof *more);
		if (more == NULL) {
			say_gone(w, g->id);
			return;
		}
		s->gone = more;
		s->gone_cap = cap;
	}
	s->gone[s->ngone++] = g->id;
}

/* Many may wait behind what one client says: not until the next tick. */
static void
flush(struct worker *w)
{
	struct scripted *s = w->scripted;
	if (!talk_waits(&s->link) || w->orphan)
		return;
	if (mono_ms_since(s->flushed, w->now) >= FLUSH_MS) {
		(void)talk_flush(&s->link);
		s->flushed = w->now;
	}
	worker_wake_at(w, mono_add_ms(s->flushed, FLUSH_MS));
}

void
scripted_turn(struct worker *w)
{
	struct scripted *s = w->scripted;
	if (s->readable)
		read_some(w);
	flush(w);
	/* what they published has ended by now, and the master knows */
	for (unsigned i = 0; i < s->ngone; i++)
		say_gone(w, s->gone[i]);
	s->ngone = 0;
}

/* A connection is not read while its client waits: has it ended? */
static void
drop_ended(struct worker *w)
{
	struct guest_table *all = &w->scripted->guests;
	struct guest *g, *after;
	for (unsigned i = 0; i < GUEST_BUCKETS; i++)
		for (g = LIST_FIRST(&all->bucket[i]); g != NULL; g = after) {
			after = LIST_NEXT(g, next_above);
			if (g->state != GUEST_IN && g->tree == NULL &&
			    g->c->eof)
				conn_abort(w, g->c, REASON_PEER_CLOSED);
		}
}

void
scripted_tick(struct worker *w)
{
	if (w->scripted->nasked > 0)
		drop_ended(w);
}

void
scripted_orphan(struct worker *w)
{
	struct guest_table *all = &w->scripted->guests;
	struct guest *g, *after;
	for (unsigned i = 0; i < GUEST_BUCKETS; i++)
		for (g = LIST_FIRST(&all->bucket[i]); g != NULL; g = after) {
			after = LIST_NEXT(g, next_above);
			if (g->state == GUEST_IN)
				guest_calls_lost(
				    w, g, reason_text(REASON_NO_MASTER));
			else
				refuse(w, g, REASON_NO_MASTER, "");
		}
}
