/*
 * fuzz_session - libFuzzer entry point for whole sessions: the input is a list
 * of things that clients, sockets, the clock and the master do.  world.h says
 * what must hold; anything else ends by abort().
 *
 * The first byte: bit 0, input is delivered and turns are run after every
 * step; bit 1, players take a few bytes at a time from the start; bit 2, edges are
 * trusted and may carry clients (rtmp/tree.h); bit 3, the workers are an edge, of
 * servers above that the input plays; bit 4, those judge each client alone.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "rtmp/tree.h"
#include "rtmp/wire.h"
#include "t/fuzz/world.h"

/* Rings of 1 MB are overtaken several times within 8 MB. */
enum { STEPS_MAX = 400, BYTES_MAX = 8 << 20, PIECES_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* A world lends and frees a few MB: a longer memory of it only makes every
 * allocation a page that is not in the cache. */
const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=16";
}

struct input {
	const uint8_t *p, *end;
	struct world *x;
	uint8_t flags;
	uint32_t seed;
};

static unsigned
byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static unsigned
word(struct input *in)
{
	unsigned hi = byte(in);
	return hi << 8 | byte(in);
}

/* One of those that are open, or NULL. */
static struct client *
pick(struct input *in)
{
	unsigned n = 0, k = byte(in);
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		n += client_conn(&in->x->client[i]) != NULL;
	if (n == 0)
		return NULL;
	k %= n;
	for (unsigned i = 0;; i++)
		if (client_conn(&in->x->client[i]) != NULL && k-- == 0)
			return &in->x->client[i];
}

static const char *
name(struct input *in)
{
	static const char *const names[] = { "a", "b", "c?x=1", "" };
	return names[byte(in) % 4];
}

static const char *
app(struct input *in)
{
	static const char *const apps[] = { "live", "live", "live/x", "" };
	return apps[byte(in) % 4];
}

static size_t
frame_size(unsigned class)
{
	static const uint32_t sizes[] = { 0, 1, 5, 15, 16, 17, 100, 127, 128,
		129, 1000, 4096, 20000, 65535, 65536, 65537, 131072, 131073,
		200000, 262144, 262145 };
	return sizes[class % (sizeof sizes / sizeof sizes[0])];
}

static uint32_t
timestamp(struct input *in)
{
	uint32_t now = (uint32_t)(in->x->now.ns / NS_PER_MS), d = word(in);
	if (d == 0xffff)
		return 0xffffff - 2 + byte(in) % 4;
	return d < 0xff00 ? now + (d & 0xff) : now + (d << 8);
}

/* Steps ------------------------------------------------------------------- */

static void
start(struct input *in, bool play)
{
	struct client *c = client_open(in->x, byte(in) & 1);
	if (c == NULL)
		return;
	client_shake(c);
	client_connect(c, "live");
	client_set_chunk(c, 4096);
	unsigned id = 1 + byte(in) % 3;
	for (unsigned i = 0; i < id; i++)
		client_call(c, CMD_CREATE_STREAM, 0);
	if (play)
		client_play(c, id, name(in));
	else
		client_publish(c, id, name(in));
	client_deliver(c, SIZE_MAX, 0);
	if (play && in->flags & 2)
		client_window(c, 4000);
	world_run(in->x);
}

static void
shake(struct input *in, struct client *c)
{
	static const uint8_t c0[] = { 3, 3, 6, 0x16, 'G' };
	client_shake(c);
	size_t was = c->out_len - HS_CLIENT_OUT - HS_PACKET;
	unsigned how = byte(in);
	if (how & 0x80)
		c->out[was] = c0[how % sizeof c0];
	if (how & 0x40)
		c->out_len -= word(in) % (c->out_len - was);
}

static void
command(struct input *in, struct client *c)
{
	static const enum cmd_id named[] = { CMD_FC_UNPUBLISH, CMD_FC_PUBLISH,
		CMD_RELEASE_STREAM, CMD_FC_SUBSCRIBE, CMD_GET_STREAM_LENGTH };
	unsigned msid = byte(in) % 4;
	switch (byte(in) % 10) {
	case 0:
		client_connect(c, app(in));
		return;
	case 1:
		client_call(c, CMD_CREATE_STREAM, 0);
		return;
	case 2:
		client_publish(c, msid, name(in));
		return;
	case 3:
		client_play(c, msid, name(in));
		return;
	case 4:
		client_delete(c, msid);
		return;
	case 5:
		client_call(c, CMD_CLOSE_STREAM, msid);
		return;
	case 6:
		client_call_name(c, named[byte(in) % 5], name(in));
		return;
	default:
		client_call(c, 1 + byte(in) % (CMD_COUNT - 1), msid);
	}
}

