#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/route.h"

static bool
read_port(struct span s, uint16_t *port)
{
	uint32_t v = 0;
	if (span_is(s, "*")) {
		*port = 0;
		return true;
	}
	if (s.len == 0 || s.len > 5)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	*port = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

static bool
read_host(struct span s, char host[ROUTE_HOST])
{
	if (s.len == 0 || s.len >= ROUTE_HOST)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c >= 127 || strchr("/;?#@[]", c) != NULL)
			return false;
		if (c == '*' && s.len > 1)
			return false;
	}
	memcpy(host, s.p, s.len);
	host[s.len] = '\0';
	return true;
}

/* host, host:port, [v6], [v6]:port. */
static bool
read_side(struct span s, char host[ROUTE_HOST], uint16_t *port)
{
	*port = ROUTE_PORT;
	s = span_trim(s);
	if (s.len > 0 && s.p[0] == '[') {
		size_t close = span_find(s, ']');
		struct span rest = span_skip(s, close + 1);
		return close < s.len &&
		       read_host(span_head(span_skip(s, 1), close - 1), host) &&
		       strchr(host, ':') != NULL &&
		       (rest.len == 0 ||
			   (rest.p[0] == ':' &&
			       read_port(span_skip(rest, 1), port)));
	}
	size_t colon = span_find(s, ':');
	return read_host(span_head(s, colon), host) &&
	       (colon == s.len || read_port(span_skip(s, colon + 1), port));
}

int
route_parse(const char *text, struct conf_route *r, char *err, size_t errlen)
{
	struct span s = span_trim(span_of(text));
	size_t at = span_find(s, ';');
	struct span right = span_trim(span_skip(s, at + 1));
	memset(r, 0, sizeof *r);
	if (at == s.len ||
	    !read_side(span_head(s, at), r->from, &r->from_port)) {
		snprintf(err, errlen,
		    "HOST:PORT;HOST:PORT or HOST:PORT;null, where * is any "
		    "host or any port");
		return -1;
	}
	if (span_is(right, "null")) {
		r->null = true;
		return 0;
	}
	if (read_side(right, r->to, &r->to_port))
		return 0;
	snprintf(err, errlen,
	    "HOST:PORT or null behind the semicolon, where * is the host or "
	    "the port that came");
	return -1;
}

static size_t
print_side(const char *host, uint16_t port, char *text, size_t len)
{
	const char *open = strchr(host, ':') ? "[" : "",
		   *close = *open ? "]" : "";
	int n = port ? snprintf(text, len, "%s%s%s:%u", open, host, close, port)
		     : snprintf(text, len, "%s%s%s:*", open, host, close);
	return n > 0 ? (size_t)n : 0;
}

void
route_print(const struct conf_route *r, char text[ROUTE_TEXT])
{
	size_t n = print_side(r->from, r->from_port, text, ROUTE_TEXT);
	text[n++] = ';';
	if (r->null)
		snprintf(text + n, ROUTE_TEXT - n, "null");
	else
		(void)print_side(r->to, r->to_port, text + n, ROUTE_TEXT - n);
}

static bool
matches(const struct conf_route *r, struct span host, uint16_t port)
{
	if (r->from_port != 0 && r->from_port != port)
		return false;
	return strcmp(r->from, "*") == 0 ||
	       (strlen(r->from) == host.len &&
		   strncasecmp(r->from, host.p, host.len) == 0);
}

uint32_t
route_match(const struct conf_route *table, uint32_t n, struct span host,
    uint16_t port, struct route_hop *hops, uint32_t max)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < n && found < max; i++) {
		const struct conf_route *r = &table[i];
		if (!matches(r, host, port))
			continue;
		struct route_hop *h = &hops[found++];
		h->host = strcmp(r->to, "*") == 0 ? host : span_of(r->to);
		h->port = r->to_port ? r->to_port : port;
		h->null = r->null;
		h->protocol = (enum route_protocol)r->protocol;
		h->entry = i;
		if (r->null)
			break;
	}
	return found;
}

/* Does a match whatever b matches? */
static bool
covers(const struct conf_route *a, const struct conf_route *b)
{
	return (a->from_port == 0 || a->from_port == b->from_port) &&
	       (strcmp(a->from, "*") == 0 || strcasecmp(a->from, b->from) == 0);
}

static bool
same_target(const struct conf_route *a, const struct conf_route *b)
{
	return a->null == b->null && a->to_port == b->to_port &&
	       a->protocol == b->protocol && strcasecmp(a->to, b->to) == 0;
}

const char *
route_useless(const struct conf_route *table, uint32_t i, uint32_t *by)
{
	for (uint32_t k = 0; k < i; k++) {
		*by = k;
		if (!covers(&table[k], &table[i]))
			continue;
		if (table[k].null)
			return "can never match: an entry before it refuses "
			       "all that it matches";
		if (same_target(&table[k], &table[i]))
			return "is never of use: an entry before it leads to "
			       "the same place";
	}
	return NULL;
}
