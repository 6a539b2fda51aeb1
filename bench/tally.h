/*
 * tally - what is said of the players of a run.  play.c fills it in, maybe in
 * a process of its own: plain data, no pointers.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "bench/hist.h"
#include "bench/report.h"
#include "bench/verify.h"

struct tally {
	struct report report;
	int error; /* -errno of the run itself */
	struct verify_counts n;
	uint64_t bytes;
	uint32_t requested, connected, playing, with_picture, failed, closed;
	uint32_t stalled, stalled_closed, without_media;
	uint64_t reconnects;
	uint64_t joins;		     /* connections that were opened */
	uint64_t stays, empty_stays; /* churn: that ended; without a frame */
	struct hist delay;	     /* of all frames */
	struct hist live[FRAME_KINDS];
	struct hist tcp, byte, playing_after, first; /* from the opening on */
	/* What is measured, of all groups of a process; in the first one. */
	uint64_t window_bytes, window_frames;
	uint64_t window_cpu_ns, window_wall_ns; /* of this process */
};

void tally_init(struct tally *t);
/* Add all of another one; errors too. */
void tally_merge(struct tally *to, const struct tally *from);
/* The object at the end, without errors. */
json_t *tally_json(const struct tally *t, const char *mode, bool verified);
/* The exit status. */
int tally_judge(const struct tally *t);

#endif