static void
frame(struct input *in, struct client *c)
{
	unsigned how = byte(in);
	enum frame f = how % 7;
	unsigned msid = 1 + (how / 7) % 3;
	size_t n = frame_size(byte(in));
	client_frame(c, f, msid, timestamp(in), n, ++in->seed);
}

/* A video message with audio messages between its chunks. */
static void
woven(struct input *in, struct client *c)
{
	static uint8_t big[1 << 20], image[(1 << 20) + 100000];
	struct writer wr;
	unsigned how = byte(in), msid = 1 + how % 3;
	size_t n = frame_make(
	    how & 4 ? KEY : INTER, big, frame_size(byte(in)), ++in->seed);
	uint32_t ts = timestamp(in);
	size_t cut = c->chunk + 12 + (ts >= WIRE_TS_EXTENDED ? 4 : 0);
	writer_init(&wr, image, sizeof image);
	wire_write(&wr, 6, WIRE_VIDEO, msid, ts, big, n, c->chunk);
	if (!writer_ok(&wr) || cut > wr.len)
		return;
	client_put(c, image, cut);
	for (unsigned i = 0; i < how >> 5; i++)
		client_frame(c, i & 1 ? DATA : AUDIO, msid, ts + i, i * 50 + 3,
		    ++in->seed);
	client_put(c, image + cut, wr.len - cut);
}

/* A chunk of any form. */
static void
chunk(struct input *in, struct client *c)
{
	uint8_t buf[20 + 255];
	struct writer wr;
	unsigned head = byte(in), fmt = head >> 6, ts = word(in);
	writer_init(&wr, buf, sizeof buf);
	writer_u8(&wr, (uint8_t)head);
	if ((head & 63) < 2)
		writer_u8(&wr, (uint8_t)byte(in));
	if ((head & 63) == 1)
		writer_u8(&wr, 0);
	if (fmt < 3)
		writer_u24(&wr, ts == 0xffff ? 0xffffff : ts);
	if (fmt < 2) {
		writer_u24(&wr, word(in));
		writer_u8(&wr, (uint8_t)byte(in));
	}
	if (fmt == 0)
		writer_u32le(&wr, byte(in) & 3);
	if (fmt < 3 && ts == 0xffff)
		writer_u32(&wr, word(in));
	size_t n = byte(in) & 127;
	while (n-- > 0)
		writer_u8(&wr, (uint8_t)byte(in));
	client_put(c, buf, wr.len);
}

static void
control(struct input *in, struct client *c)
{
	uint8_t buf[64];
	struct writer wr;
	unsigned how = byte(in);
	writer_init(&wr, buf, sizeof buf);
	switch (how % 6) {
	case 0:
		client_set_chunk(c, 1 + (word(in) << (how >> 4)) % 0xffffff);
		return;
	case 1:
		wire_abort(&wr, byte(in) & 7);
		break;
	case 2:
		wire_window_ack_size(&wr, word(in));
		break;
	case 3:
		wire_user_control(&wr, WIRE_PING_REQUEST, word(in));
		break;
	case 4:
		wire_set_buffer_length(&wr, 1, 3000);
		break;
	default:
		wire_ack(&wr, word(in));
	}
	client_put(c, buf, wr.len);
}

static void
raw(struct input *in, struct client *c)
{
	size_t n = 1 + byte(in) % 64;
	n = n < (size_t)(in->end - in->p) ? n : (size_t)(in->end - in->p);
	client_put(c, in->p, n);
	in->p += n;
}

/* In small pieces, with a turn after each; not a whole MB byte by byte. */
static void
pieces(struct input *in, struct client *c)
{
	size_t cut = 1 + byte(in) * 64u;
	client_deliver(c, PIECES_MAX * cut, cut);
}

static void
window(struct input *in, struct client *c)
{
	unsigned how = byte(in);
	client_window(c, how == 255  ? SIZE_MAX
			 : how < 128 ? how
				     : (size_t)(how - 127) * 3001);
}

