/*
 * rundir - the run directory belongs to one master at a time: it holds a lock
 * on RUN/sluice.pid, which also names it.  Called by main, at start and end.
 */
#ifndef MASTER_RUNDIR_H
#define MASTER_RUNDIR_H

#include <stddef.h>

/*
 * Make run (mode 0755, with its parents) if it is missing, lock it, write the
 * pid.
 * Returns a descriptor that holds the lock, or -1 with the fault in err.
 */
int rundir_take(const char *run, char *err, size_t errlen);

/* Remove the pid file and let go. */
void rundir_release(const char *run, int fd);

#endif
