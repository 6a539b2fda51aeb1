/*
 * churn - the run of `sluice-bench churn`: publishers in a process of their
 * own, players in this one; both leave and come back all the time.
 */
#ifndef BENCH_CHURN_H
#define BENCH_CHURN_H

#include "bench/client.h"
#include "bench/options.h"

/* Returns the exit status. */
int churn_run(const struct client_net *net, const struct options *o);

#endif
