#include "config.h"

#include <string.h>

#include "rtmp/amf0.h"
#include "rtmp/amf3.h"

/* A container being skipped. */
struct level {
	uint32_t left; /* strict array: values to come */
	bool strict;
};

struct skip {
	struct level stack[AMF0_DEPTH_MAX];
	unsigned depth;
	unsigned values;
};

static enum amf0_result
push(struct skip *s, bool strict, uint32_t left)
{
	if (s->depth == AMF0_DEPTH_MAX)
		return AMF0_TOO_DEEP;
	s->stack[s->depth++] = (struct level){ left, strict };
	return AMF0_OK;
}

/*
 * The one AMF3 value behind marker 0x11.  Its tables are its own: the AMF0
 * specification (3.1) does not say that they outlive the value.
 */
static enum amf0_result
read_avmplus(struct reader *r, struct skip *s, struct amf0_value *v)
{
	struct amf3_tables tables;
	struct amf3_value in;
	struct amf3 a;
	amf3_init(&a, &tables, r->p, reader_left(r));
	a.values = s->values;
	enum amf0_result e = amf3_read(&a, &in);
	if (e != AMF0_OK)
		return e == AMF0_END ? AMF0_MALFORMED : e;
	s->values = a.values;
	r->p = a.r.p;
	amf3_as_amf0(&in, v);
	return AMF0_OK;
}

/* Marker and fixed part of one value; a container is pushed, not entered. */
static enum amf0_result
read_one(struct reader *r, struct skip *s, struct amf0_value *v)
{
	uint8_t marker = reader_u8(r);
	if (!reader_ok(r))
		return AMF0_MALFORMED;
	if (++s->values > AMF0_VALUES_MAX)
		return AMF0_TOO_MANY;
	v->type = (enum amf0_type)marker;
	switch (marker) {
	case AMF0_NUMBER:
		v->number = reader_double(r);
		break;
	case AMF0_BOOLEAN:
		v->boolean = reader_u8(r) != 0;
		break;
	case AMF0_STRING:
		v->str = reader_span(r, reader_u16(r));
		break;
	case AMF0_LONG_STRING:
	case AMF0_XML:
		v->str = reader_span(r, reader_u32(r));
		break;
	case AMF0_NULL:
	case AMF0_UNDEFINED:
	case AMF0_UNSUPPORTED_TYPE:
		break;
	case AMF0_REFERENCE:
		v->number = reader_u16(r);
		break;
	case AMF0_DATE:
		v->number = reader_double(r);
		reader_u16(r); /* time zone, reserved */
		break;
	case AMF0_TYPED_OBJECT:
		v->str = reader_span(r, reader_u16(r));
		return reader_ok(r) ? push(s, false, 0) : AMF0_MALFORMED;
	case AMF0_ECMA_ARRAY:
		reader_u32(r); /* a hint (2.10); the end marker counts */
		return reader_ok(r) ? push(s, false, 0) : AMF0_MALFORMED;
	case AMF0_OBJECT:
		return push(s, false, 0);
	case AMF0_STRICT_ARRAY: {
		uint32_t n = reader_u32(r);
		/* Each value takes a byte at least. */
		if (!reader_ok(r) || n > reader_left(r))
			return AMF0_MALFORMED;
		return push(s, true, n);
	}
	case AMF0_AVMPLUS:
		return read_avmplus(r, s, v);
	case 4:
	case 14:
		return AMF0_UNSUPPORTED;
	default:
		return AMF0_MALFORMED;
	}
	return reader_ok(r) ? AMF0_OK : AMF0_MALFORMED;
}

/*
 * Read up to the next value of the innermost container.
 * Returns false if that container is over, or r has the error.
 */
static bool
next_in(struct reader *r, struct level *l, struct span *key)
{
	*key = (struct span){ "", 0 };
	if (l->strict) {
		if (l->left == 0)
			return false;
		l->left--;
		return true;
	}
	*key = reader_span(r, reader_u16(r));
	if (!reader_ok(r))
		return false;
	/* An empty key is legal; an end marker behind it ends (2.11). */
	if (key->len > 0 || reader_left(r) == 0 || *r->p != AMF0_OBJECT_END)
		return true;
	reader_u8(r);
	return false;
}

static enum amf0_result
skip_content(struct reader *r, struct skip *s)
{
	while (s->depth > 0) {
		struct span key;
		if (!next_in(r, &s->stack[s->depth - 1], &key)) {
			if (!reader_ok(r))
				return AMF0_MALFORMED;
			s->depth--;
			continue;
		}
		struct amf0_value inner;
		enum amf0_result e = read_one(r, s, &inner);
		if (e != AMF0_OK)
			return e;
	}
	return AMF0_OK;
}

static void
clear(struct amf0_value *v)
{
	*v = (struct amf0_value){ .type = AMF0_UNDEFINED, .str = { "", 0 } };
}

enum amf0_result
amf0_read(struct reader *r, struct amf0_value *v)
{
	clear(v);
	if (!reader_ok(r))
		return AMF0_MALFORMED;
	if (reader_left(r) == 0)
		return AMF0_END;
	/* The stack is not cleared: depth says what of it counts. */
	struct skip s;
	s.depth = 0;
	s.values = 0;
	v->raw = r->p;
	enum amf0_result e = read_one(r, &s, v);
	if (e == AMF0_OK)
		e = skip_content(r, &s);
	if (e != AMF0_OK) {
		clear(v);
		reader_fail(r);
		return e;
	}
	v->raw_end = r->p;
	return AMF0_OK;
}

