/*
 * amf0 - AMF0 values (Action Message Format, AMF 0 specification) over a
 * cursor.  Values point into the input, nothing is copied or allocated; a
 * container is skipped by iteration, never by recursion.  A value that
 * switches to AMF3 (3.1) is read as the AMF0 value of the same meaning; an
 * AMF3 container stays AMF0_AVMPLUS and is opened by amf3.h, from the second
 * byte of raw on.
 * Context: any; linear in the bytes given.
 */
#ifndef RTMP_AMF0_H
#define RTMP_AMF0_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

enum {
	AMF0_DEPTH_MAX = 32,	/* containers within containers */
	AMF0_VALUES_MAX = 65536 /* values in one value, all depths */
};

/* The markers of section 2.1; 4, 14 are reserved, 9 is no value. */
enum amf0_type {
	AMF0_NUMBER = 0,
	AMF0_BOOLEAN = 1,
	AMF0_STRING = 2,
	AMF0_OBJECT = 3,
	AMF0_NULL = 5,
	AMF0_UNDEFINED = 6,
	AMF0_REFERENCE = 7,
	AMF0_ECMA_ARRAY = 8,
	AMF0_OBJECT_END = 9,
	AMF0_STRICT_ARRAY = 10,
	AMF0_DATE = 11,
	AMF0_LONG_STRING = 12,
	AMF0_UNSUPPORTED_TYPE = 13,
	AMF0_XML = 15,
	AMF0_TYPED_OBJECT = 16,
	AMF0_AVMPLUS = 17
};

enum amf0_result {
	AMF0_OK,
	AMF0_END,	/* no byte left where a value might begin */
	AMF0_MALFORMED, /* cut short, or a marker that is none */
	AMF0_TOO_DEEP,
	AMF0_TOO_MANY,
	AMF0_UNSUPPORTED /* a reserved marker, or a foreign form in AMF3 */
};

struct amf0_value {
	enum amf0_type type;
	bool boolean;
	double number;	 /* number; date in ms since 1970; reference index */
	struct span str; /* string, long string, XML; class of a typed object */
	const uint8_t *raw, *raw_end; /* the whole value, marker included */
};

/* Over the properties of a container that amf0_read() has accepted. */
struct amf0_iter {
	struct reader r;
	uint32_t left; /* strict array: values to come */
	bool strict;
};

/*
 * Read one value and move r behind it.  After anything but AMF0_OK v is of
 * type undefined; after AMF0_END r is as it was.
 */
enum amf0_result amf0_read(struct reader *r, struct amf0_value *v);

/* Object, ECMA array or typed object. */
bool amf0_is_object(const struct amf0_value *v);
/* String or long string. */
bool amf0_is_string(const struct amf0_value *v);

/* For any value; one that is no container of AMF0 has no properties. */
void amf0_iter_init(struct amf0_iter *it, const struct amf0_value *v);
/* The next property; key is empty in a strict array.  False at the end. */
bool amf0_iter_next(
    struct amf0_iter *it, struct span *key, struct amf0_value *v);
/*
 * The first property named key, in linear time; false if there is none.  Also
 * of an AMF3 container; then out->raw is NULL.
 */
bool amf0_find(
    const struct amf0_value *v, const char *key, struct amf0_value *out);

/* Writing: check writer_ok() once at the end. */
void amf0_write_number(struct writer *w, double v);
void amf0_write_boolean(struct writer *w, bool v);
/* A long string if it must be. */
void amf0_write_string(struct writer *w, struct span s);
void amf0_write_text(struct writer *w, const char *text);
void amf0_write_null(struct writer *w);
void amf0_write_undefined(struct writer *w);
void amf0_object_begin(struct writer *w);
/* count is a hint for readers that believe it. */
void amf0_ecma_begin(struct writer *w, uint32_t count);
/* Followed by count values, no end. */
void amf0_strict_begin(struct writer *w, uint32_t count);
/* The name of the next value in an object or ECMA array. */
void amf0_key(struct writer *w, const char *key);
/* Ends an object and an ECMA array. */
void amf0_object_end(struct writer *w);
/* Key and value in one. */
void amf0_prop_text(struct writer *w, const char *key, const char *text);
void amf0_prop_string(struct writer *w, const char *key, struct span s);
void amf0_prop_number(struct writer *w, const char *key, double v);
void amf0_prop_boolean(struct writer *w, const char *key, bool v);

const char *amf0_result_name(enum amf0_result e);

#endif
