#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "script/json.h"

enum { REPLACEMENT = 0xfffd };

static void
hex(char *to, uint32_t unit)
{
	static const char digit[] = "0123456789abcdef";
	to[0] = '\\';
	to[1] = 'u';
	for (unsigned i = 0; i < 4; i++)
		to[2 + i] = digit[unit >> (12 - 4 * i) & 15];
}

static bool
is_more(const unsigned char *s, size_t i, size_t len)
{
	return i < len && (s[i] & 0xc0) == 0x80;
}

/* One sequence of bytes; *n of them. */
static uint32_t
decode(const unsigned char *s, size_t len, size_t *n)
{
	*n = 1;
	if ((s[0] & 0xe0) == 0xc0 && is_more(s, 1, len)) {
		*n = 2;
		return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3fU);
	}
	if ((s[0] & 0xf0) == 0xe0 && is_more(s, 1, len) && is_more(s, 2, len)) {
		*n = 3;
		return (uint32_t)(s[0] & 0x0f) << 12 |
		       (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3fU);
	}
	if ((s[0] & 0xf8) == 0xf0 && is_more(s, 1, len) && is_more(s, 2, len) &&
	    is_more(s, 3, len)) {
		*n = 4;
		return (uint32_t)(s[0] & 0x07) << 18 |
		       (uint32_t)(s[1] & 0x3f) << 12 |
		       (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3fU);
	}
	return REPLACEMENT;
}

static bool
is_high(uint32_t u)
{
	return u >= 0xd800 && u < 0xdc00;
}

static bool
is_low(uint32_t u)
{
	return u >= 0xdc00 && u < 0xe000;
}

/* Two units; half a pair is none. */
static size_t
put_pair(char *to, uint32_t high, uint32_t low)
{
	hex(to, high);
	hex(to + 6, low);
	return 12;
}

static size_t
put_unit(char *to, uint32_t u)
{
	if (u >= 0x10000 && u <= 0x10ffff)
		return put_pair(to, 0xd800 + ((u - 0x10000) >> 10),
		    0xdc00 + ((u - 0x10000) & 0x3ff));
	hex(to, u > 0xffff || is_high(u) || is_low(u) ? REPLACEMENT : u);
	return 6;
}

/* Is this the text of half a pair, \ud800 to \udfff?  The engine writes so. */
static uint32_t
escaped(const char *s, size_t len)
{
	uint32_t u = 0;
	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return 0;
	for (unsigned i = 2; i < 6; i++) {
		char c = s[i];
		uint32_t v = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
			     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
			     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
						    : 16;
		if (v == 16)
			return 0;
		u = u << 4 | v;
	}
	return is_high(u) || is_low(u) ? u : 0;
}

/* A unit outside ASCII, or an escaped half; 0: neither.  *n bytes. */
static uint32_t
unit_at(const char *s, size_t len, size_t *n)
{
	if ((unsigned char)s[0] >= 0x80) {
		uint32_t u = decode((const unsigned char *)s, len, n);
		return u < 0x80 ? REPLACEMENT : u;
	}
	*n = 6;
	return escaped(s, len);
}

size_t
json_ascii(char *to, size_t cap, const char *from, size_t len)
{
	size_t o = 0;
	for (size_t i = 0; i < len;) {
		size_t n, m;
		if (cap < 14 || o > cap - 14)
			return 0;
		uint32_t u = unit_at(from + i, len - i, &n);
		if (u == 0 && from[i] == '\\' && i + 1 < len) {
			to[o++] = from[i++]; /* an escape is not looked into */
			to[o++] = from[i++];
			continue;
		}
		if (u == 0) {
			to[o++] = from[i++];
			continue;
		}
		i += n;
		uint32_t low =
		    is_high(u) && i < len ? unit_at(from + i, len - i, &m) : 0;
		if (is_low(low)) {
			o += put_pair(to + o, u, low);
			i += m;
		} else {
			o += put_unit(to + o, u);
		}
	}
	return o;
}

size_t
json_quote(char *to, size_t cap, const char *text)
{
	size_t o = 0;
	if (cap < 2)
		return 0;
	to[o++] = '"';
	for (; *text != '\0' && o + 14 < cap; text++) {
		unsigned char c = (unsigned char)*text;
		if (c >= 0x80 || c < 0x20) {
			hex(to + o, c >= 0x80 ? REPLACEMENT : c);
			o += 6;
		} else {
			if (c == '"' || c == '\\')
				to[o++] = '\\';
			to[o++] = (char)c;
		}
	}
	to[o++] = '"';
	return o;
}
