#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/edge.h"
#include "ctl/output.h"

static const char *const key_parts[] = { "vhost", "app", "instance", "stream" };
enum { PARTS = 4 };

static const char *
part(const json_t *row, unsigned i)
{
	const char *s = json_string_value(json_object_get(row, key_parts[i]));
	/* of a stream its name is called so */
	if (s == NULL && i + 1 == PARTS)
		s = json_string_value(json_object_get(row, "name"));
	return s ? s : "";
}

static int
compare(const json_t *a, const json_t *b)
{
	int r = 0;
	for (unsigned i = 0; r == 0 && i < PARTS; i++)
		r = strcmp(part(a, i), part(b, i));
	return r;
}

static int
by_key(const void *a, const void *b)
{
	return compare(*(json_t *const *)a, *(json_t *const *)b);
}

/* The elements of an array in order; NULL: none, or out of memory. */
static json_t **
sorted(const json_t *array)
{
	size_t n = json_array_size(array), i;
	json_t **list = n > 0 ? calloc(n, sizeof *list) : NULL;
	for (i = 0; list != NULL && i < n; i++)
		list[i] = json_array_get(array, i);
	if (list != NULL)
		qsort(list, n, sizeof *list, by_key);
	return list;
}

static bool
is_live(const json_t *stream)
{
	const char *s = json_string_value(json_object_get(stream, "state"));
	return s && strcmp(s, "live") == 0;
}

static void
newer(json_t *row, const char *member, const json_t *now, bool larger)
{
	const json_t *old = json_object_get(row, member);
	json_int_t n = json_integer_value(now), o = json_integer_value(old);
	if (json_is_integer(now) &&
	    (!json_is_integer(old) || (larger ? n > o : n < o)))
		json_object_set_new(row, member, json_integer(n));
}

/* The live one of those streams that have the row's name. */
static void
add_stream(json_t *row, const json_t *stream)
{
	json_t *viewers = json_incref(
	    (json_t *)(uintptr_t)output_member(stream, "readers.total"));
	json_object_set_new(row, "viewers", viewers ? viewers : json_null());
	newer(row, "bytes", json_object_get(stream, "bytes"), true);
	newer(row, "delay_ms", json_object_get(stream, "silent_ms"), false);
}

void
edge_join(json_t *rows, const json_t *streams)
{
	size_t n = json_array_size(rows), k = 0;
	size_t have = json_array_size(streams);
	json_t **row = sorted(rows), **stream = sorted(streams);
	for (size_t i = 0; row != NULL && i < n; i++) {
		json_object_set_new(row[i], "viewers", json_integer(0));
		while (stream != NULL && k < have &&
		       compare(stream[k], row[i]) < 0)
			k++;
		for (size_t j = k; stream != NULL && j < have &&
				   compare(stream[j], row[i]) == 0;
		     j++)
			if (is_live(stream[j]))
				add_stream(row[i], stream[j]);
		json_incref(row[i]);
	}
	if (row != NULL)
		json_array_clear(rows);
	for (size_t i = 0; row != NULL && i < n; i++)
		json_array_append_new(rows, row[i]);
	free(row);
	free(stream);
}
