/* AMF to JSON: see amfjson.h.  The way back is amfjson_parse.c. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rtmp/amf3.h"
#include "rtmp/amfjson.h"

struct out {
	struct writer *w;
	unsigned values, depth;
};

static enum amf0_result put0(struct out *o, const struct amf0_value *v);
static enum amf0_result put3(
    struct out *o, const struct amf3 *a, const struct amf3_value *v);

static void
text(struct writer *w, const char *s)
{
	writer_span(w, span_of(s));
}

/* Strings. ------------------------------------------------------------------ */

/* Bytes of the UTF-8 character at p, of n bytes; 0: it is none. */
static size_t
utf8(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80	     ? 1
		     : (p[0] & 0xe0) == 0xc0 ? 2
		     : (p[0] & 0xf0) == 0xe0 ? 3
		     : (p[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	if (len <= 1 || len > n)
		return len <= n ? len : 0;
	uint32_t c = p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)
		   ? 0
		   : len;
}

static void
escape(struct writer *w, uint8_t c)
{
	char buf[8];
	if (c == '"' || c == '\\')
		snprintf(buf, sizeof buf, "\\%c", c);
	else
		snprintf(buf, sizeof buf, "\\u%04x", c);
	text(w, buf);
}

/* The inside of a string.  NUL cannot be in a name. */
static void
put_chars(struct writer *w, struct span s, bool name)
{
	const uint8_t *p = (const uint8_t *)s.p;
	for (size_t i = 0; i < s.len && writer_ok(w);) {
		size_t n = utf8(p + i, s.len - i);
		if (n == 0 || (name && p[i] == '\0'))
			text(w, "\xef\xbf\xbd");
		else if (p[i] < 0x20 || p[i] == '"' || p[i] == '\\')
			escape(w, p[i]);
		else
			writer_bytes(w, p + i, n);
		i += n ? n : 1;
	}
}

void
amfjson_string(struct writer *w, struct span s)
{
	writer_u8(w, '"');
	put_chars(w, s, false);
	writer_u8(w, '"');
}

static void
put_name(struct writer *w, struct span s)
{
	text(w, s.len > 0 && s.p[0] == '$' ? "\"$" : "\"");
	put_chars(w, s, true);
	text(w, "\":");
}

static void
put_base64(struct writer *w, struct span s)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = (const uint8_t *)s.p;
	writer_u8(w, '"');
	for (size_t i = 0; i < s.len && writer_ok(w); i += 3) {
		size_t n = s.len - i;
		uint32_t v = (uint32_t)p[i] << 16 |
			     (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? p[i + 2] : 0);
		writer_u8(w, (uint8_t)digit[v >> 18]);
		writer_u8(w, (uint8_t)digit[v >> 12 & 63]);
		writer_u8(w, n > 1 ? (uint8_t)digit[v >> 6 & 63] : '=');
		writer_u8(w, n > 2 ? (uint8_t)digit[v & 63] : '=');
	}
	writer_u8(w, '"');
}

/* Plain values and marks. ---------------------------------------------------- */

static void
finite_number(struct writer *w, double v)
{
	char buf[40];
	/* the shorter form, if it is the same number */
	double again = 0;
	snprintf(buf, sizeof buf, "%.15g", v);
	if (sscanf(buf, "%lf", &again) != 1 || again != v)
		snprintf(buf, sizeof buf, "%.17g", v);
	text(w, buf);
}

static void
put_number(struct writer *w, double v)
{
	if (isfinite(v))
		finite_number(w, v);
	else
		text(w, isnan(v) ? "{\"$\":\"number\",\"v\":\"NaN\"}"
			: v > 0	 ? "{\"$\":\"number\",\"v\":\"Infinity\"}"
				 : "{\"$\":\"number\",\"v\":\"-Infinity\"}");
}

static void
mark(struct writer *w, const char *kind)
{
	text(w, "{\"$\":\"");
	text(w, kind);
	text(w, "\",\"v\":");
}

static void
put_date(struct writer *w, double ms)
{
	mark(w, "date");
	if (isfinite(ms))
		finite_number(w, ms);
	else
		text(w, "null");
	text(w, "}");
}

static void
put_xml(struct writer *w, struct span s)
{
	mark(w, "xml");
	amfjson_string(w, s);
	text(w, "}");
}

static void
put_reference(struct writer *w, double index)
{
	mark(w, "reference");
	finite_number(w, index);
	text(w, "}");
}

static void
begin_class(struct writer *w, struct span name)
{
	text(w, "{\"$\":\"object\",\"class\":");
	amfjson_string(w, name);
	text(w, ",\"v\":");
}

static enum amf0_result
count(struct out *o)
{
	return ++o->values > AMFJSON_VALUES || !writer_ok(o->w) ? AMF0_TOO_MANY
								: AMF0_OK;
}

/* AMF0. ----------------------------------------------------------------------- */

