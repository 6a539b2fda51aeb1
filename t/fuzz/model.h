/*
 * model - what was published, told by the calls that publish it (the linker
 * wraps ring_open, ring_mark_join, ring_commit, ring_set_header and
 * ring_set_meta), and whether a player was sent nothing else, in order.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/ring.h"
#include "t/fuzz/tap.h"

struct model_msg {
	uint8_t type;
	bool join; /* a player may begin here */
	uint32_t ts, len;
	uint8_t *data;
};

struct model_stream {
	uint32_t block;
	uint64_t gen;
	bool joins; /* the next message is a join point */
	size_t keylen;
	char key[DIR_KEY_MAX];
	struct model_msg *msg, *kept; /* kept: headers and metadata */
	size_t n, nkept;
};

struct model {
	struct arena *arena;
	struct model_stream **stream;
	size_t n;
	/* was this sent by that client?  NULL: not asked */
	bool (*known)(void *ctx, uint64_t client, uint8_t type,
	    const uint8_t *data, uint32_t len);
	void *ctx;
	uint64_t bytes;
};

/* Where a player is, in what it was sent. */
struct model_player {
	const struct model_stream *at;
	size_t next;
	bool anywhere; /* it began anew: an older place is no fault */
	bool filters;  /* receiveAudio, receiveVideo: it may pass some over */
	uint64_t joins, messages, prologue;
};

/* The one that the wrapped calls write to. */
void model_begin(struct model *m, struct arena *a);
void model_end(struct model *m);

/* The newest stream of that name (last part of the key), or NULL. */
struct model_stream *model_find(const struct model *m, const char *name);

/*
 * The player of `name` was sent this message.  Returns NULL if it may have
 * been, else what is wrong.
 */
const char *model_sent(const struct model *m, struct model_player *p,
    const char *name, const struct tap_msg *t);

#endif
