/*
 * rows - the client rows of a slot that are in use, for the master and
 * sluicectl.
 *
 * A worker has room for far more rows than it ever used, and reading a hole
 * through the mapping would make the kernel fill it with a page: the file is
 * asked where its data lie.
 */
#ifndef SHM_ROWS_H
#define SHM_ROWS_H

#include <stdbool.h>

#include "shm/arena.h"

/* Returns false: enough. */
typedef bool row_fn(const struct client_row *r, void *arg);

/*
 * Call fn for every row of slot s that is in use; fd is the slot's memfd.  Rows
 * change meanwhile: row_read() copies one as it was at one moment.
 */
void rows_each(
    const struct arena *a, unsigned s, int fd, row_fn *fn, void *arg);

#endif
