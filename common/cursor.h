/*
 * cursor - bounds-checked reading and writing of bytes, for every parser and
 * serializer.  The error is sticky: use many calls, then ask once.  After an
 * error a reader gives zeros and empty spans, a writer writes nothing.
 * Context: any; no allocation, no globals; the bytes belong to the caller.
 */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of somebody else, not terminated; p is never NULL when len > 0. */
struct span {
	const char *p;
	size_t len;
};

struct reader {
	const uint8_t *p, *end;
	bool bad; /* something was read past the end */
};

struct writer {
	uint8_t *buf;
	size_t cap, len;
	bool bad; /* something did not fit, or was out of range */
};

/* Of ASCII letters, whatever the locale. */
static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

struct span span_of(const char *text);
bool span_is(struct span s, const char *text);
bool span_equal(struct span a, struct span b);
/* The same, but for the case of ASCII letters. */
bool span_equal_case(struct span a, struct span b);
/* Offset of the first byte c in s, or s.len. */
size_t span_find(struct span s, char c);
/* s without its first n bytes, at most all of them; its first n bytes. */
struct span span_skip(struct span s, size_t n);
struct span span_head(struct span s, size_t n);
/* Without white space (isspace(3)) at either end. */
struct span span_trim(struct span s);

void reader_init(struct reader *r, const void *buf, size_t len);
bool reader_ok(const struct reader *r);
size_t reader_left(const struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u24(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint32_t reader_u32le(struct reader *r);
double reader_double(struct reader *r);
/* The next n bytes in place, or NULL and the error when fewer are left. */
const uint8_t *reader_bytes(struct reader *r, size_t n);
struct span reader_span(struct reader *r, size_t n);
void reader_fail(struct reader *r);

void writer_init(struct writer *w, void *buf, size_t cap);
bool writer_ok(const struct writer *w);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
/* v above 24 bits is an error. */
void writer_u24(struct writer *w, uint32_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u32le(struct writer *w, uint32_t v);
void writer_double(struct writer *w, double v);
void writer_bytes(struct writer *w, const void *p, size_t n);
void writer_span(struct writer *w, struct span s);
/*
 * Take n bytes to be filled in by the caller.
 * Returns	where they begin, valid until the next call, or NULL and the
 *		error when they do not fit
 */
uint8_t *writer_space(struct writer *w, size_t n);
void writer_fail(struct writer *w);

#endif
