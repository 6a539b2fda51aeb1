#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/events.h"
#include "common/reason.h"
#include "t/logcheck.h"

static bool
is_reason(const json_t *v)
{
	if (!json_is_string(v))
		return false;
	for (int r = 0; r < REASON_COUNT; r++)
		if (strcmp(json_string_value(v), reason_name((enum reason)r)) ==
		    0)
			return true;
	return false;
}

static bool
is_list(const json_t *v)
{
	if (!json_is_array(v))
		return false;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return true;
}

static bool
value_ok(const struct event_field *f, const json_t *v)
{
	if (json_is_null(v))
		return f->need == EVENT_NIL;
	switch (f->type) {
	case EVENT_TYPE_U64:
		return json_is_integer(v) && json_integer_value(v) >= 0;
	case EVENT_TYPE_I64:
	case EVENT_TYPE_MAYBE:
		return json_is_integer(v);
	case EVENT_TYPE_BOOL:
		return json_is_boolean(v);
	case EVENT_TYPE_REAL:
		return json_is_number(v);
	case EVENT_TYPE_STR:
	case EVENT_TYPE_TEXT:
		return json_is_string(v);
	case EVENT_TYPE_LIST:
		return is_list(v);
	case EVENT_TYPE_REASON:
		return is_reason(v);
	}
	return false;
}

/* "2026-11-24T10:00:00.123Z" */
static bool
ts_ok(const json_t *v)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	const char *s = json_string_value(v);
	if (!s || strlen(s) != sizeof form - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
			return false;
	return true;
}

static bool
level_ok(const struct event_info *e, const json_t *v)
{
	const char *s = json_string_value(v);
	return s && (strcmp(s, log_level_name(e->level)) == 0 ||
			strcmp(s, log_level_name(e->also)) == 0);
}

static bool
wrong(char *err, size_t errlen, const char *what, const char *name)
{
	snprintf(err, errlen, "%s: %s", name, what);
	return false;
}

static bool
members_ok(const struct event_info *e, const json_t *j, char *err, size_t len)
{
	size_t known = 4;
	const json_t *pid = json_object_get(j, "pid");
	if (!ts_ok(json_object_get(j, "ts")))
		return wrong(err, len, "no time", "ts");
	if (!level_ok(e, json_object_get(j, "level")))
		return wrong(err, len, "not a level of this event", "level");
	if (!json_is_integer(pid) || json_integer_value(pid) < 1)
		return wrong(err, len, "no process", "pid");
	for (const struct event_field *f = e->fields; f->name; f++) {
		const json_t *v = json_object_get(j, f->name);
		if (!v && f->need != EVENT_MAY)
			return wrong(err, len, "is missing", f->name);
		if (v && !value_ok(f, v))
			return wrong(err, len, "has the wrong type", f->name);
		known += v != NULL;
	}
	if (json_object_size(j) != known)
		return wrong(err, len, "has a field too many", e->name);
	return true;
}

bool
logcheck_line(const char *line, size_t len, char *err, size_t errlen)
{
	json_error_t je;
	json_t *j = json_loadb(
	    line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	const char *name = json_string_value(json_object_get(j, "event"));
	enum event e = name ? event_find(name) : EVENT_COUNT;
	bool ok = false;
	if (!j)
		wrong(err, errlen, je.text, "no JSON");
	else if (e == EVENT_COUNT)
		wrong(err, errlen, "no such event", name ? name : "event");
	else
		ok = members_ok(event_info(e), j, err, errlen);
	json_decref(j);
	return ok;
}
