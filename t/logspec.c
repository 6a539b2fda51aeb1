/*
 * logspec - what the table of events (common/events.def) says, for people and
 * for other programs:
 *
 *	logspec schema		the JSON Schema of a line
 *	logspec man		the list of events for sluice-log(5)
 *	logspec reasons		the same of reasons (common/reason.def)
 *	logspec counters	and of counters (common/counters.def)
 *	logspec sample		lines, good and broken in one way each
 *	logspec check FILE...	complain about every line that is no event of
 *				the table; exit 1 if there is one
 *	logspec verdict FILE	"good" or "bad" for each line
 */
#include "config.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/events.h"
#include "common/reason.h"
#include "t/logcheck.h"

/* Schema ------------------------------------------------------------------ */

static json_t *
type_schema(enum event_type t)
{
	switch (t) {
	case EVENT_TYPE_U64:
		return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
	case EVENT_TYPE_I64:
	case EVENT_TYPE_MAYBE:
		return json_pack("{s:s}", "type", "integer");
	case EVENT_TYPE_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case EVENT_TYPE_REAL:
		return json_pack("{s:s}", "type", "number");
	case EVENT_TYPE_STR:
	case EVENT_TYPE_TEXT:
		return json_pack("{s:s}", "type", "string");
	case EVENT_TYPE_LIST:
		return json_pack("{s:s, s:{s:s}}", "type", "array", "items",
		    "type", "string");
	case EVENT_TYPE_REASON:
		return json_pack("{s:s}", "$ref", "#/$defs/reason");
	}
	abort();
}

static json_t *
field_schema(const struct event_field *f)
{
	json_t *s = type_schema(f->type);
	if (f->need == EVENT_NIL) {
		json_t *type = json_incref(json_object_get(s, "type"));
		json_object_set_new(
		    s, "type", json_pack("[o, s]", type, "null"));
	}
	json_object_set_new(s, "description",
	    json_sprintf("%s%s%s%s", f->text, *f->unit ? " (" : "", f->unit,
		*f->unit ? ")" : ""));
	return s;
}

static json_t *
levels(const struct event_info *e)
{
	if (e->level == e->also)
		return json_pack("{s:s}", "const", log_level_name(e->level));
	return json_pack("{s:[s, s]}", "enum", log_level_name(e->level),
	    log_level_name(e->also));
}

static json_t *
event_schema(const struct event_info *e)
{
	json_t *required =
	    json_pack("[s, s, s, s]", "ts", "level", "event", "pid");
	json_t *members = json_pack("{s:{s:s}, s:o, s:{s:s}, s:{s:s}}", "ts",
	    "$ref", "#/$defs/ts", "level", levels(e), "event", "const", e->name,
	    "pid", "$ref", "#/$defs/pid");
	for (const struct event_field *f = e->fields; f->name; f++) {
		json_object_set_new(members, f->name, field_schema(f));
		if (f->need != EVENT_MAY)
			json_array_append_new(required, json_string(f->name));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:b}", "description", e->text,
	    "type", "object", "properties", members, "required", required,
	    "additionalProperties", 0);
}

static int
schema(void)
{
	json_t *one = json_array(), *defs, *reasons = json_array();
	for (int r = 0; r < REASON_COUNT; r++)
		json_array_append_new(
		    reasons, json_string(reason_name((enum reason)r)));
	defs = json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:i, s:s}, s:{s:o}}",
	    "ts", "type", "string", "pattern", LOGCHECK_TS, "description",
	    "wall time, RFC 3339 in UTC", "pid", "type", "integer", "minimum",
	    1, "description", "the process that says so", "reason", "enum",
	    reasons);
	for (unsigned i = 0; i < EVENT_COUNT; i++) {
		const struct event_info *e = event_info((enum event)i);
		json_object_set_new(defs, e->name, event_schema(e));
		json_array_append_new(
		    one, json_pack("{s:o}", "$ref",
			     json_sprintf("#/$defs/%s", e->name)));
	}
	json_t *all = json_pack("{s:s, s:s, s:s, s:o, s:o}", "$schema",
	    "https://json-schema.org/draft/2020-12/schema", "title",
	    "Sluice log", "description", "One line of the log: sluice-log(5)",
	    "oneOf", one, "$defs", defs);
	if (!all)
		abort();
	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
	return 0;
}

/* Manual page ------------------------------------------------------------- */

/* Sentences on lines of their own, as mdoc wants them, and no long lines. */
static void
put_text(const char *s, const char *tail)
{
	size_t column = 0;
	while (*s) {
		size_t n = strcspn(s, " ");
		bool sentence = s[n] && s[n - 1] == '.' && s[n + 1] == ' ';
		if (column + n > 76) {
			putchar('\n');
			column = 0;
		}
		printf("%s%.*s", column ? " " : "", (int)n, s);
		column += n + 1;
		s += n;
		if (sentence) {
			putchar('\n');
			column = 0;
		}
		s += strspn(s, " ");
	}
	printf("%s\n", tail);
}

static void
man_field(const struct event_field *f)
{
	printf(".It Li %s", f->name);
	if (*f->unit)
		printf(" Pq %s", f->unit);
	putchar('\n');
	put_text(f->text, f->need == EVENT_MAY	 ? ";\nnot always there"
			  : f->need == EVENT_NIL ? ";\nnull if not"
						 : "");
}

