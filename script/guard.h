/*
 * guard - the time that a call into a script may take.  The library of Debian
 * has no check of the time in its loop (DUK_USE_EXEC_TIMEOUT_CHECK is off), so a
 * call that lasts too long ends the process: a signal interrupts the engine, looks
 * where it is, tells the master (`hung` of proto.h) and exits.  The engine may be
 * anywhere then: looking is done with memory of its own (heap_die), and given up
 * when it fails; what was called is known in any case.
 * Context: sluice-script, one thread; one guard at a time, inner ones are part of
 * the outer.
 */
#ifndef SCRIPT_GUARD_H
#define SCRIPT_GUARD_H

struct inst;

/* Install the handler.  Returns 0 or -errno.  Context: start. */
int guard_init(void);

/* A call begins, for people: "application.onPublish". */
void guard_begin(struct inst *i, const char *entry);
void guard_end(void);

/* What is called now, more exactly. */
void guard_enter(const char *entry);
const char *guard_entry(void);

#endif
