#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/wire.h"
#include "worker/hook.h"
#include "worker/command.h"
#include "worker/session.h"
#include "worker/sessions.h"

int
sessions_init(struct worker *w, const struct session_ops *ops, uint32_t size)
{
	struct sessions *ss = calloc(1, sizeof *ss);
	if (ss == NULL)
		return -ENOMEM;
	ss->table = calloc(size, sizeof *ss->table);
	if (ss->table == NULL) {
		free(ss);
		return -ENOMEM;
	}
	ss->ops = ops;
	(void)!getrandom(&ss->seed, sizeof ss->seed, 0);
	w->sessions = ss;
	return 0;
}

void
sessions_fini(struct worker *w)
{
	free(w->sessions->table);
	free(w->sessions);
	w->sessions = NULL;
}

struct session *
session_of(struct worker *w, const struct conn *c)
{
	return &w->sessions->table[c->index];
}

/* Another one for each connection: SplitMix64. */
static uint64_t
next_seed(struct worker *w)
{
	uint64_t z = (w->sessions->seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 27);
}

/* We are the client: C0 and C1 go at once. */
static void
greet(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	uint8_t out[HS_CLIENT_OUT];
	struct writer wr;
	s->hs_out = bufpool_get_new(&w->pool, sizeof *s->hs_out);
	if (s->hs_out == NULL) {
		conn_abort(w, c, REASON_INPUT_MEMORY);
		return;
	}
	hs_client_init(s->hs_out, next_seed(w), out);
	s->connected = true; /* what comes is an answer */
	if (!conn_write(w, c, sizeof out, &wr))
		return;
	writer_bytes(&wr, out, sizeof out);
	conn_write_end(w, c, &wr);
}

void
session_opened(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	memset(s, 0, sizeof *s);
	LIST_INIT(&s->streams);
	s->low_id = 1;
	s->window = WIRE_WINDOW_DEFAULT;
	s->ctxs = s->first;
	s->nctxs = SESSION_CTX;
	chunk_reader_init(&s->cr, s->ctxs, s->nctxs);
	if (c->outbound) {
		greet(w, c);
		return;
	}
	s->hs = bufpool_get_new(&w->pool, sizeof *s->hs);
	if (s->hs == NULL)
		conn_abort(w, c, REASON_INPUT_MEMORY);
	else
		hs_server_init(s->hs, next_seed(w));
}

static void
drop_handshake(struct worker *w, struct session *s)
{
	if (s->hs != NULL)
		bufpool_put(&w->pool, s->hs, sizeof *s->hs);
	if (s->hs_out != NULL)
		bufpool_put(&w->pool, s->hs_out, sizeof *s->hs_out);
	s->hs = NULL;
	s->hs_out = NULL;
}

/* Messages ---------------------------------------------------------------- */

static void
drop_message(struct worker *w, struct conn *c, struct chunk_ctx *x)
{
	struct msg *m = x->user;
	if (m == NULL)
		return;
	x->user = NULL;
	if (m->pub != NULL)
		w->sessions->ops->drop(w, c, m);
	else
		msg_free(w, m, &session_of(w, c)->own);
}

void
session_drop(struct worker *w, struct conn *c, const struct publish *pub)
{
	struct session *s = session_of(w, c);
	for (uint32_t i = 0; i < s->nctxs && i < s->cr.used; i++) {
		struct msg *m = s->ctxs[i].user;
		if (m != NULL && (pub == NULL || m->pub == pub))
			drop_message(w, c, &s->ctxs[i]);
	}
}

static void
drop_prefix(struct worker *w, struct session *s)
{
	if (s->prefix != NULL)
		bufpool_put(&w->pool, s->prefix, s->prefix_len);
	s->prefix = NULL;
	s->prefix_len = 0;
}

