/*
 * flvfile - an FLV file (FLV 10.1, annex E) as a list of messages that can be
 * sent round and round: timestamps go on from one round to the next.  The
 * file is mapped; everything is read-only once opened.
 */
#ifndef BENCH_FLVFILE_H
#define BENCH_FLVFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/frame.h"

struct flvfile_tag {
	size_t at; /* of the body, in the file */
	uint32_t len;
	uint32_t ms;  /* since the first tag of audio or video */
	uint8_t type; /* enum wire_type: audio, video, data */
	bool once;    /* in the first round only */
};

struct flvfile {
	const uint8_t *map;
	size_t size;
	struct flvfile_tag *tags;
	uint32_t count;
	uint32_t len_max;
	uint64_t round_ms; /* length of a round */
};

/* Where a stream is. */
struct flvfile_at {
	uint64_t round;
	uint32_t tag;
};

/*
 * Map and index a file.
 * Returns 0, -errno, -EBADMSG (no FLV file, or a tag beyond its end) or
 * -ENODATA (neither audio nor video, or a length of 0).
 */
int flvfile_open(struct flvfile *f, const char *path);
void flvfile_close(struct flvfile *f);
/* Milliseconds after the start at which the message at a position is due. */
uint64_t flvfile_ms(const struct flvfile *f, const struct flvfile_at *at);
/*
 * To the next message.  Metadata comes in the first round only, and so do the
 * codec headers, unless the file has several of a kind.
 */
void flvfile_next(const struct flvfile *f, struct flvfile_at *at);

#endif
