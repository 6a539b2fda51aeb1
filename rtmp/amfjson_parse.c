/* JSON to AMF0: see amfjson.h. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/amf3.h"
#include "rtmp/amfjson.h"

struct in {
	const char *p, *end;
	struct writer *w;
	unsigned values, depth;
};

static bool value(struct in *in);

/* Text. ------------------------------------------------------------------------ */

static void
blanks(struct in *in)
{
	while (in->p < in->end && (*in->p == ' ' || *in->p == '\t' ||
				      *in->p == '\n' || *in->p == '\r'))
		in->p++;
}

static bool
take(struct in *in, char c)
{
	blanks(in);
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

static bool
word(struct in *in, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(in->end - in->p) < n || memcmp(in->p, text, n) != 0)
		return false;
	in->p += n;
	return true;
}

/* The text between the next quotes, as it stands. */
static bool
raw_string(struct in *in, struct span *s)
{
	if (!take(in, '"'))
		return false;
	s->p = in->p;
	while (in->p < in->end && *in->p != '"') {
		if ((uint8_t)*in->p < 0x20)
			return false;
		if (*in->p == '\\' && ++in->p == in->end)
			return false;
		in->p++;
	}
	if (in->p == in->end)
		return false;
	s->len = (size_t)(in->p - s->p);
	in->p++;
	return true;
}

