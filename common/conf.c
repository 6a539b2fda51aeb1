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
#define TYPE_MILLIS  CONF_MILLIS
#define TYPE_SIZE    CONF_SIZE
#define TYPE_BOOL    CONF_BOOL
#define TYPE_LEVEL   CONF_LEVEL
#define TYPE_MODE    CONF_MODE
#define TYPE_SLOW    CONF_SLOW
#define TYPE_LATENCY CONF_LATENCY
#define TYPE_NETS    CONF_NETS
#define TYPE_ORDER   CONF_ORDER
#define TYPE_STRING  CONF_STRING_TYPE

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
static const char *const order_names[] = { "Allow,Deny", "Deny,Allow" };
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
		     sizeof(struct conf_app) << 40 ^
		     sizeof(struct conf_route) << 52;
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
	case CONF_ORDER:
		snprintf(err, errlen, "Allow,Deny or Deny,Allow");
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
	else if (p->type == CONF_ORDER)
		r = pick(order_names, 2, buf, &v);
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

/* The text of a table behind the head: where it will lie. */
static uint64_t
place(uint64_t *bytes, uint64_t n, size_t size)
{
	uint64_t at = *bytes;
	*bytes += (n * size + 7) / 8 * 8;
	return at;
}

static int
by_name(const void *pa, const void *pb)
{
	const struct conf_app *a = pa, *b = pb;
	if (a->vhost != b->vhost)
		return a->vhost < b->vhost ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Applications by name, routes by virtual host, in file order. */
static void
sort(struct conf_parts *p)
{
	struct conf *h = &p->head;
	qsort(p->app, h->napps, sizeof *p->app, by_name);
	for (uint32_t i = 0; i < h->nvhosts; i++)
		p->vhost[i].napps = p->vhost[i].nroutes = 0;
	for (uint32_t i = h->napps; i-- > 0;) {
		struct conf_vhost *v = &p->vhost[p->app[i].vhost];
		v->first_app = i;
		v->napps++;
	}
	/* insertion keeps the order of the file */
	for (uint32_t i = 1; i < h->nroutes; i++)
		for (uint32_t k = i;
		     k > 0 && p->route[k].vhost < p->route[k - 1].vhost; k--) {
			struct conf_route r = p->route[k];
			p->route[k] = p->route[k - 1];
			p->route[k - 1] = r;
		}
	for (uint32_t i = h->nroutes; i-- > 0;) {
		struct conf_vhost *v = &p->vhost[p->route[i].vhost];
		v->first_route = i;
		v->nroutes++;
	}
}

static void *
at(const struct conf *c, uint64_t offset)
{
	return (void *)((uintptr_t)c + offset);
}

static void
fill(const struct conf *c, uint64_t offset, const void *from, uint64_t n,
    size_t size)
{
	if (n > 0)
		memcpy(at(c, offset), from, n * size);
}

struct conf *
conf_pack(struct conf_parts *p)
{
	struct conf *h = &p->head;
	uint64_t bytes = 0;
	sort(p);
	(void)place(&bytes, 1, sizeof *h);
	h->vhosts_at = place(&bytes, h->nvhosts, sizeof *p->vhost);
	h->apps_at = place(&bytes, h->napps, sizeof *p->app);
	h->aliases_at = place(&bytes, h->naliases, sizeof *p->alias);
	h->routes_at = place(&bytes, h->nroutes, sizeof *p->route);
	h->nets_at = place(&bytes, h->nallow + h->ndeny, sizeof *p->allow);
	h->magic = conf_magic();
	h->bytes = bytes;
	struct conf *c = calloc(1, bytes);
	if (c == NULL)
		return NULL;
	*c = *h;
	fill(c, h->vhosts_at, p->vhost, h->nvhosts, sizeof *p->vhost);
	fill(c, h->apps_at, p->app, h->napps, sizeof *p->app);
	fill(c, h->aliases_at, p->alias, h->naliases, sizeof *p->alias);
	fill(c, h->routes_at, p->route, h->nroutes, sizeof *p->route);
	fill(c, h->nets_at, p->allow, h->nallow, sizeof *p->allow);
	fill(c, h->nets_at + h->nallow * sizeof *p->allow, p->deny, h->ndeny,
	    sizeof *p->deny);
	return c;
}

struct conf *
conf_new(void)
{
	struct conf_vhost v = { .name = CONF_DEFAULT_VHOST };
	struct conf_app a = { 0 };
	struct conf_parts p = { .vhost = &v, .app = &a };
	p.head.nvhosts = p.head.napps = 1;
	conf_defaults(&p.head, CONF_SERVER);
	conf_defaults(&p.head, CONF_ADAPTOR);
	conf_defaults(&v, CONF_VHOST);
	conf_defaults(&a, CONF_APP);
	return conf_pack(&p);
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

const struct conf_alias *
conf_alias(const struct conf *c, uint32_t i)
{
	return at(c, c->aliases_at + i * sizeof(struct conf_alias));
}

const struct conf_route *
conf_route(const struct conf *c, uint32_t i)
{
	return at(c, c->routes_at + i * sizeof(struct conf_route));
}

const struct addr_net *
conf_net(const struct conf *c, uint32_t i)
{
	return at(c, c->nets_at + i * sizeof(struct addr_net));
}

static bool
same_host(const char *name, struct span s)
{
	return strlen(name) == s.len && strncasecmp(name, s.p, s.len) == 0;
}

const struct conf_vhost *
conf_find_vhost(const struct conf *c, struct span name)
{
	/* a name may end with the dot of the root */
	if (name.len > 1 && name.p[name.len - 1] == '.')
		name.len--;
	for (uint32_t i = 0; i < c->nvhosts; i++)
		if (same_host(conf_vhost(c, i)->name, name))
			return conf_vhost(c, i);
	for (uint32_t i = 0; i < c->naliases; i++)
		if (same_host(conf_alias(c, i)->name, name))
			return conf_vhost(c, conf_alias(c, i)->vhost);
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
	return v->listed ? NULL : conf_app(c, v->first_app);
}

static bool
within(const struct conf *c, uint32_t from, uint32_t n, const struct addr *a)
{
	for (uint32_t i = from; i < from + n; i++)
		if (addr_net_has(conf_net(c, i), a))
			return true;
	return false;
}

bool
conf_admits(const struct conf *c, const struct addr *a)
{
	bool allowed = within(c, 0, c->nallow, a);
	bool denied = within(c, c->nallow, c->ndeny, a);
	if (c->order == CONF_DENY_ALLOW)
		return allowed || !denied;
	return (allowed || c->nallow == 0) && !denied;
}

const struct conf_app *
conf_key_app(const struct conf *c, const char *key, size_t len)
{
	struct span s = { key, len };
	struct span vhost = span_head(s, span_find(s, '\0'));
	s = span_skip(s, vhost.len + 1);
	const struct conf_vhost *v = conf_find_vhost(c, vhost);
	if (v == NULL)
		v = conf_vhost(c, 0);
	const struct conf_app *a =
	    conf_find_app(c, v, span_head(s, span_find(s, '\0')));
	return a ? a : conf_app(c, v->first_app);
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
	else if (p->type == CONF_ORDER)
		snprintf(buf, len, "%s", order_names[v != 0]);
	else if (p->type == CONF_SECONDS)
		snprintf(buf, len, "%" PRId64, v / 1000);
	else
		snprintf(buf, len, "%" PRId64, v);
}
