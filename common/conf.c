#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/cidr.h"
#include "common/conf.h"

#define TYPE_INT     CONF_INT
#define TYPE_SECONDS CONF_SECONDS
#define TYPE_MILLIS CONF_MILLIS
#define TYPE_SIZE CONF_SIZE
#define TYPE_BOOL CONF_BOOL
#define TYPE_LEVEL CONF_LEVEL
#define TYPE_MODE CONF_MODE
#define TYPE_SLOW CONF_SLOW
#define TYPE_LATENCY CONF_LATENCY
#define TYPE_NETS CONF_NETS
#define TYPE_STRING CONF_STRING_TYPE

const struct conf_param conf_params[] = {
#define PARAM(member, type, file, path, def, min, max, text)                   \
	{ #member, path, def, min, max, text, TYPE_##type, CONF_##file,        \
		(uint32_t)offsetof(CONF_IF_##file(struct conf,                 \
				       struct conf_vhost, struct conf_app),    \
		    member) },
#include "common/conf_params.def"
#undef PARAM
};
const unsigned conf_params_count = sizeof conf_params / sizeof conf_params[0];

static const char *const level_names[] = { "debug", "info", "notice", "warning",
	"error" };
static const char *const mode_names[] = { "local", "remote" };
static const char *const slow_names[] = { "skip", "audio", "close" };
static const char *const bool_names[] = { "false", "true" };

const char *
log_level_name(enum log_level l)
{
	return (unsigned)l <= LOG_LEVEL_ERROR ? level_names[l] : "error";
}

const char *
conf_file_name(enum conf_file f)
{
	switch (f) {
	case CONF_SERVER:
		return "Server.xml";
	case CONF_ADAPTOR:
		return "Adaptor.xml";
	case CONF_VHOST:
		return "Vhost.xml";
	case CONF_APP:
		return "Application.xml";
	}
	return "?";
}

uint64_t
conf_magic(void)
{
	/* FNV-1a over names and offsets: another layout, another number */
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ sizeof(struct conf) ^
		     sizeof(struct conf_vhost) << 20 ^
		     sizeof(struct conf_app) << 40;
	for (unsigned i = 0; i < conf_params_count; i++) {
		for (const char *s = conf_params[i].member; *s; s++)
			h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
		h = (h ^ conf_params[i].offset) * UINT64_C(0x100000001b3);
	}
	return h;
}

static int
pick(const char *const *names, unsigned n, const char *text, int64_t *v)
{
	for (unsigned i = 0; i < n; i++)
		if (strcasecmp(names[i], text) == 0) {
			*v = i;
			return 0;
		}
	return -1;
}

/* Multiplier of a size suffix, 0 if there is no such suffix. */
static int64_t
suffix(const char *s)
{
	switch (toupper((unsigned char)s[0])) {
	case '\0':
		return 1;
	case 'K':
		return INT64_C(1) << 10;
	case 'M':
		return INT64_C(1) << 20;
	case 'G':
		return INT64_C(1) << 30;
	default:
		return 0;
	}
}

static int
number(const char *text, bool size, int64_t *v)
{
	char *end;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (end == text || errno != 0 || n < 0)
		return -1;
	int64_t mul = size ? suffix(end) : (*end == '\0');
	if (mul == 0 || (size && *end != '\0' && end[1] != '\0'))
		return -1;
	if (n > INT64_MAX / mul)
		return -1;
	*v = n * mul;
	return 0;
}

static bool
is_number(enum conf_type t)
{
	return t == CONF_INT || t == CONF_SECONDS || t == CONF_MILLIS ||
	       t == CONF_SIZE;
}

static bool
is_text(enum conf_type t)
{
	return t == CONF_STRING_TYPE || t == CONF_NETS;
}

static int
set_number(int64_t *dst, const struct conf_param *p, const char *text)
{
	bool size = p->type == CONF_SIZE;
	int64_t v = 0, min = 0, max = INT64_MAX;
	if (number(text, size, &v) != 0)
		return -1;
	bug_on(p->min[0] && number(p->min, size, &min) != 0);
	bug_on(p->max[0] && number(p->max, size, &max) != 0);
	/* 0 may mean "automatic" below a minimum only if the default is 0 */
	if (v < min || v > max)
		return -1;
	*dst = p->type == CONF_SECONDS ? v * 1000 : v;
	return 0;
}

