/*
 * query - what stands behind "?" in tcUrl, app and stream names: of it only
 * "key=..." and "token=..." are kept, for the master to judge.
 * Context: any.
 */
#ifndef WORKER_QUERY_H
#define WORKER_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cursor.h"

/*
 * Append the keys and tokens of q to out, which has *len of cap bytes already.
 * Returns false: there is no room, *len is as it was.
 */
bool query_keep(struct span q, char *out, size_t cap, size_t *len);

#endif
