/*
 * output - what sluicectl prints: the same facts, gathered by list.c as one
 * JSON document, in one of two forms.
 *
 *	output_json	the document itself, for programs
 *	output_text	a table, or title and value lines, for people
 *
 * The text form is a view of the document: a table of columns, each naming a
 * member ("publisher.addr") and how it is shown.  So both forms always agree.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum cell {
	CELL_TEXT,   /* a string, made safe */
	CELL_COUNT,  /* a number */
	CELL_BYTES,  /* bytes */
	CELL_RATE,   /* bits per second */
	CELL_AGE,    /* seconds */
	CELL_JOINED, /* an array, its elements with a blank between */
	CELL_NAME,   /* object {app, instance, stream or name}: "live/demo" */
	CELL_VIDEO,  /* object {codec, width, height} */
	CELL_AUDIO,  /* object {codec, rate, channels} */
	CELL_PEER,   /* object {kind, addr}: "upstream 192.0.2.1:1935" */
	CELL_MEMBERS /* object: in a record, its numbers that are not 0 */
};

struct column {
	const char *title;
	const char *path; /* members with a dot between; "" the row itself */
	enum cell kind;
};

/* How a document is shown as text. */
struct view {
	const struct column *column;
	unsigned columns;
	bool record;	   /* one object; else an array of them */
	const char *empty; /* what an empty array is called: "no streams" */
};

struct output {
	/*
	 * Write doc to out.  Returns 0, or -EIO when it could not be written.
	 */
	int (*show)(FILE *out, const struct view *view, const json_t *doc);
};

extern const struct output output_json, output_text;

/*
 * One value as text, "-" for null and for what has not the shape of kind.
 * buf	TEXT_CELL bytes (text.h)
 */
void output_cell(char *buf, const json_t *value, enum cell kind);

/* Member of doc named by path, or NULL. */
const json_t *output_member(const json_t *doc, const char *path);

/*
 * len bytes of untrusted text as a JSON string: what is not UTF-8 becomes
 * U+FFFD.  Returns a new reference.
 */
json_t *output_string(const char *s, size_t len);

#endif
