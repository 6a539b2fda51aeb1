/*
 * inst - one instance of the application: a heap with the objects of prelude.js
 * and the script in it, its timers, and what is called in it.
 *
 *	new -> loaded, onAppStart was called -> ... -> onAppStop was called -> freed
 *
 * Every call into a script goes through guard.h, which limits its time, and
 * leaves nothing thrown: an error that nobody catches is logged (fault.h).
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_INST_H
#define SCRIPT_INST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "script/heap.h"
#include "script/link.h"
#include "script/timers.h"

/* What is called while a file is loaded. */
#define INST_TOP "the top level of the script"

enum { INST_NAME = 256, INST_PATH = 512, INST_LOADS = 16 };

/* What all instances of a process have in common. */
struct host {
	char app[INST_NAME], vhost[INST_NAME];
	char server[INST_NAME], name[INST_NAME];
	char file[INST_PATH]; /* the script */
	char lib[INST_PATH];  /* where load() looks, semicolons between */
	size_t heap_bytes;
	uint32_t call_ms; /* 0: no limit */
	struct link link;
	struct inst *insts;
	bool memory; /* a heap was full: the process ends */
};

struct inst {
	struct inst *next;
	struct host *host;
	struct heap heap;
	struct timers timers;
	char name[INST_NAME];
	/* the file that is being loaded, and those that load it */
	const char *loading;
	unsigned loads;
};

/*
 * Make an instance and load the script in it.
 * Returns	0 with *made, which host->insts has too, or -errno with err: the
 *		file cannot be read, no memory
 */
int inst_new(struct host *h, const char *name, struct inst **made, char *err,
    size_t errlen);
void inst_free(struct inst *i);
struct inst *inst_find(const struct host *h, const char *name);

/*
 * Hand a message of proto.h to the script.
 * text		JSON of an object, len bytes
 * Returns	what the script's handler said; true when it failed
 */
bool inst_message(
    struct inst *i, const char *kind, const char *text, size_t len);

/* Call the timers that are due, each once. */
void inst_timers(struct inst *i, struct mono now);

/* The instance whose engine this is. */
struct inst *inst_of(duk_context *ctx);

/*
 * Call the function under nargs arguments on the stack of the engine, and pop
 * all; an error is logged and told to application.onStatus.
 * Returns	0 with the result on the stack, or -1 with nothing
 */
int inst_call(struct inst *i, int nargs, const char *entry);

/*
 * The same for an error that is on top of the stack already: it is logged and
 * popped.
 */
void inst_fault(struct inst *i);

/* See natives.c: the object that prelude.js gets, onto the stack. */
void natives_push(duk_context *ctx);

#endif
