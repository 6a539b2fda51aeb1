/* Parameters as text: see conf.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/bug.h"
#include "common/cidr.h"
#include "common/conf.h"

#define TYPE_INT     CONF_INT
#define TYPE_SECONDS CONF_SECONDS
#define TYPE_MILLIS  CONF_MILLIS
#define TYPE_SIZE    CONF_SIZE
#define TYPE_KBYTES  CONF_KBYTES
#define TYPE_BOOL    CONF_BOOL
#define TYPE_LEVEL   CONF_LEVEL
#define TYPE_MODE    CONF_MODE
#define TYPE_CHECK   CONF_CHECK
#define TYPE_SLOW    CONF_SLOW
#define TYPE_LATENCY CONF_LATENCY
#define TYPE_NETS    CONF_NETS
#define TYPE_ORDER   CONF_ORDER
#define TYPE_FORMAT  CONF_FORMAT
#define TYPE_FAIL    CONF_FAIL
#define TYPE_HTTP    CONF_HTTP
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
static const char *const check_names[] = { "edge", "origin", "none" };
static const char *const slow_names[] = { "skip", "audio", "close" };
static const char *const order_names[] = { "Allow,Deny", "Deny,Allow" };
static const char *const fail_names[] = { "closed", "open" };
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
	       t == CONF_SIZE || t == CONF_KBYTES;
}

static bool
is_text(enum conf_type t)
{
	return t == CONF_STRING_TYPE || t == CONF_NETS || t == CONF_HTTP;
}

static int
set_number(int64_t *dst, const struct conf_param *p, const char *text)
{
	bool kb = p->type == CONF_KBYTES, size = kb || p->type == CONF_SIZE;
	int64_t v = 0, min = 0, max = INT64_MAX;
	if (number(text, size, &v) != 0)
		return -1;
	if (kb && isdigit((unsigned char)text[strlen(text) - 1])) {
		if (v > INT64_MAX / 1024)
			return -1;
		v *= 1024;
	}
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
	case CONF_KBYTES:
		snprintf(err, errlen,
		    "a size from %s to %s (kilobytes, or with K, M, G)", p->min,
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
	case CONF_CHECK:
		snprintf(err, errlen, "edge, origin or none");
		return;
	case CONF_SLOW:
		snprintf(err, errlen, "skip, audio or close");
		return;
	case CONF_ORDER:
		snprintf(err, errlen, "Allow,Deny or Deny,Allow");
		return;
	case CONF_FORMAT:
		snprintf(err, errlen, "json, nginx-rtmp or srs");
		return;
	case CONF_FAIL:
		snprintf(err, errlen, "closed or open");
		return;
	case CONF_HTTP:
		snprintf(err, errlen,
		    "a URL, http://host or https://host, of at most %d bytes "
		    "without blanks",
		    CONF_STRING - 1);
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

/* A URL of http or https that names a host; or nothing. */
static bool
is_http(const char *text)
{
	size_t n = strncasecmp(text, "https://", 8) == 0  ? 8
		   : strncasecmp(text, "http://", 7) == 0 ? 7
							  : 0;
	if (*text == '\0')
		return true;
	for (const char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s <= 32 || (unsigned char)*s >= 127)
			return false;
	return n > 0 && strchr("/?#:@", text[n]) == NULL;
}

/* The number of a name of a callback's format; -1: it is none. */
static int
pick_format(const char *text, int64_t *v)
{
	for (int i = 0; i < HOOK_FORMATS; i++)
		if (strcasecmp(hook_format_name((enum hook_format)i), text) ==
		    0) {
			*v = i;
			return 0;
		}
	return -1;
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
	if (p->type == CONF_HTTP && !is_http(buf))
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
	else if (p->type == CONF_CHECK)
		r = pick(check_names, 3, buf, &v);
	else if (p->type == CONF_SLOW)
		r = pick(slow_names, 3, buf, &v);
	else if (p->type == CONF_LATENCY)
		r = set_latency(&v, p, buf);
	else if (p->type == CONF_ORDER)
		r = pick(order_names, 2, buf, &v);
	else if (p->type == CONF_FORMAT)
		r = pick_format(buf, &v);
	else if (p->type == CONF_FAIL)
		r = pick(fail_names, 2, buf, &v);
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
	else if (p->type == CONF_CHECK)
		snprintf(buf, len, "%s", check_names[v < 3 ? v : 0]);
	else if (p->type == CONF_SLOW)
		snprintf(buf, len, "%s", slow_names[v < 3 ? v : 0]);
	else if (p->type == CONF_LATENCY && v == CONF_LATENCY_BALANCED)
		snprintf(buf, len, "balanced");
	else if (p->type == CONF_ORDER)
		snprintf(buf, len, "%s", order_names[v != 0]);
	else if (p->type == CONF_FORMAT)
		snprintf(buf, len, "%s",
		    hook_format_name(v >= 0 && v < HOOK_FORMATS
					 ? (enum hook_format)v
					 : HOOK_JSON));
	else if (p->type == CONF_FAIL)
		snprintf(buf, len, "%s", fail_names[v != 0]);
	else if (p->type == CONF_SECONDS)
		snprintf(buf, len, "%" PRId64, v / 1000);
	else if (p->type == CONF_KBYTES)
		snprintf(buf, len, "%" PRId64, v / 1024);
	else
		snprintf(buf, len, "%" PRId64, v);
}
