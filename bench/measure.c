#include "config.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/child.h"
#include "bench/exit.h"
#include "bench/measure.h"
#include "bench/play.h"

enum {
	SETTLE_S = 3,	  /* after the last player has joined */
	BASE_PER_S = 200, /* storm: how fast the first ones join */
	LOOK_MS = 300,	  /* memory is read so long before the end */
	FORK_MS = 100	  /* for the processes to be there */
};

/* One process of players; shared with it. */
struct part {
	struct client_net net[OPTIONS_TARGETS];
	struct options o;
	struct tally tally[OPTIONS_TARGETS];
};

static void
part_run(void *arg)
{
	struct part *p = arg;
	int err = client_net_init(&p->net[0]);
	if (err == 0)
		play_streams(p->net, &p->o, p->tally);
	else
		p->tally[0].error = err;
}

/* When what happens. */
static int
plan(struct options *o)
{
	double joins = (double)o->count / o->ramp;
	double warm = o->warm_s >= 0 ? o->warm_s : SETTLE_S;
	double begin = joins + warm;
	double end = o->duration_s;
	if (o->mode == MODE_HOPS)
		begin = joins * o->targets + warm;
	o->start_ns = clock_now().ns + FORK_MS * NS_PER_MS;
	if (o->mode == MODE_STORM) { /* the window is the storm */
		begin = o->base > 0 ? (double)o->base / BASE_PER_S + warm : 0;
		end = end > 0 ? end + begin : 0;
	}
	o->window_ns = o->start_ns + (uint64_t)(begin * 1e9);
	o->end_ns = end > 0 ? o->start_ns + (uint64_t)(end * 1e9) : UINT64_MAX;
	if (end <= 0 || end >= begin + 1)
		return 0;
	fprintf(stderr,
	    "sluice-bench: -d %g is too short: joining and settling take %g s, "
	    "and 1 s at least is to be measured: raise -d, or lower -W\n",
	    o->duration_s, begin);
	return -EINVAL;
}

/* Sleep until then.  Returns true if a signal said to stop. */
static bool
sleep_until(uint64_t then_ns)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	for (;;) {
		uint64_t now = clock_now().ns;
		if (now >= then_ns)
			return false;
		uint64_t left = then_ns - now;
		if (left > 3600 * NS_PER_S)
			left = 3600 * NS_PER_S;
		struct timespec ts = { .tv_sec = (time_t)(left / NS_PER_S),
			.tv_nsec = (long)(left % NS_PER_S) };
		if (sigtimedwait(&set, NULL, &ts) > 0)
			return true;
	}
}

/* Look at the server when it is time.  Returns 0 or -errno. */
static int
watch(
    struct measure *m, const struct options *o, const struct options_pids *pids)
{
	bool stop = sleep_until(o->window_ns);
	int err = m->has_cost ? cost_read_cpu(&m->begin, pids) : 0;
	uint64_t begin = clock_now().ns;
	if (!stop)
		stop = sleep_until(o->end_ns - LOOK_MS * NS_PER_MS);
	if (err == 0 && m->has_cost)
		err = cost_read(&m->end, pids);
	if (!stop)
		sleep_until(o->end_ns);
	if (err == 0 && m->has_cost)
		err = cost_read_cpu(&m->end, pids);
	m->window_s = (double)(clock_now().ns - begin) / 1e9;
	return err;
}

static void
block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Add up what the processes found, and how busy they were. */
static int
collect(struct measure *m, const struct part *part, uint32_t parts)
{
	for (uint32_t i = 0; i < parts; i++) {
		const struct tally *t = part[i].tally;
		if (t->error < 0)
			return t->error;
		/* a process without players ends at once: of the whole window */
		double wall = (double)t->window_wall_ns / 1e9;
		if (wall < m->window_s)
			wall = m->window_s;
		double core =
		    wall > 0 ? (double)t->window_cpu_ns / 1e9 / wall : 0;
		m->core = core > m->core ? core : m->core;
		m->core_sum += core;
		for (uint32_t g = 0; g < m->groups; g++)
			tally_merge(&m->tally[g], &t[g]);
	}
	/* bound to one core they share it */
	cpu_set_t cpus;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) {
		double each = m->core_sum / CPU_COUNT(&cpus);
		m->core = each > m->core ? each : m->core;
	}
	return 0;
}

