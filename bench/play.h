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
 * Players are told apart by groups: of hops by their address; of storm 0 are
 * those of the storm, 1 those that were there before; of play with slow
 * readers these are 1.
 */
uint32_t play_groups(const struct options *o);

/*
 * Play until the time is over or a signal comes, players number o->part,
 * o->part + o->parts and so on.
 *
 * nets		one for each target; the first one is initialised, and the
 *		others get what is shared from it
 * tally	one for each group; tally->error < 0: nothing could be run
 */
void play_streams(
    struct client_net *nets, const struct options *o, struct tally *tally);

/* All of `sluice-bench play`.  Returns the exit status. */
int play_run(struct client_net *net, const struct options *o);

#endif
