/*
 * upreply - what other servers answer on connections that this worker has made.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/cmd.h"
#include "worker/upstreams.h"

enum { TEXT = IPC_TEXT_MAX };

/* Words of a peer, fit for a log and for other clients. */
static const char *
words_of(const struct cmd_reply *r, char text[TEXT])
{
	struct span s = r->description.len > 0 ? r->description : r->code;
	size_t n = s.len < TEXT - 1 ? s.len : TEXT - 1;
	for (size_t i = 0; i < n; i++)
		text[i] = s.p[i] >= 32 && s.p[i] < 127 ? s.p[i] : '?';
	text[n] = '\0';
	return n > 0 ? text : NULL;
}

/* For a client whose connect or publish it answers. */
static void
keep_said(struct upstream *up, const struct cmd_reply *r)
{
	struct span s = cmd_reply_info(r);
	if (s.len == 0 || up->said != NULL ||
	    (up->said = malloc(s.len)) == NULL)
		return;
	memcpy(up->said, s.p, s.len);
	up->saidlen = (uint32_t)s.len;
}

static enum reason
connected(struct worker *w, struct upstream *up, const struct cmd *cmd)
{
	struct cmd_reply r;
	struct amf0_value v;
	char text[TEXT];
	if (cmd_parse_reply(cmd, &r) != AMF0_OK)
		return REASON_UPSTREAM_INVALID;
	if (cmd->id == CMD_ERROR) {
		keep_said(up, &r);
		upstream_fail(
		    w, up, REASON_UPSTREAM_REFUSED, words_of(&r, text), true);
		return REASON_NONE;
	}
	up->sluice = amf0_find(&r.info, CMD_NODE, &v) && amf0_is_string(&v);
	upstream_ready(w, up);
	if (up->keeper != NULL)
		up->keeper->up(w, up, &r);
	return REASON_NONE;
}

/* The answer to createStream; of a leg that has gone: the stream goes too. */
static enum reason
created(struct worker *w, struct upstream *up, const struct cmd *cmd)
{
	struct leg *l = TAILQ_FIRST(&up->creating);
	struct cmd_reply r;
	uint32_t id;
	char text[TEXT];
	if (cmd_parse_reply(cmd, &r) != AMF0_OK)
		return REASON_UPSTREAM_INVALID;
	bool ours = l != NULL && l->txn == cmd->txn;
	if (cmd->id == CMD_ERROR) {
		up->full = true;
		if (ours)
			leg_failed(w, l, REASON_STREAM_LIMIT,
			    words_of(&r, text), false);
		return REASON_NONE;
	}
	if (!cmd_reply_stream_id(&r, &id) || id == 0 ||
	    session_stream(session_of(w, up->c), id) != NULL)
		return REASON_UPSTREAM_INVALID;
	if (!ours) {
		struct writer wr;
		if (conn_write(w, up->c, SESSION_REPLY, &wr)) {
			cmd_write_delete_stream(&wr, UP_CHUNK, 0, id);
			conn_write_end(w, up->c, &wr);
		}
		return REASON_NONE;
	}
	leg_set_state(l, LEG_ASKED);
	l->ns = session_new_stream(w, up->c, id);
	if (l->ns == NULL)
		return REASON_INPUT_MEMORY;
	l->ns->use = l->publish ? NS_PUSH : NS_PULL;
	l->ns->leg = l;
	leg_play(w, l);
	return REASON_NONE;
}

/* The answer to leg_call(), of the only leg. */
static enum reason
answered(struct worker *w, struct upstream *up, const struct cmd *cmd)
{
	struct leg *l = TAILQ_FIRST(&up->legs);
	double call = cmd->txn - UP_CALLS;
	struct cmd_reply r;
	struct span value = { "", 0 };
	if (cmd_parse_reply(cmd, &r) != AMF0_OK)
		return REASON_UPSTREAM_INVALID;
	if (l == NULL || l->ops->answered == NULL || !(call >= 1) ||
	    !(call < UP_CALLS))
		return REASON_NONE;
	if (r.info.raw != NULL)
		value = (struct span){ (const char *)r.info.raw,
			(size_t)(r.info.raw_end - r.info.raw) };
	l->ops->answered(w, l, (uint64_t)call, cmd->id == CMD_RESULT, value);
	return REASON_NONE;
}

