/* sluicectl app: the scripts of applications. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "ctl/answer.h"
#include "ctl/app.h"
#include "ctl/filter.h"
#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/verb.h"

#define COUNT(array) (unsigned)(sizeof(array) / sizeof *(array))

/* How long a new process may take to load. */
enum { WAIT_MS = 30000, STEP_MS = 30 };

/* clang-format off */
static const struct column list_columns[] = {
	{ "APP", "app", CELL_TEXT },
	{ "VHOST", "vhost", CELL_TEXT },
	{ "STATE", "state", CELL_TEXT },
	{ "PID", "pid", CELL_COUNT },
	{ "AGE", "since_s", CELL_AGE },
	{ "INSTANCES", "instances", CELL_COUNT },
	{ "STREAMS", "streams", CELL_COUNT },
	{ "CLIENTS", "clients", CELL_COUNT },
	{ "MEMORY", "memory", CELL_BYTES },
	{ "RESTARTS", "restarts", CELL_COUNT },
	{ "AT", "fault.at", CELL_TEXT },
	{ "LAST ERROR", "fault.text", CELL_TEXT },
	{ "FILE", "file", CELL_TEXT },
};

static const struct column record[] = {
	{ "application", "app", CELL_TEXT },
	{ "virtual host", "vhost", CELL_TEXT },
	{ "file", "file", CELL_TEXT },
	{ "state", "state", CELL_TEXT },
	{ "pid", "pid", CELL_COUNT },
	{ "age", "since_s", CELL_AGE },
	{ "starts in", "restart_s", CELL_AGE },
	{ "restarts", "restarts", CELL_COUNT },
	{ "memory", "memory", CELL_BYTES },
	{ "its limit", "limits.memory", CELL_BYTES },
	{ "limit of a call", "limits.call_s", CELL_AGE },
	{ "idle after", "limits.idle_s", CELL_AGE },
	{ "live streams", "streams", CELL_COUNT },
	{ "clients", "clients", CELL_COUNT },
	{ "last error", "fault.text", CELL_TEXT },
	{ "at", "fault.file", CELL_TEXT },
	{ "line", "fault.line", CELL_COUNT },
	{ "ago", "fault.since_s", CELL_AGE },
};

static const struct column instance_columns[] = {
	{ "INSTANCE", "instance", CELL_TEXT },
	{ "STREAMS", "streams", CELL_COUNT },
	{ "CLIENTS", "clients", CELL_COUNT },
	{ "IDLE", "idle_s", CELL_AGE },
};

static const struct column refused_columns[] = {
	{ "INSTANCE", "instance", CELL_TEXT },
	{ "STREAM", "stream", CELL_TEXT },
	{ "REFUSED FOR", "seconds_left", CELL_AGE },
	{ "BECAUSE", "text", CELL_TEXT },
};
/* clang-format on */

static const struct view list_view = { list_columns, COUNT(list_columns), false,
	"no script has run" },
			 one_view = { record, COUNT(record), true, "" },
			 instance_view = { instance_columns,
				 COUNT(instance_columns), false,
				 "no instances" },
			 refused_view = { refused_columns,
				 COUNT(refused_columns), false, "" };

/* List. ---------------------------------------------------------------------- */

enum ctl_exit
app_rows(const char *run, json_t *rows, char *err, size_t errlen)
{
	return answer_rows(run, "apps", "apps", rows, err, errlen);
}

enum ctl_exit
verb_app_list(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	json_t *rows = json_array();
	enum ctl_exit rc = app_rows(c->run, rows, err, sizeof err);
	if (rc == CTL_DONE && filter_rows(c, rows, err, sizeof err) != 0)
		rc = CTL_USAGE;
	rc = rc == CTL_DONE ? answer_show(c, &list_view, rows)
			    : answer_failed(rc, err);
	json_decref(rows);
	return rc;
}

/* One. ----------------------------------------------------------------------- */