/* Completions that carry no bytes, or end the request. */
static void
completion(struct input *in, struct client *c)
{
	static const int32_t res[] = { -ENOBUFS, -ECANCELED, -EINTR, 0,
		-ECONNRESET };
	struct loop *l = in->x->w[c->worker].loop;
	unsigned how = byte(in);
	if (how < 0x80) {
		client_end(c, res[how % 5]);
	} else if (c->out_off < c->out_len &&
		   fake_recv_armed(l, c->index, c->gen)) {
		tap_feed(&c->mirror, c->out + c->out_off, 1);
		fake_recv(l, c->index, c->gen, c->out + c->out_off++, 1, false);
	}
}

static void
master(struct input *in)
{
	unsigned how = byte(in);
	in->x->hold = how & 1;
	if (how & 2)
		world_release(in->x);
}

/* Memory runs out: what is lent now and a little more. */
static void
pressure(struct input *in)
{
	struct bufpool *p = &in->x->w[byte(in) & 1].pool;
	unsigned how = byte(in);
	p->budget = how < 128 ? p->lent + (size_t)how * 512
			      : (size_t)in->x->conf->input_bytes;
}

/* Clients of edges, and servers above ---------------------------------------- */

/* A message that was written whole, for any message stream. */
static void
put_on(struct client *c, struct writer *wr, unsigned msid)
{
	/* in chunks of a byte it may be too long for the buffer */
	if (!writer_ok(wr))
		return;
	wr->buf[8] = (uint8_t)msid;
	client_put(c, wr->buf, wr->len);
}

static void
edge(struct input *in)
{
	struct client *c = client_open(in->x, byte(in) & 1);
	uint8_t buf[1024];
	struct writer wr;
	if (c == NULL)
		return;
	const struct cmd_connect k = { .txn = 1,
		.app = span_of("live"),
		.tc_url = span_of("rtmp://localhost/live"),
		.node = span_of("00000000000000ed"),
		.tree = 1 };
	c->edge = true;
	client_shake(c);
	writer_init(&wr, buf, sizeof buf);
	cmd_write_connect(&wr, c->chunk, &k);
	client_put(c, buf, wr.len);
	client_set_chunk(c, 65536);
	client_deliver(c, SIZE_MAX, 0);
	world_run(in->x);
}

/* connect of a client of an edge. */
static void virtual(struct input *in, struct client *c, struct writer *wr)
{
	static const char *const urls[] = { "rtmp://localhost/live",
		"rtmp://localhost/live/room", "rtmp://localhost/?rtmp://o/live",
		"" };
	static const char *const addrs[] = { "192.0.2.7:1", "[::1]:2", "?" };
	static const char *const vias[] = { "", "00000000000000ed",
		"0000000000000000", "x" };
	struct wire_mark mark;
	unsigned how = byte(in);
	wire_begin(
	    wr, &mark, 3, how & 1 ? WIRE_COMMAND_AMF3 : WIRE_COMMAND, 0, 0);
	if (how & 1)
		writer_u8(wr, 0);
	amf0_write_text(wr, "connect");
	amf0_write_number(wr, 1 + (how >> 7));
	amf0_object_begin(wr);
	amf0_prop_text(wr, "app", "live");
	amf0_prop_text(wr, "tcUrl", urls[(how >> 1) % 4]);
	amf0_prop_text(wr, CMD_CLIENT, addrs[(how >> 3) % 3]);
	amf0_prop_text(wr, CMD_CLIENT_VIA, vias[(how >> 5) % 4]);
	amf0_prop_number(wr, CMD_CLIENT_HOPS, how & 1);
	amf0_object_end(wr);
	amf0_write_text(wr, "an argument");
	wire_end(wr, &mark, c->chunk);
}

/* NAME, transaction, null and much or little; it is not from the other side. */
static void
call(struct input *in, struct client *c, struct writer *wr, const char *name)
{
	static uint8_t much[60000];
	static const uint16_t sizes[] = { 0, 10, 5000, 60000 };
	struct wire_mark mark;
	unsigned how = byte(in);
	wire_begin(
	    wr, &mark, 3, how & 4 ? WIRE_COMMAND_AMF3 : WIRE_COMMAND, 0, 0);
	if (how & 4)
		writer_u8(wr, 0);
	amf0_write_text(wr, name);
	amf0_write_number(wr, (how >> 3) % 8);
	amf0_write_null(wr);
	amf0_write_string(
	    wr, (struct span){ (const char *)much, sizes[how & 3] });
	wire_end(wr, &mark, c->chunk);
}