static enum reason
reply(struct worker *w, struct upstream *up, const struct cmd *cmd)
{
	/* the transaction of a client's own connect may be any */
	if (up->state == UP_CONNECT && (cmd->txn == 1 || up->to.own_connect))
		return connected(w, up, cmd);
	if (up->state != UP_READY || cmd->txn <= 1)
		return REASON_NONE; /* to what was not asked */
	if (cmd->txn > UP_CALLS)
		return answered(w, up, cmd);
	enum reason r = created(w, up, cmd);
	upstream_created(w, up);
	return r;
}

static bool
begins(struct span s, const char *with)
{
	size_t n = strlen(with);
	return s.len >= n && memcmp(s.p, with, n) == 0;
}

/* What a server says of a stream that is sent to it. */
static void
publish_status(struct worker *w, struct upstream *up, struct leg *l,
    const struct cmd_reply *r)
{
	char text[TEXT];
	l->said = cmd_reply_info(r);
	if (span_is(r->level, "error")) {
		leg_failed(
		    w, l, REASON_UPSTREAM_REFUSED, words_of(r, text), true);
	} else if (span_is(r->code, "NetStream.Publish.Start")) {
		leg_set_state(l, LEG_STARTED);
		l->ops->started(w, l);
		upstream_ask(w, up);
	}
}

static enum reason
status(
    struct worker *w, struct upstream *up, const struct cmd *cmd, uint32_t msid)
{
	struct netstream *ns =
	    session_stream_from(session_of(w, up->c), up->c, msid);
	struct leg *l = ns != NULL ? ns->leg : NULL;
	struct cmd_reply r;
	char text[TEXT];
	if (cmd_parse_reply(cmd, &r) != AMF0_OK)
		return REASON_UPSTREAM_INVALID;
	if (l == NULL || (l->publish && msid != ns->id)) {
		/* of the connection: it is about to be closed */
		if (span_is(r.level, "error"))
			upstream_fail(w, up, REASON_UPSTREAM_LOST,
			    words_of(&r, text), false);
	} else if (l->publish) {
		publish_status(w, up, l, &r);
	} else if (span_is(r.code, "NetStream.Play.StreamNotFound")) {
		leg_failed(
		    w, l, REASON_NOT_PUBLISHED, words_of(&r, text), false);
	} else if (begins(r.code, "NetStream.Play.Failed") ||
		   (span_is(r.level, "error") &&
		       begins(r.code, "NetStream."))) {
		leg_failed(
		    w, l, REASON_UPSTREAM_REFUSED, words_of(&r, text), true);
	} else if (span_is(r.code, "NetStream.Play.Start") ||
		   span_is(r.code, "NetStream.Play.PublishNotify")) {
		leg_set_state(l, LEG_STARTED);
		l->ops->started(w, l);
		upstream_ask(w, up);
	} else if (span_is(r.code, "NetStream.Play.UnpublishNotify") ||
		   span_is(r.code, "NetStream.Play.Stop") ||
		   span_is(r.code, "NetStream.Play.Complete")) {
		l->ops->ended(w, l);
	}
	return REASON_NONE;
}

enum reason
upstream_command(struct worker *w, struct conn *c, uint8_t type, uint32_t msid,
    const uint8_t *p, size_t n)
{
	struct upstream *up = session_of(w, c)->up;
	struct cmd cmd;
	if (up == NULL || up->failing)
		return REASON_NONE;
	if (cmd_parse(type, p, n, &cmd) != AMF0_OK)
		return REASON_UPSTREAM_INVALID;
	if (up->keeper != NULL && up->state == UP_READY)
		return up->keeper->command(w, up, &cmd, type, msid, p, n);
	if (cmd.id == CMD_RESULT || cmd.id == CMD_ERROR)
		return reply(w, up, &cmd);
	if (cmd.id == CMD_ON_STATUS)
		return status(w, up, &cmd, msid);
	if (cmd.id == CMD_CLOSE)
		upstream_fail(w, up, REASON_UPSTREAM_LOST, NULL, false);
	return REASON_NONE;
}
