#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "ctl/answer.h"
#include "ctl/client.h"
#include "ctl/filter.h"
#include "ctl/list.h"
#include "ctl/output.h"
#include "ctl/show.h"
#include "ctl/stream.h"
#include "ctl/text.h"
#include "ctl/verb.h"

#define COUNT(array) (unsigned)(sizeof(array) / sizeof *(array))
#define VIEW(columns, record, empty)                                           \
	{                                                                      \
		columns, COUNT(columns), record, empty                         \
	}

/* clang-format off */
static const struct column server_columns[] = {
	{ "version", "version", CELL_TEXT },
	{ "pid", "pid", CELL_COUNT },
	{ "started", "start_time", CELL_TEXT },
	{ "uptime", "uptime_s", CELL_AGE },
	{ "listen", "listen", CELL_JOINED },
	{ "configuration", "conf", CELL_TEXT },
	{ "run directory", "run", CELL_TEXT },
	{ "log", "log", CELL_TEXT },
	{ "workers", "workers", CELL_COUNT },
	{ "workers up", "workers_up", CELL_COUNT },
	{ "clients", "clients", CELL_COUNT },
	{ "streams", "streams", CELL_COUNT },
	{ "memory limit", "arena.bytes_limit", CELL_BYTES },
	{ "memory used", "arena.bytes_used", CELL_BYTES },
	{ "memory resident", "arena.bytes_resident", CELL_BYTES },
	{ "counters", "counters", CELL_MEMBERS },
};

static const struct column worker_columns[] = {
	{ "SLOT", "slot", CELL_COUNT },
	{ "PID", "pid", CELL_COUNT },
	{ "STATE", "state", CELL_TEXT },
	{ "UPTIME", "uptime_s", CELL_AGE },
	{ "DEATHS", "deaths", CELL_COUNT },
	{ "CLIENTS", "clients", CELL_COUNT },
	{ "STREAMS", "streams", CELL_COUNT },
	{ "SEGMENTS", "segments_used", CELL_COUNT },
	{ "RESIDENT", "segments_resident", CELL_COUNT },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
};

static const struct column stream_columns[] = {
	{ "NAME", "", CELL_NAME },
	{ "STATE", "state", CELL_TEXT },
	{ "AGE", "since_s", CELL_AGE },
	{ "WORKER", "publisher.worker", CELL_COUNT },
	{ "PUBLISHER", "publisher", CELL_PEER },
	{ "READERS", "readers.total", CELL_COUNT },
	{ "VIEWERS", "viewers", CELL_COUNT },
	{ "BY WORKER", "readers.by_worker", CELL_JOINED },
	{ "RATE", "bitrate_in", CELL_RATE },
	{ "RING", "ring.bytes", CELL_BYTES },
	{ "SPAN", "ring.seconds", CELL_AGE },
	{ "VIDEO", "video", CELL_VIDEO },
	{ "AUDIO", "audio", CELL_AUDIO },
	{ "FRAMES", "frames", CELL_COUNT },
	{ "DROPPED", "dropped", CELL_COUNT },
};

static const struct column client_columns[] = {
	{ "ID", "id", CELL_COUNT },
	{ "WORKER", "worker", CELL_COUNT },
	{ "ROLE", "role", CELL_TEXT },
	{ "ADDRESS", "addr", CELL_TEXT },
	{ "STREAM", "", CELL_NAME },
	{ "AGE", "connected_s", CELL_AGE },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
	{ "LAG", "lag_bytes", CELL_BYTES },
	{ "SKIPS", "skips", CELL_COUNT },
	{ "AGENT", "agent", CELL_TEXT },
};

static const struct column virtual_columns[] = {
	{ "ID", "id", CELL_COUNT },
	{ "WORKER", "worker", CELL_COUNT },
	{ "ADDRESS", "addr", CELL_TEXT },
	{ "EDGE", "edge", CELL_COUNT },
	{ "APP", "app", CELL_TEXT },
	{ "INSTANCE", "instance", CELL_TEXT },
	{ "AGE", "connected_s", CELL_AGE },
	{ "AGENT", "agent", CELL_TEXT },
};

static const struct column edges_columns[] = {
	{ "ID", "id", CELL_COUNT },
	{ "WORKER", "worker", CELL_COUNT },
	{ "ADDRESS", "addr", CELL_TEXT },
	{ "AGE", "connected_s", CELL_AGE },
	{ "CLIENTS", "clients", CELL_COUNT },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
};