static int
run_parts(struct measure *m, struct part *part, const struct options *o,
    const struct options_pids *pids)
{
	struct child child[64] = { 0 };
	int err = 0;
	for (uint32_t i = 0; err == 0 && i < o->parts; i++)
		err = child_start(&child[i], part_run, &part[i]);
	if (err == 0)
		err = watch(m, o, pids);
	for (uint32_t i = 0; i < o->parts; i++) {
		int ended = child_end(&child[i]);
		err = err < 0 ? err : ended;
	}
	return err < 0 ? err : collect(m, part, o->parts);
}

int
measure_players(struct measure *m, const struct client_net *nets,
    const struct options *options, const struct options_pids *pids)
{
	struct options o = *options;
	memset(m, 0, sizeof(*m));
	block_signals();
	m->groups = play_groups(&o);
	m->has_cost = pids != NULL && pids->count > 0;
	m->tally = calloc(m->groups, sizeof(*m->tally));
	if (m->tally == NULL)
		return -ENOMEM;
	for (uint32_t g = 0; g < m->groups; g++)
		tally_init(&m->tally[g]);
	int err = m->has_cost ? cost_read(&m->before, pids) : 0;
	if (err < 0 || plan(&o) < 0)
		return err < 0 ? err : -EINVAL;
	size_t size = o.parts * sizeof(struct part);
	struct part *part = child_memory(size);
	if (part == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < o.parts; i++) {
		memcpy(part[i].net, nets, o.targets * sizeof(*nets));
		part[i].o = o;
		part[i].o.part = i;
	}
	err = run_parts(m, part, &o, pids);
	if (err < 0)
		fprintf(stderr, "sluice-bench: %s\n",
		    err == -EIO ? "a process of the load crashed"
				: strerror(-err));
	child_forget(part, size);
	return err;
}

void
measure_fini(struct measure *m)
{
	free(m->tally);
	m->tally = NULL;
}

bool
measure_counts(const struct measure *m, const struct options *o)
{
	if (m->core <= MEASURE_CORE_MAX)
		return true;
	fprintf(stderr,
	    "sluice-bench: no result: the load used %.2f of a core, above %.2f "
	    "it measures itself: fewer players, more processes (-P %u) on more "
	    "cores, or look at fewer players (-x)\n",
	    m->core, MEASURE_CORE_MAX, o->parts + 1);
	return false;
}

static double
rounded(double v)
{
	return round(v * 10000) / 10000;
}

double
measure_cpu_s_per_gb(const struct measure *m)
{
	double gb = (double)m->tally[0].window_bytes / 1e9;
	return gb > 0 ? (m->end.cpu_s - m->begin.cpu_s) / gb : 0;
}

