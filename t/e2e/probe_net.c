#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"
#include "t/e2e/probe.h"

static void
die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Events ------------------------------------------------------------------ */

static void
emit(struct probe *p, json_t *event)
{
	char *line = json_dumps(event, JSON_COMPACT);
	puts(line);
	fflush(stdout);
	free(line);
	json_array_append_new(p->events, event);
}

static json_t *to_json(const struct amf0_value *v);

static json_t *
container(const struct amf0_value *v)
{
	struct amf0_iter it;
	struct amf0_value item;
	struct span key;
	char name[256];
	bool list = v->type == AMF0_STRICT_ARRAY;
	json_t *j = list ? json_array() : json_object();
	amf0_iter_init(&it, v);
	while (amf0_iter_next(&it, &key, &item)) {
		if (list) {
			json_array_append_new(j, to_json(&item));
			continue;
		}
		snprintf(name, sizeof name, "%.*s", (int)key.len, key.p);
		json_object_set_new(j, name, to_json(&item));
	}
	return j;
}

static json_t *
to_json(const struct amf0_value *v)
{
	if (amf0_is_object(v) || v->type == AMF0_STRICT_ARRAY)
		return container(v);
	if (amf0_is_string(v))
		return log_text(v->str.p, v->str.len);
	if (v->type == AMF0_BOOLEAN)
		return json_boolean(v->boolean);
	if (v->type != AMF0_NUMBER)
		return json_null();
	if (v->number == (double)(json_int_t)v->number)
		return json_integer((json_int_t)v->number);
	return json_real(v->number);
}

/* The values of r; code and level of an information object go to the event. */
static void
add_values(json_t *event, struct reader r)
{
	json_t *args = json_array();
	struct amf0_value v, code;
	while (amf0_read(&r, &v) == AMF0_OK) {
		json_array_append_new(args, to_json(&v));
		if (amf0_find(&v, "code", &code))
			json_object_set_new(event, "code", to_json(&code));
		if (amf0_find(&v, "description", &code))
			json_object_set_new(
			    event, "description", to_json(&code));
	}
	json_object_set_new(event, "args", args);
}

static uint64_t
hash(const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void
add_media(json_t *event, const uint8_t *p, size_t n)
{
	char text[40];
	snprintf(text, sizeof text, "%016llx", (unsigned long long)hash(p, n));
	json_object_set_new(event, "hash", json_string(text));
	snprintf(
	    text, sizeof text, "%02x%02x", n > 0 ? p[0] : 0, n > 1 ? p[1] : 0);
	json_object_set_new(event, "head", json_string(n > 1 ? text : ""));
}

static const char *
type_name(uint8_t type)
{
	switch (type) {
	case WIRE_SET_CHUNK_SIZE:
		return "chunk-size";
	case WIRE_ABORT:
		return "abort";
	case WIRE_ACK:
		return "ack";
	case WIRE_USER_CONTROL:
		return "user-control";
	case WIRE_WINDOW_ACK_SIZE:
		return "window";
	case WIRE_PEER_BANDWIDTH:
		return "bandwidth";
	case WIRE_AUDIO:
		return "audio";
	case WIRE_VIDEO:
		return "video";
	case WIRE_DATA:
		return "data";
	case WIRE_COMMAND:
		return "command";
	case WIRE_COMMAND_AMF3:
		return "command3";
	default:
		return "other";
	}
}

static void
control(
    struct probe *p, json_t *event, uint8_t type, const uint8_t *b, size_t n)
{
	struct wire_control c;
	if (!wire_parse_control(type, b, n, &c)) {
		json_object_set_new(event, "bad", json_true());
		return;
	}
	json_object_set_new(event, "value", json_integer(c.value));
	if (type == WIRE_USER_CONTROL)
		json_object_set_new(event, "event", json_integer(c.event));
	if (type == WIRE_SET_CHUNK_SIZE)
		(void)chunk_reader_set_size(&p->cr, c.value);
}

static void
command(json_t *event, uint8_t type, const uint8_t *b, size_t n)
{
	struct cmd c;
	if (cmd_parse(type, b, n, &c) != AMF0_OK) {
		json_object_set_new(event, "bad", json_true());
		return;
	}
	json_object_set_new(event, "name", log_text(c.name.p, c.name.len));
	json_object_set_new(event, "txn", json_integer((json_int_t)c.txn));
	add_values(event, c.rest);
}

static void
message(struct probe *p, const struct chunk_ctx *x, const struct probe_msg *m)
{
	json_t *event =
	    json_pack("{s:s, s:i, s:I, s:I, s:I}", "type", type_name(x->type),
		"csid", (int)x->csid, "msid", (json_int_t)x->msid, "ts",
		(json_int_t)x->ts, "len", (json_int_t)x->len);
	struct reader r;
	reader_init(&r, m->data, m->got);
	if (x->type >= WIRE_SET_CHUNK_SIZE && x->type <= WIRE_PEER_BANDWIDTH)
		control(p, event, x->type, m->data, m->got);
	else if (x->type == WIRE_COMMAND || x->type == WIRE_COMMAND_AMF3)
		command(event, x->type, m->data, m->got);
	else if (x->type == WIRE_DATA)
		add_values(event, r);
	else
		add_media(event, m->data, m->got);
	emit(p, event);
}

static void
ended(struct probe *p, const char *how)
{
	if (!p->ended)
		emit(p, json_pack("{s:s}", "type", how));
	p->ended = true;
}

/* Input ------------------------------------------------------------------- */

static void
parse(struct probe *p, const uint8_t *b, const uint8_t *end)
{
	struct chunk_item it;
	for (;;) {
		enum chunk_event ev = chunk_next(&p->cr, &b, end, &it);
		struct probe_msg *m = ev == CHUNK_NEED_MORE ||
					      ev == CHUNK_NEED_CTX ||
					      ev == CHUNK_ERROR
					  ? NULL
					  : &p->msg[it.ctx - p->ctx];
		switch (ev) {
		case CHUNK_NEED_MORE:
			return;
		case CHUNK_BEGIN:
			free(m->data);
			m->data = malloc(it.ctx->len + 1);
			m->got = 0;
			break;
		case CHUNK_DATA:
			memcpy(m->data + m->got, it.data, it.len);
			m->got += it.len;
			break;
		case CHUNK_END:
			message(p, it.ctx, m);
			break;
		case CHUNK_NEED_CTX:
		case CHUNK_ERROR:
			/* the test must see it, whatever it waits for */
			ended(p, "unparsable");
			exit(1);
		}
	}
}

static bool
readable(const struct probe *p, int ms)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	return poll(&pfd, 1, ms) > 0;
}

