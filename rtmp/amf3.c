#include "config.h"

#include <string.h>

#include "rtmp/amf3.h"

struct skip {
	struct amf3_level stack[AMF3_DEPTH_MAX];
	unsigned depth;
};

void
amf3_init(struct amf3 *a, struct amf3_tables *t, const void *buf, size_t len)
{
	reader_init(&a->r, buf, len);
	a->t = t;
	a->n = (struct amf3_mark){ 0, 0, 0 };
	a->values = 0;
}

/* 1 to 4 bytes, section 1.3.1. */
static uint32_t
read_u29(struct reader *r)
{
	uint32_t v = 0;
	for (int i = 0; i < 3; i++) {
		uint8_t b = reader_u8(r);
		v = v << 7 | (b & 0x7f);
		if ((b & 0x80) == 0)
			return v;
	}
	return v << 8 | reader_u8(r);
}

static double
signed29(uint32_t v)
{
	return v & 0x10000000 ? (double)v - 0x20000000 : (double)v;
}

/* What a failed read means, or AMF0_OK. */
static enum amf0_result
state_of(const struct amf3 *a)
{
	return reader_ok(&a->r) ? AMF0_OK : AMF0_MALFORMED;
}

/* A string without its marker (1.3.2): in place, or a reference. */
static enum amf0_result
read_string(struct amf3 *a, struct span *s)
{
	uint32_t u = read_u29(&a->r);
	*s = (struct span){ "", 0 };
	if (!reader_ok(&a->r))
		return AMF0_MALFORMED;
	if ((u & 1) == 0) {
		if (u >> 1 >= a->n.strings)
			return AMF0_MALFORMED;
		if (u >> 1 >= AMF3_STRINGS_MAX)
			return AMF0_TOO_MANY;
		*s = a->t->strings[u >> 1];
		return AMF0_OK;
	}
	*s = reader_span(&a->r, u >> 1);
	/* The empty string is never referred to. */
	if (s->len == 0)
		return state_of(a);
	if (a->n.strings < AMF3_STRINGS_MAX)
		a->t->strings[a->n.strings] = *s;
	a->n.strings++;
	return AMF0_OK;
}

/*
 * The number that begins every object, array and so on: a reference, or what
 * its upper 28 bits say.  Sets v->reference.
 */
static enum amf0_result
read_head(struct amf3 *a, struct amf3_value *v, uint32_t *rest)
{
	uint32_t u = read_u29(&a->r);
	*rest = u >> 1;
	if (!reader_ok(&a->r))
		return AMF0_MALFORMED;
	v->reference = (u & 1) == 0;
	if (!v->reference) {
		a->n.objects++;
		return AMF0_OK;
	}
	v->number = *rest;
	return *rest < a->n.objects ? AMF0_OK : AMF0_MALFORMED;
}

static enum amf0_result
push(struct skip *s, const struct amf3_level *l)
{
	if (s->depth == AMF3_DEPTH_MAX)
		return AMF0_TOO_DEEP;
	s->stack[s->depth++] = *l;
	return AMF0_OK;
}

static struct amf3_level
level_of(uint32_t left)
{
	struct amf3_level l = { .left = left };
	reader_init(&l.names, NULL, 0);
	reader_fail(&l.names);
	return l;
}

/* Traits in place, section 3.12: class, then the names of sealed members. */
static enum amf0_result
read_trait(struct amf3 *a, uint32_t u, struct amf3_trait *t)
{
	*t = (struct amf3_trait){ .external = (u & 4) != 0 };
	enum amf0_result e = read_string(a, &t->class_name);
	if (e != AMF0_OK)
		return e;
	if (!t->external) {
		t->dynamic = (u & 8) != 0;
		t->count = u >> 4;
	}
	t->names = a->r.p;
	/* Each name takes a byte at least, and so does each value. */
	if (t->count > reader_left(&a->r) / 2)
		return AMF0_MALFORMED;
	struct span name;
	for (uint32_t i = 0; i < t->count && e == AMF0_OK; i++)
		e = read_string(a, &name);
	if (e != AMF0_OK)
		return e;
	if (a->n.traits < AMF3_TRAITS_MAX)
		a->t->traits[a->n.traits] = *t;
	a->n.traits++;
	return AMF0_OK;
}

static bool
is_wrapper(struct span class_name)
{
	return span_is(class_name, "flex.messaging.io.ArrayCollection") ||
	       span_is(class_name, "flex.messaging.io.ArrayList") ||
	       span_is(class_name, "flex.messaging.io.ObjectProxy");
}

static enum amf0_result
read_object(struct amf3 *a, struct skip *s, struct amf3_value *v)
{
	struct amf3_trait t;
	uint32_t u;
	enum amf0_result e = read_head(a, v, &u);
	if (e != AMF0_OK || v->reference)
		return e;
	u = u << 1 | 1; /* the bits as they are numbered in 3.12 */
	if (u & 2) {
		e = read_trait(a, u, &t);
		if (e != AMF0_OK)
			return e;
	} else {
		if (u >> 2 >= a->n.traits)
			return AMF0_MALFORMED;
		if (u >> 2 >= AMF3_TRAITS_MAX)
			return AMF0_TOO_MANY;
		t = a->t->traits[u >> 2];
	}
	v->str = t.class_name;
	struct amf3_level l = level_of(t.count);
	if (t.external) {
		if (!is_wrapper(t.class_name))
			return AMF0_UNSUPPORTED;
		l.left = 1;
	} else {
		l.names = a->r;
		l.names.p = t.names;
		l.keyed = t.dynamic;
	}
	v->count = l.left;
	return push(s, &l);
}

