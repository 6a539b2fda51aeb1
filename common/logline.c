#include "config.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/logline.h"

/* Where text goes; what does not fit is left out. */
struct text {
	char *buf;
	size_t cap, used;
};

json_t *
logline_parse(const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(j) && json_is_string(json_object_get(j, "event")))
		return j;
	json_decref(j);
	return NULL;
}

static void
add(struct text *t, const char *s, size_t n)
{
	if (n > t->cap - t->used)
		n = t->cap - t->used;
	memcpy(t->buf + t->used, s, n);
	t->used += n;
}

/* Bytes of a terminal's control sequences: C0, DEL, C1 (in UTF-8). */
static bool
has_controls(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s < 0x20 || *s == 0x7f ||
		    ((uint8_t)*s == 0xc2 && (uint8_t)s[1] < 0xa0))
			return true;
	return false;
}

static void
add_value(struct text *t, const json_t *v)
{
	const char *s = json_string_value(v);
	bool controls = s && has_controls(s);
	if (s && *s && !controls && s[strcspn(s, " \"\\=")] == '\0') {
		add(t, s, strlen(s));
		return;
	}
	/* DEL is the one control character that JSON leaves as it is */
	size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6) |
		       (controls || !s ? JSON_ENSURE_ASCII : 0);
	char *dump = json_dumps(v, flags);
	for (char *p = dump; p && *p; p++)
		if (*p == 0x7f)
			*p = '?';
	if (dump)
		add(t, dump, strlen(dump));
	free(dump);
}

static void
add_word(struct text *t, const json_t *j, const char *key, const char *tail)
{
	const json_t *v = json_object_get(j, key);
	if (v)
		add_value(t, v);
	add(t, tail, strlen(tail));
}

/* The time of day in "2026-11-24T10:00:00.123Z". */
static void
add_time(struct text *t, const json_t *j)
{
	const char *ts = json_string_value(json_object_get(j, "ts"));
	if (ts && strlen(ts) >= 19 && ts[10] == 'T' && !has_controls(ts)) {
		add(t, ts + 11, 8);
		add(t, " ", 1);
	}
}

size_t
logline_readable(const json_t *j, char *buf, size_t cap)
{
	struct text t = { buf, cap - 1, 0 };
	const char *key;
	json_t *value;
	add_time(&t, j);
	add_word(&t, j, "level", " ");
	add_word(&t, j, "event", "");
	/* the cast: jansson has no iteration over a const object */
	json_t *all = (json_t *)(uintptr_t)j;
	json_object_foreach(all, key, value)
	{
		if (strcmp(key, "ts") == 0 || strcmp(key, "level") == 0 ||
		    strcmp(key, "event") == 0 || strcmp(key, "pid") == 0)
			continue;
		add(&t, " ", 1);
		add(&t, has_controls(key) ? "?" : key,
		    has_controls(key) ? 1 : strlen(key));
		add(&t, "=", 1);
		add_value(&t, value);
	}
	buf[t.used++] = '\n';
	return t.used;
}
