/* sluicectl republish, server reload: what is sent to other servers. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/answer.h"
#include "ctl/filter.h"
#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/verb.h"

/* clang-format off */
static const struct column columns[] = {
	{ "ID", "id", CELL_COUNT },
	{ "APP", "app", CELL_TEXT },
	{ "STREAM", "stream", CELL_TEXT },
	{ "STATE", "state", CELL_TEXT },
	{ "W", "worker", CELL_COUNT },
	{ "URL", "url", CELL_TEXT },
	{ "NAME THERE", "name", CELL_TEXT },
	{ "AGE", "since_s", CELL_AGE },
	{ "BYTES", "bytes", CELL_BYTES },
	{ "LAG ms", "lag_ms", CELL_COUNT },
	{ "BUFFER ms", "buffer_ms", CELL_COUNT },
	{ "SKIPS", "skips", CELL_COUNT },
	{ "RETRIES", "retries", CELL_COUNT },
	{ "FROM", "from", CELL_TEXT },
	{ "LAST ERROR", "error", CELL_TEXT },
};
/* clang-format on */
static const struct view view = { columns, sizeof columns / sizeof *columns,
	false, "no targets" };

enum ctl_exit
verb_republish_list(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	json_t *rows = json_array();
	enum ctl_exit rc = answer_rows(
	    c->run, "republish_list", "targets", rows, err, sizeof err);
	if (rc == CTL_DONE && filter_rows(c, rows, err, sizeof err) != 0)
		rc = CTL_USAGE;
	rc = rc == CTL_DONE ? answer_show(c, &view, rows)
			    : answer_failed(rc, err);
	json_decref(rows);
	return rc;
}

/* Ask, and say what was done; number: of the answer, for format.  req is taken. */
static enum ctl_exit
ask(const struct ctl *c, json_t *req, const char *number, const char *before,
    const char *after)
{
	char err[4 * TEXT_CELL];
	json_t *answer;
	enum ctl_exit rc = attach_ask(c->run, req, &answer, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	json_int_t n = json_integer_value(json_object_get(answer, number));
	if (c->json)
		(void)output_json.show(stdout, NULL, answer);
	else if (number[0] != '\0')
		printf("%s%lld%s\n", before, (long long)n, after);
	else
		puts(before);
	json_decref(answer);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

static void
add_text(json_t *req, const char *as, const char *s)
{
	if (s != NULL)
		json_object_set_new(req, as, output_string(s, strlen(s)));
}

/* The server wants a whole path; false after complaining. */
static bool
add_keyfile(json_t *req, const char *file)
{
	char *path = file != NULL ? realpath(file, NULL) : NULL;
	if (file == NULL)
		return true;
	if (path == NULL) {
		fprintf(
		    stderr, "sluicectl: --keyfile %s: no such file\n", file);
		return false;
	}
	add_text(req, "keyfile", path);
	free(path);
	return true;
}

enum ctl_exit
verb_republish_add(const struct ctl *c)
{
	json_t *req = json_pack("{s:s}", "command", "republish_add");
	add_text(req, "app", c->arg[0]);
	add_text(req, "url", c->arg[1]);
	add_text(req, "stream", c->option[OPTION_NAME]);
	add_text(req, "if", c->option[OPTION_IF]);
	add_text(req, "buffer", c->option[OPTION_BUFFER]);
	add_text(req, "vhost", c->option[OPTION_VHOST]);
	if (!add_keyfile(req, c->option[OPTION_KEYFILE])) {
		json_decref(req);
		return CTL_USAGE;
	}
	return ask(c, req, "id", "target ",
	    ": sluicectl republish list shows it; write it into "
	    "Application.xml to keep it");
}

enum ctl_exit
verb_republish_remove(const struct ctl *c)
{
	char *end;
	json_int_t id = strtoll(c->arg[0], &end, 10);
	if (*end != '\0' || id <= 0)
		return answer_failed(CTL_USAGE,
		    "expected the id of a target (sluicectl republish list)");
	return ask(c,
	    json_pack("{s:s, s:I}", "command", "republish_remove", "id", id),
	    "", "removed", "");
}

enum ctl_exit
verb_server_reload(const struct ctl *c)
{
	return ask(c, json_pack("{s:s}", "command", "reload"), "targets",
	    "reloaded: ", " targets (sluicectl republish list)");
}