bool
session_set_prefix(struct worker *w, struct session *s, struct span prefix)
{
	drop_prefix(w, s);
	s->prefix = bufpool_get_new(&w->pool, prefix.len);
	if (s->prefix == NULL)
		return false;
	memcpy(s->prefix, prefix.p, prefix.len);
	s->prefix_len = (uint32_t)prefix.len;
	return true;
}

/* Replace a text of the pool; what it was is wiped. */
static bool
set_text(struct worker *w, struct span *to, struct span from)
{
	if (to->p != NULL) {
		char *old = (char *)(uintptr_t)to->p;
		explicit_bzero(old, to->len);
		bufpool_put(&w->pool, old, to->len);
	}
	*to = (struct span){ NULL, 0 };
	char *copy = from.len > 0 ? bufpool_get_new(&w->pool, from.len) : NULL;
	if (copy == NULL)
		return from.len == 0;
	memcpy(copy, from.p, from.len);
	*to = (struct span){ copy, from.len };
	return true;
}

bool
session_set_access(struct worker *w, struct session *s, struct span a)
{
	return set_text(w, &s->access, a);
}

bool
session_set_query(struct worker *w, struct session *s, struct span q)
{
	return set_text(w, &s->query, q);
}

bool
session_set_url(struct worker *w, struct session *s, struct span url)
{
	return set_text(w, &s->url, url);
}

void
session_closed(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	drop_handshake(w, s);
	session_free_streams(w, c);
	hook_gone(w, c);
	session_drop(w, c, NULL);
	if (s->ctxs != s->first)
		bufpool_put(&w->pool, s->ctxs, s->nctxs * sizeof *s->ctxs);
	s->ctxs = s->first;
	s->nctxs = 0;
	drop_prefix(w, s);
	session_set_query(w, s, (struct span){ NULL, 0 });
	session_set_url(w, s, (struct span){ NULL, 0 });
	session_set_access(w, s, (struct span){ NULL, 0 });
}

static bool
is_media(uint8_t type)
{
	return type == WIRE_AUDIO || type == WIRE_VIDEO || type == WIRE_DATA ||
	       type == WIRE_DATA_AMF3 || type == WIRE_AGGREGATE;
}

static bool
is_command(uint8_t type)
{
	return type == WIRE_COMMAND || type == WIRE_COMMAND_AMF3;
}

/* Bytes that a message of this type may have when nothing is published. */
static uint32_t
size_limit(uint8_t type)
{
	if (type >= WIRE_SET_CHUNK_SIZE && type <= WIRE_PEER_BANDWIDTH)
		return 64;
	return SESSION_COMMAND_MAX;
}

/* Of RTMP 1.0; what is not may be of a later version, and passes by. */
static bool
is_known(uint8_t type)
{
	return (type >= WIRE_SET_CHUNK_SIZE && type <= WIRE_PEER_BANDWIDTH) ||
	       is_media(type) || is_command(type) || type == WIRE_SHARED ||
	       type == WIRE_SHARED_AMF3;
}

/*
 * A message that is not for us: C0 and C1 sent again look like one of unknown
 * type on chunk stream 3, where everybody sends commands; before connect there
 * is nothing but commands and control messages.
 */
static enum reason
strange(const struct session *s, const struct chunk_ctx *x)
{
	if (!is_known(x->type) && x->csid == 3)
		return REASON_SECOND_HANDSHAKE;
	if (s->connected)
		return REASON_NONE;
	return is_media(x->type) ? REASON_COMMAND_ORDER
				 : REASON_MESSAGE_INVALID;
}

static bool
is_data(uint8_t type)
{
	return type == WIRE_DATA || type == WIRE_DATA_AMF3;
}

static bool
is_control(uint8_t type)
{
	return type >= WIRE_SET_CHUNK_SIZE && type <= WIRE_PEER_BANDWIDTH;
}

