/*
 * logbuf - builds one line of JSON in memory: no allocation, never malformed,
 * whatever the bytes are.  What does not fit marks the line as too long.
 */
#ifndef COMMON_LOGBUF_H
#define COMMON_LOGBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that one text takes at most in a line, quotes left out. */
enum { LOGBUF_TEXT_MAX = 1000 };

struct logbuf {
	char *buf;
	size_t cap, used;
	bool full;
};

/* Begin an object in buf. */
void logbuf_begin(struct logbuf *l, char *buf, size_t cap);

/* The name of a member, then exactly one value. */
void logbuf_name(struct logbuf *l, const char *name);

void logbuf_u64(struct logbuf *l, uint64_t v);
void logbuf_i64(struct logbuf *l, int64_t v);
void logbuf_bool(struct logbuf *l, bool v);
void logbuf_null(struct logbuf *l);
/* Three decimals; what is no finite number is 0. */
void logbuf_real(struct logbuf *l, double v);

/*
 * len bytes as a string: quotes, backslashes and control characters escaped,
 * NUL and bytes that are not UTF-8 become U+FFFD; cut at a character when it gets longer
 * than max.
 */
void logbuf_text(struct logbuf *l, const char *s, size_t len, size_t max);

void logbuf_list(struct logbuf *l, const char *const *v, size_t n);

/* End the object.  Returns its length, 0 if it did not fit. */
size_t logbuf_end(struct logbuf *l);

/* Length of the UTF-8 sequence at s (n > 0 bytes left), 0 if there is none. */
size_t logbuf_utf8(const uint8_t *s, size_t n);

#endif