static const struct column client_record[] = {
	{ "id", "id", CELL_COUNT },
	{ "role", "role", CELL_TEXT },
	{ "address", "addr", CELL_TEXT },
	{ "edge", "edge", CELL_COUNT },
	{ "stream", "", CELL_NAME },
	{ "agent", "agent", CELL_TEXT },
	{ "worker", "worker", CELL_COUNT },
	{ "connected", "connected_s", CELL_AGE },
	{ "bytes in", "bytes_in", CELL_BYTES },
	{ "bytes out", "bytes_out", CELL_BYTES },
	{ "rate in", "bitrate_in", CELL_RATE },
	{ "rate out", "bitrate_out", CELL_RATE },
	{ "lag", "lag_bytes", CELL_BYTES },
	{ "skips", "skips", CELL_COUNT },
};

static const struct column stream_record[] = {
	{ "name", "", CELL_NAME },
	{ "vhost", "vhost", CELL_TEXT },
	{ "state", "state", CELL_TEXT },
	{ "ended by", "end_reason", CELL_TEXT },
	{ "age", "since_s", CELL_AGE },
	{ "publisher", "publisher", CELL_PEER },
	{ "its id", "publisher.id", CELL_COUNT },
	{ "its worker", "publisher.worker", CELL_COUNT },
	{ "video", "video", CELL_VIDEO },
	{ "audio", "audio", CELL_AUDIO },
	{ "rate", "bitrate_now", CELL_RATE },
	{ "messages/s", "frame_rate", CELL_COUNT },
	{ "messages", "frames", CELL_COUNT },
	{ "dropped", "dropped", CELL_COUNT },
	{ "readers", "readers.total", CELL_COUNT },
	{ "viewers", "viewers", CELL_COUNT },
	{ "by worker", "readers.by_worker", CELL_JOINED },
	{ "ring", "ring.bytes", CELL_BYTES },
	{ "ring spans", "ring.seconds", CELL_AGE },
	{ "segments", "ring.segments", CELL_COUNT },
};
/* clang-format on */

static const struct view server_view = VIEW(server_columns, true, ""),
			 worker_view =
			     VIEW(worker_columns, false, "no workers"),
			 stream_view =
			     VIEW(stream_columns, false, "no streams"),
			 client_view =
			     VIEW(client_columns, false, "no clients"),
			 virtual_view = VIEW(
			     virtual_columns, false, "no clients behind edges"),
			 edges_view =
			     VIEW(edges_columns, false, "no edges below"),
			 one_client = VIEW(client_record, true, ""),
			 one_stream = VIEW(stream_record, true, "");

typedef json_t *gather_fn(const struct attach *at, struct mono now);

/* The document is given back here. */
static enum ctl_exit
show(const struct ctl *c, const struct view *v, json_t *doc)
{
	enum ctl_exit rc = answer_show(c, v, doc);
	json_decref(doc);
	return rc;
}

static enum ctl_exit
gathered(const struct ctl *c, gather_fn *gather, const struct view *v)
{
	char err[4 * TEXT_CELL];
	struct attach at;
	enum ctl_exit rc = attach_open(&at, c->run, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	json_t *doc = gather(&at, clock_now());
	attach_close(&at);
	if (json_is_array(doc) && filter_rows(c, doc, err, sizeof err) != 0) {
		json_decref(doc);
		return answer_failed(CTL_USAGE, err);
	}
	return show(c, v, doc);
}

enum ctl_exit
verb_server_status(const struct ctl *c)
{
	return gathered(c, list_server, &server_view);
}

enum ctl_exit
verb_worker_list(const struct ctl *c)
{
	return gathered(c, list_workers, &worker_view);
}

enum ctl_exit
verb_stream_list(const struct ctl *c)
{
	return gathered(c, stream_list, &stream_view);
}

enum ctl_exit
verb_client_list(const struct ctl *c)
{
	return gathered(c, client_list,
	    c->option[OPTION_VIRTUAL] != NULL ? &virtual_view : &client_view);
}

enum ctl_exit
show_edges(const struct ctl *c)
{
	return gathered(c, client_edges, &edges_view);
}

/* One of a list, measured over a second. --------------------------------- */

typedef bool is_fn(const json_t *row, const void *what);

/* The row that is meant, or NULL; of several the last (the live one). */
static json_t *
pick(const struct attach *at, gather_fn *gather, is_fn *is, const void *what)
{
	json_t *list = gather(at, clock_now()), *found = NULL;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *row = json_array_get(list, i);
		const char *state =
		    json_string_value(json_object_get(row, "state"));
		if (is(row, what) &&
		    (found == NULL || !state || strcmp(state, "live") == 0))
			found = row;
	}
	json_incref(found);
	json_decref(list);
	return found;
}

