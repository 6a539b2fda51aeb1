/*
 * logline - one line of the log: is it what it must be, and how people read
 * it.  Pure; used by the log writer and sluicectl.
 */
#ifndef COMMON_LOGLINE_H
#define COMMON_LOGLINE_H

#include <jansson.h>
#include <stddef.h>

/*
 * Parse a line: one JSON object in UTF-8 with a text "event".
 * Returns a new reference, or NULL.
 */
json_t *logline_parse(const char *line, size_t len);

/*
 * "12:00:01 info publish.start stream=live/demo client=7\n" into buf; never
 * with control characters from the line.  Cut at cap.  Returns its length.
 */
size_t logline_readable(const json_t *j, char *buf, size_t cap);

#endif
