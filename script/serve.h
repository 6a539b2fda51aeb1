/*
 * serve - the messages of the master (proto.h), and time.
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_SERVE_H
#define SCRIPT_SERVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "script/inst.h"

enum { SERVE_ON = -1 };

/*
 * Take a message of len bytes.
 * Returns	SERVE_ON, or the status that the process ends with
 */
int serve_message(struct host *h, const char *text, size_t len);

/*
 * Call what is due, and set *next to when to be called again (ns; UINT64_MAX:
 * not before a message).  Returns as above.
 */
int serve_time(struct host *h, struct mono now, uint64_t *next);

/* Free everything. */
void serve_fini(struct host *h);

#endif
