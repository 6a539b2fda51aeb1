/*
 * pubsum - what is said of the publishers of a run.  publish.c fills it in,
 * maybe in a process of its own: plain data, no pointers.
 */
#ifndef BENCH_PUBSUM_H
#define BENCH_PUBSUM_H

#include "bench/frame.h"
#include "bench/hist.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/window.h"

struct pubsum {
	struct report report;
	int error; /* -errno of the run itself */
	uint32_t requested, published, failed, closed, completed;
	uint64_t frames[FRAME_KINDS], keyframes, keyframe_bytes, bytes;
	uint64_t queue_max, reconnects;
	uint64_t returns; /* churn: came back after a pause */
	struct hist late;
	struct window window; /* with -p */
};

/* The object at the end, without errors. */
json_t *pubsum_json(const struct pubsum *s);
/* The exit status. */
int pubsum_judge(const struct pubsum *s);

#endif