/* A message that the session gathers itself. */
static enum reason
begin_own(struct worker *w, struct session *s, struct chunk_ctx *x)
{
	if (x->len > size_limit(x->type))
		return REASON_MESSAGE_SIZE;
	if (s->own >= 2 * SESSION_COMMAND_MAX)
		return REASON_INPUT_LIMIT;
	struct msg *m = msg_new(w, x->len, NULL, &s->own);
	if (m == NULL)
		return REASON_INPUT_MEMORY;
	m->type = x->type;
	m->ts = x->ts;
	m->msid = x->msid;
	x->user = m;
	return REASON_NONE;
}

static enum reason
begin_media(
    struct worker *w, struct conn *c, struct netstream *ns, struct chunk_ctx *x)
{
	struct msg *m = NULL;
	enum reason r = w->sessions->ops->begin(w, c, ns, &m, x);
	x->user = m;
	return r;
}

static enum reason
begin_message(struct worker *w, struct conn *c, struct chunk_ctx *x)
{
	struct session *s = session_of(w, c);
	x->user = NULL;
	worker_count(w, COUNTER_MESSAGES_IN, 1);
	struct netstream *ns =
	    is_media(x->type) ? session_stream_from(s, c, x->msid) : NULL;
	/* metadata may come before it is known whether media will */
	if (ns != NULL && ns->use == NS_PULL && ns->pub == NULL &&
	    is_data(x->type))
		return begin_own(w, s, x);
	if (ns != NULL && (ns->use == NS_PUBLISH || ns->use == NS_PULL))
		return begin_media(w, c, ns, x);
	if (is_command(x->type) || is_control(x->type))
		return begin_own(w, s, x);
	/* passes by without taking memory */
	worker_count(w, COUNTER_DATA_IGNORED, 1);
	return strange(s, x);
}

static enum reason
message_data(struct worker *w, struct conn *c, const struct chunk_item *it)
{
	struct msg *m = it->ctx->user;
	if (m == NULL)
		return REASON_NONE;
	struct session *s = session_of(w, c);
	enum reason r = REASON_NONE;
	if (m->pub != NULL)
		r = w->sessions->ops->data(
		    w, c, &m, it->data, (uint32_t)it->len);
	else if (!msg_append(w, &m, it->data, (uint32_t)it->len, &s->own,
		     2 * SESSION_COMMAND_MAX))
		r = REASON_INPUT_LIMIT;
	it->ctx->user = m;
	return r;
}

static enum reason
control_message(struct worker *w, struct conn *c, const struct msg *m)
{
	struct session *s = session_of(w, c);
	struct wire_control k;
	struct chunk_ctx *x;
	struct writer wr;
	if (!wire_parse_control(m->type, m->data, m->got, &k))
		return REASON_MESSAGE_INVALID;
	if (m->type == WIRE_SET_CHUNK_SIZE) {
		if (!chunk_reader_set_size(&s->cr, k.value))
			return REASON_CHUNK_SIZE;
	} else if (m->type == WIRE_ABORT) {
		if ((x = chunk_reader_abort(&s->cr, k.value)) != NULL)
			drop_message(w, c, x);
	} else if (m->type == WIRE_WINDOW_ACK_SIZE) {
		if (k.value > 0)
			s->window = k.value;
	} else if (m->type == WIRE_USER_CONTROL &&
		   k.event == WIRE_PING_REQUEST) {
		if (conn_write(w, c, 32, &wr)) {
			wire_user_control(&wr, WIRE_PING_RESPONSE, k.value);
			conn_write_end(w, c, &wr);
		}
	}
	return REASON_NONE;
}

static enum reason
own_message(struct worker *w, struct conn *c, const struct msg *m)
{
	const struct session_ops *ops = w->sessions->ops;
	if (is_data(m->type))
		return ops->note(w, c, m);
	if (!is_command(m->type))
		return control_message(w, c, m);
	return c->outbound
		   ? ops->command(w, c, m->type, m->msid, m->data, m->got)
		   : command_message(w, c, m->type, m->msid, m->data, m->got);
}

