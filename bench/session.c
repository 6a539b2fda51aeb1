#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bench/session.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"

enum { OUT_MAX = 4096, BUFFER_MS = 3000 };

/* Transactions, the same in every connection. */
enum {
	TXN_CONNECT = 1,
	TXN_RELEASE,
	TXN_FC_PUBLISH,
	TXN_CREATE,
	TXN_START,
	TXN_GOODBYE,
	TXN_DELETE
};

static const struct span no_detail = { "", 0 };

void
session_start(struct client *c)
{
	uint8_t buf[OUT_MAX];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	struct cmd_connect connect = {
		.txn = TXN_CONNECT,
		.app = c->net->app,
		.tc_url = c->net->tc_url,
		.flash_ver = span_of("FMLE/3.0 (compatible; sluice-bench)"),
		.type = c->net->publish ? span_of("nonprivate") : no_detail,
		.capabilities = c->net->publish ? 0 : 15,
		.audio_codecs = c->net->publish ? 0 : 4071,
		.video_codecs = c->net->publish ? 0 : 252,
		.video_function = c->net->publish ? 0 : 1,
		.fourcc_list.type = AMF0_UNDEFINED,
		.video_fourcc_map.type = AMF0_UNDEFINED,
		.audio_fourcc_map.type = AMF0_UNDEFINED,
	};
	c->chunk = CHUNK_SIZE_DEFAULT;
	c->ctxs = c->first_ctxs;
	chunk_reader_init(&c->reader, c->ctxs, CLIENT_CTXS);
	cmd_write_connect(&w, c->chunk, &connect);
	c->state = CLIENT_CONNECT;
	client_send(c, &w);
}

static struct span
stream_name(const struct client *c)
{
	return span_of(c->name);
}

static void
ask_stream(struct client *c)
{
	uint8_t buf[OUT_MAX];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	if (c->net->publish) {
		wire_set_chunk_size(&w, c->net->chunk);
		c->chunk = c->net->chunk;
		cmd_write_call_name(&w, c->chunk, CMD_RELEASE_STREAM,
		    TXN_RELEASE, stream_name(c));
		cmd_write_call_name(&w, c->chunk, CMD_FC_PUBLISH,
		    TXN_FC_PUBLISH, stream_name(c));
	}
	cmd_write_call(&w, c->chunk, CMD_CREATE_STREAM, 0, TXN_CREATE);
	c->state = CLIENT_CREATE;
	client_send(c, &w);
}

static void
ask_start(struct client *c, const struct cmd_reply *reply)
{
	if (!cmd_reply_stream_id(reply, &c->msid)) {
		client_fail(c, "no stream id from createStream", no_detail);
		return;
	}
	uint8_t buf[OUT_MAX];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	if (c->net->publish) {
		cmd_write_publish(&w, c->chunk, c->msid, TXN_START,
		    stream_name(c), "live", (struct span){ "", 0 }, 0);
	} else {
		wire_set_buffer_length(&w, c->msid, BUFFER_MS);
		cmd_write_play(&w, c->chunk, c->msid, TXN_START, stream_name(c),
		    CMD_PLAY_ANY, (struct span){ "", 0 }, 0);
	}
	c->state = CLIENT_START;
	client_send(c, &w);
}

void
session_goodbye(struct client *c)
{
	uint8_t buf[OUT_MAX];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	if (c->net->publish)
		cmd_write_call_name(&w, c->chunk, CMD_FC_UNPUBLISH, TXN_GOODBYE,
		    stream_name(c));
	cmd_write_delete_stream(&w, c->chunk, TXN_DELETE, c->msid);
	client_send(c, &w);
}

/* Fail with the code of a status, or with text if it has none. */
static void
refuse(struct client *c, const struct cmd_reply *reply, const char *text)
{
	char code[96];
	size_t n = reply->code.len < sizeof(code) - 1 ? reply->code.len
						      : sizeof(code) - 1;
	memcpy(code, reply->code.p, n);
	code[n] = '\0';
	client_fail(c, n > 0 ? code : text, reply->description);
}

static void
on_result(struct client *c, const struct cmd *cmd)
{
	struct cmd_reply reply;
	if (cmd_parse_reply(cmd, &reply) != AMF0_OK) {
		client_fail(c, "malformed answer from the server", no_detail);
		return;
	}
	bool error = cmd->id == CMD_ERROR;
	if (cmd->txn == TXN_CONNECT && c->state == CLIENT_CONNECT) {
		if (error)
			refuse(c, &reply, "connect refused");
		else
			ask_stream(c);
	} else if (cmd->txn == TXN_CREATE && c->state == CLIENT_CREATE) {
		if (error)
			refuse(c, &reply, "createStream refused");
		else
			ask_start(c, &reply);
	} else if (error && cmd->txn == TXN_START) {
		refuse(c, &reply, "publish or play refused");
	}
}

static void
run(struct client *c)
{
	if (c->state != CLIENT_START)
		return;
	c->state = CLIENT_RUNNING;
	c->net->ops->running(c);
}

static void
on_status(struct client *c, const struct cmd *cmd)
{
	struct cmd_reply reply;
	if (cmd_parse_reply(cmd, &reply) != AMF0_OK)
		return;
	if (span_is(reply.level, "error"))
		refuse(c, &reply, "onStatus of level error");
	else if (span_is(reply.code, "NetStream.Publish.Start") ||
		 span_is(reply.code, "NetStream.Play.Start"))
		run(c);
}

