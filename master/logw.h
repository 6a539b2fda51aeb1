/*
 * logw - the log writer: a thread of the master that takes whole lines from a
 * datagram socket (workers and the master write to its other end, without ever
 * blocking) and appends them to the log: see logout.h.  With -F it shows them on stderr
 * too: readable on a terminal, as JSON else.
 *
 * A disk that blocks stops this thread and nothing else; a terminal or pipe
 * that blocks loses lines, counted, and the file goes on (architecture rule
 * 18).
 */
#ifndef MASTER_LOGW_H
#define MASTER_LOGW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logw;

/*
 * Open the log (path: as for logout_open()) and the socket, and start the
 * thread.
 *
 * show		write to stderr as well
 * Returns	NULL with the fault in err.  Context: main, before workers.
 */
struct logw *logw_start(const char *path, bool show, char *err, size_t errlen);

/* The end to write lines to: for log_open() and for workers. */
int logw_fd(const struct logw *w);

/* Open a file again by its name (after it was moved away). */
void logw_reopen(struct logw *w);

/* Write what is still in the socket, end the thread, close everything. */
void logw_stop(struct logw *w);

/* Lines that were no JSON event; lines the terminal did not take. */
uint64_t logw_invalid(const struct logw *w);
uint64_t logw_unshown(const struct logw *w);

#endif
