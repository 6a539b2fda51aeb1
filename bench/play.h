/*
 * play - the run of `sluice-bench play`: opens the players one after another,
 * checks what they get, ends with one line of JSON.
 */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include "bench/client.h"
#include "bench/options.h"

/* Returns the exit status. */
int play_run(struct client_net *net, const struct options *o);

#endif