static enum amf0_result
read_array(struct amf3 *a, struct skip *s, struct amf3_value *v)
{
	enum amf0_result e = read_head(a, v, &v->count);
	if (e != AMF0_OK || v->reference)
		return e;
	if (v->count > reader_left(&a->r))
		return AMF0_MALFORMED;
	struct amf3_level l = level_of(v->count);
	l.keyed = l.keyed_first = true;
	return push(s, &l);
}

static enum amf0_result
read_dictionary(struct amf3 *a, struct skip *s, struct amf3_value *v)
{
	enum amf0_result e = read_head(a, v, &v->count);
	if (e != AMF0_OK || v->reference)
		return e;
	reader_u8(&a->r); /* weak keys */
	if (!reader_ok(&a->r) || v->count > reader_left(&a->r) / 2)
		return AMF0_MALFORMED;
	struct amf3_level l = level_of(2 * v->count);
	l.dictionary = true;
	return push(s, &l);
}

static enum amf0_result
read_vector(struct amf3 *a, struct skip *s, struct amf3_value *v)
{
	enum amf0_result e = read_head(a, v, &v->count);
	if (e != AMF0_OK || v->reference)
		return e;
	reader_u8(&a->r); /* of fixed length */
	if (v->type != AMF3_VECTOR_OBJECT) {
		reader_bytes(&a->r,
		    (size_t)v->count * (v->type == AMF3_VECTOR_DOUBLE ? 8 : 4));
		return state_of(a);
	}
	e = read_string(a, &v->str);
	if (e != AMF0_OK)
		return e;
	if (v->count > reader_left(&a->r))
		return AMF0_MALFORMED;
	struct amf3_level l = level_of(v->count);
	return push(s, &l);
}

/* XML and byte arrays: a length, then bytes. */
static enum amf0_result
read_block(struct amf3 *a, struct amf3_value *v)
{
	uint32_t len;
	enum amf0_result e = read_head(a, v, &len);
	if (e != AMF0_OK || v->reference)
		return e;
	v->str = reader_span(&a->r, len);
	return state_of(a);
}

static enum amf0_result
read_date(struct amf3 *a, struct amf3_value *v)
{
	uint32_t unused;
	enum amf0_result e = read_head(a, v, &unused);
	if (e != AMF0_OK || v->reference)
		return e;
	v->number = reader_double(&a->r);
	return state_of(a);
}

static void
clear(struct amf3_value *v)
{
	*v = (struct amf3_value){ .type = AMF3_UNDEFINED, .str = { "", 0 } };
}

/* Marker and fixed part of one value; a container is pushed, not entered. */
static enum amf0_result
read_one(struct amf3 *a, struct skip *s, struct amf3_value *v)
{
	clear(v);
	v->raw = a->r.p;
	v->mark = a->n;
	uint8_t marker = reader_u8(&a->r);
	if (!reader_ok(&a->r))
		return AMF0_MALFORMED;
	if (++a->values > AMF3_VALUES_MAX)
		return AMF0_TOO_MANY;
	v->type = (enum amf3_type)marker;
	switch (marker) {
	case AMF3_UNDEFINED:
	case AMF3_NULL:
	case AMF3_FALSE:
	case AMF3_TRUE:
		return AMF0_OK;
	case AMF3_INTEGER:
		v->number = signed29(read_u29(&a->r));
		return state_of(a);
	case AMF3_DOUBLE:
		v->number = reader_double(&a->r);
		return state_of(a);
	case AMF3_STRING:
		return read_string(a, &v->str);
	case AMF3_DATE:
		return read_date(a, v);
	case AMF3_XML_DOC:
	case AMF3_XML:
	case AMF3_BYTE_ARRAY:
		return read_block(a, v);
	case AMF3_ARRAY:
		return read_array(a, s, v);
	case AMF3_OBJECT:
		return read_object(a, s, v);
	case AMF3_VECTOR_INT:
	case AMF3_VECTOR_UINT:
	case AMF3_VECTOR_DOUBLE:
	case AMF3_VECTOR_OBJECT:
		return read_vector(a, s, v);
	case AMF3_DICTIONARY:
		return read_dictionary(a, s, v);
	default:
		return AMF0_MALFORMED;
	}
}

/* A name out of the traits, all of which was read before. */
static struct span
sealed_name(const struct amf3 *a, struct amf3_level *l)
{
	if (!reader_ok(&l->names))
		return (struct span){ "", 0 };
	uint32_t u = read_u29(&l->names);
	return u & 1 ? reader_span(&l->names, u >> 1) : a->t->strings[u >> 1];
}

