#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "ctl/output.h"
#include "ctl/text.h"

enum { COLUMNS_MAX = 16, GAP = 2 };

json_t *
output_string(const char *s, size_t len)
{
	return log_text(s, len);
}

const json_t *
output_member(const json_t *doc, const char *path)
{
	while (doc && *path) {
		size_t n = strcspn(path, ".");
		char name[64];
		if (n >= sizeof name)
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		doc = json_object_get(doc, name);
		path += n + (path[n] == '.');
	}
	return doc;
}

/* Cells. ------------------------------------------------------------------ */

static uint64_t
number(const json_t *v)
{
	double d = json_number_value(v);
	if (json_is_integer(v))
		return json_integer_value(v) < 0
			   ? 0
			   : (uint64_t)json_integer_value(v);
	return d > 0 && d < 1e18 ? (uint64_t)d : 0;
}

static size_t
add(char *buf, size_t o, const char *s, size_t len)
{
	return o + text_safe(buf + o, TEXT_CELL - o, s, len);
}

static size_t
add_string(char *buf, size_t o, const json_t *v)
{
	return add(buf, o, json_string_value(v), json_string_length(v));
}

/* "a b c", or the parts of a name as they stand in an address: "a/b/c". */
static size_t
add_part(char *buf, size_t o, const json_t *v, const char *between)
{
	if (o > 0)
		o = add(buf, o, between, strlen(between));
	if (json_is_string(v))
		return add_string(buf, o, v);
	char n[32];
	snprintf(n, sizeof n, "%llu", (unsigned long long)number(v));
	return add(buf, o, n, strlen(n));
}

static void
joined(char *buf, const json_t *v)
{
	size_t i, o = 0;
	const json_t *e;
	json_array_foreach(v, i, e) o = add_part(buf, o, e, " ");
}

static void
name(char *buf, const json_t *v)
{
	static const char *const part[] = { "app", "instance", "name",
		"stream" };
	size_t o = 0;
	for (unsigned i = 0; i < 4; i++) {
		const json_t *p = json_object_get(v, part[i]);
		bool silent = i == 1 && p && json_string_length(p) &&
			      strcmp(json_string_value(p), "_definst_") == 0;
		if (p && json_string_length(p) && !silent)
			o = add_part(buf, o, p, "/");
	}
}

static void
video(char *buf, const json_t *v)
{
	size_t o = add_string(buf, 0, json_object_get(v, "codec"));
	uint64_t w = number(json_object_get(v, "width")),
		 h = number(json_object_get(v, "height"));
	if (w && h)
		snprintf(buf + o, TEXT_CELL - o, " %llux%llu",
		    (unsigned long long)w, (unsigned long long)h);
}

static void
audio(char *buf, const json_t *v)
{
	size_t o = add_string(buf, 0, json_object_get(v, "codec"));
	uint64_t rate = number(json_object_get(v, "rate")),
		 channels = number(json_object_get(v, "channels"));
	if (rate)
		snprintf(buf + o, TEXT_CELL - o, " %llu Hz x%llu",
		    (unsigned long long)rate, (unsigned long long)channels);
}

/* Only what is no client is named. */
static void
peer(char *buf, const json_t *v)
{
	const json_t *addr = json_object_get(v, "addr"),
		     *kind = json_object_get(v, "kind");
	bool client = !json_is_string(kind) ||
		      strcmp(json_string_value(kind), "client") == 0;
	size_t o = client ? 0 : add_part(buf, 0, kind, " ");
	if (json_is_string(addr))
		add_part(buf, o, addr, " ");
}

/* A value that has the shape of its kind; buf stays "" for an empty one. */
static void
fill(char *buf, const json_t *v, enum cell kind)
{
	switch (kind) {
	case CELL_TEXT:
		add_part(buf, 0, v, "");
		break;
	case CELL_COUNT:
		snprintf(buf, TEXT_CELL, "%llu", (unsigned long long)number(v));
		break;
	case CELL_BYTES:
		text_bytes(buf, TEXT_CELL, number(v));
		break;
	case CELL_RATE:
		text_rate(buf, TEXT_CELL, number(v));
		break;
	case CELL_AGE:
		text_age(buf, TEXT_CELL, json_number_value(v));
		break;
	case CELL_JOINED:
		joined(buf, v);
		break;
	case CELL_NAME:
		name(buf, v);
		break;
	case CELL_VIDEO:
		video(buf, v);
		break;
	case CELL_AUDIO:
		audio(buf, v);
		break;
	case CELL_PEER:
		peer(buf, v);
		break;
	case CELL_MEMBERS:
		break;
	}
}