static json_int_t
count(const json_t *row, const char *member)
{
	return json_integer_value(json_object_get(row, member));
}

/* member `as` of row: how much `of` grows in a second, times `times`. */
static void
set_rate(json_t *row, const json_t *before, const char *of, const char *as,
    json_int_t ms, json_int_t times)
{
	json_int_t n = count(row, of) - count(before, of);
	json_object_set_new(
	    row, as, json_integer(n < 0 || ms < 1 ? 0 : n * times * 1000 / ms));
}

/* Two looks, a second apart; NULL when it is not there. */
static json_t *
measured(const struct ctl *c, gather_fn *gather, is_fn *is, const void *what,
    void (*rates)(json_t *row, const json_t *before, json_int_t ms),
    enum ctl_exit *rc)
{
	static const struct timespec second = { 1, 0 };
	char err[4 * TEXT_CELL];
	struct attach at;
	*rc = attach_open(&at, c->run, err, sizeof err);
	if (*rc != CTL_DONE) {
		(void)answer_failed(*rc, err);
		return NULL;
	}
	struct mono began = clock_now();
	json_t *before = pick(&at, gather, is, what), *row = NULL;
	if (before != NULL) {
		nanosleep(&second, NULL);
		row = pick(&at, gather, is, what);
	}
	if (row != NULL)
		rates(
		    row, before, (json_int_t)mono_ms_since(began, clock_now()));
	json_decref(before);
	attach_close(&at);
	return row;
}

static bool
is_client(const json_t *row, const void *what)
{
	return count(row, "id") == *(const json_int_t *)what;
}

static void
client_rates(json_t *row, const json_t *before, json_int_t ms)
{
	set_rate(row, before, "bytes_in", "bitrate_in", ms, 8);
	set_rate(row, before, "bytes_out", "bitrate_out", ms, 8);
}

enum ctl_exit
verb_client_show(const struct ctl *c)
{
	enum ctl_exit rc;
	char *end;
	json_int_t id = strtoll(c->arg[0], &end, 10);
	if (*end || id <= 0)
		return answer_failed(CTL_USAGE,
		    "expected the id of a client (sluicectl client list)");
	json_t *row =
	    measured(c, client_list, is_client, &id, client_rates, &rc);
	if (row != NULL)
		return show(c, &one_client, row);
	return rc != CTL_DONE ? rc
			      : answer_failed(CTL_REFUSED,
				    "no client has that id (sluicectl client "
				    "list shows them)");
}

static bool
has(const json_t *row, const char *member, const char *value)
{
	const char *s = json_string_value(json_object_get(row, member));
	return s && strcmp(s, value) == 0;
}

static bool
is_stream(const json_t *row, const void *what)
{
	const struct stream_name *n = what;
	return has(row, "app", n->app) && has(row, "instance", n->instance) &&
	       has(row, "name", n->name);
}

static void
stream_rates(json_t *row, const json_t *before, json_int_t ms)
{
	set_rate(row, before, "bytes", "bitrate_now", ms, 8);
	set_rate(row, before, "frames", "frame_rate", ms, 1);
}

enum ctl_exit
verb_stream_show(const struct ctl *c)
{
	enum ctl_exit rc;
	struct stream_name n;
	if (stream_name_parse(c->arg[0], &n) != 0)
		return answer_failed(CTL_USAGE,
		    "expected a stream as APP/NAME or "
		    "APP/INSTANCE/NAME");
	json_t *row =
	    measured(c, stream_list, is_stream, &n, stream_rates, &rc);
	if (row != NULL)
		return show(c, &one_stream, row);
	return rc != CTL_DONE ? rc
			      : answer_failed(CTL_REFUSED,
				    "nobody publishes that (sluicectl stream "
				    "list shows what is live)");
}
