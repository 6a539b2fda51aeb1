#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "rtmp/chunk.h"

/*
 * States of the reader.
 *
 *	HEAD	-> EXT3, PAYLOAD	a whole header, type 3 may need EXT3
 *	EXT3	-> PAYLOAD		the repeated timestamp was there or not
 *	PAYLOAD	-> HEAD			the chunk, or the message, is over
 *
 * back[] holds bytes that looked like a repeated timestamp.  In EXT3 they
 * have matched so far; in the other states they are read before the caller's
 * bytes.  There are at most 3: the byte that differs is never taken.
 */
enum { HEAD, EXT3, PAYLOAD };

enum { TYPE_FULL = 0, TYPE_SAME_STREAM = 1, TYPE_DELTA = 2, TYPE_NONE = 3 };

void
chunk_reader_init(struct chunk_reader *r, struct chunk_ctx *ctxs, uint32_t n)
{
	bug_on(ctxs == NULL || n == 0);
	memset(r, 0, sizeof(*r));
	memset(ctxs, 0, n * sizeof(*ctxs));
	r->ctxs = ctxs;
	r->nctxs = n;
	r->size = CHUNK_SIZE_DEFAULT;
	r->state = HEAD;
}

void
chunk_reader_grow(struct chunk_reader *r, struct chunk_ctx *bigger, uint32_t n)
{
	bug_on(n < r->nctxs);
	memcpy(bigger, r->ctxs, r->used * sizeof(*bigger));
	memset(bigger + r->used, 0, (n - r->used) * sizeof(*bigger));
	if (r->cur != NULL)
		r->cur = bigger + (r->cur - r->ctxs);
	r->ctxs = bigger;
	r->nctxs = n;
}

bool
chunk_reader_set_size(struct chunk_reader *r, uint32_t size)
{
	if (size == 0 || size > INT32_MAX)
		return false;
	r->size = size < CHUNK_SIZE_MAX ? size : CHUNK_SIZE_MAX;
	return true;
}

/* Contexts are few (the caller's limit) and the last one used comes again. */
static struct chunk_ctx *
find(const struct chunk_reader *r, uint32_t csid)
{
	if (r->cur != NULL && r->cur->csid == csid)
		return r->cur;
	for (uint32_t i = 0; i < r->used; i++)
		if (r->ctxs[i].csid == csid)
			return &r->ctxs[i];
	return NULL;
}

struct chunk_ctx *
chunk_reader_abort(struct chunk_reader *r, uint32_t csid)
{
	/*
	 * The Abort is itself a message, so between its END and the next
	 * header the reader stands inside no other message.
	 */
	struct chunk_ctx *c = find(r, csid);
	if (c == NULL || !c->begun)
		return NULL;
	c->begun = false;
	c->got = 0;
	if (r->cur == c && r->state == PAYLOAD) {
		r->left = 0;
		r->state = HEAD;
	}
	return c;
}

bool
chunk_reader_idle(const struct chunk_reader *r)
{
	return r->state == HEAD && r->have == 0 && r->nback == 0;
}

/* Take one byte held back, or one of the caller's. */
static bool
take(struct chunk_reader *r, const uint8_t **p, const uint8_t *end, uint8_t *b)
{
	if (r->nback > 0) {
		*b = r->back[0];
		memmove(r->back, r->back + 1, --r->nback);
		return true;
	}
	if (*p == end)
		return false;
	*b = *(*p)++;
	return true;
}

static bool
gather(struct chunk_reader *r, const uint8_t **p, const uint8_t *end,
    unsigned want)
{
	while (r->have < want)
		if (!take(r, p, end, &r->head[r->have]))
			return false;
		else
			r->have++;
	return true;
}

static uint32_t
u24(const uint8_t *b)
{
	return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static uint32_t
u32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | u24(b + 1);
}

/* Bytes of the basic header, RTMP 1.0, 5.3.1.1. */
static unsigned
basic_len(uint8_t first)
{
	unsigned id = first & 0x3f;
	return id == 0 ? 2 : id == 1 ? 3 : 1;
}