static enum amf0_result
put_inside0(struct out *o, const struct amf0_value *v)
{
	struct amf0_iter it;
	struct amf0_value in;
	struct span key;
	bool array = v->type == AMF0_STRICT_ARRAY;
	const char *between = array ? "[" : "{";
	if (o->depth == AMFJSON_DEPTH)
		return AMF0_TOO_DEEP;
	o->depth++;
	amf0_iter_init(&it, v);
	while (amf0_iter_next(&it, &key, &in)) {
		text(o->w, between);
		between = ",";
		if (!array)
			put_name(o->w, key);
		enum amf0_result e = put0(o, &in);
		if (e != AMF0_OK)
			return e;
	}
	o->depth--;
	if (between[0] != ',')
		text(o->w, between);
	text(o->w, array ? "]" : "}");
	return AMF0_OK;
}

static enum amf0_result
put_container0(struct out *o, const struct amf0_value *v)
{
	bool plain = v->type == AMF0_OBJECT || v->type == AMF0_STRICT_ARRAY;
	if (v->type == AMF0_ECMA_ARRAY)
		mark(o->w, "array");
	else if (v->type == AMF0_TYPED_OBJECT)
		begin_class(o->w, v->str);
	enum amf0_result e = put_inside0(o, v);
	if (!plain)
		text(o->w, "}");
	return e;
}

/* Its tables are its own, as amf0.c reads it. */
static enum amf0_result
put_avmplus(struct out *o, const struct amf0_value *v)
{
	struct amf3_tables tables;
	struct amf3_value in;
	struct amf3 a;
	amf3_init(&a, &tables, v->raw + 1, (size_t)(v->raw_end - v->raw) - 1);
	enum amf0_result e = amf3_read(&a, &in);
	o->values--; /* the same value */
	return e == AMF0_OK ? put3(o, &a, &in) : e;
}

static enum amf0_result
put0(struct out *o, const struct amf0_value *v)
{
	if (count(o) != AMF0_OK)
		return AMF0_TOO_MANY;
	switch (v->type) {
	case AMF0_NUMBER:
		put_number(o->w, v->number);
		break;
	case AMF0_BOOLEAN:
		text(o->w, v->boolean ? "true" : "false");
		break;
	case AMF0_STRING:
	case AMF0_LONG_STRING:
		amfjson_string(o->w, v->str);
		break;
	case AMF0_NULL:
		text(o->w, "null");
		break;
	case AMF0_REFERENCE:
		put_reference(o->w, v->number);
		break;
	case AMF0_DATE:
		put_date(o->w, v->number);
		break;
	case AMF0_XML:
		put_xml(o->w, v->str);
		break;
	case AMF0_OBJECT:
	case AMF0_ECMA_ARRAY:
	case AMF0_STRICT_ARRAY:
	case AMF0_TYPED_OBJECT:
		return put_container0(o, v);
	case AMF0_AVMPLUS:
		return put_avmplus(o, v);
	case AMF0_UNDEFINED:
	case AMF0_UNSUPPORTED_TYPE:
	case AMF0_OBJECT_END:
		text(o->w, "{\"$\":\"undefined\"}");
		break;
	}
	return AMF0_OK;
}

/* AMF3. ----------------------------------------------------------------------- */

enum shape { NAMES, ELEMENTS, INDEXED, STRING_KEYS, WRAPPED };

static void
name3(struct out *o, enum shape shape, struct span key, unsigned n)
{
	char index[16];
	if (shape == INDEXED && key.len == 0) {
		snprintf(index, sizeof index, "%u", n);
		key = span_of(index);
	}
	if (shape != ELEMENTS)
		put_name(o->w, key);
}

static enum amf0_result
put_inside3(struct out *o, const struct amf3 *a, const struct amf3_value *v,
    enum shape shape)
{
	struct amf3_iter it;
	struct amf3_value in;
	struct span key;
	const char *between = shape == ELEMENTS ? "[" : "{";
	unsigned n = 0;
	amf3_iter_init(&it, a, v);
	while (amf3_iter_next(&it, &key, &in)) {
		if (shape == STRING_KEYS && key.len == 0)
			continue;
		text(o->w, between);
		between = ",";
		name3(o, shape, key, n);
		n += key.len == 0;
		enum amf0_result e = put3(o, &it.a, &in);
		if (e != AMF0_OK)
			return e;
	}
	if (between[0] != ',')
		text(o->w, between);
	text(o->w, shape == ELEMENTS ? "]" : "}");
	return AMF0_OK;
}

/* The one value in a collection of Flex; null if it is missing. */
static enum amf0_result
put_wrapped(struct out *o, const struct amf3 *a, const struct amf3_value *v)
{
	struct amf3_iter it;
	struct amf3_value in;
	struct span key;
	amf3_iter_init(&it, a, v);
	if (amf3_iter_next(&it, &key, &in))
		return put3(o, &it.a, &in);
	text(o->w, "null");
	return AMF0_OK;
}

