/*
 * heap - the memory of one script: bounded, and counted.
 *
 * What does not fit is refused, and the engine throws; `denied` counts that.
 * heap_die() makes it usable once more in a signal handler that has interrupted
 * the engine anywhere: from then on memory comes from a small reserve, nothing is
 * given back, and malloc() is not called.
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_HEAP_H
#define SCRIPT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <duktape.h>

struct heap {
	size_t used, limit; /* bytes */
	uint64_t denied;
	bool dying;
	void *owner; /* of the caller */
	duk_context *ctx;
};

/* Open an engine of at most limit bytes.  Returns 0 or -ENOMEM. */
int heap_open(struct heap *h, size_t limit, void *owner);
void heap_close(struct heap *h);

/* The heap of an engine. */
struct heap *heap_of(duk_context *ctx);

/* See above; there is no way back.  Safe in a signal handler. */
void heap_die(struct heap *h);

#endif