static uint32_t
basic_csid(const uint8_t *h)
{
	unsigned id = h[0] & 0x3f;
	if (id == 0)
		return 64u + h[1];
	if (id == 1)
		return 64u + h[1] + 256u * h[2];
	return id;
}

/* All of a header of type 0, 1, 2 or 3 but the extended field of a type 3. */
static bool
gather_header(struct chunk_reader *r, const uint8_t **p, const uint8_t *end)
{
	static const uint8_t message_len[4] = { 11, 7, 3, 0 };
	if (!gather(r, p, end, 1))
		return false;
	unsigned basic = basic_len(r->head[0]);
	unsigned type = r->head[0] >> 6;
	unsigned want = basic + message_len[type];
	if (!gather(r, p, end, want))
		return false;
	if (type == TYPE_NONE || u24(r->head + basic) != 0xffffff)
		return true;
	return gather(r, p, end, want + 4);
}

static enum chunk_event
fail(struct chunk_reader *r, struct chunk_item *it, enum chunk_error e)
{
	r->error = (uint8_t)e;
	it->error = e;
	return CHUNK_ERROR;
}

/* What a header may not do in the state of its chunk stream. */
static enum chunk_error
check_header(const struct chunk_ctx *c, unsigned type, const uint8_t *msg)
{
	if (c == NULL || c->csid == 0)
		return type == TYPE_NONE    ? CHUNK_TYPE3_FIRST
		       : type == TYPE_DELTA ? CHUNK_DELTA_FIRST
					    : CHUNK_OK;
	if (!c->begun || type == TYPE_NONE)
		return CHUNK_OK;
	if (type != TYPE_DELTA && u24(msg + 3) != c->len)
		return CHUNK_LENGTH_CHANGED;
	return CHUNK_HEADER_INSIDE;
}

/* A header of type 0, 1 or 2 begins a message. */
static void
apply_header(struct chunk_ctx *c, unsigned type, const uint8_t *msg)
{
	static const uint8_t message_len[3] = { 11, 7, 3 };
	uint32_t field = u24(msg);
	c->has_ext = field == 0xffffff;
	if (c->has_ext)
		field = c->ext = u32(msg + message_len[type]);
	c->ts = type == TYPE_FULL ? field : c->ts + field;
	c->delta = type == TYPE_FULL && c->has_ext ? 0 : field;
	if (type == TYPE_DELTA)
		return;
	c->len = u24(msg + 3);
	c->type = msg[6];
	if (type == TYPE_FULL)
		c->msid = __builtin_bswap32(u32(msg + 7));
}

/* The header is complete: enter the chunk. */
static enum chunk_event
enter_chunk(struct chunk_reader *r, struct chunk_item *it)
{
	struct chunk_ctx *c = r->cur;
	bool first = !c->begun;
	if (first) {
		c->begun = true;
		c->got = 0;
	}
	uint32_t rest = c->len - c->got;
	r->left = rest < r->size ? rest : r->size;
	r->have = 0;
	r->state = PAYLOAD;
	it->ctx = c;
	return first ? CHUNK_BEGIN : CHUNK_NEED_MORE;
}

/*
 * RTMP 1.0, 5.3.1.3: a type 3 chunk repeats the extended timestamp.  Some
 * senders leave it out (ossrs/srs: srs_protocol_rtmp_stack.cpp), so the bytes
 * are taken only if they equal the last field, or the message's timestamp,
 * which others repeat after a delta.  Compared byte by byte: a sender that
 * leaves it out may send nothing more for a while.
 * t/unit/check_chunk.c: ext_ts_missing
 */
