#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "rtmp/wire.h"

enum { CONTROL_LEN_MAX = 10 };

size_t
wire_head0_size(uint32_t ts)
{
	return ts >= WIRE_TS_EXTENDED ? 16 : 12;
}

size_t
wire_head3_size(uint32_t ts)
{
	return ts >= WIRE_TS_EXTENDED ? 5 : 1;
}

static uint32_t
continuations(uint32_t len, uint32_t chunk)
{
	bug_on(chunk == 0);
	return len > 0 ? (len - 1) / chunk : 0;
}

uint64_t
wire_size(uint32_t ts, uint32_t len, uint32_t chunk)
{
	return wire_head0_size(ts) + (uint64_t)len +
	       (uint64_t)continuations(len, chunk) * wire_head3_size(ts);
}

static void
put24(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 16);
	b[1] = (uint8_t)(v >> 8);
	b[2] = (uint8_t)v;
}

static void
put32(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 24);
	put24(b + 1, v);
}

size_t
wire_head0(uint8_t buf[WIRE_HEAD0_MAX], uint32_t csid, uint32_t ts,
    uint32_t len, uint8_t type, uint32_t msid)
{
	bug_on(csid < 2 || csid > 63 || len > WIRE_MESSAGE_MAX);
	buf[0] = (uint8_t)csid;
	put24(buf + 1, ts < WIRE_TS_EXTENDED ? ts : WIRE_TS_EXTENDED);
	put24(buf + 4, len);
	buf[7] = type;
	put32(buf + 8, __builtin_bswap32(msid)); /* the one little-endian */
	if (ts >= WIRE_TS_EXTENDED)
		put32(buf + 12, ts);
	return wire_head0_size(ts);
}

size_t
wire_head3(uint8_t buf[WIRE_HEAD3_MAX], uint32_t csid, uint32_t ts)
{
	bug_on(csid < 2 || csid > 63);
	buf[0] = (uint8_t)(0xc0 | csid);
	if (ts >= WIRE_TS_EXTENDED)
		put32(buf + 1, ts);
	return wire_head3_size(ts);
}

enum wire_result
wire_parse(const uint8_t *buf, size_t n, struct wire_msg *m)
{
	struct reader r;
	reader_init(&r, buf, n);
	memset(m, 0, sizeof(*m));
	if (n == 0)
		return WIRE_NEED_MORE;
	m->csid = reader_u8(&r);
	if (m->csid < 2 || m->csid > 63)
		return WIRE_BAD;
	m->ts = reader_u24(&r);
	m->len = reader_u24(&r);
	m->type = reader_u8(&r);
	m->msid = reader_u32le(&r);
	if (m->ts == WIRE_TS_EXTENDED)
		m->ts = reader_u32(&r);
	if (!reader_ok(&r))
		return WIRE_NEED_MORE;
	m->head_len = (uint8_t)(r.p - buf);
	/* A short timestamp in the long form is legal, though not ours. */
	m->size = m->head_len + (uint64_t)m->len +
		  (uint64_t)continuations(m->len, WIRE_CHUNK) *
		      (m->head_len == 16 ? 5 : 1);
	return WIRE_OK;
}

void
wire_write(struct writer *w, uint32_t csid, uint8_t type, uint32_t msid,
    uint32_t ts, const void *payload, size_t len, uint32_t chunk)
{
	if (len > WIRE_MESSAGE_MAX ||
	    wire_size(ts, (uint32_t)len, chunk) > w->cap - w->len) {
		writer_fail(w);
		return;
	}
	const uint8_t *from = payload;
	uint8_t head[WIRE_HEAD0_MAX];
	size_t n = wire_head0(head, csid, ts, (uint32_t)len, type, msid);
	for (;;) {
		size_t piece = len < chunk ? len : chunk;
		writer_bytes(w, head, n);
		writer_bytes(w, from, piece);
		len -= piece;
		if (len == 0)
			return;
		from += piece;
		n = wire_head3(head, csid, ts);
	}
}

void
wire_begin(struct writer *w, struct wire_mark *m, uint32_t csid, uint8_t type,
    uint32_t msid, uint32_t ts)
{
	writer_space(w, wire_head0_size(ts));
	*m = (struct wire_mark){ w->len, csid, ts, msid, type };
}

/*
 * The payload stands in one piece behind the first header: from the last
 * piece to the second, move each to where the headers before it leave it.
 */
