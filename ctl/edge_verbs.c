/* sluicectl edge: what is fetched from other servers. */
#include "config.h"

#include <stdio.h>

#include "common/clock.h"
#include "ctl/answer.h"
#include "ctl/edge.h"
#include "ctl/filter.h"
#include "ctl/output.h"
#include "ctl/show.h"
#include "ctl/stream.h"
#include "ctl/text.h"
#include "ctl/verb.h"

/* clang-format off */
static const struct column columns[] = {
	{ "NAME", "", CELL_NAME },
	{ "STATE", "state", CELL_TEXT },
	{ "W", "worker", CELL_COUNT },
	{ "ROUTE", "route", CELL_TEXT },
	{ "LINE", "entry", CELL_COUNT },
	{ "AGE", "since_s", CELL_AGE },
	{ "BYTES", "bytes", CELL_BYTES },
	{ "DELAY ms", "delay_ms", CELL_COUNT },
	{ "RETRIES", "retries", CELL_COUNT },
	{ "VIEWERS", "viewers", CELL_COUNT },
	{ "ERROR", "error", CELL_TEXT },
};
/* clang-format on */
static const struct view view = { columns, sizeof columns / sizeof *columns,
	false, "nothing is fetched from other servers" };

static enum ctl_exit
gather(const struct ctl *c, json_t *rows, char *err, size_t errlen)
{
	struct attach at;
	enum ctl_exit rc =
	    answer_rows(c->run, "pulls", "pulls", rows, err, errlen);
	if (rc == CTL_DONE)
		rc = attach_open(&at, c->run, err, errlen);
	if (rc != CTL_DONE)
		return rc;
	json_t *streams = stream_list(&at, clock_now());
	attach_close(&at);
	edge_join(rows, streams);
	json_decref(streams);
	return filter_rows(c, rows, err, errlen) == 0 ? CTL_DONE : CTL_USAGE;
}

enum ctl_exit
verb_edge_list(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	if (c->option[OPTION_BELOW] != NULL)
		return show_edges(c);
	json_t *rows = json_array();
	enum ctl_exit rc = gather(c, rows, err, sizeof err);
	rc = rc == CTL_DONE ? answer_show(c, &view, rows)
			    : answer_failed(rc, err);
	json_decref(rows);
	return rc;
}

enum ctl_exit
verb_edge_rebalance(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	json_t *answer;
	enum ctl_exit rc =
	    attach_ask(c->run, json_pack("{s:s}", "command", "rebalance"),
		&answer, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	if (c->json)
		(void)output_json.show(stdout, NULL, answer);
	else
		printf("asked for %lld: sluicectl edge list shows the routes\n",
		    (long long)json_integer_value(
			json_object_get(answer, "pulls")));
	json_decref(answer);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}
