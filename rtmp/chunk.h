/*
 * chunk - pull parser of an RTMP chunk stream (RTMP 1.0, 5.3), resumable at
 * every byte.  It keeps no payload: pieces point into the caller's buffer.
 * One chunk_reader per direction of a connection, one thread; the array of
 * contexts is the caller's and lives as long as the reader uses it.
 *
 *	for (;;) {
 *		switch (chunk_next(&r, &p, end, &it)) {
 *		case CHUNK_NEED_MORE:	p == end; come back with the next bytes
 *		case CHUNK_BEGIN:	it.ctx: ts, len, type, msid of a message
 *		case CHUNK_DATA:	it.ctx, it.data, it.len: some of it
 *		case CHUNK_END:		it.ctx: the message is complete
 *		case CHUNK_NEED_CTX:	chunk_reader_grow(), or give up
 *		case CHUNK_ERROR:	it.error; the stream cannot be resumed
 *		}
 *	}
 *
 * Messages of different chunk streams interleave: BEGIN, DATA... and END of
 * one context stand in order, others may come between.  A message of length 0
 * gives BEGIN and END.  Set Chunk Size and Abort are messages like any other:
 * the caller acts on them at their END, before it asks for the next event.
 *
 * Where the specification and the wild differ:
 *
 *   - Type 3 that begins a message adds the last delta.  After type 0 that
 *     delta is the type 0 timestamp itself (5.3.1.2.4): FFmpeg writes so, and
 *     FFmpeg, librtmp and SRS read so.  If that timestamp was extended, it is
 *     repeated instead, as SRS does: nobody means to double four hours.
 *   - The extended timestamp is repeated in type 3 chunks (5.3.1.3), but some
 *     senders leave it out: the four bytes are taken only if they equal the
 *     last ones, or the timestamp; else they are payload.
 *   - Type 1 as the first message of a chunk stream counts from timestamp 0
 *     on message stream 0: librtmp sends its pong so.  Types 2 and 3 are
 *     refused there, they would have no length.
 *   - Types 0, 1 and 2 inside a message are refused; no sender is known.
 */
#ifndef RTMP_CHUNK_H
#define RTMP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHUNK_SIZE_DEFAULT = 128,  /* RTMP 1.0, 5.4.1 */
	CHUNK_SIZE_MAX = 16777215, /* larger ones mean the same */
	CHUNK_CSID_MAX = 65599,
	CHUNK_HEADER_MAX = 3 + 11 + 4
};

enum chunk_event {
	CHUNK_NEED_MORE,
	CHUNK_BEGIN,
	CHUNK_DATA,
	CHUNK_END,
	CHUNK_NEED_CTX,
	CHUNK_ERROR
};

enum chunk_error {
	CHUNK_OK,
	CHUNK_TYPE3_FIRST,    /* type 3 on a chunk stream never used */
	CHUNK_DELTA_FIRST,    /* type 2 on a chunk stream never used */
	CHUNK_LENGTH_CHANGED, /* another length inside a message */
	CHUNK_HEADER_INSIDE   /* type 0, 1, 2 inside a message, same length */
};

/* One chunk stream, one direction. */
struct chunk_ctx {
	void *user;	/* the caller's; NULL in a new context */
	uint32_t csid;	/* 0: free */
	uint32_t ts;	/* of the message, absolute, ms mod 2^32 */
	uint32_t delta; /* what type 3 adds */
	uint32_t ext;	/* the last extended field, if has_ext */
	uint32_t len;	/* of the message */
	uint32_t got;	/* bytes of it given out */
	uint32_t msid;
	uint8_t type;
	bool has_ext;
	bool begun; /* BEGIN was given, END not yet */
};

struct chunk_item {
	struct chunk_ctx *ctx; /* valid until chunk_reader_grow() */
	const uint8_t *data;   /* valid until the next call */
	size_t len;
	enum chunk_error error;
};

/* Private, except to look at. */
struct chunk_reader {
	struct chunk_ctx *ctxs;
	struct chunk_ctx *cur;
	uint32_t nctxs, used;
	uint32_t size; /* largest chunk the peer sends */
	uint32_t left; /* payload bytes of this chunk to come */
	uint8_t state;
	uint8_t error; /* enum chunk_error, sticky */
	uint8_t have;  /* bytes in head */
	uint8_t nback; /* bytes in back */
	uint8_t head[CHUNK_HEADER_MAX];
	uint8_t back[4]; /* taken for a timestamp, to be read again */
};
_Static_assert(sizeof(struct chunk_reader) <= 72, "idle connections are cheap");
_Static_assert(sizeof(struct chunk_ctx) <= 40, "idle connections are cheap");

/* Start with n >= 1 contexts of any content; they need not be cleared. */
void chunk_reader_init(
    struct chunk_reader *r, struct chunk_ctx *ctxs, uint32_t n);

/*
 * Move all contexts to a larger array; the old one is the caller's again.
 * Pointers to contexts are stale afterwards.  n >= the old number.
 */
void chunk_reader_grow(
    struct chunk_reader *r, struct chunk_ctx *bigger, uint32_t n);

/*
 * Take bytes from *p up to end until there is an event.  Never reads past
 * end; *p moves over what was taken, headers included.  May be called with
 * *p == end: an END or an error may still wait.
 */
enum chunk_event chunk_next(struct chunk_reader *r, const uint8_t **p,
    const uint8_t *end, struct chunk_item *it);

/*
 * The peer's Set Chunk Size; holds from the next chunk header on.
 * Returns false for 0 and for the top bit; above CHUNK_SIZE_MAX is the same
 * as CHUNK_SIZE_MAX (RTMP 1.0, 5.4.1).
 */
bool chunk_reader_set_size(struct chunk_reader *r, uint32_t size);

/*
 * The peer's Abort: the message begun on csid is forgotten, its END never
 * comes.  Returns its context, so that the caller drops what it gathered, or
 * NULL if none was begun there.
 */
struct chunk_ctx *chunk_reader_abort(struct chunk_reader *r, uint32_t csid);

/* True when the reader stands between two chunks, with nothing held back. */
bool chunk_reader_idle(const struct chunk_reader *r);

/* Stable name, "type3-first". */
const char *chunk_error_name(enum chunk_error e);

#endif
