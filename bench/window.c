#include "config.h"

#include <stdio.h>
#include <time.h>

#include "bench/measure.h"
#include "bench/window.h"

static uint64_t
own_cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int
window_open(struct window *w, const struct options_pids *pids, uint64_t bytes)
{
	w->open = true;
	w->bytes = bytes;
	w->cpu_ns = own_cpu_ns();
	w->wall_ns = clock_now().ns;
	return cost_read(&w->begin, pids);
}

int
window_close(struct window *w, const struct options_pids *pids, uint64_t bytes)
{
	w->closed = true;
	w->bytes = bytes - w->bytes;
	w->cpu_ns = own_cpu_ns() - w->cpu_ns;
	w->wall_ns = clock_now().ns - w->wall_ns;
	return cost_read(&w->end, pids);
}

static double
core_of_load(const struct window *w)
{
	return (double)w->cpu_ns / (double)w->wall_ns;
}

bool
window_counts(const struct window *w)
{
	if (core_of_load(w) <= MEASURE_CORE_MAX)
		return true;
	fprintf(stderr,
	    "sluice-bench: no result: the load used %.2f of a core, above %.2f "
	    "it measures itself: publish fewer streams, or from several "
	    "processes on more cores\n",
	    core_of_load(w), MEASURE_CORE_MAX);
	return false;
}

void
window_put(const struct window *w, json_t *all)
{
	double s = (double)w->wall_ns / 1e9, gb = (double)w->bytes / 1e9;
	double cpu = w->end.cpu_s - w->begin.cpu_s;
	json_t *server = json_object(), *load = json_object();
	json_object_set_new(server, "cpu_s", json_real(cpu));
	json_object_set_new(server, "core", json_real(cpu / s));
	json_object_set_new(
	    server, "cpu_s_per_gb", json_real(gb > 0 ? cpu / gb : 0));
	json_object_set_new(
	    server, "pss_kb", json_integer((json_int_t)w->end.pss_kb));
	json_object_set_new(
	    server, "shm_kb", json_integer((json_int_t)w->end.shm_kb));
	json_object_set_new(all, "server", server);
	json_object_set_new(load, "core", json_real(core_of_load(w)));
	json_object_set_new(load, "window_s", json_real(s));
	json_object_set_new(
	    load, "window_bytes", json_integer((json_int_t)w->bytes));
	json_object_set_new(all, "load", load);
}