static enum shape
shape_of(const struct amf3 *a, const struct amf3_value *v)
{
	struct amf3_iter it;
	struct amf3_value in;
	struct span key;
	if (v->type == AMF3_DICTIONARY)
		return STRING_KEYS;
	if (v->type == AMF3_VECTOR_OBJECT)
		return ELEMENTS;
	amf3_iter_init(&it, a, v);
	bool any = amf3_iter_next(&it, &key, &in);
	if (v->type == AMF3_ARRAY)
		return any && key.len > 0 ? INDEXED : ELEMENTS;
	/* only wrappers have a value without a name, and a class */
	return any && key.len == 0 && v->str.len > 0 && v->count == 1 &&
		       !amf3_iter_next(&it, &key, &in)
		   ? WRAPPED
		   : NAMES;
}

static enum amf0_result
put_container3(struct out *o, const struct amf3 *a, const struct amf3_value *v)
{
	enum shape shape = shape_of(a, v);
	bool class_name = v->type == AMF3_OBJECT && v->str.len > 0;
	if (o->depth == AMFJSON_DEPTH)
		return AMF0_TOO_DEEP;
	o->depth++;
	if (class_name)
		begin_class(o->w, v->str);
	else if (shape == INDEXED || shape == STRING_KEYS)
		mark(o->w, shape == INDEXED ? "array" : "dictionary");
	enum amf0_result e = shape == WRAPPED ? put_wrapped(o, a, v)
					      : put_inside3(o, a, v, shape);
	if (class_name || shape == INDEXED || shape == STRING_KEYS)
		text(o->w, "}");
	o->depth--;
	return e;
}

static enum amf0_result
put_vector(struct out *o, const struct amf3_value *v)
{
	size_t size = v->type == AMF3_VECTOR_DOUBLE ? 8 : 4;
	struct reader r;
	/* the elements are the last bytes of the value */
	reader_init(&r, v->raw_end - size * v->count, size * v->count);
	text(o->w, "[");
	for (uint32_t i = 0; i < v->count; i++) {
		if (count(o) != AMF0_OK)
			return AMF0_TOO_MANY;
		if (i > 0)
			text(o->w, ",");
		if (v->type == AMF3_VECTOR_DOUBLE) {
			put_number(o->w, reader_double(&r));
			continue;
		}
		uint32_t u = reader_u32(&r);
		put_number(o->w, v->type == AMF3_VECTOR_INT && u > INT32_MAX
				     ? (double)u - 4294967296.0
				     : (double)u);
	}
	text(o->w, "]");
	return AMF0_OK;
}

static enum amf0_result
put3(struct out *o, const struct amf3 *a, const struct amf3_value *v)
{
	if (count(o) != AMF0_OK)
		return AMF0_TOO_MANY;
	if (v->reference) {
		put_reference(o->w, v->number);
		return AMF0_OK;
	}
	switch (v->type) {
	case AMF3_UNDEFINED:
		text(o->w, "{\"$\":\"undefined\"}");
		break;
	case AMF3_NULL:
		text(o->w, "null");
		break;
	case AMF3_FALSE:
	case AMF3_TRUE:
		text(o->w, v->type == AMF3_TRUE ? "true" : "false");
		break;
	case AMF3_INTEGER:
	case AMF3_DOUBLE:
		put_number(o->w, v->number);
		break;
	case AMF3_STRING:
		amfjson_string(o->w, v->str);
		break;
	case AMF3_DATE:
		put_date(o->w, v->number);
		break;
	case AMF3_XML_DOC:
	case AMF3_XML:
		put_xml(o->w, v->str);
		break;
	case AMF3_BYTE_ARRAY:
		mark(o->w, "bytes");
		put_base64(o->w, v->str);
		text(o->w, "}");
		break;
	case AMF3_VECTOR_INT:
	case AMF3_VECTOR_UINT:
	case AMF3_VECTOR_DOUBLE:
		return put_vector(o, v);
	case AMF3_ARRAY:
	case AMF3_OBJECT:
	case AMF3_VECTOR_OBJECT:
	case AMF3_DICTIONARY:
		return put_container3(o, a, v);
	}
	return AMF0_OK;
}

/* All. ------------------------------------------------------------------------ */

static enum amf0_result
ended(const struct out *o, enum amf0_result e)
{
	return e == AMF0_OK && !writer_ok(o->w) ? AMF0_TOO_MANY : e;
}

enum amf0_result
amfjson_value(struct writer *w, const struct amf0_value *v)
{
	struct out o = { w, 0, 0 };
	return ended(&o, put0(&o, v));
}

enum amf0_result
amfjson_args(struct writer *w, struct reader *r)
{
	struct out o = { w, 0, 0 };
	struct amf0_value v;
	enum amf0_result e;
	const char *between = "[";
	while ((e = amf0_read(r, &v)) == AMF0_OK) {
		text(w, between);
		between = ",";
		e = put0(&o, &v);
		if (e != AMF0_OK)
			return e;
	}
	if (e != AMF0_END)
		return e;
	text(w, between[0] == '[' ? "[]" : "]");
	return ended(&o, AMF0_OK);
}