/* Words for the usual windows, or one in ms. */
static int
set_latency(int64_t *v, const struct conf_param *p, const char *text)
{
	static const char *const words[] = { "lowest", "balanced",
		"throughput" };
	static const int64_t values[] = { 0, CONF_LATENCY_BALANCED,
		CONF_LATENCY_THROUGHPUT };
	int64_t i;
	if (pick(words, 3, text, &i) != 0)
		return set_number(v, p, text);
	*v = values[i];
	return 0;
}

static void
expected(const struct conf_param *p, char *err, unsigned errlen)
{
	switch (p->type) {
	case CONF_INT:
		snprintf(err, errlen, "a number from %s to %s", p->min, p->max);
		return;
	case CONF_SECONDS:
		snprintf(err, errlen, "seconds, a number from %s to %s", p->min,
		    p->max);
		return;
	case CONF_MILLIS:
		snprintf(err, errlen, "milliseconds, a number from %s to %s",
		    p->min, p->max);
		return;
	case CONF_SIZE:
		snprintf(err, errlen,
		    "a size from %s to %s (bytes, or with K, M, G)", p->min,
		    p->max);
		return;
	case CONF_BOOL:
		snprintf(err, errlen, "true or false");
		return;
	case CONF_LEVEL:
		snprintf(err, errlen, "debug, info, notice, warning or error");
		return;
	case CONF_MODE:
		snprintf(err, errlen, "local or remote");
		return;
	case CONF_SLOW:
		snprintf(err, errlen, "skip, audio or close");
		return;
	case CONF_LATENCY:
		snprintf(err, errlen,
		    "lowest, balanced, throughput, or milliseconds from %s "
		    "to %s",
		    p->min, p->max);
		return;
	case CONF_NETS:
	case CONF_STRING_TYPE:
		snprintf(
		    err, errlen, "text of at most %d bytes", CONF_STRING - 1);
		return;
	}
}

int
conf_set(void *of, const struct conf_param *p, const char *text, char *err,
    unsigned errlen)
{
	char buf[CONF_STRING];
	void *dst = (char *)of + p->offset;
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	expected(p, err, errlen);
	if (n >= sizeof buf)
		return -1;
	memcpy(buf, text, n);
	buf[n] = '\0';
	if (p->type == CONF_NETS && cidr_list_check(buf, err, errlen) != 0)
		return -1;
	if (is_text(p->type)) {
		memcpy(dst, buf, n + 1);
		return 0;
	}
	if (n == 0 || strcmp(buf, "-1") == 0)
		snprintf(buf, sizeof buf, "%s", p->def);
	int64_t v;
	int r = -1;
	if (is_number(p->type))
		r = set_number(&v, p, buf);
	else if (p->type == CONF_BOOL)
		r = pick(bool_names, 2, buf, &v);
	else if (p->type == CONF_LEVEL)
		r = pick(level_names, 5, buf, &v);
	else if (p->type == CONF_MODE)
		r = pick(mode_names, 2, buf, &v);
	else if (p->type == CONF_SLOW)
		r = pick(slow_names, 3, buf, &v);
	else if (p->type == CONF_LATENCY)
		r = set_latency(&v, p, buf);
	if (r == 0)
		memcpy(dst, &v, sizeof v);
	return r;
}

void
conf_defaults(void *of, enum conf_file file)
{
	char err[128];
	for (unsigned i = 0; i < conf_params_count; i++)
		if (conf_params[i].file == file)
			bug_on(conf_set(of, &conf_params[i], conf_params[i].def,
				   err, sizeof err) != 0);
}

