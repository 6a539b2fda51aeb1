/*
 * compare - the run of `sluice-bench compare`: the same load on two servers in
 * turn, several rounds, and how they stand to each other.  Absolute figures
 * drift from minute to minute; those of one round have seen the same minute.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "bench/client.h"
#include "bench/options.h"

/* nets: of the two servers.  Returns the exit status. */
int compare_run(const struct client_net *nets, const struct options *o);

#endif
