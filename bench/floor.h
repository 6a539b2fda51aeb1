/*
 * floor - the run of `sluice-bench floor`: what the kernel alone costs.  It
 * makes its streams itself, takes players, and hands every frame to every
 * player with a send of its own; or, with a window, everything since the last
 * time at once.  Nothing is received, decided or checked per player.  What a
 * real server needs more of the processor is its own doing.
 *
 * Each stream is a ring mapped twice in a row, so that everything between two
 * positions is contiguous.  A player is a cursor in it.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "bench/client.h"
#include "bench/options.h"

/* net: the address to listen at.  Returns the exit status. */
int floor_run(const struct client_net *net, const struct options *o);

#endif
