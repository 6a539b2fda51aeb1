/*
 * advice - what a publisher sends and viewers suffer from: few keyframes, no
 * audio, a clock that is not that of the world.  Looks at times only, O(1) for
 * each message.  Pure: time comes in as an argument.
 * Context: any; one thread.
 */
#ifndef WORKER_ADVICE_H
#define WORKER_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

enum {
	ADVICE_KEY_MS = 4000,	  /* keyframes further apart than this */
	ADVICE_NO_KEY_MS = 12000, /* or none for so long */
	ADVICE_AUDIO_MS = 10000,  /* no audio from the start for so long */
	ADVICE_WINDOW_MS = 10000, /* of the clock; judged over two of them */
	ADVICE_DRIFT_PERCENT = 5
};

enum advice_kind {
	ADVICE_NONE,
	ADVICE_KEYFRAMES, /* value: their distance, ms */
	ADVICE_NO_AUDIO,  /* value: none for so many ms */
	ADVICE_CLOCK	  /* value: percent faster (or slower, negative) */
};

struct advice {
	struct mono began, at; /* first message; of this window */
	bool audio, video, keyed;
	uint32_t key_ts;
	/*
	 * The least (arrival - timestamp) of a window is little disturbed by a
	 * network that holds messages back: of this window, and of the two
	 * before.
	 */
	uint32_t first_ts;
	int64_t lag, before[2];
	unsigned windows; /* whole ones so far, at most 2 */
	unsigned told;	  /* bits: 1 << kind */
};

/*
 * A media message, in order; ts in ms.
 * Returns	what is to be said now, each kind once in the life of *a, or
 *		ADVICE_NONE; *value then is its number
 */
enum advice_kind advice_feed(struct advice *a, bool video, bool keyframe,
    uint32_t ts, struct mono now, int64_t *value);

/* The timestamps have a new base: judge the clock anew. */
void advice_new_base(struct advice *a);

/* "keyframes", ...; and for people: the effect and what to set. */
const char *advice_name(enum advice_kind k);
const char *advice_text(enum advice_kind k);

#endif
