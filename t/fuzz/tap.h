/*
 * tap - reads one direction of a connection as its peer would: skips the
 * handshake, follows Set Chunk Size and Abort, gathers whole messages.
 */
#ifndef FUZZ_TAP_H
#define FUZZ_TAP_H

#include "rtmp/chunk.h"

enum { TAP_CTXS = 64 };

struct tap_msg {
	uint8_t type;
	uint32_t ts, msid, len;
	const uint8_t *data;
};

struct tap;
typedef void tap_fn(void *ctx, const struct tap_msg *m);

struct tap {
	size_t skip; /* bytes of the handshake to come */
	struct chunk_reader r;
	struct chunk_ctx ctxs[TAP_CTXS];
	unsigned begun;	 /* messages that are not complete */
	bool mixed;	 /* two of them at a time, ever */
	bool broken;	 /* not a chunk stream any more */
	const char *why; /* then */
	tap_fn *fn;
	void *ctx;
};

void tap_init(struct tap *t, size_t skip, tap_fn *fn, void *ctx);
void tap_feed(struct tap *t, const uint8_t *p, size_t n);
void tap_fini(struct tap *t);

#endif
