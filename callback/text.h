/*
 * text - a string that grows, for the bodies of requests.  When there is no
 * memory it is broken, and says so at the end.
 * Context: any.
 */
#ifndef CALLBACK_TEXT_H
#define CALLBACK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cursor.h"

struct text {
	char *p; /* the caller's, to be given to free() */
	size_t len, cap;
	bool broken;
};

void text_add(struct text *t, struct span s);
void text_printf(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Add s as nginx escapes what stands in arguments (RFC 3986 without its reserved
 * characters that mean nothing in a form).
 */
void text_escape(struct text *t, struct span s);

#endif