/* *app: the answer's, a new reference. */
static enum ctl_exit
ask(const struct ctl *c, const char *command, json_t **app)
{
	char err[4 * TEXT_CELL];
	const char *name = c->arg[0], *vhost = c->option[OPTION_VHOST];
	json_t *answer, *req = json_pack("{s:s, s:o}", "command", command,
			    "app", output_string(name, strlen(name)));
	if (vhost)
		json_object_set_new(
		    req, "vhost", output_string(vhost, strlen(vhost)));
	enum ctl_exit rc = attach_ask(c->run, req, &answer, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	*app = json_incref(json_object_get(answer, "app"));
	json_decref(answer);
	return *app ? CTL_DONE
		    : answer_failed(
			  CTL_REFUSED, "the server's answer makes no sense");
}

enum ctl_exit
verb_app_show(const struct ctl *c)
{
	json_t *app;
	enum ctl_exit rc = ask(c, "app_show", &app);
	if (rc != CTL_DONE)
		return rc;
	rc = answer_show(c, &one_view, app);
	const json_t *refused = json_object_get(app, "refused");
	if (!c->json && rc == CTL_DONE) {
		putchar('\n');
		rc = answer_show(
		    c, &instance_view, json_object_get(app, "by_instance"));
	}
	if (!c->json && rc == CTL_DONE && json_array_size(refused) > 0) {
		putchar('\n');
		rc = answer_show(c, &refused_view, refused);
	}
	json_decref(app);
	return rc;
}

/* Doing. --------------------------------------------------------------------- */

static bool
is_in(const json_t *app, const char *state)
{
	const char *s = json_string_value(json_object_get(app, "state"));
	return s && strcmp(s, state) == 0;
}

static json_int_t
number(const json_t *app, const char *member)
{
	return json_integer_value(json_object_get(app, member));
}

/* Has it got to where it goes?  What it was before: its process, its restarts. */
static bool
is_settled(const json_t *app, json_int_t pid, json_int_t restarts)
{
	if (is_in(app, "running"))
		return number(app, "pid") != pid &&
		       number(app, "started") == number(app, "instances");
	/* between two processes it waits, but has not failed */
	return is_in(app, "unloaded") ||
	       (is_in(app, "waiting") && number(app, "restarts") > restarts);
}

/* *app: as it is when that is known, instead of as it was. */
static enum ctl_exit
settle(const struct ctl *c, json_t **app)
{
	static const struct timespec step = { 0, STEP_MS * NS_PER_MS };
	struct mono began = clock_now();
	json_int_t pid = number(*app, "pid");
	json_int_t restarts = number(*app, "restarts");
	do {
		json_decref(*app);
		enum ctl_exit rc = ask(c, "app_show", app);
		if (rc != CTL_DONE)
			return rc;
		if (is_settled(*app, pid, restarts))
			return CTL_DONE;
		nanosleep(&step, NULL);
	} while (mono_ms_since(began, clock_now()) < WAIT_MS);
	json_decref(*app);
	return answer_failed(CTL_REFUSED,
	    "it has not come so far in 30 s: sluicectl app show tells more");
}

static void
print(const char *before, const json_t *app, const char *path, enum cell kind)
{
	char cell[TEXT_CELL];
	output_cell(cell, output_member(app, path), kind);
	printf("%s%s", before, cell);
}

/* An error since `began`? */
static bool
is_new_fault(const json_t *app, struct mono began)
{
	const json_t *s = output_member(app, "fault.since_s");
	double ms = (double)mono_ms_since(began, clock_now());
	return json_is_real(s) && json_real_value(s) * 1000 < ms;
}

enum ctl_exit
verb_app_reload(const struct ctl *c)
{
	struct mono began = clock_now();
	json_t *app;
	enum ctl_exit rc = ask(c, "app_reload", &app);
	if (rc == CTL_DONE)
		rc = settle(c, &app);
	if (rc != CTL_DONE)
		return rc;
	bool bad = is_in(app, "waiting") || is_new_fault(app, began);
	if (c->json) {
		rc = answer_show(c, NULL, app);
	} else {
		print("", app, "app", CELL_TEXT);
		print(": ", app, "state", CELL_TEXT);
		if (is_in(app, "running")) {
			print(", process ", app, "pid", CELL_COUNT);
			print(", ", app, "streams", CELL_COUNT);
			fputs(" live streams are told to it", stdout);
		} else if (!bad) {
			fputs(", its next stream or client starts it", stdout);
		}
		putchar('\n');
	}
	if (bad && !c->json) {
		print("error at ", app, "fault.at", CELL_TEXT);
		print(": ", app, "fault.text", CELL_TEXT);
		putchar('\n');
	}
	json_decref(app);
	return rc == CTL_DONE && bad ? CTL_REFUSED : rc;
}

enum ctl_exit
verb_app_unload(const struct ctl *c)
{
	json_t *app;
	enum ctl_exit rc = ask(c, "app_unload", &app);
	if (rc == CTL_DONE)
		rc = settle(c, &app);
	if (rc != CTL_DONE)
		return rc;
	if (c->json) {
		rc = answer_show(c, NULL, app);
	} else {
		print("", app, "app", CELL_TEXT);
		print(": ", app, "state", CELL_TEXT);
		putchar('\n');
	}
	json_decref(app);
	return rc;
}
