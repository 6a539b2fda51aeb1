/*
 * intro - what a publisher sends before the first frame: metadata and codec
 * headers.  Pure.
 */
#ifndef BENCH_INTRO_H
#define BENCH_INTRO_H

#include "bench/options.h"
#include "common/cursor.h"

enum { INTRO_MAX = 4096 };

/* At most INTRO_MAX bytes, for message stream msid, in chunks of `chunk`. */
void intro_write(
    struct writer *w, const struct options *o, uint32_t msid, uint32_t chunk);

#endif