static size_t
receive(struct probe *p, uint8_t *b, size_t n, int ms)
{
	if (p->fd < 0 || p->ended || !readable(p, ms))
		return 0;
	ssize_t r = recv(p->fd, b, n, 0);
	if (r < 0 && errno == EINTR)
		return 0;
	if (r <= 0)
		ended(p, r == 0 ? "closed" : "reset");
	return r > 0 ? (size_t)r : 0;
}

size_t
probe_read(struct probe *p, size_t most, int ms)
{
	static uint8_t buf[65536];
	size_t n = receive(p, buf, most < sizeof buf ? most : sizeof buf, ms);
	parse(p, buf, buf + n);
	return n;
}

/* Output ------------------------------------------------------------------ */

void
probe_send(struct probe *p, const void *data, size_t n)
{
	const uint8_t *b = data;
	if (n > p->cut)
		n = p->cut;
	p->cut -= n;
	/* a server that closes meanwhile is seen by the next read */
	while (n > 0 && p->fd >= 0) {
		ssize_t r = send(p->fd, b, p->bytewise ? 1 : n, MSG_NOSIGNAL);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return;
		b += r;
		n -= (size_t)r;
	}
}

void
probe_flush(struct probe *p)
{
	if (!writer_ok(&p->out)) {
		fputs("probe: too much for one write\n", stderr);
		exit(1);
	}
	if (p->hold)
		return;
	probe_send(p, p->outbuf, p->out.len);
	writer_init(&p->out, p->outbuf, sizeof p->outbuf);
}

/* Connections ------------------------------------------------------------- */

static void
reset_state(struct probe *p)
{
	chunk_reader_init(&p->cr, p->ctx, PROBE_CTXS);
	p->chunk = WIRE_CHUNK_DEFAULT;
	p->hold = p->ended = false;
	p->cut = SIZE_MAX;
	writer_init(&p->out, p->outbuf, sizeof p->outbuf);
}

/* The address to come from, in the environment: PROBE_FROM (IPv4). */
static void
bind_from(int fd)
{
	const char *from = getenv("PROBE_FROM");
	struct sockaddr_in in = { .sin_family = AF_INET };
	if (from == NULL || *from == '\0')
		return;
	if (inet_pton(AF_INET, from, &in.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&in, sizeof in) != 0)
		die("PROBE_FROM");
}

void
probe_open(struct probe *p)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	const struct timeval limit = { .tv_sec = 20 };
	const int one = 1;
	probe_close(p, false);
	reset_state(p);
	if (getaddrinfo(p->host, p->port, &hints, &ai) != 0)
		die(p->host);
	p->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		die("socket");
	if (p->rcvbuf > 0)
		setsockopt(
		    p->fd, SOL_SOCKET, SO_RCVBUF, &p->rcvbuf, sizeof p->rcvbuf);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	bind_from(p->fd);
	if (connect(p->fd, ai->ai_addr, ai->ai_addrlen) != 0)
		die("connect");
	freeaddrinfo(ai);
}

void
probe_close(struct probe *p, bool reset)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	if (p->fd < 0)
		return;
	if (reset)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(p->fd);
	p->fd = -1;
}

bool
probe_handshake(struct probe *p, int ms)
{
	struct hs_client h;
	uint8_t out[HS_CLIENT_OUT], in[4096];
	size_t n, have;
	hs_client_init(&h, 1, out);
	probe_send(p, out, sizeof out);
	while ((have = receive(p, in, sizeof in, ms)) > 0) {
		const uint8_t *b = in;
		enum hs_result r = hs_client_feed(&h, &b, in + have, out, &n);
		probe_send(p, out, n);
		if (r == HS_NEED_MORE)
			continue;
		if (r == HS_DONE)
			parse(p, b, in + have);
		return r == HS_DONE;
	}
	return false;
}
