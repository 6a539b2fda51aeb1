/*
 * cost - what processes of a server use: processor time, memory, and the
 * memory of TCP sockets of the whole machine.  Read from /proc.
 */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdint.h>

#include "bench/options.h"

struct cost {
	double cpu_s;	  /* user and system, all threads */
	uint64_t pss_kb;  /* shared pages in parts */
	uint64_t shm_kb;  /* of that, shared memory */
	uint64_t sock_kb; /* TCP buffers, both ends if they are here */
};

/*
 * Look at all of the processes.  Says on stderr which one cannot be read.
 * Returns 0 or -errno.
 */
int cost_read(struct cost *c, const struct options_pids *pids);
/* The time alone: cheap. */
int cost_read_cpu(struct cost *c, const struct options_pids *pids);

#endif