/* What an edge says of its clients, or a client of itself. */
static void
of_guest(struct input *in, struct client *c)
{
	static uint8_t buf[70000];
	static const char *const names[] = { "hello", "_result", "_error",
		"close" };
	struct writer wr;
	unsigned how = byte(in), msid = how % 8;
	writer_init(&wr, buf, sizeof buf);
	if (how >> 6 == 0)
		virtual(in, c, &wr);
	else if (how >> 6 == 1)
		tree_write_gone(&wr, c->chunk, byte(in) % 8);
	else
		call(in, c, &wr, names[(how >> 3) % 4]);
	put_on(c, &wr, how >> 6 == 1 ? 0 : msid);
}

/* A server is found, or it is not, or it says something. */
static void
server(struct input *in, struct client *c)
{
	static uint8_t buf[70000];
	static const char *const names[] = { "_result", "_error", "close",
		"onStatus", "hello" };
	struct writer wr;
	unsigned how = byte(in), msid = how % 8;
	if (c == NULL || !c->above || how >= 0xe0) {
		if (how & 8)
			(void)server_missing(in->x, how & 1);
		else
			(void)server_open(in->x, how & 1);
		return;
	}
	const struct cmd_connect_result r = { .txn = 1 + (how >> 7),
		.fms_ver = "FMS/5,0,17,0",
		.version = "5,0,17,0",
		.node = how & 16 ? "00000000000000aa" : NULL,
		.tree = how & 32 ? 1 : 0,
		.informed = how & 64 };
	writer_init(&wr, buf, sizeof buf);
	if (how & 8)
		cmd_write_connect_result(&wr, c->chunk, &r);
	else
		call(in, c, &wr, names[(how >> 4) % 5]);
	put_on(c, &wr, msid);
}

static void
of_client(struct input *in, unsigned op)
{
	struct client *c = pick(in);
	if (c == NULL)
		return;
	switch (op) {
	case 0:
		shake(in, c);
		break;
	case 1:
		command(in, c);
		break;
	case 2:
	case 3:
	case 4:
		frame(in, c);
		break;
	case 5:
		woven(in, c);
		break;
	case 6:
		chunk(in, c);
		break;
	case 7:
		control(in, c);
		break;
	case 8:
		raw(in, c);
		break;
	case 9:
		client_deliver(c, 1 + word(in), 0);
		break;
	case 10:
		pieces(in, c);
		break;
	case 11:
		window(in, c);
		break;
	case 12:
		completion(in, c);
		break;
	default:
		of_guest(in, c);
	}
	if (in->flags & 1)
		client_deliver(c, SIZE_MAX, 0);
}

static void
step(struct input *in)
{
	unsigned op = byte(in) % (in->flags & (4 | 8) ? 24 : 20);
	struct client *c;
	switch (op) {
	case 21:
		edge(in);
		break;
	case 22:
	case 23:
		c = pick(in);
		server(in, c);
		if (c != NULL && in->flags & 1)
			client_deliver(c, SIZE_MAX, 0);
		break;
	case 0:
		(void)client_open(in->x, byte(in) & 1);
		break;
	case 1:
		start(in, false);
		break;
	case 2:
		start(in, true);
		break;
	case 3:
		world_clock(in->x, byte(in) * 2u);
		break;
	case 4:
		world_clock(in->x, byte(in) * 100u);
		break;
	case 5:
		master(in);
		break;
	case 6:
		if (byte(in) % 8 == 0)
			pressure(in);
		else
			world_run(in->x);
		break;
	default:
		of_client(in, op - 7);
	}
	if (in->flags & 1)
		world_run(in->x);
}

/* The first byte says what the workers are. */
static void
configure(struct input *in)
{
	struct conf_vhost *v = conf_vhost(in->x->conf, 0);
	in->flags = (uint8_t)byte(in);
	if (in->flags & 4)
		strcpy(v->trusted_edges, "all");
	if (in->flags & 8) {
		v->mode = CONF_MODE_REMOTE;
		v->anonymous = true;
		in->x->far = true;
	}
	if (in->flags & 16)
		v->client_check = CONF_CHECK_ORIGIN;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .p = data, .end = data + size };
	if (size < 2)
		return 0;
	in.x = world_new();
	configure(&in);
	for (unsigned i = 0; i < STEPS_MAX && in.p < in.end; i++) {
		step(&in);
		if (in.x->model.bytes > BYTES_MAX)
			break;
	}
	for (unsigned i = 0; i < WORLD_WORKERS; i++)
		in.x->w[i].pool.budget = (size_t)in.x->conf->input_bytes;
	world_end(in.x);
	return 0;
}
