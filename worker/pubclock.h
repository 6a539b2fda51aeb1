/*
 * pubclock - the times of one publish: source timestamps to the monotonic
 * clock of the stream's name, and where players may begin (architecture rules
 * 8 and 9).  Pure: time comes in as an argument.
 * Context: any; one thread.
 */
#ifndef WORKER_PUBCLOCK_H
#define WORKER_PUBCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

enum {
	PUBCLOCK_STEP = 5000,	  /* ms: a larger step begins a new base */
	PUBCLOCK_KEY_MS = 10000,  /* no keyframe for this long, */
	PUBCLOCK_VIDEO_MS = 2000, /* or no video: any message is a start, */
	PUBCLOCK_JOIN_MS = 250	  /* one per this time */
};

struct pubclock {
	bool based;
	uint32_t offset;       /* mapped = source + offset, mod 2^32 */
	uint32_t source, last; /* of the last media message; last is mapped */
	struct mono at;	       /* when it came */
	struct mono opened, video, key, join;
	uint32_t jumps;
};

/*
 * Begin.  start: what the first media message of a new name maps to, ms;
 * last_ts, last_ns: the clock that the name was left with; last_ns 0
 * when it was never live.
 */
void pubclock_init(struct pubclock *k, struct mono now, uint32_t start,
    uint32_t last_ts, uint64_t last_ns);

/*
 * The mapped time of a media message with source time ts.  *jump is set when
 * the source stepped by more than PUBCLOCK_STEP against elapsed time.
 */
uint32_t pubclock_map(
    struct pubclock *k, uint32_t ts, struct mono now, bool *jump);

enum pubclock_join { JOIN_NONE, JOIN_ANY, JOIN_KEY };

/*
 * May a player begin at this message?  To be asked for every media message,
 * in order.
 */
enum pubclock_join pubclock_join(
    struct pubclock *k, bool video, bool keyframe, struct mono now);

#endif
