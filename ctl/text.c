#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/text.h"

/*
 * Decode the character at s (n bytes left).  Returns its bytes, or 0 if they
 * are not UTF-8 (RFC 3629: no surrogates, nothing overlong).
 */
static size_t
decode(const unsigned char *s, size_t n, uint32_t *c)
{
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	if (len == 0 || len > n)
		return 0;
	*c = len == 1 ? s[0] : s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && *c < 0x800) || (len == 4 && *c < 0x10000) ||
	    (*c >= 0xd800 && *c < 0xe000) || *c > 0x10ffff)
		return 0;
	return len;
}

/* Would it move the cursor, or change how its neighbours are shown? */
static bool
is_unsafe(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* The escape of a character, or of one byte that is none (len 0). */
static void
escape(char out[16], uint32_t c, size_t len)
{
	const char *at = strchr("\n\r\t\\", (int)(c < 0x80 ? c : 0));
	if (len == 1 && c != 0 && at)
		snprintf(
		    out, 16, "\\%c", "nrt\\"[at - strchr("\n\r\t\\", '\n')]);
	else if (len > 1)
		snprintf(out, 16, "\\u{%04x}", (unsigned)c);
	else
		snprintf(out, 16, "\\x%02x", (unsigned)c);
}

size_t
text_safe(char *buf, size_t cap, const char *s, size_t len)
{
	size_t o = 0;
	for (size_t i = 0; i < len;) {
		char out[16];
		uint32_t c = 0;
		const unsigned char *p = (const unsigned char *)s + i;
		size_t n = decode(p, len - i, &c);
		bool plain = n > 0 && c >= 0x20 && c != 0x7f && c != '\\' &&
			     !is_unsafe(c);
		if (!plain)
			escape(out, n ? c : *p, n);
		size_t add = plain ? n : strlen(out);
		if (o + add + 1 > cap)
			break;
		memcpy(buf + o, plain ? s + i : out, add);
		o += add;
		i += n ? n : 1;
	}
	if (cap)
		buf[o] = '\0';
	return o;
}

size_t
text_width(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* v in the largest unit that leaves at least 1, with three digits. */
static void
scaled(char *buf, size_t cap, uint64_t v, double step, const char *const *unit,
    unsigned units)
{
	double d = (double)v;
	unsigned u = 0;
	while (u + 1 < units && d >= (u ? step - 0.5 : step)) {
		d /= step;
		u++;
	}
	int decimals = u == 0 || d >= 99.95 ? 0 : d >= 9.995 ? 1 : 2;
	snprintf(buf, cap, "%.*f %s", decimals, d, unit[u]);
}

void
text_bytes(char *buf, size_t cap, uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB", "EiB" };
	scaled(buf, cap, bytes, 1024, unit, 7);
}

void
text_rate(char *buf, size_t cap, uint64_t bits)
{
	static const char *const unit[] = { "bit/s", "kbit/s", "Mbit/s",
		"Gbit/s", "Tbit/s", "Pbit/s", "Ebit/s" };
	scaled(buf, cap, bits, 1000, unit, 7);
}

void
text_age(char *buf, size_t cap, double seconds)
{
	if (!(seconds >= 0))
		seconds = 0;
	unsigned long long s = seconds < 1e15 ? (unsigned long long)seconds : 0;
	if (seconds < 9.95)
		snprintf(buf, cap, "%.1fs", seconds);
	else if (s < 60)
		snprintf(buf, cap, "%llus", s);
	else if (s < 3600)
		snprintf(buf, cap, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, cap, "%lluh%02llum", s / 3600, s % 3600 / 60);
	else
		snprintf(buf, cap, "%llud%02lluh", s / 86400, s % 86400 / 3600);
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

unsigned
text_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned row[32];
	if (na > 31 || nb > 31)
		return 99;
	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1,
			    diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[nb];
}

/* Digits at the beginning; false if there are none, or too many. */
static bool
leading(const char **s, uint64_t *n)
{
	const char *p = *s;
	*n = 0;
	while (*p >= '0' && *p <= '9' && p - *s < 15)
		*n = *n * 10 + (uint64_t)(*p++ - '0');
	bool any = p > *s;
	*s = p;
	return any;
}

uint64_t
text_seconds(const char *s)
{
	static const struct {
		const char *unit;
		uint64_t s;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 },
		{ "d", 86400 } };
	uint64_t n;
	if (!leading(&s, &n))
		return 0;
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(s, units[i].unit) == 0)
			return n <= UINT64_C(365) * 86400 / units[i].s
				   ? n * units[i].s
				   : 0;
	return 0;
}

bool
text_size(const char *s, uint64_t *bytes)
{
	static const char unit[] = "KMG";
	if (!leading(&s, bytes))
		return false;
	if (*s == '\0')
		return true;
	const char *u = strchr(unit, *s);
	if (u == NULL || s[1] != '\0')
		return false;
	*bytes <<= 10 * (u - unit + 1);
	return true;
}

bool
text_match(const char *pattern, const char *s)
{
	const char *star = NULL, *back = NULL;
	while (*s) {
		if (*pattern == '*') {
			star = pattern++;
			back = s;
		} else if (*pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
