/*
 * publish - the run of the publishers: streams paced by the monotonic clock.
 * Alone it ends with one line of JSON; churn starts it in a process of its
 * own, in which some streams leave for a while.
 */
#ifndef BENCH_PUBLISH_H
#define BENCH_PUBLISH_H

#include "bench/client.h"
#include "bench/options.h"
#include "bench/pubsum.h"

/*
 * Publish o->count streams until the time is over or a signal comes.  The
 * outcome is in sum, sum->error < 0: nothing could be run.
 */
void publish_streams(
    struct client_net *net, const struct options *o, struct pubsum *sum);

/* All of `sluice-bench publish`.  Returns the exit status. */
int publish_run(struct client_net *net, const struct options *o);

#endif
