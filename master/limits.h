/*
 * limits - what this machine gives: open files, memory, cores; and what that
 * allows.  Called by main, at start.
 */
#ifndef MASTER_LIMITS_H
#define MASTER_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

enum { LIMITS_FILES_KEPT = 200 }; /* descriptors of a worker beside clients */

struct limits {
	uint64_t files;	 /* RLIMIT_NOFILE, raised to the hard limit */
	uint64_t memory; /* bytes: RAM, or the control group's limit if less */
	unsigned cores;	 /* that this process may run on */
};

/* Raise RLIMIT_NOFILE and look at the machine. */
void limits_init(struct limits *l);

/*
 * Be killed for want of memory after the workers.
 * Writes the workers' oom_score_adj to buf: this process's own so far, or more
 * than that where lowering it is not allowed.
 */
void limits_oom(char *buf, size_t len);

/*
 * Fill in what the configuration left to the machine: workers, arena_bytes.
 * Returns 0, or -1 with what was expected in err (ArenaSize too large).
 */
int limits_apply(
    const struct limits *l, struct conf *c, char *err, size_t errlen);

/* Clients that one worker can take. */
uint32_t limits_clients(const struct limits *l, const struct conf *c);

/* Place the limits that hold over all workers.  Returns their words. */
uint32_t limits_seats(struct conf *c);

/*
 * Streams that fit with full rings, and in words what binds clients and
 * streams.
 */
uint32_t limits_streams(const struct conf *c);
void limits_words(
    const struct limits *l, const struct conf *c, char *buf, size_t len);

/* Least of the memory limits of this process's control groups; 0: none. */
uint64_t limits_cgroup_memory(void);

#endif
