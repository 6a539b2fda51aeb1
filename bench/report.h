/*
 * report - what stands in the line at the end: distinct faults with counts,
 * histograms, and the parts common to publish and play.  Uses jansson; not
 * for the hot path, except report_error() for what is rare.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "bench/hist.h"
#include "common/clock.h"
#include "common/cursor.h"

enum { REPORT_ERRORS = 24, REPORT_TEXT = 96, REPORT_EXAMPLE = 160 };

struct report_error {
	char text[REPORT_TEXT];
	char example[REPORT_EXAMPLE];
	uint64_t count;
};

struct report {
	struct mono start;
	uint32_t used;
	uint64_t others; /* errors that found no place */
	struct report_error error[REPORT_ERRORS];
};

void report_init(struct report *r);
/* Count text; the detail of the first one is kept as an example. */
void report_error(struct report *r, const char *text, struct span detail);
/* Add the errors of another one. */
void report_merge(struct report *to, const struct report *from);
/*
 * Add errors, cpu_s and duration_s, print all as one line on stdout, and
 * release it.  Returns 0 or -errno.
 */
int report_print(const struct report *r, json_t *all);

/* Say on stderr why nothing worked at address, and what to do about it. */
void report_complain(const struct report *r, const char *address);

/* {"p50":...,"p90":...,"p99":...,"max":...,"mean":...} in ms. */
json_t *report_hist(const struct hist *h);

#endif
