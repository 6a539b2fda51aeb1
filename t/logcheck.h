/*
 * logcheck - is a line of the log what the table of events says?  The same as
 * doc/sluice-log.schema.json, but fast; t/lint/log-schema.sh holds the two
 * together.
 */
#ifndef T_LOGCHECK_H
#define T_LOGCHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Regular expression of the member ts. */
#define LOGCHECK_TS                                                            \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"

/* False: it is not; err says what is wrong. */
bool logcheck_line(const char *line, size_t len, char *err, size_t errlen);

#endif