/*
 * Read up to the next value of the innermost container.
 * more		false if the container is over
 */
static enum amf0_result
next_in(struct amf3 *a, struct amf3_level *l, struct span *key, bool *more)
{
	*key = (struct span){ "", 0 };
	*more = true;
	if (l->keyed && (l->keyed_first || l->left == 0)) {
		enum amf0_result e = read_string(a, key);
		if (e != AMF0_OK || key->len > 0)
			return e;
		l->keyed = false;
	}
	*more = l->left > 0;
	if (*more) {
		l->left--;
		*key = sealed_name(a, l);
	}
	return AMF0_OK;
}

static enum amf0_result
skip_content(struct amf3 *a, struct skip *s)
{
	while (s->depth > 0) {
		struct span key;
		struct amf3_value inner;
		bool more;
		enum amf0_result e =
		    next_in(a, &s->stack[s->depth - 1], &key, &more);
		if (e == AMF0_OK && more)
			e = read_one(a, s, &inner);
		if (e != AMF0_OK)
			return e;
		if (!more)
			s->depth--;
	}
	return AMF0_OK;
}

enum amf0_result
amf3_read(struct amf3 *a, struct amf3_value *v)
{
	clear(v);
	if (!reader_ok(&a->r))
		return AMF0_MALFORMED;
	if (reader_left(&a->r) == 0)
		return AMF0_END;
	/* The stack is not cleared: depth says what of it counts. */
	struct skip s;
	s.depth = 0;
	enum amf0_result e = read_one(a, &s, v);
	if (e == AMF0_OK)
		e = skip_content(a, &s);
	if (e != AMF0_OK) {
		clear(v);
		reader_fail(&a->r);
		return e;
	}
	v->raw_end = a->r.p;
	return AMF0_OK;
}

bool
amf3_is_container(const struct amf3_value *v)
{
	return !v->reference &&
	       (v->type == AMF3_ARRAY || v->type == AMF3_OBJECT ||
		   v->type == AMF3_VECTOR_OBJECT || v->type == AMF3_DICTIONARY);
}

void
amf3_iter_init(
    struct amf3_iter *it, const struct amf3 *a, const struct amf3_value *v)
{
	struct amf3_value again;
	struct skip s;
	s.depth = 0;
	it->level = level_of(0);
	amf3_init(&it->a, a->t, v->raw, (size_t)(v->raw_end - v->raw));
	it->a.n = v->mark;
	if (!amf3_is_container(v) || read_one(&it->a, &s, &again) != AMF0_OK)
		reader_fail(&it->a.r);
	else
		it->level = s.stack[0];
}

bool
amf3_iter_next(struct amf3_iter *it, struct span *key, struct amf3_value *v)
{
	bool more;
	clear(v);
	*key = (struct span){ "", 0 };
	if (!reader_ok(&it->a.r))
		return false;
	if (next_in(&it->a, &it->level, key, &more) != AMF0_OK || !more)
		goto over;
	if (it->level.dictionary) {
		if (amf3_read(&it->a, v) != AMF0_OK)
			goto over;
		if (v->type == AMF3_STRING)
			*key = v->str;
		it->level.left--;
	}
	/* The limit of the whole value was kept when it was read. */
	it->a.values = 0;
	if (amf3_read(&it->a, v) == AMF0_OK)
		return true;
over:
	reader_fail(&it->a.r);
	return false;
}

bool
amf3_find(const struct amf3 *a, const struct amf3_value *v, const char *key,
    struct amf3_value *out)
{
	struct amf3_iter it;
	struct span k;
	amf3_iter_init(&it, a, v);
	while (amf3_iter_next(&it, &k, out))
		if (span_is(k, key))
			return true;
	clear(out);
	return false;
}

void
amf3_as_amf0(const struct amf3_value *v, struct amf0_value *out)
{
	out->type = AMF0_AVMPLUS;
	out->boolean = v->type == AMF3_TRUE;
	out->number = v->number;
	out->str = v->str;
	if (v->reference)
		return;
	switch (v->type) {
	case AMF3_UNDEFINED:
		out->type = AMF0_UNDEFINED;
		break;
	case AMF3_NULL:
		out->type = AMF0_NULL;
		break;
	case AMF3_FALSE:
	case AMF3_TRUE:
		out->type = AMF0_BOOLEAN;
		break;
	case AMF3_INTEGER:
	case AMF3_DOUBLE:
		out->type = AMF0_NUMBER;
		break;
	case AMF3_STRING:
		out->type =
		    v->str.len > UINT16_MAX ? AMF0_LONG_STRING : AMF0_STRING;
		break;
	case AMF3_DATE:
		out->type = AMF0_DATE;
		break;
	case AMF3_XML_DOC:
	case AMF3_XML:
		out->type = AMF0_XML;
		break;
	case AMF3_ARRAY:
	case AMF3_OBJECT:
	case AMF3_BYTE_ARRAY:
	case AMF3_VECTOR_INT:
	case AMF3_VECTOR_UINT:
	case AMF3_VECTOR_DOUBLE:
	case AMF3_VECTOR_OBJECT:
	case AMF3_DICTIONARY:
		break;
	}
}