json_t *
measure_server_json(const struct measure *m)
{
	json_t *o = json_object();
	const struct tally *t = &m->tally[0];
	double cpu = m->end.cpu_s - m->begin.cpu_s;
	uint32_t players = 0;
	for (uint32_t g = 0; g < m->groups; g++)
		players += m->tally[g].connected;
	double n = players > 0 ? players : 1;
	double pss = (double)m->end.pss_kb - (double)m->before.pss_kb;
	double shm = (double)m->end.shm_kb - (double)m->before.shm_kb;
	double sock = (double)m->end.sock_kb - (double)m->before.sock_kb;
	const struct {
		const char *name;
		double value;
	} all[] = {
		{ "cpu_s", cpu },
		{ "core", m->window_s > 0 ? cpu / m->window_s : 0 },
		{ "cpu_s_per_gb", measure_cpu_s_per_gb(m) },
		{ "cpu_us_per_frame", t->window_frames > 0
					  ? cpu * 1e6 / (double)t->window_frames
					  : 0 },
		{ "pss_kb", (double)m->end.pss_kb },
		{ "shm_kb", (double)m->end.shm_kb },
		{ "pss_per_player_kb", pss / n },
		{ "private_per_player_kb", (pss - shm) / n },
		{ "sockets_kb", (double)m->end.sock_kb },
		{ "sockets_per_player_kb", sock / n },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		json_object_set_new(
		    o, all[i].name, json_real(rounded(all[i].value)));
	return o;
}

json_t *
measure_load_json(const struct measure *m, const struct options *o)
{
	json_t *l = json_object();
	json_object_set_new(l, "processes", json_integer(o->parts));
	json_object_set_new(l, "core", json_real(rounded(m->core)));
	json_object_set_new(l, "core_sum", json_real(rounded(m->core_sum)));
	json_object_set_new(l, "window_s", json_real(rounded(m->window_s)));
	json_object_set_new(l, "window_bytes",
	    json_integer((json_int_t)m->tally[0].window_bytes));
	json_object_set_new(l, "window_frames",
	    json_integer((json_int_t)m->tally[0].window_frames));
	json_object_set_new(
	    l, "looked_at", json_real(rounded(1.0 / o->sample)));
	return l;
}

/* The groups other than the one that stands in front. */
static void
put_groups(json_t *all, const struct measure *m, const struct options *o)
{
	if (o->mode == MODE_STORM && o->base > 0)
		json_object_set_new(
		    all, "running", tally_json(&m->tally[1], "play", true));
	if (o->mode == MODE_PLAY && m->groups > 1)
		json_object_set_new(
		    all, "slow", tally_json(&m->tally[1], "play", true));
	if (o->mode != MODE_HOPS)
		return;
	json_t *hops = json_array();
	for (uint32_t g = 0; g < m->groups; g++) {
		json_t *hop = tally_json(&m->tally[g], "play", true);
		json_object_set_new(hop, "url", json_string(o->target[g].text));
		json_array_append_new(hops, hop);
	}
	json_object_set_new(all, "hops", hops);
}

static int
judge(const struct measure *m, const struct options *o)
{
	int worst = EXIT_OK;
	for (uint32_t g = 0; g < m->groups; g++) {
		int status = m->tally[g].requested > 0
				 ? tally_judge(&m->tally[g])
				 : EXIT_OK;
		if (status == EXIT_UNREACHABLE)
			report_complain(&m->tally[g].report,
			    o->target[o->mode == MODE_HOPS ? g : 0].text);
		worst = status > worst ? status : worst;
	}
	return worst;
}

int
measure_run(const struct client_net *nets, const struct options *o)
{
	struct measure m;
	int status = EXIT_FAULTS;
	int err = measure_players(&m, nets, o, &o->pids[0]);
	if (err == 0 && !measure_counts(&m, o)) {
		status = EXIT_OVERLOADED;
	} else if (err == 0) {
		status = judge(&m, o);
		json_t *all = tally_json(
		    &m.tally[0], options_mode_name(o->mode), !o->no_verify);
		put_groups(all, &m, o);
		if (m.has_cost)
			json_object_set_new(
			    all, "server", measure_server_json(&m));
		json_object_set_new(all, "load", measure_load_json(&m, o));
		for (uint32_t g = 1; g < m.groups; g++)
			report_merge(&m.tally[0].report, &m.tally[g].report);
		if (report_print(&m.tally[0].report, all) < 0)
			status = EXIT_FAULTS;
	} else if (err == -EINVAL) {
		status = EXIT_USAGE;
	}
	measure_fini(&m);
	return status;
}
