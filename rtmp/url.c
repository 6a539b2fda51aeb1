#include "config.h"

#include "rtmp/url.h"

static const struct span empty = { "", 0 };

bool
url_same_host(struct span a, struct span b)
{
	return span_equal_case(a, b);
}

/* Blanks and control bytes have no place in an address. */
static bool
printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static struct span
trim_front(struct span s, char c)
{
	while (s.len > 0 && s.p[0] == c)
		s = span_skip(s, 1);
	return s;
}

static struct span
trim_back(struct span s, char c)
{
	while (s.len > 0 && s.p[s.len - 1] == c)
		s.len--;
	return s;
}

/* Cut s at the first c: the part before stays, the part behind is returned. */
static struct span
cut(struct span *s, char c)
{
	size_t at = span_find(*s, c);
	struct span behind = span_skip(*s, at + 1);
	if (at == s->len)
		return empty;
	*s = span_head(*s, at);
	return behind;
}

static bool
read_port(struct span s, uint16_t *port)
{
	uint32_t v = 0;
	if (s.len == 0 || s.len > 5)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	if (v == 0 || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	return true;
}

/* host, host:port, [v6], [v6]:port, :port or nothing. */
static bool
split_host(struct span s, struct span *host, uint16_t *port)
{
	*port = 0;
	if (s.len > 0 && s.p[0] == '[') {
		size_t close = span_find(s, ']');
		if (close == s.len)
			return false;
		*host = span_head(span_skip(s, 1), close - 1);
		s = span_skip(s, close + 1);
		return s.len == 0 ||
		       (s.p[0] == ':' && read_port(span_skip(s, 1), port));
	}
	size_t colon = span_find(s, ':');
	*host = span_head(s, colon);
	return colon == s.len || read_port(span_skip(s, colon + 1), port);
}

/*
 * scheme ":" ["//" authority] ["/" path]; path comes back without its
 * leading slashes, query included.
 */
static bool
split_front(struct span s, struct span *scheme, struct span *host,
    uint16_t *port, struct span *path)
{
	size_t colon = span_find(s, ':');
	if (colon == 0 || colon == s.len || !printable(s))
		return false;
	*scheme = span_head(s, colon);
	*host = empty;
	*port = 0;
	s = span_skip(s, colon + 1);
	if (s.len >= 2 && s.p[0] == '/' && s.p[1] == '/') {
		s = span_skip(s, 2);
		/* A query may follow the host at once. */
		size_t slash = span_find(s, '/'), mark = span_find(s, '?');
		size_t at = slash < mark ? slash : mark;
		if (!split_host(span_head(s, at), host, port))
			return false;
		s = span_skip(s, at);
	} else if (s.len == 0 || s.p[0] != '/') {
		return false;
	}
	*path = trim_front(s, '/');
	return true;
}

void
url_split_app(struct span s, struct url_app *a)
{
	a->query = cut(&s, '?');
	a->app = trim_back(trim_front(s, '/'), '/');
	a->instance = trim_front(cut(&a->app, '/'), '/');
	if (a->instance.len == 0)
		a->instance = span_of("_definst_");
}

bool
url_split_tc(struct span s, struct url_tc *u)
{
	*u = (struct url_tc){ empty, empty, 0, empty, empty, empty, empty };
	if (!split_front(s, &u->scheme, &u->host, &u->port, &u->path))
		return false;
	struct url_app a;
	url_split_app(u->path, &a);
	u->app = a.app;
	u->instance = a.instance;
	u->query = a.query;
	return true;
}

bool
url_split_stream(struct span s, struct url_stream *u)
{
	struct span path;
	*u = (struct url_stream){ empty, empty, 0, empty, empty, empty };
	if (!split_front(s, &u->scheme, &u->host, &u->port, &path))
		return false;
	if (u->port == 0)
		u->port = URL_PORT;
	/* A slash or a colon of the query divides nothing. */
	struct span plain = span_head(path, span_find(path, '?'));
	size_t at = span_find(plain, '/');
	if (at == plain.len)
		return false;
	struct span rest = span_skip(plain, at + 1);
	size_t slash = span_find(rest, '/');
	if (slash < rest.len && span_find(rest, ':') > slash)
		at += 1 + slash;
	u->app = span_head(path, at);
	u->stream = span_skip(path, at + 1);
	u->tc_url = span_head(s, (size_t)(u->app.p - s.p) + u->app.len);
	return u->host.len > 0 && u->app.len > 0 && u->stream.len > 0;
}

void
url_split_name(struct span s, struct url_name *n)
{
	n->name = trim_front(s, '/');
	n->query = cut(&n->name, '?');
}

bool
url_query(struct span query, const char *name, struct span *value)
{
	while (query.len > 0) {
		struct span item = query;
		query = cut(&item, '&');
		*value = cut(&item, '=');
		if (span_is(item, name))
			return true;
	}
	return false;
}

struct span
url_strip_prefix(struct span name)
{
	static const char *const prefixes[] = {
		"mp4:", "flv:", "mp3:", "id3:", "raw:"
	};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (name.len >= 4 && span_is(span_head(name, 4), prefixes[i]))
			return span_skip(name, 4);
	return name;
}
