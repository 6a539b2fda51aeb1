#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback/text.h"

/* Room for n bytes and a NUL. */
static bool
grow(struct text *t, size_t n)
{
	if (t->broken || n > SIZE_MAX / 4)
		return false;
	if (t->len + n < t->cap)
		return true;
	size_t cap = t->cap ? t->cap : 256;
	while (cap <= t->len + n)
		cap *= 2;
	char *p = realloc(t->p, cap);
	if (p == NULL) {
		t->broken = true;
		return false;
	}
	t->p = p;
	t->cap = cap;
	return true;
}

void
text_add(struct text *t, struct span s)
{
	if (!grow(t, s.len))
		return;
	if (s.len > 0)
		memcpy(t->p + t->len, s.p, s.len);
	t->len += s.len;
	t->p[t->len] = '\0';
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof buf)
		t->broken = true;
	else
		text_add(t, (struct span){ buf, (size_t)n });
}

static bool
is_escaped(unsigned char c)
{
	return c <= 32 || c >= 127 || strchr("\"#%&+;<>?\\^`{|}", c) != NULL;
}

void
text_escape(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (is_escaped(c))
			text_printf(t, "%%%02X", c);
		else
			text_add(t, (struct span){ s.p + i, 1 });
	}
}