static enum reason
end_message(struct worker *w, struct conn *c, struct chunk_ctx *x)
{
	struct msg *m = x->user;
	x->user = NULL;
	if (m == NULL)
		return REASON_NONE;
	if (m->pub != NULL)
		return w->sessions->ops->end(w, c, &m);
	enum reason r = own_message(w, c, m);
	explicit_bzero(m->data, m->got); /* there may be a key in it */
	msg_free(w, m, &session_of(w, c)->own);
	return r;
}

static enum reason
more_contexts(struct worker *w, const struct conn *c)
{
	struct session *s = session_of(w, c);
	uint32_t most = (uint32_t)c->app->max_chunk_streams;
	if (s->nctxs >= most)
		return REASON_CHUNK_STREAMS;
	/* few encoders use more than the second table holds */
	uint32_t want = s->nctxs < SESSION_CTX_MORE && SESSION_CTX_MORE < most
			    ? SESSION_CTX_MORE
			    : most;
	struct chunk_ctx *bigger =
	    bufpool_get_new(&w->pool, want * sizeof *bigger);
	if (bigger == NULL)
		return REASON_INPUT_MEMORY;
	chunk_reader_grow(&s->cr, bigger, want);
	if (s->ctxs != s->first)
		bufpool_put(&w->pool, s->ctxs, s->nctxs * sizeof *s->ctxs);
	s->ctxs = bigger;
	s->nctxs = want;
	return REASON_NONE;
}

static enum reason
chunk_event(struct worker *w, struct conn *c, enum chunk_event ev,
    const struct chunk_item *it)
{
	switch (ev) {
	case CHUNK_BEGIN:
		return begin_message(w, c, it->ctx);
	case CHUNK_DATA:
		return message_data(w, c, it);
	case CHUNK_END:
		return end_message(w, c, it->ctx);
	case CHUNK_NEED_CTX:
		return more_contexts(w, c);
	case CHUNK_ERROR:
		LOG(chunk_error, .client = c->id,
		    .error = chunk_error_name(it->error));
		return REASON_CHUNK_INVALID;
	case CHUNK_NEED_MORE:
		break;
	}
	return REASON_NONE;
}

static void
acknowledge(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	struct writer wr;
	if ((uint32_t)c->bytes_in - s->acked < s->window / 2 + 1 ||
	    !conn_write(w, c, 32, &wr))
		return;
	s->acked = (uint32_t)c->bytes_in;
	wire_ack(&wr, s->acked);
	conn_write_end(w, c, &wr);
}

/* We are the client. */
static bool
shake_hands_out(
    struct worker *w, struct conn *c, const uint8_t **p, const uint8_t *end)
{
	struct session *s = session_of(w, c);
	uint8_t out[HS_PACKET];
	size_t n;
	struct writer wr;
	enum hs_result r = hs_client_feed(s->hs_out, p, end, out, &n);
	if (n > 0 && conn_write(w, c, n, &wr)) {
		writer_bytes(&wr, out, n);
		conn_write_end(w, c, &wr);
	}
	if (r == HS_NEED_MORE)
		return false;
	if (r != HS_DONE) {
		conn_abort(w, c, REASON_UPSTREAM_INVALID);
		return false;
	}
	drop_handshake(w, s);
	conn_opened(c);
	conn_no_deadline(c); /* upstream.c has its own */
	w->sessions->ops->greeted(w, c);
	return conn_alive(c);
}