static int
man(void)
{
	printf(".Bl -tag -width Ds\n");
	for (unsigned i = 0; i < EVENT_COUNT; i++) {
		const struct event_info *e = event_info((enum event)i);
		printf(".It Li %s Pq %s", e->name, log_level_name(e->level));
		if (e->also != e->level)
			printf(" or %s", log_level_name(e->also));
		printf("\n");
		put_text(e->text, "");
		if (e->per_s > 0)
			printf("Limited to %u at once and %u per second.\n",
			    e->burst, e->per_s);
		printf(".Pp\n.Bl -tag -width \"worker_program\" -compact\n");
		for (const struct event_field *f = e->fields; f->name; f++)
			man_field(f);
		printf(".El\n");
	}
	printf(".El\n");
	return 0;
}

static void
man_item(const char *name, const char *text, const char *status)
{
	char all[512];
	printf(".It Li %s\n", name);
	snprintf(all, sizeof all, "%c%s.", toupper((unsigned char)text[0]),
	    text + 1);
	put_text(all, "");
	if (*status)
		printf("Told to the client as\n.Li %s .\n", status);
}

static int
reasons(void)
{
	printf(".Bl -tag -width \"handshake-timeout\"\n");
	for (unsigned i = REASON_NONE + 1; i < REASON_COUNT; i++)
		man_item(reason_name((enum reason)i),
		    reason_text((enum reason)i), reason_status((enum reason)i));
	printf(".El\n");
	return 0;
}

static int
counters(void)
{
	printf(".Bl -tag -width \"publish.metadata_too_large\"\n");
#define COUNTER(id, name, text) man_item(name, text, "");
#include "common/counters.def"
#undef COUNTER
	printf(".El\n");
	return 0;
}

/* Lines ------------------------------------------------------------------- */

static void
put_line(json_t *j)
{
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static json_t *
good_value(const struct event_field *f)
{
	switch (f->type) {
	case EVENT_TYPE_BOOL:
		return json_true();
	case EVENT_TYPE_REAL:
		return json_real(1.25);
	case EVENT_TYPE_STR:
	case EVENT_TYPE_TEXT:
		return json_string("text");
	case EVENT_TYPE_LIST:
		return json_pack("[s, s]", "a", "b");
	case EVENT_TYPE_REASON:
		return json_string(reason_name(REASON_STALLED));
	case EVENT_TYPE_U64:
	case EVENT_TYPE_I64:
	case EVENT_TYPE_MAYBE:
		break;
	}
	return json_integer(7);
}

static json_t *
good_line(const struct event_info *e)
{
	json_t *j =
	    json_pack("{s:s, s:s, s:s, s:i}", "ts", "2026-11-24T10:00:00.123Z",
		"level", log_level_name(e->level), "event", e->name, "pid", 1);
	for (const struct event_field *f = e->fields; f->name; f++)
		json_object_set_new(j, f->name, good_value(f));
	return j;
}

/* A good line with another value of one member; NULL: without it. */
static void
variant(const struct event_info *e, const char *name, json_t *value)
{
	json_t *j = good_line(e);
	if (value)
		json_object_set_new(j, name, value);
	else
		json_object_del(j, name);
	put_line(j);
}

static void
variants(const struct event_info *e, const char *name)
{
	variant(e, name, NULL);
	variant(e, name, json_null());
	variant(e, name, json_true());
	variant(e, name, json_integer(-1));
	variant(e, name, json_integer(7));
	variant(e, name, json_real(0.5));
	variant(e, name, json_string("no such thing"));
	variant(e, name, json_string(""));
	variant(e, name, json_array());
	variant(e, name, json_pack("[s, i]", "a", 1));
	variant(e, name, json_object());
}

static int
sample(void)
{
	static const char *const head[] = { "ts", "level", "event", "pid" };
	for (unsigned i = 0; i < EVENT_COUNT; i++) {
		const struct event_info *e = event_info((enum event)i);
		put_line(good_line(e));
		for (unsigned k = 0; k < 4; k++)
			variants(e, head[k]);
		for (const struct event_field *f = e->fields; f->name; f++)
			variants(e, f->name);
		variant(e, "other", json_integer(1));
		variant(e, "level", json_string(log_level_name(e->also)));
		variant(e, "level", json_string("debug"));
		variant(e, "ts", json_string("2026-11-24 10:00:00"));
		variant(e, "pid", json_integer(0));
	}
	puts("[]\n7\n\"text\"\nnull\n{}");
	return 0;
}

/* Files ------------------------------------------------------------------- */

static int
each_line(const char *path, bool verdict)
{
	char *line = NULL, err[400];
	size_t cap = 0;
	unsigned long n = 0, bad = 0;
	ssize_t len;
	FILE *f = fopen(path, "r");
	if (!f) {
		perror(path);
		return 1;
	}
	while ((len = getline(&line, &cap, f)) > 0) {
		n++;
		if (line[len - 1] == '\n')
			len--;
		bool ok = logcheck_line(line, (size_t)len, err, sizeof err);
		if (verdict)
			puts(ok ? "good" : "bad");
		if (!ok && !verdict && bad++ < 20)
			printf(
			    "%s:%lu: %s: %.*s\n", path, n, err, (int)len, line);
	}
	free(line);
	fclose(f);
	return bad > 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int bad = 0;
	if (strcmp(what, "schema") == 0)
		return schema();
	if (strcmp(what, "man") == 0)
		return man();
	if (strcmp(what, "reasons") == 0)
		return reasons();
	if (strcmp(what, "counters") == 0)
		return counters();
	if (strcmp(what, "sample") == 0)
		return sample();
	bool verdict = strcmp(what, "verdict") == 0;
	if (argc < 3 || (!verdict && strcmp(what, "check") != 0)) {
		fprintf(stderr,
		    "usage: logspec schema|man|reasons|counters|sample|check "
		    "FILE...|"
		    "verdict FILE\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		bad |= each_line(argv[i], verdict);
	return bad;
}
