/*
 * have - what of a stream fetched from another server is there already.
 *
 * When a stream comes by another way than before, the new server begins with
 * the group of pictures that it keeps for joiners, and so repeats what was had.
 * A record of the newest messages tells: by kind, time, size and first bytes.
 * While a new source is being matched with it, for video and audio apart:
 *
 *	in the record			OLD: dropped
 *	newer than all of its kind	NEW: from now on it is the stream; GAP if it
 *					is video, and what lies between was not
 *					seen
 *	older, and not in the record	its clock is another one: a keyframe of
 *					the same size and bytes tells the
 *					difference; without one it is a new base
 *	still OLD after 3 s		somebody plays the same thing again: a new
 *					base
 *
 * Times of the server above are kept as they are, as far as they go on from
 * what the viewers have.  Pure: time comes in as an argument.
 */
#ifndef WORKER_HAVE_H
#define WORKER_HAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/pubclock.h"

enum {
	HAVE_MESSAGES = 2048, /* remembered */
	HAVE_HEADERS = 16,    /* codec headers and metadata */
	HAVE_BACK_MS = 20000, /* a time so far back is another clock */
	HAVE_REPEAT_MS = 3000 /* nobody repeats longer what was had */
};

enum have_kind { HAVE_VIDEO, HAVE_AUDIO, HAVE_KINDS };

/* A media message by what is known when its first bytes are there. */
struct have_msg {
	enum have_kind kind;
	bool keyframe;
	uint32_t ts;   /* of the source */
	uint32_t len;  /* of all of it */
	uint32_t hash; /* of its first bytes: have_hash() */
};

struct have_row {
	uint32_t ts;	/* mapped */
	uint32_t shape; /* length and kind */
	uint32_t hash;
};

struct have {
	struct have_row row[HAVE_MESSAGES];
	uint64_t n;  /* written so far; row n % HAVE_MESSAGES is next */
	uint64_t at; /* row behind the last that matched */
	bool any[HAVE_KINDS];	   /* there was one, and */
	uint32_t last[HAVE_KINDS]; /* its mapped time */
	bool seen[HAVE_KINDS];	   /* the newest one came again */
	bool matching[HAVE_KINDS]; /* nothing new of it came by this source */
	bool before;		   /* the name was live before, till last[] */
	bool repeats;	   /* its server may begin with what came before that */
	struct mono since; /* the first message of this source */
	uint64_t dropped;  /* by this source */
	struct {
		uint32_t key, hash; /* of what it configures, of all bytes */
	} header[HAVE_HEADERS];
	unsigned nheaders;
};

enum have_verdict { HAVE_NEW, HAVE_GAP, HAVE_OLD };

/*
 * k		clock of the publish, just begun; last_ns as for pubclock_init()
 * repeats	the name was live before, and its server may repeat something of
 *		that: what is not after its end is OLD
 */
void have_init(
    struct have *h, const struct pubclock *k, uint64_t last_ns, bool repeats);

/* Another source begins. */
void have_source(struct have *h);

/*
 * Judge a media message and, unless it is OLD, put it into the record.  Sets
 * *ts to its mapped time, and the clock goes on (pubclock_map); *jump as there.
 */
enum have_verdict have_judge(struct have *h, struct pubclock *k,
    const struct have_msg *m, struct mono now, uint32_t *ts, bool *jump);

/*
 * Another message: a codec header, or data.  True: it says nothing new.  Other
 * data counts as had until media is new.
 */
bool have_other(
    struct have *h, uint8_t type, bool header, const uint8_t *p, size_t n);

/* FNV-1a of n bytes. */
uint32_t have_hash(const uint8_t *p, size_t n);

#endif
