#include "config.h"

#include <ctype.h>
#include <string.h>

#include "common/cursor.h"

struct span
span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

bool
span_is(struct span s, const char *text)
{
	return span_equal(s, span_of(text));
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
span_equal_case(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

size_t
span_find(struct span s, char c)
{
	const char *at = s.len > 0 ? memchr(s.p, c, s.len) : NULL;
	return at != NULL ? (size_t)(at - s.p) : s.len;
}

struct span
span_skip(struct span s, size_t n)
{
	if (n > s.len)
		n = s.len;
	/* NULL + 0 is undefined in C. */
	return n == 0 ? s : (struct span){ s.p + n, s.len - n };
}

struct span
span_head(struct span s, size_t n)
{
	return (struct span){ s.p, n < s.len ? n : s.len };
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && isspace((unsigned char)s.p[0]))
		s = span_skip(s, 1);
	while (s.len > 0 && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

void
reader_init(struct reader *r, const void *buf, size_t len)
{
	static const uint8_t nothing;
	r->p = len > 0 ? buf : &nothing;
	r->end = r->p + len;
	r->bad = false;
}

bool
reader_ok(const struct reader *r)
{
	return !r->bad;
}

size_t
reader_left(const struct reader *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

void
reader_fail(struct reader *r)
{
	r->bad = true;
}

const uint8_t *
reader_bytes(struct reader *r, size_t n)
{
	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += n;
	return p;
}

struct span
reader_span(struct reader *r, size_t n)
{
	const uint8_t *p = reader_bytes(r, n);
	return p != NULL ? (struct span){ (const char *)p, n }
			 : (struct span){ "", 0 };
}

uint8_t
reader_u8(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 1);
	return p != NULL ? p[0] : 0;
}

uint16_t
reader_u16(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 2);
	return (uint16_t)(p != NULL ? (unsigned)p[0] << 8 | p[1] : 0u);
}

uint32_t
reader_u24(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 3);
	return p != NULL ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]
			 : 0;
}

uint32_t
reader_u32(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 4);
	return p != NULL ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3]
			 : 0;
}

uint32_t
reader_u32le(struct reader *r)
{
	return __builtin_bswap32(reader_u32(r));
}

double
reader_double(struct reader *r)
{
	uint64_t bits = (uint64_t)reader_u32(r) << 32;
	bits |= reader_u32(r);
	if (r->bad)
		return 0;
	double v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

void
writer_init(struct writer *w, void *buf, size_t cap)
{
	w->buf = buf;
	w->cap = cap;
	w->len = 0;
	w->bad = false;
}

bool
writer_ok(const struct writer *w)
{
	return !w->bad;
}

void
writer_fail(struct writer *w)
{
	w->bad = true;
}

uint8_t *
writer_space(struct writer *w, size_t n)
{
	if (w->bad || w->cap - w->len < n) {
		w->bad = true;
		return NULL;
	}
	uint8_t *p = w->buf + w->len;
	w->len += n;
	return p;
}

void
writer_bytes(struct writer *w, const void *p, size_t n)
{
	uint8_t *to = n > 0 ? writer_space(w, n) : NULL;
	if (to != NULL)
		memcpy(to, p, n);
}

void
writer_span(struct writer *w, struct span s)
{
	writer_bytes(w, s.p, s.len);
}

void
writer_u8(struct writer *w, uint8_t v)
{
	writer_bytes(w, &v, 1);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	writer_bytes(w, b, sizeof(b));
}

void
writer_u24(struct writer *w, uint32_t v)
{
	uint8_t b[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	if (v > 0xffffff)
		w->bad = true;
	writer_bytes(w, b, sizeof(b));
}

void
writer_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };
	writer_bytes(w, b, sizeof(b));
}

void
writer_u32le(struct writer *w, uint32_t v)
{
	writer_u32(w, __builtin_bswap32(v));
}

void
writer_double(struct writer *w, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof(bits));
	writer_u32(w, (uint32_t)(bits >> 32));
	writer_u32(w, (uint32_t)bits);
}
