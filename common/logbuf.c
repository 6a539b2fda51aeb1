#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/logbuf.h"

static void
add(struct logbuf *l, const char *s, size_t n)
{
	if (n > l->cap - l->used) {
		l->full = true;
		return;
	}
	memcpy(l->buf + l->used, s, n);
	l->used += n;
}

static void
add_format(struct logbuf *l, const char *s, int n)
{
	if (n > 0)
		add(l, s, (size_t)n);
}

void
logbuf_begin(struct logbuf *l, char *buf, size_t cap)
{
	*l = (struct logbuf){ .buf = buf, .cap = cap };
	add(l, "{", 1);
}

void
logbuf_name(struct logbuf *l, const char *name)
{
	if (l->used > 1)
		add(l, ",", 1);
	add(l, "\"", 1);
	add(l, name, strlen(name));
	add(l, "\":", 2);
}

void
logbuf_i64(struct logbuf *l, int64_t v)
{
	char s[24];
	add_format(l, s, snprintf(s, sizeof s, "%lld", (long long)v));
}

void
logbuf_u64(struct logbuf *l, uint64_t v)
{
	logbuf_i64(l, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void
logbuf_bool(struct logbuf *l, bool v)
{
	add(l, v ? "true" : "false", v ? 4 : 5);
}

void
logbuf_null(struct logbuf *l)
{
	add(l, "null", 4);
}

void
logbuf_real(struct logbuf *l, double v)
{
	char s[340];
	add_format(l, s, snprintf(s, sizeof s, "%.3f", isfinite(v) ? v : 0.0));
}

size_t
logbuf_utf8(const uint8_t *s, size_t n)
{
	size_t len = s[0] < 0x80		   ? 1
		     : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		     : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		     : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						   : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* One character of s as JSON into out.  Returns its length, *used of s. */
static size_t
escape(char out[8], const char *s, size_t len, size_t *used)
{
	const uint8_t *u = (const uint8_t *)s;
	*used = logbuf_utf8(u, len);
	if (*used == 0 || u[0] == 0) { /* many readers refuse \u0000 */
		*used = 1;
		memcpy(out, "\xef\xbf\xbd", 3);
		return 3;
	}
	if (u[0] == '"' || u[0] == '\\') {
		out[0] = '\\';
		out[1] = s[0];
		return 2;
	}
	if (u[0] < 0x20)
		return (size_t)snprintf(out, 8, "\\u%04x", u[0]);
	memcpy(out, s, *used);
	return *used;
}

void
logbuf_text(struct logbuf *l, const char *s, size_t len, size_t max)
{
	size_t end = l->used + 1 + max;
	add(l, "\"", 1);
	for (size_t i = 0, used; i < len && !l->full; i += used) {
		char out[8];
		size_t n = escape(out, s + i, len - i, &used);
		if (l->used + n > end)
			break;
		add(l, out, n);
	}
	add(l, "\"", 1);
}

void
logbuf_list(struct logbuf *l, const char *const *v, size_t n)
{
	add(l, "[", 1);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			add(l, ",", 1);
		logbuf_text(l, v[i], strlen(v[i]), LOGBUF_TEXT_MAX);
	}
	add(l, "]", 1);
}

size_t
logbuf_end(struct logbuf *l)
{
	add(l, "}", 1);
	return l->full ? 0 : l->used;
}