static bool
hex4(const char *p, const char *end, uint32_t *u)
{
	*u = 0;
	if (end - p < 4)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		char c = ascii_lower(p[i]);
		if (c >= '0' && c <= '9')
			*u = *u << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*u = *u << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* \uXXXX, of which p is behind the u; half a pair is U+FFFD. */
static bool
escaped_unit(const char **p, const char *end, uint32_t *c)
{
	uint32_t low;
	if (!hex4(*p, end, c))
		return false;
	*p += 4;
	if (*c < 0xd800 || *c >= 0xe000)
		return true;
	if (*c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
	    hex4(*p + 2, end, &low) && low >= 0xdc00 && low < 0xe000) {
		*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
		*p += 6;
	} else {
		*c = 0xfffd;
	}
	return true;
}

static size_t
encode(uint32_t c, uint8_t to[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (uint8_t)(0x80 | (c & 0x3f));
	to[0] = (uint8_t)(first[n] | c);
	return n;
}

/* The bytes that begin at *p of the inside of a string; 0: none. */
static size_t
char_at(const char **p, const char *end, uint8_t to[4])
{
	static const char from[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
	uint32_t c;
	if (**p != '\\') {
		to[0] = (uint8_t) * (*p)++;
		return 1;
	}
	const char *k =
	    end - *p >= 2 && (*p)[1] != '\0' ? strchr(from, (*p)[1]) : NULL;
	if (k != NULL) {
		to[0] = (uint8_t)plain[k - from];
		*p += 2;
		return 1;
	}
	if (end - *p < 2 || (*p)[1] != 'u')
		return 0;
	*p += 2;
	return escaped_unit(p, end, &c) ? encode(c, to) : 0;
}

/* How long the inside of a string is; SIZE_MAX: it is none. */
static size_t
length(struct span s)
{
	uint8_t to[4];
	size_t len = 0, n;
	for (const char *p = s.p, *end = s.p + s.len; p < end; len += n)
		if ((n = char_at(&p, end, to)) == 0)
			return SIZE_MAX;
	return len;
}

static void
decode(struct writer *w, struct span s)
{
	uint8_t to[4];
	for (const char *p = s.p, *end = s.p + s.len; p < end && writer_ok(w);)
		writer_bytes(w, to, char_at(&p, end, to));
}

/* With a length of 16 bits in front: a name, a class. */
static bool
put_short(struct in *in, struct span s)
{
	size_t n = length(s);
	if (n > UINT16_MAX)
		return false;
	writer_u16(in->w, (uint16_t)n);
	decode(in->w, s);
	return true;
}

static bool
put_long(struct in *in, struct span s, enum amf0_type type)
{
	size_t n = length(s);
	if (n > UINT32_MAX)
		return false;
	if (type == AMF0_STRING && n <= UINT16_MAX) {
		writer_u8(in->w, AMF0_STRING);
		return put_short(in, s);
	}
	writer_u8(
	    in->w, (uint8_t)(type == AMF0_STRING ? AMF0_LONG_STRING : type));
	writer_u32(in->w, (uint32_t)n);
	decode(in->w, s);
	return true;
}

static bool
number(struct in *in, double *v)
{
	char buf[64], *end;
	size_t n = 0;
	blanks(in);
	while (in->p < in->end && n < sizeof buf - 1 && *in->p != '\0' &&
	       strchr("+-.0123456789eE", *in->p) != NULL)
		buf[n++] = *in->p++;
	buf[n] = '\0';
	*v = strtod(buf, &end);
	return n > 0 && *end == '\0' && isfinite(*v);
}

/* Containers. ------------------------------------------------------------------- */

/* Four bytes that are known later. */
static void
patch(struct writer *w, size_t at, uint32_t n)
{
	struct writer again;
	if (!writer_ok(w))
		return;
	writer_init(&again, w->buf + at, 4);
	writer_u32(&again, n);
}

static bool
enter(struct in *in)
{
	return ++in->depth <= AMFJSON_DEPTH;
}

/* Names and values up to the brace; the first name is read already. */
static bool
members(struct in *in, struct span name, uint32_t *n)
{
	for (;;) {
		if (name.len > 0 && name.p[0] == '$')
			name = span_skip(name, 1);
		if (!put_short(in, name) || !take(in, ':') || !value(in))
			return false;
		++*n;
		if (take(in, '}'))
			break;
		if (!take(in, ',') || !raw_string(in, &name))
			return false;
	}
	return true;
}

/* An object behind its brace, up to the end of it in AMF0. */
static bool
properties(struct in *in, uint32_t *n)
{
	struct span name;
	bool ok =
	    take(in, '}') || (raw_string(in, &name) && !span_is(name, "$") &&
				 members(in, name, n));
	amf0_object_end(in->w);
	return ok;
}

static bool
array(struct in *in)
{
	uint32_t n = 0;
	size_t at = in->w->len + 1;
	amf0_strict_begin(in->w, 0);
	if (!enter(in))
		return false;
	if (!take(in, ']'))
		do {
			if (!value(in))
				return false;
			n++;
		} while (take(in, ','));
	if (n > 0 && !take(in, ']'))
		return false;
	in->depth--;
	patch(in->w, at, n);
	return true;
}

/* Marks. ------------------------------------------------------------------------- */

static bool
mark_number(struct in *in)
{
	struct span s;
	if (!raw_string(in, &s))
		return false;
	amf0_write_number(in->w, span_is(s, "Infinity")	   ? INFINITY
				 : span_is(s, "-Infinity") ? -INFINITY
							   : NAN);
	return true;
}

static bool
mark_date(struct in *in)
{
	double ms = NAN;
	blanks(in);
	if (!word(in, "null") && !number(in, &ms))
		return false;
	writer_u8(in->w, AMF0_DATE);
	writer_double(in->w, ms);
	writer_u16(in->w, 0);
	return true;
}

static bool
mark_array(struct in *in)
{
	uint32_t n = 0;
	size_t at = in->w->len + 1;
	amf0_ecma_begin(in->w, 0);
	if (!take(in, '{') || !properties(in, &n))
		return false;
	patch(in->w, at, n);
	return true;
}

/* What wrappers of Flex hold goes without them. */
static bool
mark_object(struct in *in, struct span name)
{
	uint32_t n = 0;
	blanks(in);
	if (in->p == in->end || *in->p != '{')
		return value(in);
	in->p++;
	writer_u8(in->w, AMF0_TYPED_OBJECT);
	return put_short(in, name) && properties(in, &n);
}

static int
digit64(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
				      : -1;
}

static bool
decode64(struct writer *w, struct span s)
{
	uint32_t v = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < s.len; i++) {
		int d = digit64(s.p[i]);
		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			writer_u8(w, (uint8_t)(v >> bits));
		}
	}
	return true;
}

/* U29 of at most 28 bits, section 1.3.1 of the AMF 3 specification. */
static void
write_u29(struct writer *w, uint32_t v)
{
	if (v >= 1U << 21) {
		writer_u8(w, (uint8_t)(0x80 | v >> 22));
		writer_u8(w, (uint8_t)(0x80 | v >> 15));
		writer_u8(w, (uint8_t)(0x80 | v >> 8));
		writer_u8(w, (uint8_t)v);
		return;
	}
	if (v >= 1U << 14)
		writer_u8(w, (uint8_t)(0x80 | v >> 14));
	if (v >= 1U << 7)
		writer_u8(w, (uint8_t)(0x80 | v >> 7));
	writer_u8(w, (uint8_t)(v & 0x7f));
}

static bool
mark_bytes(struct in *in)
{
	struct span s;
	if (!raw_string(in, &s) || s.len % 4 != 0 || s.len > 1 << 24)
		return false;
	for (unsigned i = 0; i < 2 && s.len > 0 && s.p[s.len - 1] == '='; i++)
		s.len--;
	writer_u8(in->w, AMF0_AVMPLUS);
	writer_u8(in->w, AMF3_BYTE_ARRAY);
	write_u29(in->w, (uint32_t)(s.len * 3 / 4) << 1 | 1);
	return decode64(in->w, s);
}

static bool
mark_xml(struct in *in)
{
	struct span s;
	return raw_string(in, &s) && put_long(in, s, AMF0_XML);
}

static bool
mark_reference(struct in *in)
{
	double v;
	amf0_write_undefined(in->w);
	return number(in, &v);
}

static bool
mark_value(struct in *in, struct span kind, struct span name)
{
	if (span_is(kind, "number"))
		return mark_number(in);
	if (span_is(kind, "date"))
		return mark_date(in);
	if (span_is(kind, "array"))
		return mark_array(in);
	if (span_is(kind, "xml"))
		return mark_xml(in);
	if (span_is(kind, "bytes"))
		return mark_bytes(in);
	if (span_is(kind, "object"))
		return mark_object(in, name);
	if (span_is(kind, "reference"))
		return mark_reference(in);
	return span_is(kind, "dictionary") && value(in);
}

/* {"$":KIND[,"class":NAME][,"v":VALUE]}, behind the first name. */
static bool
mark(struct in *in)
{
	struct span kind, key, name = { "", 0 };
	if (!take(in, ':') || !raw_string(in, &kind))
		return false;
	if (span_is(kind, "undefined")) {
		amf0_write_undefined(in->w);
		return take(in, '}');
	}
	if (!take(in, ',') || !raw_string(in, &key))
		return false;
	if (span_is(key, "class") &&
	    (!take(in, ':') || !raw_string(in, &name) || !take(in, ',') ||
		!raw_string(in, &key)))
		return false;
	return span_is(key, "v") && take(in, ':') &&
	       mark_value(in, kind, name) && take(in, '}');
}

static bool
object(struct in *in)
{
	struct span name;
	uint32_t n = 0;
	bool ok;
	if (!enter(in))
		return false;
	if (take(in, '}')) {
		amf0_object_begin(in->w);
		amf0_object_end(in->w);
		ok = true;
	} else if (!raw_string(in, &name)) {
		return false;
	} else if (span_is(name, "$")) {
		ok = mark(in);
	} else {
		amf0_object_begin(in->w);
		ok = members(in, name, &n);
		amf0_object_end(in->w);
	}
	in->depth--;
	return ok;
}

/* All. ----------------------------------------------------------------------------- */

static bool
value(struct in *in)
{
	struct span s;
	double v;
	blanks(in);
	if (in->p == in->end || !writer_ok(in->w) ||
	    ++in->values > AMFJSON_VALUES)
		return false;
	switch (*in->p) {
	case '{':
		in->p++;
		return object(in);
	case '[':
		in->p++;
		return array(in);
	case '"':
		return raw_string(in, &s) && put_long(in, s, AMF0_STRING);
	case 't':
		amf0_write_boolean(in->w, true);
		return word(in, "true");
	case 'f':
		amf0_write_boolean(in->w, false);
		return word(in, "false");
	case 'n':
		amf0_write_null(in->w);
		return word(in, "null");
	default:
		if (!number(in, &v))
			return false;
		amf0_write_number(in->w, v);
		return true;
	}
}

static bool
ended(struct in *in, bool ok)
{
	blanks(in);
	if (!ok || in->p != in->end)
		writer_fail(in->w);
	return writer_ok(in->w);
}

bool
amfjson_parse(struct writer *w, struct span json)
{
	struct in in = { json.p, json.p + json.len, w, 0, 0 };
	return ended(&in, value(&in));
}

bool
amfjson_parse_args(struct writer *w, struct span json)
{
	struct in in = { json.p, json.p + json.len, w, 0, 0 };
	bool ok = take(&in, '[');
	if (ok && !take(&in, ']')) {
		do
			ok = value(&in);
		while (ok && take(&in, ','));
		ok = ok && take(&in, ']');
	}
	return ended(&in, ok);
}