static bool
has_shape(const json_t *v, enum cell kind)
{
	switch (kind) {
	case CELL_TEXT:
		return json_is_string(v) || json_is_number(v);
	case CELL_COUNT:
	case CELL_BYTES:
	case CELL_RATE:
	case CELL_AGE:
		return json_is_number(v);
	case CELL_JOINED:
		return json_is_array(v);
	case CELL_VIDEO:
	case CELL_AUDIO:
		return json_is_string(json_object_get(v, "codec"));
	case CELL_PEER:
		return json_is_string(json_object_get(v, "addr")) ||
		       json_is_string(json_object_get(v, "kind"));
	case CELL_NAME:
	case CELL_MEMBERS:
		return json_is_object(v);
	}
	return false;
}

void
output_cell(char *buf, const json_t *value, enum cell kind)
{
	buf[0] = '\0';
	if (has_shape(value, kind))
		fill(buf, value, kind);
	if (buf[0] == '\0')
		strcpy(buf, "-");
}

/* Text form. -------------------------------------------------------------- */

static bool
is_number(enum cell kind)
{
	return kind == CELL_COUNT || kind == CELL_BYTES || kind == CELL_RATE ||
	       kind == CELL_AGE;
}

/* One cell of a line, padded to width; the last column is not padded. */
static void
print_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
	size_t w = text_width(text), pad = width > w ? width - w : 0;
	if (right)
		fprintf(out, "%*s%s", (int)pad, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : (int)pad, "");
	if (!last)
		fprintf(out, "%*s", GAP, "");
}

static void
print_row(
    FILE *out, const struct view *view, const json_t *row, const size_t *width)
{
	char buf[TEXT_CELL];
	for (unsigned i = 0; i < view->columns; i++) {
		const struct column *c = &view->column[i];
		output_cell(buf, output_member(row, c->path), c->kind);
		print_cell(out, buf, width[i], is_number(c->kind),
		    i + 1 == view->columns);
	}
	putc('\n', out);
}

static void
measure(const struct view *view, const json_t *rows, size_t *width)
{
	char buf[TEXT_CELL];
	size_t r;
	const json_t *row;
	bug_on(view->columns > COLUMNS_MAX);
	for (unsigned i = 0; i < view->columns; i++)
		width[i] = text_width(view->column[i].title);
	json_array_foreach(rows, r, row) for (unsigned i = 0; i < view->columns;
					      i++)
	{
		const struct column *c = &view->column[i];
		output_cell(buf, output_member(row, c->path), c->kind);
		if (text_width(buf) > width[i])
			width[i] = text_width(buf);
	}
}

static void
print_table(FILE *out, const struct view *view, const json_t *rows)
{
	size_t width[COLUMNS_MAX], r;
	const json_t *row;
	if (json_array_size(rows) == 0) {
		fprintf(out, "%s\n", view->empty);
		return;
	}
	measure(view, rows, width);
	for (unsigned i = 0; i < view->columns; i++)
		print_cell(out, view->column[i].title, width[i],
		    is_number(view->column[i].kind), i + 1 == view->columns);
	putc('\n', out);
	json_array_foreach(rows, r, row) print_row(out, view, row, width);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
print_members(FILE *out, const char *title, const json_t *object)
{
	const char *names[256], *key;
	const json_t *v;
	unsigned n = 0;
	size_t width = 0;
	json_object_foreach((json_t *)(uintptr_t)object, key,
	    v) if (number(v) != 0 && n < 256) names[n++] = key;
	qsort(names, n, sizeof *names, by_name);
	for (unsigned i = 0; i < n; i++)
		if (strlen(names[i]) > width)
			width = strlen(names[i]);
	fprintf(out, "%s%s\n", title, n ? "" : "  none");
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%*s%-*s  %llu\n", GAP, "", (int)width, names[i],
		    (unsigned long long)number(
			json_object_get(object, names[i])));
}

static void
print_record(FILE *out, const struct view *view, const json_t *doc)
{
	char buf[TEXT_CELL];
	size_t width = 0;
	for (unsigned i = 0; i < view->columns; i++)
		if (text_width(view->column[i].title) > width)
			width = text_width(view->column[i].title);
	for (unsigned i = 0; i < view->columns; i++) {
		const struct column *c = &view->column[i];
		const json_t *v = output_member(doc, c->path);
		if (c->kind == CELL_MEMBERS) {
			print_members(out, c->title, v);
			continue;
		}
		output_cell(buf, v, c->kind);
		print_cell(out, c->title, width, false, false);
		fprintf(out, "%s\n", buf);
	}
}

static int
show_text(FILE *out, const struct view *view, const json_t *doc)
{
	if (view->record)
		print_record(out, view, doc);
	else
		print_table(out, view, doc);
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

/* JSON form. -------------------------------------------------------------- */

static int
show_json(FILE *out, const struct view *view, const json_t *doc)
{
	(void)view;
	if (json_dumpf(doc, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0)
		return -EIO;
	putc('\n', out);
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

const struct output output_json = { show_json };
const struct output output_text = { show_text };
