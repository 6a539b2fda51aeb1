/*
 * log - one JSON object per event, one line each.
 *
 * A process hands whole lines to the log writer (a thread of the master) over
 * a non-blocking datagram socket; a full socket drops the line and counts it
 * (architecture rule 18).  Before log_open(), and in programs without a
 * master, lines go to stderr.
 *
 * Fields are given as a jansson pack format without the outer braces:
 *
 *	log_event(LOG_LEVEL_INFO, "publish.start", "s:I, s:s",
 *	    "client", (json_int_t)id, "stream", name);
 *
 * ts, level, event and pid are added.  Text that is not UTF-8 must go through
 * log_text() first; formats then use "s:o".  Not for the hot path.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

enum { LOG_LINE_MAX = 8192 };

/* From now on send lines of at least `least` to socket fd (not closed here). */
void log_open(int fd, enum log_level least);

/* Write an event.  Bad formats are a bug and abort. */
void log_event(enum log_level level, const char *event, const char *fmt, ...);

/* Would an event of this level be written? */
bool log_wants(enum log_level level);

/*
 * len bytes of untrusted text as a JSON string: bytes that are not UTF-8
 * become U+FFFD.  Returns a new reference (for "s:o"), never NULL.
 */
json_t *log_text(const char *s, size_t len);

/* Lines dropped by this process so far. */
uint64_t log_dropped(void);

#endif
