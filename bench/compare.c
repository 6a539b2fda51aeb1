#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/child.h"
#include "bench/compare.h"
#include "bench/exit.h"
#include "bench/measure.h"
#include "bench/publish.h"

enum { LEAD_MS = 500 }; /* the publishers are there so long before */

/* What is compared.  The smaller, the better. */
enum figure { CPU_PER_GB, CPU_PER_FRAME, VIDEO_P50, ALL_P50, ALL_P99, FIGURES };

static const char *const figure_name[FIGURES] = { "cpu_s_per_gb",
	"cpu_us_per_frame", "video_p50_ms", "delay_p50_ms", "delay_p99_ms" };

struct round {
	double v[2][FIGURES]; /* 0: not known */
};

struct compare {
	const struct options *o;
	const struct client_net *nets;
	struct report report;
	struct round *rounds;
	json_t *runs;
	int status;
};

struct publishers {
	struct client_net net;
	struct options o;
	struct pubsum sum;
};

static void
publishers_run(void *arg)
{
	struct publishers *p = arg;
	p->net.publish = true;
	p->sum.error = client_net_init(&p->net);
	if (p->sum.error == 0)
		publish_streams(&p->net, &p->o, &p->sum);
}

/* The options as if only this side were there. */
static struct options
options_of(const struct options *o, int side)
{
	struct options one = *o;
	one.target[0] = o->target[side];
	one.targets = 1;
	return one;
}

static void
read_figures(double v[FIGURES], const struct measure *m)
{
	const struct tally *t = &m->tally[0];
	double cpu = m->end.cpu_s - m->begin.cpu_s;
	struct hist all;
	hist_init(&all);
	for (int k = 0; k < FRAME_KINDS; k++)
		hist_merge(&all, &t->live[k]);
	if (m->has_cost) {
		v[CPU_PER_GB] = measure_cpu_s_per_gb(m);
		v[CPU_PER_FRAME] = t->window_frames > 0
				       ? cpu * 1e6 / (double)t->window_frames
				       : 0;
	}
	v[VIDEO_P50] =
	    (double)hist_quantile_us(&t->live[FRAME_VIDEO], 0.5) / 1000;
	v[ALL_P50] = (double)hist_quantile_us(&all, 0.5) / 1000;
	v[ALL_P99] = (double)hist_quantile_us(&all, 0.99) / 1000;
}

static void
keep(struct compare *c, uint32_t round, int side, const struct measure *m,
    const struct options *one)
{
	json_t *run = tally_json(&m->tally[0], "play", true);
	json_object_set_new(run, "round", json_integer(round));
	json_object_set_new(run, "url", json_string(one->target[0].text));
	if (m->has_cost)
		json_object_set_new(run, "server", measure_server_json(m));
	json_object_set_new(run, "load", measure_load_json(m, one));
	json_array_append_new(c->runs, run);
	read_figures(c->rounds[round].v[side], m);
	int status = tally_judge(&m->tally[0]);
	if (status == EXIT_UNREACHABLE)
		report_complain(&m->tally[0].report, one->target[0].text);
	c->status = status > c->status ? status : c->status;
	report_merge(&c->report, &m->tally[0].report);
}

/* Returns 0, or an exit status that ends everything. */
static int
measure_side(struct compare *c, uint32_t round, int side)
{
	struct options one = options_of(c->o, side);
	struct measure m;
	int status = EXIT_OK;
	int err = measure_players(&m, &c->nets[side], &one, &c->o->pids[side]);
	if (err < 0)
		status = err == -EINVAL ? EXIT_USAGE : EXIT_FAULTS;
	else if (!measure_counts(&m, &one))
		status = EXIT_OVERLOADED;
	else
		keep(c, round, side, &m, &one);
	measure_fini(&m);
	return status;
}

static int
one_side(struct compare *c, uint32_t round, int side)
{
	struct child child = { 0 };
	struct publishers *p = NULL;
	if (!c->o->observes) {
		p = child_memory(sizeof(*p));
		if (p == NULL)
			return EXIT_FAULTS;
		p->net = c->nets[side];
		p->o = options_of(c->o, side);
		p->o.mode = MODE_PUBLISH;
		p->o.count = c->o->streams;
		p->o.duration_s = 0;
		if (child_start(&child, publishers_run, p) < 0)
			return EXIT_FAULTS;
		struct timespec ts = { .tv_nsec = LEAD_MS * 1000000L };
		nanosleep(&ts, NULL);
	}
	int status = measure_side(c, round, side);
	int err = child_end(&child);
	if (p != NULL && status == EXIT_OK &&
	    (err < 0 || pubsum_judge(&p->sum) != EXIT_OK)) {
		report_complain(&p->sum.report, c->o->target[side].text);
		status = EXIT_UNREACHABLE;
	}
	child_forget(p, sizeof(*p));
	return status;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

static double
rounded(double v)
{
	return round(v * 1000) / 1000;
}

/* {"min":...,"median":...,"max":...} of n numbers; NULL of none. */
static json_t *
spread(double *v, uint32_t n)
{
	if (n == 0)
		return json_null();
	qsort(v, n, sizeof(*v), by_value);
	double median = n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	json_t *o = json_object();
	json_object_set_new(o, "min", json_real(rounded(v[0])));
	json_object_set_new(o, "median", json_real(rounded(median)));
	json_object_set_new(o, "max", json_real(rounded(v[n - 1])));
	return o;
}

/* Of each figure: both sides, and the first divided by the second. */
static json_t *
figures_json(const struct compare *c)
{
	json_t *all = json_object();
	double *v = calloc(c->o->rounds, sizeof(*v));
	for (int f = 0; v != NULL && f < FIGURES; f++) {
		json_t *o = json_object();
		static const char *const name[] = { "a", "b", "ratio" };
		for (int part = 0; part < 3; part++) {
			uint32_t n = 0;
			for (uint32_t r = 0; r < c->o->rounds; r++) {
				double a = c->rounds[r].v[0][f];
				double b = c->rounds[r].v[1][f];
				if (a <= 0 || b <= 0)
					continue;
				v[n++] = part == 0 ? a : part == 1 ? b : a / b;
			}
			json_object_set_new(o, name[part], spread(v, n));
		}
		json_object_set_new(all, figure_name[f], o);
	}
	free(v);
	return all;
}

static int
print(struct compare *c)
{
	json_t *all = json_object();
	json_object_set_new(all, "mode", json_string("compare"));
	json_object_set_new(all, "a", json_string(c->o->target[0].text));
	json_object_set_new(all, "b", json_string(c->o->target[1].text));
	json_object_set_new(all, "rounds", json_integer(c->o->rounds));
	json_object_set_new(all, "figures", figures_json(c));
	json_object_set_new(all, "runs", c->runs);
	return report_print(&c->report, all) < 0 ? EXIT_FAULTS : c->status;
}

int
compare_run(const struct client_net *nets, const struct options *o)
{
	struct compare c = { .o = o, .nets = nets };
	c.rounds = calloc(o->rounds, sizeof(*c.rounds));
	c.runs = json_array();
	if (c.rounds == NULL)
		return EXIT_FAULTS;
	report_init(&c.report);
	int status = EXIT_OK;
	for (uint32_t r = 0; status == EXIT_OK && r < o->rounds; r++)
		for (int side = 0; status == EXIT_OK && side < 2; side++)
			status = one_side(&c, r, side);
	if (status == EXIT_OK)
		status = print(&c);
	else
		json_decref(c.runs);
	free(c.rounds);
	return status;
}