static enum chunk_event
match_ext(struct chunk_reader *r, const uint8_t **p, const uint8_t *end,
    struct chunk_item *it)
{
	const struct chunk_ctx *c = r->cur;
	while (r->have < 4) {
		bool held = r->nback > r->have;
		if (!held && *p == end)
			return CHUNK_NEED_MORE;
		uint8_t next = held ? r->back[r->have] : **p;
		uint32_t so_far = next;
		for (unsigned i = 0; i < r->have; i++)
			so_far |= (uint32_t)r->back[i]
				  << (8 * (unsigned)(r->have - i));
		unsigned shift = 8 * (3u - r->have);
		if (so_far != c->ext >> shift && so_far != c->ts >> shift)
			return enter_chunk(r, it);
		r->back[r->have++] = next;
		if (!held) {
			(*p)++;
			r->nback = r->have;
		}
	}
	r->nback = 0;
	return enter_chunk(r, it);
}

static enum chunk_event
read_header(struct chunk_reader *r, const uint8_t **p, const uint8_t *end,
    struct chunk_item *it)
{
	if (!gather_header(r, p, end))
		return CHUNK_NEED_MORE;
	unsigned type = r->head[0] >> 6;
	const uint8_t *msg = r->head + basic_len(r->head[0]);
	uint32_t csid = basic_csid(r->head);
	struct chunk_ctx *c = find(r, csid);

	enum chunk_error e = check_header(c, type, msg);
	if (e != CHUNK_OK) {
		it->ctx = c;
		return fail(r, it, e);
	}
	if (c == NULL) {
		if (r->used == r->nctxs)
			return CHUNK_NEED_CTX;
		c = &r->ctxs[r->used++];
		c->csid = csid;
	}
	r->cur = c;
	if (type != TYPE_NONE) {
		apply_header(c, type, msg);
		return enter_chunk(r, it);
	}
	if (!c->begun)
		c->ts += c->delta;
	if (!c->has_ext)
		return enter_chunk(r, it);
	r->have = 0;
	r->state = EXT3;
	return CHUNK_NEED_MORE;
}

/* A piece of this chunk: what was held back, else the caller's bytes. */
static enum chunk_event
read_payload(struct chunk_reader *r, const uint8_t **p, const uint8_t *end,
    struct chunk_item *it)
{
	struct chunk_ctx *c = r->cur;
	it->ctx = c;
	if (c->got == c->len) {
		c->begun = false;
		r->state = HEAD;
		return CHUNK_END;
	}
	if (r->left == 0) {
		r->state = HEAD;
		return CHUNK_NEED_MORE;
	}
	if (r->nback > 0) {
		/* Given out of head[], which is free here. */
		take(r, p, end, r->head);
		it->data = r->head;
		it->len = 1;
	} else {
		size_t n = (size_t)(end - *p);
		if (n == 0)
			return CHUNK_NEED_MORE;
		it->data = *p;
		it->len = n < r->left ? n : r->left;
		*p += it->len;
	}
	r->left -= (uint32_t)it->len;
	c->got += (uint32_t)it->len;
	return CHUNK_DATA;
}

enum chunk_event
chunk_next(struct chunk_reader *r, const uint8_t **p, const uint8_t *end,
    struct chunk_item *it)
{
	memset(it, 0, sizeof(*it));
	if (r->error != CHUNK_OK)
		return fail(r, it, (enum chunk_error)r->error);
	for (;;) {
		uint8_t was = r->state;
		enum chunk_event e = CHUNK_NEED_MORE;
		switch (was) {
		case HEAD:
			e = read_header(r, p, end, it);
			break;
		case EXT3:
			e = match_ext(r, p, end, it);
			break;
		case PAYLOAD:
			e = read_payload(r, p, end, it);
			break;
		default:
			bug_on(true);
		}
		/* The same state and nothing to tell: it waits for bytes. */
		if (e != CHUNK_NEED_MORE || r->state == was)
			return e;
	}
}

const char *
chunk_error_name(enum chunk_error e)
{
	switch (e) {
	case CHUNK_OK:
		return "ok";
	case CHUNK_TYPE3_FIRST:
		return "type3-first";
	case CHUNK_DELTA_FIRST:
		return "delta-first";
	case CHUNK_LENGTH_CHANGED:
		return "length-changed";
	case CHUNK_HEADER_INSIDE:
		return "header-inside";
	}
	return "invalid";
}