struct conf *
conf_pack(const struct conf *head, const struct conf_vhost *vhosts,
    uint32_t nvhosts, const struct conf_app *apps, uint32_t napps)
{
	uint64_t vhosts_at = sizeof *head,
		 apps_at = vhosts_at + nvhosts * sizeof *vhosts,
		 bytes = apps_at + napps * sizeof *apps;
	struct conf *c = calloc(1, bytes);
	if (c == NULL)
		return NULL;
	*c = *head;
	c->magic = conf_magic();
	c->bytes = bytes;
	c->nvhosts = nvhosts;
	c->napps = napps;
	c->vhosts_at = vhosts_at;
	c->apps_at = apps_at;
	memcpy(conf_vhost(c, 0), vhosts, nvhosts * sizeof *vhosts);
	memcpy(conf_app(c, 0), apps, napps * sizeof *apps);
	return c;
}

struct conf *
conf_new(void)
{
	struct conf head = { 0 };
	struct conf_vhost v = { .name = CONF_DEFAULT_VHOST, .napps = 1 };
	struct conf_app a = { 0 };
	conf_defaults(&head, CONF_SERVER);
	conf_defaults(&head, CONF_ADAPTOR);
	conf_defaults(&v, CONF_VHOST);
	conf_defaults(&a, CONF_APP);
	return conf_pack(&head, &v, 1, &a, 1);
}

static void *
at(const struct conf *c, uint64_t offset)
{
	return (void *)((uintptr_t)c + offset);
}

struct conf_vhost *
conf_vhost(const struct conf *c, uint32_t i)
{
	return at(c, c->vhosts_at + i * sizeof(struct conf_vhost));
}

struct conf_app *
conf_app(const struct conf *c, uint32_t i)
{
	return at(c, c->apps_at + i * sizeof(struct conf_app));
}

const struct conf_vhost *
conf_find_vhost(const struct conf *c, struct span name)
{
	for (uint32_t i = 0; i < c->nvhosts; i++) {
		const struct conf_vhost *v = conf_vhost(c, i);
		if (strlen(v->name) == name.len &&
		    strncasecmp(v->name, name.p, name.len) == 0)
			return v;
	}
	return NULL;
}

/* Order of a span and a name, as strcmp(). */
static int
compare(struct span s, const char *name)
{
	size_t n = strlen(name);
	int r = memcmp(s.p, name, s.len < n ? s.len : n);
	if (r != 0)
		return r;
	return (s.len > n) - (s.len < n);
}

const struct conf_app *
conf_find_app(
    const struct conf *c, const struct conf_vhost *v, struct span name)
{
	uint32_t from = v->first_app + 1, to = v->first_app + v->napps;
	while (from < to && name.len > 0) {
		uint32_t mid = from + (to - from) / 2;
		const struct conf_app *a = conf_app(c, mid);
		int r = compare(name, a->name);
		if (r == 0)
			return a;
		if (r < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return conf_app(c, v->first_app);
}

const struct conf_app *
conf_key_app(const struct conf *c, const char *key, size_t len)
{
	struct span s = { key, len };
	struct span vhost = span_head(s, span_find(s, '\0'));
	s = span_skip(s, vhost.len + 1);
	const struct conf_vhost *v = conf_find_vhost(c, vhost);
	return conf_find_app(
	    c, v ? v : conf_vhost(c, 0), span_head(s, span_find(s, '\0')));
}

void
conf_print(const void *of, const struct conf_param *p, char *buf, unsigned len)
{
	const char *src = (const char *)of + p->offset;
	int64_t v;
	memcpy(&v, src, sizeof v);
	if (is_text(p->type))
		snprintf(buf, len, "%s", src);
	else if (p->type == CONF_BOOL)
		snprintf(buf, len, "%s", bool_names[v != 0]);
	else if (p->type == CONF_LEVEL)
		snprintf(buf, len, "%s", log_level_name((enum log_level)v));
	else if (p->type == CONF_MODE)
		snprintf(buf, len, "%s", mode_names[v != 0]);
	else if (p->type == CONF_SLOW)
		snprintf(buf, len, "%s", slow_names[v < 3 ? v : 0]);
	else if (p->type == CONF_LATENCY && v == CONF_LATENCY_BALANCED)
		snprintf(buf, len, "balanced");
	else if (p->type == CONF_SECONDS)
		snprintf(buf, len, "%" PRId64, v / 1000);
	else
		snprintf(buf, len, "%" PRId64, v);
}
