#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/report.h"
#include "common/log.h"

void
report_init(struct report *r)
{
	memset(r, 0, sizeof(*r));
	r->start = clock_now();
}

static void
copy(char *to, size_t cap, struct span s)
{
	size_t n = s.len < cap - 1 ? s.len : cap - 1;
	if (n > 0)
		memcpy(to, s.p, n);
	to[n] = '\0';
}

static void
count(struct report *r, const char *text, struct span detail, uint64_t times)
{
	char key[REPORT_TEXT];
	copy(key, sizeof(key), span_of(text));
	for (uint32_t i = 0; i < r->used; i++)
		if (strcmp(r->error[i].text, key) == 0) {
			r->error[i].count += times;
			return;
		}
	if (r->used == REPORT_ERRORS) {
		r->others += times;
		return;
	}
	struct report_error *e = &r->error[r->used++];
	memcpy(e->text, key, sizeof(key));
	copy(e->example, sizeof(e->example), detail);
	e->count = times;
}

void
report_error(struct report *r, const char *text, struct span detail)
{
	count(r, text, detail, 1);
}

void
report_merge(struct report *to, const struct report *from)
{
	for (uint32_t i = 0; i < from->used; i++) {
		const struct report_error *e = &from->error[i];
		count(to, e->text, span_of(e->example), e->count);
	}
	to->others += from->others;
}

static double
rounded(double v)
{
	return round(v * 1000) / 1000;
}

json_t *
report_hist(const struct hist *h)
{
	json_t *o = json_object();
	static const struct {
		const char *name;
		double q;
	} part[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 } };
	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		double us = (double)hist_quantile_us(h, part[i].q);
		json_object_set_new(
		    o, part[i].name, json_real(rounded(us / 1000)));
	}
	json_object_set_new(
	    o, "max", json_real(rounded((double)h->max_us / 1000)));
	json_object_set_new(
	    o, "mean", json_real(rounded(hist_mean_us(h) / 1000)));
	json_object_set_new(o, "count", json_integer((json_int_t)h->count));
	return o;
}

static json_t *
errors(const struct report *r)
{
	json_t *all = json_array();
	for (uint32_t i = 0; i < r->used; i++) {
		const struct report_error *e = &r->error[i];
		json_t *o = json_object();
		json_object_set_new(
		    o, "text", log_text(e->text, strlen(e->text)));
		json_object_set_new(
		    o, "count", json_integer((json_int_t)e->count));
		if (e->example[0] != '\0')
			json_object_set_new(o, "example",
			    log_text(e->example, strlen(e->example)));
		json_array_append_new(all, o);
	}
	if (r->others > 0) {
		json_t *o = json_object();
		json_object_set_new(o, "text", json_string("others"));
		json_object_set_new(
		    o, "count", json_integer((json_int_t)r->others));
		json_array_append_new(all, o);
	}
	return all;
}

static double
cpu_of(int who)
{
	struct rusage u;
	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int
report_print(const struct report *r, json_t *all)
{
	double s = (double)(clock_now().ns - r->start.ns) / (double)NS_PER_S;
	json_object_set_new(all, "errors", errors(r));
	json_object_set_new(all, "cpu_s",
	    json_real(rounded(cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN))));
	json_object_set_new(all, "duration_s", json_real(rounded(s)));
	char *line = json_dumps(
	    all, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
	json_decref(all);
	if (line == NULL)
		return -ENOMEM;
	bool ok = puts(line) >= 0 && fflush(stdout) == 0;
	free(line);
	return ok ? 0 : -EIO;
}

static const char *
advice(const char *text)
{
	static const struct {
		const char *text, *advice;
	} table[] = {
		{ "Connection refused", "start the server, or give its port" },
		{ "NetStream.Publish.BadName",
		    "choose another stream name, or end its publisher" },
		{ "NetStream.Play.StreamNotFound",
		    "publish the stream first, or correct its name" },
		{ "NetConnection.Connect.InvalidApp",
		    "correct the application in the address" },
		{ "NetConnection.Connect.Rejected",
		    "look into the log of the server" },
		{ "Too many open files", "raise the limit (ulimit -n)" },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(table[i].text, text) == 0)
			return table[i].advice;
	return "see its log, and the errors in the line of JSON";
}

void
report_complain(const struct report *r, const char *address)
{
	if (r->used == 0) {
		fprintf(stderr,
		    "sluice-bench: %s: the run ended before anything was "
		    "connected: give more time with -d\n",
		    address);
		return;
	}
	const struct report_error *e = &r->error[0];
	json_t *detail = log_text(e->example, strlen(e->example));
	fprintf(stderr, "sluice-bench: %s: %s%s%s: %s\n", address, e->text,
	    e->example[0] != '\0' ? ", " : "", json_string_value(detail),
	    advice(e->text));
	json_decref(detail);
}
