/*
 * fuzz_chunk - libFuzzer entry point for rtmp/chunk.h: the first byte says
 * how the rest is cut; cut and whole must give the same events.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rtmp/chunk.h"
#include "rtmp/wire.h"

enum { CTXS = 64 };

struct run {
	struct chunk_reader r;
	struct chunk_ctx first[1], more[CTXS];
	uint64_t hash; /* of all events and payload bytes */
	uint32_t word;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
mix(struct run *u, uint64_t v)
{
	u->hash = (u->hash ^ v) * 0x100000001b3u;
}

static bool
feed(struct run *u, const uint8_t *p, const uint8_t *end)
{
	for (;;) {
		struct chunk_item it;
		enum chunk_event e = chunk_next(&u->r, &p, end, &it);
		switch (e) {
		case CHUNK_NEED_MORE:
			if (p != end)
				abort();
			return true;
		case CHUNK_BEGIN:
			mix(u, e);
			mix(u, (uint64_t)it.ctx->csid << 32 | it.ctx->ts);
			mix(u, (uint64_t)it.ctx->len << 32 | it.ctx->type);
			mix(u, it.ctx->msid);
			u->word = 0;
			break;
		case CHUNK_DATA:
			if (it.len == 0 || it.ctx->got > it.ctx->len)
				abort();
			for (size_t i = 0; i < it.len; i++) {
				mix(u, it.data[i]);
				u->word = u->word << 8 | it.data[i];
			}
			break;
		case CHUNK_END:
			mix(u, e);
			if (it.ctx->got != it.ctx->len)
				abort();
			if (it.ctx->type == WIRE_SET_CHUNK_SIZE)
				chunk_reader_set_size(&u->r, u->word);
			if (it.ctx->type == WIRE_ABORT)
				chunk_reader_abort(&u->r, u->word);
			break;
		case CHUNK_NEED_CTX:
			if (u->r.nctxs == CTXS)
				return false;
			chunk_reader_grow(&u->r, u->more, CTXS);
			break;
		case CHUNK_ERROR:
			mix(u, it.error);
			return false;
		}
	}
}

static uint64_t
run(const uint8_t *data, size_t size, size_t step)
{
	struct run u = { .hash = 0xcbf29ce484222325u };
	chunk_reader_init(&u.r, u.first, 1);
	for (size_t i = 0; i < size; i += step) {
		size_t n = step < size - i ? step : size - i;
		if (!feed(&u, data + i, data + i + n))
			break;
	}
	return u.hash;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t step = 1u + data[0] % 16u;
	if (run(data + 1, size - 1, size) != run(data + 1, size - 1, step))
		abort();
	return 0;
}
