/*
 * measure - players in processes of their own while this one only looks at
 * the clock, and at what the server uses.  Measured is a window: from when
 * all players have joined, and a while after that, to the end.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/client.h"
#include "bench/cost.h"
#include "bench/options.h"
#include "bench/tally.h"

/* Above this share of a core the load tool measures itself. */
#define MEASURE_CORE_MAX 0.8

struct measure {
	struct tally *tally; /* one for each group, see play_groups() */
	uint32_t groups;
	double window_s;
	double core;	 /* what the load used of its core, the worst figure */
	double core_sum; /* of all its processes */
	bool has_cost;
	struct cost before; /* without players */
	struct cost begin, end;
};

/*
 * Run the players of o against nets (one for each target).  pids: NULL or
 * count 0: no costs.
 * Returns 0 or -errno; has said why.  measure_fini() in any case.
 */
int measure_players(struct measure *m, const struct client_net *nets,
    const struct options *o, const struct options_pids *pids);
void measure_fini(struct measure *m);

/* Did the load tool stay below the limit?  If not, says so on stderr. */
bool measure_counts(const struct measure *m, const struct options *o);

double measure_cpu_s_per_gb(const struct measure *m);
/* {"cpu_s_per_gb": ...}, with has_cost only. */
json_t *measure_server_json(const struct measure *m);
/* {"processes": ..., "core": ...} */
json_t *measure_load_json(const struct measure *m, const struct options *o);

/* play with -p or -P, storm, hops.  Returns the exit status. */
int measure_run(const struct client_net *nets, const struct options *o);

#endif
