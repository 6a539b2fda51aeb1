/*
 * filter - which rows of a list are wanted.  Pure.
 */
#ifndef CTL_FILTER_H
#define CTL_FILTER_H

#include <jansson.h>
#include <stddef.h>

#include "ctl/verb.h"

/*
 * Take from an array of objects (of `client list` or `stream list`) what the
 * options of c do not want.
 * Returns 0, or -1 with what was expected in err
 */
int filter_rows(const struct ctl *c, json_t *rows, char *err, size_t errlen);

/* The parts of "app/name" or "app/instance/name". */
struct stream_name {
	char app[256], instance[256], name[256];
};

/* Returns 0, or -1 if that is not the name of a stream. */
int stream_name_parse(const char *text, struct stream_name *n);

#endif