bool
amf0_is_object(const struct amf0_value *v)
{
	return v->type == AMF0_OBJECT || v->type == AMF0_ECMA_ARRAY ||
	       v->type == AMF0_TYPED_OBJECT;
}

bool
amf0_is_string(const struct amf0_value *v)
{
	return v->type == AMF0_STRING || v->type == AMF0_LONG_STRING;
}

void
amf0_iter_init(struct amf0_iter *it, const struct amf0_value *v)
{
	memset(it, 0, sizeof(*it));
	if (v->type == AMF0_STRICT_ARRAY)
		it->strict = true;
	else if (!amf0_is_object(v)) {
		reader_init(&it->r, NULL, 0);
		reader_fail(&it->r);
		return;
	}
	reader_init(&it->r, v->raw, (size_t)(v->raw_end - v->raw));
	reader_u8(&it->r);
	if (v->type == AMF0_STRICT_ARRAY || v->type == AMF0_ECMA_ARRAY)
		it->left = reader_u32(&it->r);
	else if (v->type == AMF0_TYPED_OBJECT)
		reader_bytes(&it->r, reader_u16(&it->r));
}

bool
amf0_iter_next(struct amf0_iter *it, struct span *key, struct amf0_value *v)
{
	struct level l = { it->left, it->strict };
	clear(v);
	*key = (struct span){ "", 0 };
	if (!reader_ok(&it->r) || !next_in(&it->r, &l, key) ||
	    amf0_read(&it->r, v) != AMF0_OK) {
		reader_fail(&it->r);
		return false;
	}
	it->left = l.left;
	return true;
}

static bool
find_avmplus(
    const struct amf0_value *v, const char *key, struct amf0_value *out)
{
	struct amf3_tables tables;
	struct amf3_value all, in;
	struct amf3 a;
	clear(out);
	if (v->raw == NULL)
		return false;
	amf3_init(&a, &tables, v->raw + 1, (size_t)(v->raw_end - v->raw) - 1);
	if (amf3_read(&a, &all) != AMF0_OK || !amf3_find(&a, &all, key, &in))
		return false;
	amf3_as_amf0(&in, out);
	return true;
}

bool
amf0_find(const struct amf0_value *v, const char *key, struct amf0_value *out)
{
	struct amf0_iter it;
	struct span k;
	if (v->type == AMF0_AVMPLUS)
		return find_avmplus(v, key, out);
	amf0_iter_init(&it, v);
	while (amf0_iter_next(&it, &k, out))
		if (!it.strict && span_is(k, key))
			return true;
	clear(out);
	return false;
}

void
amf0_write_number(struct writer *w, double v)
{
	writer_u8(w, AMF0_NUMBER);
	writer_double(w, v);
}

void
amf0_write_boolean(struct writer *w, bool v)
{
	writer_u8(w, AMF0_BOOLEAN);
	writer_u8(w, v);
}

void
amf0_write_string(struct writer *w, struct span s)
{
	if (s.len > UINT32_MAX) {
		writer_fail(w);
		return;
	}
	if (s.len > UINT16_MAX) {
		writer_u8(w, AMF0_LONG_STRING);
		writer_u32(w, (uint32_t)s.len);
	} else {
		writer_u8(w, AMF0_STRING);
		writer_u16(w, (uint16_t)s.len);
	}
	writer_span(w, s);
}

void
amf0_write_text(struct writer *w, const char *text)
{
	amf0_write_string(w, span_of(text));
}

void
amf0_write_null(struct writer *w)
{
	writer_u8(w, AMF0_NULL);
}

void
amf0_write_undefined(struct writer *w)
{
	writer_u8(w, AMF0_UNDEFINED);
}

void
amf0_object_begin(struct writer *w)
{
	writer_u8(w, AMF0_OBJECT);
}

void
amf0_ecma_begin(struct writer *w, uint32_t count)
{
	writer_u8(w, AMF0_ECMA_ARRAY);
	writer_u32(w, count);
}

void
amf0_strict_begin(struct writer *w, uint32_t count)
{
	writer_u8(w, AMF0_STRICT_ARRAY);
	writer_u32(w, count);
}

void
amf0_key(struct writer *w, const char *key)
{
	struct span s = span_of(key);
	if (s.len > UINT16_MAX) {
		writer_fail(w);
		return;
	}
	writer_u16(w, (uint16_t)s.len);
	writer_span(w, s);
}

void
amf0_object_end(struct writer *w)
{
	writer_u24(w, AMF0_OBJECT_END);
}

void
amf0_prop_text(struct writer *w, const char *key, const char *text)
{
	amf0_key(w, key);
	amf0_write_text(w, text);
}

void
amf0_prop_string(struct writer *w, const char *key, struct span s)
{
	amf0_key(w, key);
	amf0_write_string(w, s);
}

void
amf0_prop_number(struct writer *w, const char *key, double v)
{
	amf0_key(w, key);
	amf0_write_number(w, v);
}

void
amf0_prop_boolean(struct writer *w, const char *key, bool v)
{
	amf0_key(w, key);
	amf0_write_boolean(w, v);
}

const char *
amf0_result_name(enum amf0_result e)
{
	switch (e) {
	case AMF0_OK:
		return "ok";
	case AMF0_END:
		return "end";
	case AMF0_MALFORMED:
		return "malformed";
	case AMF0_TOO_DEEP:
		return "too-deep";
	case AMF0_TOO_MANY:
		return "too-many";
	case AMF0_UNSUPPORTED:
		return "unsupported";
	}
	return "invalid";
}
