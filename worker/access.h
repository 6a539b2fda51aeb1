/*
 * access - which streams a client may play and publish, as a script says with
 * Client.readAccess and writeAccess: directories with a semicolon between; "/" has
 * all names, "a/b" has a/b and what begins with a/b/, "" has none.
 * Pure.
 */
#ifndef WORKER_ACCESS_H
#define WORKER_ACCESS_H

#include <stdbool.h>

#include "common/cursor.h"

/* Is the name of a stream in one of these directories? */
bool access_has(struct span dirs, struct span name);

/* The same of both lists, with a NUL between; p NULL: everything may be. */
bool access_may(struct span access, bool publish, struct span name);

#endif
