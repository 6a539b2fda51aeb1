/*
 * fault - errors that nobody catches, and where in a script something is.
 * Frames of prelude.js are passed over: what people look for is in their files.
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_FAULT_H
#define SCRIPT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <duktape.h>

#define FAULT_PRELUDE "sluice:prelude"

struct fault_place {
	char function[128]; /* "" at top level, or unknown */
	char file[256];	    /* "" unknown */
	uint32_t line;	    /* 0 unknown */
};

struct fault {
	struct fault_place at;
	char text[512];
};

/* The innermost function of a script that runs now. */
void fault_where(duk_context *ctx, struct fault_place *p);

/*
 * Describe the error on top of the stack, and pop it.  May run code of the
 * script (getters of what it has thrown): call it guarded.
 */
void fault_take(duk_context *ctx, struct fault *f);

/*
 * The first line of a stack trace (text of `stack`) that is in a script.
 * Returns false: none is
 */
bool fault_trace(const char *stack, struct fault_place *p);

#endif