/* Returns false when the handshake is not over, or the peer was closed. */
static bool
shake_hands(
    struct worker *w, struct conn *c, const uint8_t **p, const uint8_t *end)
{
	if (c->outbound)
		return shake_hands_out(w, c, p, end);
	struct session *s = session_of(w, c);
	uint8_t out[HS_SERVER_OUT];
	size_t n;
	struct writer wr;
	enum hs_result r = hs_server_feed(s->hs, p, end, out, &n);
	if (n > 0) {
		if (!conn_write(w, c, n, &wr))
			return false;
		writer_bytes(&wr, out, n);
		conn_write_end(w, c, &wr);
	}
	switch (r) {
	case HS_NEED_MORE:
		return false;
	case HS_DONE:
		drop_handshake(w, s);
		conn_opened(c);
		session_idle(w, c);
		conn_row_role(c, ROW_IDLE);
		return true;
	case HS_BAD_VERSION:
		conn_abort(w, c, REASON_HANDSHAKE_VERSION);
		return false;
	case HS_IS_TLS:
		conn_abort(w, c, REASON_TLS);
		return false;
	case HS_IS_HTTP:
		conn_abort(w, c, REASON_HTTP);
		return false;
	}
	return false;
}

void
session_input(struct worker *w, struct conn *c, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	struct session *s = session_of(w, c);
	struct chunk_item it;
	if (c->state == CONN_HELLO && !shake_hands(w, c, &p, end))
		return;
	for (;;) {
		if (c->paused) {
			conn_stash(w, c, p, (size_t)(end - p));
			break;
		}
		enum chunk_event ev = chunk_next(&s->cr, &p, end, &it);
		if (ev == CHUNK_NEED_MORE)
			break;
		enum reason r = chunk_event(w, c, ev, &it);
		if (r != REASON_NONE)
			conn_close(w, c, r);
		if (!conn_alive(c))
			return;
	}
	acknowledge(w, c);
}

void
session_idle(struct worker *w, struct conn *c)
{
	struct netstream *ns;
	if (c->state != CONN_OPEN || c->outbound ||
	    session_of(w, c)->tree != NULL)
		return;
	LIST_FOREACH (ns, &session_of(w, c)->streams, next)
		if (ns->use != NS_IDLE)
			return;
	if (c->player != NULL)
		return; /* it finishes a message; then comes this again */
	if (session_of(w, c)->stays)
		conn_no_deadline(c);
	else
		conn_set_deadline(w, c,
		    mono_add_ms(w->now, c->refuse != REASON_NONE
					    ? SESSION_SURPLUS_MS
					    : (uint64_t)c->app->command_ms),
		    REASON_COMMAND_TIMEOUT);
	conn_row_role(c, ROW_IDLE);
}

void
session_status(struct worker *w, struct conn *c, const struct netstream *ns,
    const char *level, const char *code, const char *before, const char *after)
{
	struct writer wr;
	if (!conn_write(w, c, SESSION_REPLY, &wr))
		return;
	cmd_write_on_status_name(&wr, session_chunk(session_of(w, c)), ns->id,
	    level, code, before, netstream_name(ns), after,
	    (struct span){ NULL, 0 });
	conn_write_end(w, c, &wr);
}

void
session_deny(struct worker *w, struct conn *c, const struct netstream *ns,
    enum reason why, const char *code, const char *text)
{
	struct writer wr;
	if (!conn_write(w, c, SESSION_REPLY, &wr))
		return;
	struct cmd_status st = { .level = "error",
		.code = code != NULL ? code : reason_status(why),
		.description = span_of(text),
		.details = netstream_name(ns) };
	cmd_write_on_status(&wr, session_chunk(session_of(w, c)), ns->id, &st);
	conn_write_end(w, c, &wr);
}

void
session_refuse(struct worker *w, struct conn *c, const struct netstream *ns,
    enum reason why, const char *code)
{
	session_deny(w, c, ns, why, code, reason_text(why));
}

void
session_end(struct worker *w, struct conn *c, enum reason why)
{
	struct writer wr;
	if (c->state == CONN_OPEN && conn_write(w, c, SESSION_REPLY, &wr)) {
		struct cmd_status st = { .level = "error",
			.code = reason_status(why),
			.description = span_of(reason_text(why)) };
		cmd_write_on_status(
		    &wr, session_chunk(session_of(w, c)), 0, &st);
		conn_write_end(w, c, &wr);
	}
	conn_close(w, c, why);
}
