#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"
#include "master/target_rule.h"
#include "rtmp/url.h"

#define KEY "${key}"

static const char *
stream_of(const struct conf_target *r)
{
	if (r->stream[0] != '\0')
		return r->stream;
	return r->keyfile[0] != '\0' && strstr(r->url, KEY) == NULL
		   ? KEY
		   : "${stream}";
}

bool
target_rule_has_key(const struct conf_target *r)
{
	return strstr(r->url, KEY) != NULL || strstr(stream_of(r), KEY) != NULL;
}

/* Expansion. -------------------------------------------------------------- */

static bool
is_plain(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("?&#%", c) == NULL;
}

static void
put(struct writer *w, struct span s, bool in_url)
{
	static const char digit[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (!in_url || is_plain(s.p[i])) {
			writer_u8(w, c);
			continue;
		}
		writer_u8(w, '%');
		writer_u8(w, (uint8_t)digit[c >> 4]);
		writer_u8(w, (uint8_t)digit[c & 15]);
	}
}

/* The ${NAME} at text; *s its value.  Returns its length, 0: it is none. */
static size_t
variable(const char *text, const struct target_facts *f, struct span *s)
{
	const struct {
		const char *name;
		struct span value;
	} known[] = { { "${stream}", f->stream }, { "${app}", f->app },
		{ "${instance}", f->instance }, { KEY, f->key } };
	for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
		size_t n = strlen(known[i].name);
		if (strncmp(text, known[i].name, n) != 0)
			continue;
		*s = known[i].value;
		return n;
	}
	return 0;
}

static bool
expand(const char *text, const struct target_facts *f, bool in_url, char *out,
    size_t cap)
{
	struct writer w;
	writer_init(&w, out, cap);
	while (*text != '\0') {
		struct span s = { text, 1 };
		size_t n = variable(text, f, &s);
		bool key = n > 0 && strncmp(text, KEY, n) == 0;
		if (key && s.p == NULL)
			s = span_of(KEY);
		/* a key is written as its owner has it */
		put(&w, s, in_url && n > 0 && !key);
		text += n > 0 ? n : 1;
	}
	writer_u8(&w, '\0');
	if (!writer_ok(&w) && cap > 0)
		out[0] = '\0';
	return writer_ok(&w);
}

bool
target_rule_url(const struct conf_target *r, const struct target_facts *f,
    char *out, size_t cap)
{
	return expand(r->url, f, true, out, cap);
}

bool
target_rule_name(const struct conf_target *r, const struct target_facts *f,
    char *out, size_t cap)
{
	return expand(stream_of(r), f, false, out, cap);
}

/* Which streams. ---------------------------------------------------------- */

/* Does s match pattern p, * for any text? */
static bool
matches(struct span p, struct span s)
{
	size_t at = 0, from = 0, star = p.len, back = 0;
	while (at < s.len) {
		if (from < p.len && p.p[from] == '*') {
			star = from++;
			back = at;
		} else if (from < p.len && p.p[from] == s.p[at]) {
			from++;
			at++;
		} else if (star < p.len) {
			from = star + 1;
			at = ++back;
		} else {
			return false;
		}
	}
	while (from < p.len && p.p[from] == '*')
		from++;
	return from == p.len;
}

static bool
matches_one(struct span p, struct span instance, struct span stream)
{
	size_t slash = span_find(p, '/');
	if (slash == p.len)
		return matches(p, stream);
	return matches(span_head(p, slash), instance) &&
	       matches(span_skip(p, slash + 1), stream);
}

bool
target_rule_is_for(
    const struct conf_target *r, struct span instance, struct span stream)
{
	const char *text = r->when;
	bool any = false;
	while (*text != '\0') {
		size_t n = strcspn(text, ", \t");
		if (n > 0 &&
		    matches_one((struct span){ text, n }, instance, stream))
			return true;
		any |= n > 0;
		text += n + (text[n] != '\0');
	}
	return !any;
}

/* Checks. ----------------------------------------------------------------- */

/* A ${ that is none of ours? */
static bool
has_unknown(const char *text)
{
	const struct target_facts none = { .key = { "", 0 } };
	struct span s;
	while ((text = strstr(text, "${")) != NULL) {
		size_t n = variable(text, &none, &s);
		if (n == 0)
			return true;
		text += n;
	}
	return false;
}

/* Where scheme, host and port end. */
static size_t
fixed_part(const char *url)
{
	const char *p = strstr(url, "://");
	return p == NULL ? 0 : (size_t)(p - url) + 3 + strcspn(p + 3, "/?");
}

const char *
target_rule_check(const struct conf_target *r)
{
	const struct target_facts f = { { "a", 1 }, { "i", 1 }, { "s", 1 },
		{ "k", 1 } };
	char url[IPC_URL_MAX];
	struct url_tc u;
	const char *var = strstr(r->url, "${");
	if (r->url[0] == '\0')
		return "url: expected rtmp://host[:port]/app";
	if (has_unknown(r->url) || has_unknown(r->stream))
		return "url, stream: expected no ${NAME} but ${stream}, "
		       "${app}, ${instance} and ${key}";
	if (var != NULL && (size_t)(var - r->url) < fixed_part(r->url))
		return "url: expected a host that does not depend on the "
		       "stream";
	if (!target_rule_url(r, &f, url, sizeof url) ||
	    !url_split_tc(span_of(url), &u) || u.host.len == 0 ||
	    u.app.len == 0)
		return "url: expected rtmp://host[:port]/app";
	if (url_same_host(u.scheme, span_of("rtmps")))
		return "url: expected rtmp:// (TLS is not in this version)";
	if (!url_same_host(u.scheme, span_of("rtmp")))
		return "url: expected rtmp://host[:port]/app";
	if (target_rule_has_key(r) && r->keyfile[0] == '\0')
		return "keyfile: expected a file, ${key} is its first line";
	if (!target_rule_has_key(r) && r->keyfile[0] != '\0')
		return "keyfile: expected ${key} in url or stream";
	return NULL;
}

bool
target_rule_buffer(const char *text, uint32_t *ms)
{
	char *end;
	double s = strtod(text, &end);
	while (isspace((unsigned char)*end))
		end++;
	if (end == text || *end != '\0' || !(s * 1000 >= PUSH_LAG_MIN) ||
	    !(s * 1000 <= PUSH_LAG_MAX))
		return false;
	*ms = (uint32_t)(s * 1000 + 0.5);
	return true;
}

const char *
target_rule_key(const struct conf_target *r, char key[TARGET_KEY_MAX])
{
	char text[TARGET_KEY_MAX];
	int fd = open(r->keyfile, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	const char *why = n < 0 ? strerror(errno) : NULL;
	if (fd >= 0)
		close(fd);
	if (why != NULL)
		return why;
	text[n] = '\0';
	size_t from = strspn(text, " \t"), len = strcspn(text, "\r\n");
	while (len > from && isspace((unsigned char)text[len - 1]))
		len--;
	if (len <= from)
		why = "its first line is empty";
	else if (text[len] == '\0' && n == sizeof text - 1)
		why = "its first line is too long";
	else
		snprintf(key, TARGET_KEY_MAX, "%.*s", (int)(len - from),
		    text + from);
	explicit_bzero(text, sizeof text);
	return why;
}
