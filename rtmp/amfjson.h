/*
 * amfjson - AMF values as JSON text, and back: what a client says to the script
 * of an application and is answered (common/proto.h).
 *
 *	AMF				JSON
 *	number, boolean, string, null	the same; of a string what is no UTF-8
 *					becomes U+FFFD
 *	object				{...}; a name that begins with $ gets
 *					another $ in front, NUL becomes U+FFFD
 *	strict array, vector, array of	[...]
 *	AMF3 without names
 *
 * What JSON has not is a mark, an object whose first name is $ alone:
 *
 *	NaN, infinities			{"$":"number","v":"NaN"}, "Infinity",
 *					"-Infinity"
 *	undefined, unsupported		{"$":"undefined"}
 *	ECMA array, array with names	{"$":"array","v":{...}}
 *	date (ms since 1970; null: NaN)	{"$":"date","v":0}
 *	XML				{"$":"xml","v":"<a/>"}
 *	byte array			{"$":"bytes","v":"BASE64=="}
 *	object of a class		{"$":"object","class":"C","v":{...}}
 *	dictionary			{"$":"dictionary","v":{...}}: what has a
 *					string as its key
 *	reference to an object		{"$":"reference","v":3}: not followed
 *
 * Back it becomes AMF0.  There bytes are an AMF3 value behind its marker, a
 * dictionary is an object, and a reference is undefined.
 * Context: any; no allocation.  Recursion is limited by AMFJSON_DEPTH.
 */
#ifndef RTMP_AMFJSON_H
#define RTMP_AMFJSON_H

#include "common/cursor.h"
#include "rtmp/amf0.h"

enum {
	AMFJSON_DEPTH = 32,    /* containers within containers */
	AMFJSON_VALUES = 16384 /* in one call, all depths */
};

/*
 * Append a value that amf0_read() has accepted.
 * Returns	AMF0_OK; AMF0_TOO_DEEP; AMF0_TOO_MANY: more values than allowed, or
 *		they do not fit in w
 */
enum amf0_result amfjson_value(struct writer *w, const struct amf0_value *v);

/*
 * Append all values that are left in r, as an array.
 * Returns	as above, or what amf0_read() says of them
 */
enum amf0_result amfjson_args(struct writer *w, struct reader *r);

/* Append a string with its quotes. */
void amfjson_string(struct writer *w, struct span s);

/*
 * Append the AMF0 value of a JSON text, which is one value and blanks.
 * Returns	false, and w has the error: no JSON, an unknown mark, a limit, or it
 *		does not fit
 */
bool amfjson_parse(struct writer *w, struct span json);

/* The same with the elements of an array, one after the other. */
bool amfjson_parse_args(struct writer *w, struct span json);

#endif
