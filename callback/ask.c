#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "callback/ask.h"

enum { MS_MAX = 600000 };

static struct span
text(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);
	return json_is_string(v) ? (struct span){ json_string_value(v),
		json_string_length(v) }
				 : span_of("");
}

static int64_t
number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static uint64_t
count(const json_t *j, const char *name)
{
	int64_t n = number(j, name);
	return n > 0 ? (uint64_t)n : 0;
}

static void
read_facts(const json_t *j, struct facts *f)
{
	f->client = count(j, "client");
	f->addr = text(j, "addr");
	f->vhost = text(j, "vhost");
	f->app = text(j, "app");
	f->instance = text(j, "instance");
	f->stream = text(j, "stream");
	f->args = text(j, "args");
	f->connect_args = text(j, "connect_args");
	f->tc_url = text(j, "tc_url");
	f->page_url = text(j, "page_url");
	f->swf_url = text(j, "swf_url");
	f->flash_ver = text(j, "flash_ver");
	f->type = text(j, "type");
	f->playing = json_is_true(json_object_get(j, "playing"));
	f->start_ms = number(j, "start_ms");
	f->length_ms = number(j, "length_ms");
	f->reset = json_is_true(json_object_get(j, "reset"));
	f->epoch_ms = count(j, "epoch_ms");
	f->seconds = count(j, "seconds");
	f->timestamp_ms = (uint32_t)count(j, "timestamp_ms");
	f->bytes_in = count(j, "bytes_in");
	f->bytes_out = count(j, "bytes_out");
}

static bool
is_http(const char *url)
{
	return url != NULL && (strncasecmp(url, "http://", 7) == 0 ||
				  strncasecmp(url, "https://", 8) == 0);
}

/* A name of a table; -1: it is none. */
static int
named(const json_t *j, const char *name, int (*find)(const char *))
{
	const char *s = json_string_value(json_object_get(j, name));
	return s != NULL ? find(s) : -1;
}

struct ask *
ask_new(json_t *j, struct span server, struct span service, struct mono now,
    uint64_t *id)
{
	int event = named(j, "event", hook_event_find),
	    format = named(j, "format", hook_format_find);
	uint64_t ms = count(j, "ms");
	const char *url = json_string_value(json_object_get(j, "url"));
	*id = count(j, "id");
	if (*id == 0 || event < 0 || format < 0 || !is_http(url) || ms == 0 ||
	    ms > MS_MAX)
		return NULL;
	struct ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	a->message = json_incref(j);
	a->id = *id;
	a->format = (enum hook_format)format;
	a->url = url;
	a->came = now;
	a->ms = ms;
	read_facts(j, &a->facts);
	a->facts.event = (enum hook_event)event;
	a->until = mono_add_ms(
	    now, ms + (hook_is_question(a->facts.event) ? 0 : HOOKS_LINE_MS));
	a->facts.server = server;
	a->facts.service = service;
	return a;
}

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	json_decref(a->message);
	free(a);
}

json_t *
ask_answer(uint64_t id, const struct decision *d, int status)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:i}", "t", "answer", "id",
	    (json_int_t)id, "verdict", hook_verdict_name(d->verdict), "text",
	    d->text, "name", d->name, "status", status);
}

struct span
ask_shown_url(const char *url, char buf[HOOKS_NAME])
{
	struct span all = span_of(url);
	size_t scheme = strncasecmp(url, "https", 5) == 0 ? 8 : 7;
	struct span rest = span_skip(all, scheme < all.len ? scheme : all.len);
	rest = span_head(rest, span_find(rest, '?'));
	rest = span_head(rest, span_find(rest, '#'));
	struct span host = span_head(rest, span_find(rest, '/'));
	for (size_t at = span_find(host, '@'); at < host.len;
	     at = span_find(host, '@')) {
		host = span_skip(host, at + 1);
		rest = span_skip(rest, at + 1);
	}
	int n = snprintf(buf, HOOKS_NAME, "%.*s%.*s", (int)scheme, url,
	    (int)rest.len, rest.p);
	return (struct span){ buf,
		n > 0 && n < HOOKS_NAME ? (size_t)n : strlen(buf) };
}
