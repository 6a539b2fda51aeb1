/*
 * pace - which frame of a stream is due when, and how large it is.  Pure;
 * read-only once made from the options.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/frame.h"
#include "bench/options.h"

struct pace {
	double interval_ns[FRAME_KINDS]; /* 0: no such track */
	uint64_t gop;			 /* frames from keyframe to keyframe */
	uint64_t pause_at_ns, pause_ns;	 /* video due then comes later */
	uint32_t key_len, other_len, audio_len;
};

void pace_init(struct pace *p, const struct options *o);
/* Nanoseconds after the start at which frame n is due; UINT64_MAX: never. */
uint64_t pace_due_ns(const struct pace *p, enum frame_kind kind, uint64_t n);
bool pace_is_key(const struct pace *p, enum frame_kind kind, uint64_t n);
uint32_t pace_len(const struct pace *p, enum frame_kind kind, uint64_t n);

#endif
