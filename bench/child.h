/*
 * child - a part of the load in a process of its own, for a second core.  It
 * leaves its outcome in memory that both processes share.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* One process; zeros: none. */
struct child {
	pid_t pid;
};

/* Zeroed memory that a child shares with us, or NULL. */
void *child_memory(size_t size);
void child_forget(void *memory, size_t size);

/*
 * Run run(arg) in a new process; it ends with us at the latest.
 * Returns 0 or -errno.
 */
int child_start(struct child *c, void (*run)(void *), void *arg);

/*
 * Ask it to end (SIGTERM) and wait for it.  Returns 0, or -EIO when it
 * crashed: what it left is not to be trusted.
 */
int child_end(struct child *c);

#endif