static void
on_command(struct client *c, const struct chunk_ctx *m)
{
	struct cmd cmd;
	if (cmd_parse(m->type, m->user, m->len, &cmd) != AMF0_OK) {
		client_fail(c, "malformed command from the server", no_detail);
		return;
	}
	if (cmd.id == CMD_RESULT || cmd.id == CMD_ERROR)
		on_result(c, &cmd);
	else if (cmd.id == CMD_ON_STATUS)
		on_status(c, &cmd);
	/* close, onBWDone and others: what follows them tells */
}

static void
on_control(struct client *c, const struct chunk_ctx *m)
{
	struct wire_control k;
	if (!wire_parse_control(m->type, m->user, m->len, &k))
		return;
	uint8_t buf[64];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	switch (k.type) {
	case WIRE_SET_CHUNK_SIZE:
		if (!chunk_reader_set_size(&c->reader, k.value))
			client_fail(c, "impossible chunk size", no_detail);
		break;
	case WIRE_ABORT: {
		struct chunk_ctx *cut = chunk_reader_abort(&c->reader, k.value);
		if (cut != NULL) {
			free(cut->user);
			cut->user = NULL;
		}
		break;
	}
	case WIRE_USER_CONTROL:
		if (k.event == WIRE_PING_REQUEST)
			wire_user_control(&w, WIRE_PING_RESPONSE, k.value);
		break;
	case WIRE_WINDOW_ACK_SIZE:
		c->window = k.value;
		break;
	case WIRE_PEER_BANDWIDTH:
		wire_window_ack_size(&w, k.value);
		break;
	default:
		break;
	}
	if (w.len > 0)
		client_send(c, &w);
}

static bool
is_media(const struct client *c, const struct chunk_ctx *m)
{
	return (m->type == WIRE_AUDIO || m->type == WIRE_VIDEO) &&
	       c->net->ops->media_begin != NULL;
}

static enum frame_kind
kind_of(const struct chunk_ctx *m)
{
	return m->type == WIRE_VIDEO ? FRAME_VIDEO : FRAME_AUDIO;
}

/* Commands and control are gathered; all else is passed over. */
static bool
is_gathered(const struct chunk_ctx *m)
{
	bool control =
	    m->type >= WIRE_SET_CHUNK_SIZE && m->type <= WIRE_PEER_BANDWIDTH;
	bool command = m->type == WIRE_COMMAND || m->type == WIRE_COMMAND_AMF3;
	return (control || command) && m->len > 0 &&
	       m->len <= CLIENT_COMMAND_MAX;
}

static void
message_begin(struct client *c, struct chunk_ctx *m)
{
	m->user = NULL;
	if (is_media(c, m)) {
		run(c); /* some servers send media before Play.Start */
		c->net->ops->media_begin(c, kind_of(m), m->len);
	} else if (is_gathered(m)) {
		m->user = malloc(m->len);
	}
}

static void
message_data(struct client *c, const struct chunk_item *it)
{
	const struct chunk_ctx *m = it->ctx;
	if (is_media(c, m))
		c->net->ops->media_data(c, kind_of(m), it->data, it->len);
	else if (m->user != NULL)
		memcpy(
		    (uint8_t *)m->user + m->got - it->len, it->data, it->len);
}

static void
message_end(struct client *c, struct chunk_ctx *m, struct mono now)
{
	if (is_media(c, m)) {
		c->net->ops->media_end(c, kind_of(m), m->ts, now);
		return;
	}
	if (m->user == NULL)
		return;
	/* Detached: the client may be closed, its contexts gone, below. */
	struct chunk_ctx gathered = *m;
	m->user = NULL;
	if (m->type == WIRE_COMMAND || m->type == WIRE_COMMAND_AMF3)
		on_command(c, &gathered);
	else
		on_control(c, &gathered);
	free(gathered.user);
}

static bool
grow(struct client *c)
{
	uint32_t n = c->reader.nctxs * 2;
	if (n > CLIENT_CTXS_MAX)
		return false;
	struct chunk_ctx *bigger = calloc(n, sizeof(*bigger));
	if (bigger == NULL)
		return false;
	struct chunk_ctx *old = c->ctxs;
	chunk_reader_grow(&c->reader, bigger, n);
	if (old != c->first_ctxs)
		free(old);
	c->ctxs = bigger;
	return true;
}

/* RTMP 1.0, 5.4.3; at half the window, so that nobody waits for us. */
static void
acknowledge(struct client *c)
{
	if (c->state == CLIENT_IDLE || c->window == 0 ||
	    c->received - c->acked < c->window / 2)
		return;
	uint8_t buf[64];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	wire_ack(&w, (uint32_t)c->received);
	c->acked = c->received;
	client_send(c, &w);
}

void
session_discarded(struct client *c)
{
	acknowledge(c);
}

void
session_feed(struct client *c, const uint8_t *p, const uint8_t *end)
{
	struct mono now = clock_now();
	struct chunk_item it;
	while (c->state != CLIENT_IDLE) {
		switch (chunk_next(&c->reader, &p, end, &it)) {
		case CHUNK_NEED_MORE:
			acknowledge(c);
			return;
		case CHUNK_BEGIN:
			message_begin(c, it.ctx);
			break;
		case CHUNK_DATA:
			message_data(c, &it);
			break;
		case CHUNK_END:
			message_end(c, it.ctx, now);
			break;
		case CHUNK_NEED_CTX:
			if (!grow(c))
				client_fail(
				    c, "too many chunk streams", no_detail);
			break;
		case CHUNK_ERROR:
			client_fail(c, "malformed chunk from the server",
			    span_of(chunk_error_name(it.error)));
			break;
		}
	}
}

void
session_fini(struct client *c)
{
	if (c->ctxs == NULL)
		return;
	for (uint32_t i = 0; i < c->reader.used; i++)
		free(c->ctxs[i].user);
	if (c->ctxs != c->first_ctxs)
		free(c->ctxs);
	c->ctxs = NULL;
}
