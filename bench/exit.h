/* exit - the exit status of sluice-bench, see sluice-bench(1). */
#ifndef BENCH_EXIT_H
#define BENCH_EXIT_H

enum {
	EXIT_OK = 0,
	EXIT_FAULTS = 1, /* they stand in the line of JSON */
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3, /* nobody connected, or publish was refused */
	EXIT_OVERLOADED = 4   /* no result: the load tool was too busy */
};

#endif
