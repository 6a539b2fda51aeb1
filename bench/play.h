/*
 * play - the run of the players: opens them one after another, and checks
 * what they get.  In churn they leave and come back.
 */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include "bench/client.h"
#include "bench/options.h"
#include "bench/tally.h"

/*
 * Play until the time is over or a signal comes.  The outcome is in tally,
 * tally->error < 0: nothing could be run.
 */
void play_streams(
    struct client_net *net, const struct options *o, struct tally *tally);

/* All of `sluice-bench play`.  Returns the exit status. */
int play_run(struct client_net *net, const struct options *o);

#endif
