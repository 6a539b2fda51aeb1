/*
 * counters - names of the words that every worker counts in its slot; table
 * counters.def, followed by one counter per reason.
 */
#ifndef COMMON_COUNTERS_H
#define COMMON_COUNTERS_H

#include "common/reason.h"

#define COUNTER(id, name, text) COUNTER_##id,
enum counter {
#include "common/counters.def"
	COUNTER_REASONS, /* COUNTER_REASONS + r counts closes with reason r */
	COUNTER_COUNT = COUNTER_REASONS + REASON_COUNT
};
#undef COUNTER

/*
 * Name of counter c into buf ("bytes.in", "closed.stalled").
 * buf	at least 64 bytes
 */
const char *counter_name(unsigned c, char buf[64]);
/* What counter c counts, one line. */
const char *counter_text(unsigned c);

#endif