void
wire_end(struct writer *w, const struct wire_mark *m, uint32_t chunk)
{
	if (!writer_ok(w))
		return;
	bug_on(w->len < m->at);
	size_t len = w->len - m->at;
	if (len > WIRE_MESSAGE_MAX) {
		writer_fail(w);
		return;
	}
	uint32_t more = continuations((uint32_t)len, chunk);
	size_t head3 = wire_head3_size(m->ts);
	uint8_t *payload = w->buf + m->at;
	wire_head0(payload - wire_head0_size(m->ts), m->csid, m->ts,
	    (uint32_t)len, m->type, m->msid);
	if (writer_space(w, more * head3) == NULL)
		return;
	for (uint32_t i = more; i > 0; i--) {
		size_t from = (size_t)i * chunk;
		size_t piece = i == more ? len - from : chunk;
		uint8_t *to = payload + from + (i - 1) * head3;
		memmove(to + head3, payload + from, piece);
		wire_head3(to, m->csid, m->ts);
	}
}

static bool
parse_event(struct reader *r, struct wire_control *c)
{
	c->event = reader_u16(r);
	if (!reader_ok(r))
		return false;
	switch (c->event) {
	case WIRE_SET_BUFFER_LENGTH:
		c->value = reader_u32(r);
		c->ms = reader_u32(r);
		return reader_ok(r);
	case WIRE_STREAM_BEGIN:
	case WIRE_STREAM_EOF:
	case WIRE_STREAM_DRY:
	case WIRE_STREAM_RECORDED:
	case WIRE_PING_REQUEST:
	case WIRE_PING_RESPONSE:
		c->value = reader_u32(r);
		return reader_ok(r);
	default:
		c->value = reader_u32(r);
		return true;
	}
}

bool
wire_parse_control(
    uint8_t type, const uint8_t *payload, size_t len, struct wire_control *c)
{
	struct reader r;
	reader_init(&r, payload, len);
	memset(c, 0, sizeof(*c));
	c->type = type;
	switch (type) {
	case WIRE_SET_CHUNK_SIZE:
	case WIRE_ABORT:
	case WIRE_ACK:
	case WIRE_WINDOW_ACK_SIZE:
		c->value = reader_u32(&r);
		return reader_ok(&r);
	case WIRE_PEER_BANDWIDTH:
		c->value = reader_u32(&r);
		c->limit = reader_u8(&r);
		return reader_ok(&r) && c->limit <= 2;
	case WIRE_USER_CONTROL:
		return parse_event(&r, c);
	default:
		return false;
	}
}

/* RTMP 1.0, 5.4: on chunk stream 2, message stream 0, time ignored. */
static void
write_control(struct writer *w, uint8_t type, const struct writer *payload)
{
	wire_write(w, WIRE_CSID_CONTROL, type, 0, 0, payload->buf, payload->len,
	    WIRE_CHUNK_DEFAULT);
}

static void
write_word(struct writer *w, uint8_t type, uint32_t value)
{
	uint8_t buf[CONTROL_LEN_MAX];
	struct writer c;
	writer_init(&c, buf, sizeof(buf));
	writer_u32(&c, value);
	write_control(w, type, &c);
}

void
wire_set_chunk_size(struct writer *w, uint32_t size)
{
	write_word(w, WIRE_SET_CHUNK_SIZE, size);
}

void
wire_abort(struct writer *w, uint32_t csid)
{
	write_word(w, WIRE_ABORT, csid);
}

void
wire_ack(struct writer *w, uint32_t received)
{
	write_word(w, WIRE_ACK, received);
}

void
wire_window_ack_size(struct writer *w, uint32_t size)
{
	write_word(w, WIRE_WINDOW_ACK_SIZE, size);
}

void
wire_peer_bandwidth(struct writer *w, uint32_t size, uint8_t limit)
{
	uint8_t buf[CONTROL_LEN_MAX];
	struct writer c;
	writer_init(&c, buf, sizeof(buf));
	writer_u32(&c, size);
	writer_u8(&c, limit);
	write_control(w, WIRE_PEER_BANDWIDTH, &c);
}

void
wire_user_control(struct writer *w, enum wire_event event, uint32_t value)
{
	uint8_t buf[CONTROL_LEN_MAX];
	struct writer c;
	writer_init(&c, buf, sizeof(buf));
	writer_u16(&c, (uint16_t)event);
	writer_u32(&c, value);
	write_control(w, WIRE_USER_CONTROL, &c);
}

void
wire_set_buffer_length(struct writer *w, uint32_t msid, uint32_t ms)
{
	uint8_t buf[CONTROL_LEN_MAX];
	struct writer c;
	writer_init(&c, buf, sizeof(buf));
	writer_u16(&c, WIRE_SET_BUFFER_LENGTH);
	writer_u32(&c, msid);
	writer_u32(&c, ms);
	write_control(w, WIRE_USER_CONTROL, &c);
}
