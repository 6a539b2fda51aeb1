/*
 * amf3 - AMF3 values (Action Message Format, AMF 3 specification) over a
 * cursor, in the manner of amf0.h: values point into the input, nothing is
 * copied or allocated, a container is skipped by iteration.
 *
 * AMF3 refers back to strings, traits and objects by number.  Strings and
 * traits are kept in tables of the caller, which need not be cleared; what
 * does not fit is read but not remembered, and a reference to it is TOO_MANY.
 * References to objects are checked and told, not followed, so no value can
 * contain itself.  A value remembers how full the tables were where it began:
 * a container is walked by reading it once more from there, and finds the
 * same entries in the same places.
 *
 * Context: any; linear in the bytes given.
 */
#ifndef RTMP_AMF3_H
#define RTMP_AMF3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "rtmp/amf0.h"

enum {
	AMF3_DEPTH_MAX = 32,	 /* containers within containers */
	AMF3_VALUES_MAX = 65536, /* values in one value, all depths */
	AMF3_STRINGS_MAX = 512,	 /* remembered for references */
	AMF3_TRAITS_MAX = 64
};

/* The markers of section 3.1. */
enum amf3_type {
	AMF3_UNDEFINED = 0,
	AMF3_NULL = 1,
	AMF3_FALSE = 2,
	AMF3_TRUE = 3,
	AMF3_INTEGER = 4,
	AMF3_DOUBLE = 5,
	AMF3_STRING = 6,
	AMF3_XML_DOC = 7,
	AMF3_DATE = 8,
	AMF3_ARRAY = 9,
	AMF3_OBJECT = 10,
	AMF3_XML = 11,
	AMF3_BYTE_ARRAY = 12,
	AMF3_VECTOR_INT = 13,
	AMF3_VECTOR_UINT = 14,
	AMF3_VECTOR_DOUBLE = 15,
	AMF3_VECTOR_OBJECT = 16,
	AMF3_DICTIONARY = 17
};

/* How many entries the tables have. */
struct amf3_mark {
	uint32_t strings, objects, traits;
};

struct amf3_trait {
	struct span class_name; /* "" for a plain object */
	const uint8_t *names;	/* of the sealed members, one by one */
	uint32_t count;
	bool dynamic, external;
};

struct amf3_tables {
	struct span strings[AMF3_STRINGS_MAX];
	struct amf3_trait traits[AMF3_TRAITS_MAX];
};

/* A cursor over values that share their tables. */
struct amf3 {
	struct reader r;
	struct amf3_tables *t;
	struct amf3_mark n;
	unsigned values; /* read so far, against AMF3_VALUES_MAX */
};

struct amf3_value {
	enum amf3_type type;
	bool reference; /* to an object already seen: number is its index */
	double number;	/* integer, double; date in ms since 1970 */
	uint32_t count; /* values in an array's dense part, a vector, ... */
	/* String, XML, bytes; class of an object, of a vector's objects. */
	struct span str;
	const uint8_t *raw, *raw_end; /* the whole value, marker included */
	struct amf3_mark mark;
};

/* A container being read.  Private. */
struct amf3_level {
	struct reader names; /* of sealed members; has an error if none */
	uint32_t left;	     /* values to come by number */
	bool keyed;	     /* names and values up to an empty name */
	bool keyed_first;    /* array: before those by number */
	bool dictionary;     /* left counts keys as well */
};

/* Over the properties of a container that amf3_read() has accepted. */
struct amf3_iter {
	struct amf3 a;
	struct amf3_level level;
};

/* t is in use until the last value of this cursor is no longer needed. */
void amf3_init(
    struct amf3 *a, struct amf3_tables *t, const void *buf, size_t len);

/*
 * Read one value and move a behind it; results as of amf0_read().  An object
 * that writes itself in a form of its own (externalizable) is
 * AMF0_UNSUPPORTED, but for the wrappers of Flex (ArrayCollection, ArrayList,
 * ObjectProxy), which have one property, the wrapped value.
 */
enum amf0_result amf3_read(struct amf3 *a, struct amf3_value *v);

/* Array, object, vector of objects, dictionary; not a reference to one. */
bool amf3_is_container(const struct amf3_value *v);

/*
 * For any value read by a; one that is no container has no properties.  a is
 * not moved.  Vectors of numbers are not walked: their elements are the last
 * 4 or 8 bytes times count of raw.
 */
void amf3_iter_init(
    struct amf3_iter *it, const struct amf3 *a, const struct amf3_value *v);
/*
 * The next property; key is empty where there is a number only, and for a key
 * of a dictionary that is no string.  False at the end.
 */
bool amf3_iter_next(
    struct amf3_iter *it, struct span *key, struct amf3_value *v);
/* The first property named key, in linear time; false if there is none. */
bool amf3_find(const struct amf3 *a, const struct amf3_value *v,
    const char *key, struct amf3_value *out);

/*
 * The AMF0 value of the same meaning.  What has none (containers, vectors,
 * byte arrays, references) is of type AMF0_AVMPLUS.  raw and raw_end are left
 * as they are.
 */
void amf3_as_amf0(const struct amf3_value *v, struct amf0_value *out);

#endif
