#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/child.h"
#include "bench/churn.h"
#include "bench/exit.h"
#include "bench/play.h"
#include "bench/publish.h"

/* What the process of the publishers needs and leaves behind. */
struct publishers {
	struct client_net net;
	struct options o;
	struct pubsum sum; /* shared */
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

static int
print(const struct options *o, struct tally *t, const struct pubsum *s)
{
	int status = tally_judge(t);
	int other = pubsum_judge(s);
	if (status == EXIT_UNREACHABLE || other == EXIT_UNREACHABLE) {
		report_complain(
		    other == EXIT_UNREACHABLE ? &s->report : &t->report,
		    o->target[0].text);
		status = EXIT_UNREACHABLE;
	} else if (other != EXIT_OK) {
		status = other;
	}
	json_t *all = tally_json(t, "churn", true);
	json_t *n = json_object();
	json_object_set_new(n, "joins", json_integer((json_int_t)t->joins));
	json_object_set_new(n, "stays", json_integer((json_int_t)t->stays));
	json_object_set_new(
	    n, "without_media", json_integer((json_int_t)t->empty_stays));
	json_object_set_new(all, "churn", n);
	json_object_set_new(all, "publish", pubsum_json(s));
	report_merge(&t->report, &s->report);
	return report_print(&t->report, all) < 0 ? EXIT_FAULTS : status;
}

int
churn_run(const struct client_net *net, const struct options *o)
{
	struct publishers *p = child_memory(sizeof(*p));
	struct tally *t = calloc(1, sizeof(*t));
	struct client_net own = *net;
	int status = EXIT_FAULTS;
	struct child child = { 0 };
	int err = p == NULL || t == NULL ? -ENOMEM : 0;
	if (err == 0) {
		p->net = *net;
		p->o = *o;
		p->o.count = o->streams;
		p->o.reconnect = true;
		err = child_start(&child, publishers_run, p);
	}
	if (err == 0)
		err = client_net_init(&own);
	if (err == 0) {
		play_streams(&own, o, t);
		client_net_fini(&own);
		err = t->error;
	}
	int child_err = child_end(&child);
	if (err == 0)
		err = child_err;
	if (err == 0 && p->sum.error < 0)
		err = p->sum.error;
	if (err < 0)
		fprintf(stderr, "sluice-bench: %s\n", strerror(-err));
	else
		status = print(o, t, &p->sum);
	free(t);
	child_forget(p, sizeof(*p));
	return status;
}
