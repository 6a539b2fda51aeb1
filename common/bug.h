/*
 * bug - what may never be true, checked in release builds too.  The process
 * aborts; the master logs it and restarts the worker.
 */
#ifndef COMMON_BUG_H
#define COMMON_BUG_H

_Noreturn void bug_abort(const char *file, int line, const char *what);

#define bug_on(cond)                                                           \
	((cond) ? bug_abort(__FILE__, __LINE__, #cond) : (void)0)

#endif
