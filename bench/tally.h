/*
 * tally - the players of a run, and what is said of them at the end.
 * play.c fills it in; tally.c sums up, judges and prints.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "bench/client.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/verify.h"

struct player {
	struct client c; /* first: the ops are given this pointer */
	struct verify v;
	struct frame_scan scan[FRAME_KINDS];
	uint64_t bytes;
	uint64_t live_ns; /* frames sent later count for delay_live; 0: none */
	uint64_t retry_ns;
	uint32_t number;
	uint32_t retry_ms;
	bool has_picture_live; /* live_ns stems from a picture */
	bool opened, connected, playing, with_picture; /* ever */
	bool failed, closed, will_stall;
};

struct play {
	const struct options *o;
	struct report report;
	struct player *players;
	char **names;
	uint32_t opened;
	uint64_t reconnects;
	struct hist delay, live, first;
};

/* Print the result as one line.  Returns the exit status. */
int tally_print(const struct play *run);

#endif
