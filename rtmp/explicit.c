#include "config.h"

#include "rtmp/explicit.h"

static const struct span none = { "", 0 };

static struct span
trim(struct span s, char c)
{
	while (s.len > 0 && s.p[0] == c)
		s = span_skip(s, 1);
	while (s.len > 0 && s.p[s.len - 1] == c)
		s.len--;
	return s;
}

/* rtmp, rtmps, rtmpt, rtmpe, rtmpte, rtmpts, rtmfp are not told apart here. */
static bool
has_scheme(struct span s)
{
	size_t colon = span_find(s, ':');
	return colon >= 4 && colon <= 6 && colon + 1 < s.len &&
	       s.p[colon + 1] == '/' &&
	       url_same_host(span_head(s, 4), span_of("rtmp"));
}

/* s behind its slashes and a question mark, if an address follows it. */
static bool
behind_mark(struct span s, struct span *rest)
{
	while (s.len > 0 && s.p[0] == '/')
		s = span_skip(s, 1);
	if (s.len == 0 || s.p[0] != '?')
		return false;
	*rest = span_skip(s, 1);
	return has_scheme(*rest);
}

bool
explicit_find(struct span tc_url, struct span app, struct span *rest)
{
	struct url_tc tc;
	if (url_split_tc(tc_url, &tc) && behind_mark(tc.path, rest))
		return true;
	return behind_mark(app, rest);
}

static uint16_t
port_of(const struct url_tc *tc)
{
	if (tc->port != 0)
		return tc->port;
	return url_same_host(tc->scheme, span_of("rtmps")) ? 443 : URL_PORT;
}

bool
explicit_parse(struct span rest, struct explicit_url *u)
{
	struct url_tc tc;
	struct span next = rest;
	*u = (struct explicit_url){ .rest = rest };
	u->scheme = u->host = u->app = u->instance = u->query = none;
	for (;;) {
		if (!has_scheme(next) || !url_split_tc(next, &tc) ||
		    ++u->servers > EXPLICIT_SERVERS)
			return false;
		if (u->servers == 1) {
			u->scheme = tc.scheme;
			u->host = tc.host;
			u->port = port_of(&tc);
		}
		if (tc.host.len == 0) {
			/* "rtmp:/", that FFmpeg leaves */
			u->partial = tc.path.len == 0;
			return u->partial;
		}
		if (!behind_mark(tc.path, &next))
			break;
	}
	u->partial = tc.app.len == 0;
	/* a query without an application belongs to nothing */
	if (u->partial)
		return tc.path.len == 0;
	u->app = tc.app;
	u->instance = tc.instance;
	u->query = tc.query;
	return true;
}

/* The last address of s, which has one at least. */
static struct span
last_address(struct span s)
{
	struct url_tc tc;
	struct span next;
	while (url_split_tc(s, &tc) && behind_mark(tc.path, &next))
		s = next;
	return s;
}

/* Where the name of the stream begins: behind app, or app/instance. */
static bool
cut_stream(struct span whole, struct span *stream)
{
	struct url_tc tc;
	if (!url_split_tc(last_address(whole), &tc) || tc.host.len == 0)
		return false;
	struct span plain = span_head(tc.path, span_find(tc.path, '?'));
	size_t at = span_find(plain, '/');
	if (at == 0 || at == plain.len)
		return false;
	size_t more = span_find(span_skip(plain, at + 1), '/');
	if (more > 0 && at + 1 + more < plain.len)
		at += 1 + more;
	*stream = span_skip(tc.path, at + 1);
	return stream->len > 0 && stream->p[0] != '?';
}

bool
explicit_join(struct span rest, struct span name, char *out, size_t size,
    struct explicit_url *u, struct span *stream)
{
	struct writer w;
	while (name.len > 0 && name.p[0] == '/')
		name = span_skip(name, 1);
	while (rest.len > 0 && rest.p[rest.len - 1] == '/')
		rest.len--;
	writer_init(&w, out, size);
	writer_span(&w, rest);
	writer_u8(&w, '/');
	if (rest.len > 0 && rest.p[rest.len - 1] == ':')
		writer_u8(&w, '/');
	writer_span(&w, name);
	struct span whole = { out, w.len };
	if (!writer_ok(&w) || !cut_stream(whole, stream))
		return false;
	/* without the slash in front of the stream */
	size_t len = (size_t)(stream->p - out) - 1;
	return explicit_parse(span_head(whole, len), u) && !u->partial;
}

static void
write_lower(struct writer *w, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		writer_u8(w, (uint8_t)ascii_lower(s.p[i]));
}

static void
write_number(struct writer *w, unsigned n)
{
	if (n >= 10)
		write_number(w, n / 10);
	writer_u8(w, (uint8_t)('0' + n % 10));
}

static void
write_server(struct writer *w, const struct url_tc *tc)
{
	bool v6 = span_find(tc->host, ':') < tc->host.len;
	writer_u8(w, '?');
	write_lower(w, tc->scheme);
	writer_span(w, span_of(v6 ? "://[" : "://"));
	write_lower(w, tc->host);
	writer_span(w, span_of(v6 ? "]:" : ":"));
	write_number(w, port_of(tc));
	writer_u8(w, '/');
}

bool
explicit_normal(const struct explicit_url *u, struct writer *w)
{
	struct url_tc tc;
	struct span next = u->rest;
	do {
		if (!url_split_tc(next, &tc))
			return false;
		write_server(w, &tc);
	} while (behind_mark(tc.path, &next));
	writer_span(w, trim(u->app, '/'));
	return writer_ok(w);
}

struct span
explicit_next_app(struct span app)
{
	struct url_tc tc;
	if (!explicit_is(app) || !url_split_tc(span_skip(app, 1), &tc))
		return app;
	return tc.path;
}
