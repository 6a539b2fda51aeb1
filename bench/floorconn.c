#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/floorconn.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"

enum { READ_MAX = 16 * 1024, OUT_MAX = 2048, MSID = 1 };

int
floorconn_open(struct floorconn *c, int fd, uint64_t seed)
{
	struct floorconn_setup *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	hs_server_init(&s->hs, seed);
	chunk_reader_init(&s->reader, s->ctxs, FLOORCONN_CTXS);
	c->fd = fd;
	c->playing = false;
	c->setup = s;
	return 0;
}

void
floorconn_close(struct floorconn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->setup);
	c->setup = NULL;
	c->playing = false;
}

/* The socket is new and empty: a short answer fits, or the peer is broken. */
static bool
put(const struct floorconn *c, const void *p, size_t n)
{
	return send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
}

static bool
on_connect(const struct floorconn *c, const struct cmd *cmd, struct writer *w)
{
	struct cmd_connect cc;
	if (cmd_parse_connect(cmd, &cc) != AMF0_OK)
		return false;
	wire_set_chunk_size(w, WIRE_CHUNK);
	struct cmd_connect_result r = {
		.txn = cc.txn, .fms_ver = "FMS/5,0,17,0", .version = "5,0,17,0"
	};
	cmd_write_connect_result(w, WIRE_CHUNK, &r);
	return writer_ok(w) && put(c, w->buf, w->len);
}

static bool
on_play(struct floorconn *c, const struct cmd *cmd, struct writer *w,
    void *owner, floorconn_play_fn *play)
{
	struct cmd_play pl;
	if (cmd_parse_play(cmd, &pl) != AMF0_OK || pl.stop)
		return false;
	struct cmd_status st = { .level = "status",
		.code = "NetStream.Play.Start",
		.description = span_of("the floor begins") };
	cmd_write_on_status(w, WIRE_CHUNK, MSID, &st);
	if (!writer_ok(w) || !put(c, w->buf, w->len))
		return false;
	c->playing = true;
	return play(owner, c, pl.name);
}

static bool
on_command(struct floorconn *c, const struct chunk_ctx *m, void *owner,
    floorconn_play_fn *play)
{
	uint8_t buf[OUT_MAX];
	struct writer w;
	struct cmd cmd;
	writer_init(&w, buf, sizeof(buf));
	if (cmd_parse(m->type, c->setup->command, m->len, &cmd) != AMF0_OK)
		return false;
	if (cmd.id == CMD_CONNECT)
		return on_connect(c, &cmd, &w);
	if (cmd.id == CMD_PLAY)
		return on_play(c, &cmd, &w, owner, play);
	if (cmd.id == CMD_PUBLISH)
		return false; /* the floor has streams of its own */
	if (cmd.txn == 0)
		return true;
	if (cmd.id == CMD_CREATE_STREAM)
		cmd_write_result_number(&w, WIRE_CHUNK, cmd.txn, MSID);
	else
		cmd_write_result_null(&w, WIRE_CHUNK, cmd.txn);
	return writer_ok(&w) && put(c, w.buf, w.len);
}

static bool
on_message(struct floorconn *c, const struct chunk_ctx *m, void *owner,
    floorconn_play_fn *play)
{
	struct floorconn_setup *s = c->setup;
	struct wire_control k;
	if (!s->gathers)
		return true;
	if (m->type == WIRE_COMMAND || m->type == WIRE_COMMAND_AMF3)
		return on_command(c, m, owner, play);
	if (wire_parse_control(m->type, s->command, m->len, &k) &&
	    k.type == WIRE_SET_CHUNK_SIZE)
		return chunk_reader_set_size(&s->reader, k.value);
	return true;
}

static bool
feed(struct floorconn *c, const uint8_t *p, const uint8_t *end, void *owner,
    floorconn_play_fn *play)
{
	struct floorconn_setup *s = c->setup;
	struct chunk_item it;
	while (!c->playing) {
		switch (chunk_next(&s->reader, &p, end, &it)) {
		case CHUNK_NEED_MORE:
			return true;
		case CHUNK_BEGIN:
			s->have = 0;
			s->gathers = it.ctx->len <= FLOORCONN_COMMAND_MAX;
			break;
		case CHUNK_DATA:
			if (s->gathers &&
			    it.len <= sizeof(s->command) - s->have)
				memcpy(s->command + s->have, it.data, it.len);
			s->have += (uint32_t)it.len;
			break;
		case CHUNK_END:
			if (!on_message(c, it.ctx, owner, play))
				return false;
			break;
		case CHUNK_NEED_CTX:
		case CHUNK_ERROR:
			return false;
		}
	}
	free(c->setup);
	c->setup = NULL;
	return true;
}

/* Returns true when what follows are chunks. */
static bool
shake(struct floorconn *c, const uint8_t **p, const uint8_t *end, bool *ok)
{
	uint8_t out[HS_SERVER_OUT];
	size_t n;
	enum hs_result r = hs_server_feed(&c->setup->hs, p, end, out, &n);
	*ok = (n == 0 || put(c, out, n)) && (r == HS_DONE || r == HS_NEED_MORE);
	c->setup->shaken = r == HS_DONE;
	return *ok && r == HS_DONE;
}

bool
floorconn_read(struct floorconn *c, void *owner, floorconn_play_fn *play)
{
	uint8_t buf[READ_MAX];
	int trunc = c->playing ? MSG_TRUNC : 0;
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT | trunc);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	if (c->playing)
		return true;
	const uint8_t *p = buf;
	const uint8_t *end = buf + n;
	bool ok = true;
	if (!c->setup->shaken && !shake(c, &p, end, &ok))
		return ok;
	return feed(c, p, end, owner, play);
}
