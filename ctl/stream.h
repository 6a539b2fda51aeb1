/*
 * stream - `sluicectl stream list`: the blocks that are live, or ended and not
 * freed yet, with their rings.  See list.h for what holds for all lists.
 */
#ifndef CTL_STREAM_H
#define CTL_STREAM_H

#include <jansson.h>

#include "common/clock.h"
#include "ctl/attach.h"

json_t *stream_list(const struct attach *at, struct mono now);

/* Live streams; of slot `owner` only, or of all with owner = -1. */
unsigned stream_count(const struct arena *a, int owner);

#endif
