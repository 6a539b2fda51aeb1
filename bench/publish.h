/*
 * publish - the run of `sluice-bench publish`: streams paced by the monotonic
 * clock, ends with one line of JSON.
 */
#ifndef BENCH_PUBLISH_H
#define BENCH_PUBLISH_H

#include "bench/client.h"
#include "bench/options.h"

/* Returns the exit status. */
int publish_run(struct client_net *net, const struct options *o);

#endif
