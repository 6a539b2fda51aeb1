/*
 * verify - what one player may see: codec headers first, then a keyframe,
 * then every frame in order.  Pure: fed with frames, it counts faults; it has
 * neither clock nor socket.  One per player, one thread.
 *
 * Numbers are compared per kind, from the first frame of a connection on.
 * A jump forward is a gap.  Two jumps are no gaps, since a server may leave
 * out what a slow player has no time for: to a keyframe (a skip), and the one
 * of the audio frame that comes next after it.
 *
 * A new run is a publisher that came back: numbers begin again, with a
 * keyframe; timestamps go on.
 */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/frame.h"

/* Bits of what verify_frame() found wrong. */
enum verify_fault {
	VERIFY_GAP = 1,
	VERIFY_BACKWARDS = 2,	/* a frame again, or too late */
	VERIFY_NO_KEYFRAME = 4, /* the first picture is none to start with */
	VERIFY_NO_HEADER = 8,	/* media without codec header before it */
	VERIFY_MIXED = 16,	/* a frame of another stream, or of the past */
	VERIFY_BAD_SUM = 32,
	VERIFY_BAD_HEADER = 64,
	VERIFY_FOREIGN = 128, /* not made by sluice-bench */
	VERIFY_TIMESTAMP = 256,
	VERIFY_FAULTS = 9 /* how many bits */
};

/* Counted over all connections of a player. */
struct verify_counts {
	uint64_t frames;       /* media frames, good or bad */
	uint64_t gaps;	       /* jumps forward */
	uint64_t missing;      /* frames in gaps */
	uint64_t skips;	       /* jumps to a keyframe */
	uint64_t skipped;      /* frames left out by them, audio too */
	uint64_t bad;	       /* wrong sum or header, or not ours */
	uint64_t order_errors; /* backwards, no keyframe, no header, mixed */
	uint64_t ts_errors;    /* a timestamp before the last of its kind */
	uint64_t restarts;     /* new runs seen by a connected player */
	uint64_t foreign;      /* not ours, accepted with allow_foreign */
};

struct verify_track {
	uint64_t next; /* frame number expected */
	uint32_t ts;
	bool header;  /* codec header seen */
	bool seen;    /* a frame of this run */
	bool has_ts;  /* ts holds */
	bool skipped; /* audio: video was skipped since the last frame */
};

struct verify {
	struct verify_counts n;
	struct verify_track track[FRAME_KINDS];
	uint64_t last_sent_ns;
	uint32_t run;
	uint16_t stream;
	bool has_run;
	bool picture;	    /* a keyframe was seen in this connection */
	bool allow_foreign; /* frames of others are no fault */
};

void verify_init(struct verify *v, bool allow_foreign);
/* A new connection of the same player: counts stay, numbers begin again. */
void verify_reconnect(struct verify *v);
/*
 * A message is complete: kind and timestamp of it, and what frame_scan_end()
 * made of it.  Returns the faults as bits; 0: all is well.
 */
unsigned verify_frame(struct verify *v, uint32_t ts, enum frame_result r,
    const struct frame_info *f);
/* Gaps, bad frames, order and timestamps together. */
uint64_t verify_faults(const struct verify_counts *n);
void verify_add(struct verify_counts *to, const struct verify_counts *n);
/* Text for one of the bits. */
const char *verify_fault_text(enum verify_fault bit);

#endif
