#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback/format.h"
#include "callback/text.h"
#include "common/conf.h"
#include "common/log.h"
#include "common/siphash.h"

enum {
	/* what nginx-rtmp keeps of each (its NGX_RTMP_MAX_...) */
	NGINX_TEXT = 255,
	NGINX_VERSION = 31
};

/* Parts of facts. --------------------------------------------------------- */

static bool
has_instance(const struct facts *f)
{
	return f->instance.len > 0 && !span_is(f->instance, "_definst_");
}

/* An address without its port, and without brackets. */
static struct span
host_of(struct span addr)
{
	size_t n = addr.len;
	if (n > 0 && addr.p[0] == '[') {
		addr = span_skip(addr, 1);
		return span_head(addr, span_find(addr, ']'));
	}
	while (n > 0 && addr.p[n - 1] != ':')
		n--;
	return n > 0 ? span_head(addr, n - 1) : addr;
}

static struct span
head(struct span s, size_t max)
{
	return span_head(s, s.len < max ? s.len : max);
}

/* app, or app/instance, as the client has sent it. */
static void
add_app(struct text *t, const struct facts *f)
{
	text_add(t, f->app);
	if (has_instance(f)) {
		text_add(t, span_of("/"));
		text_add(t, f->instance);
	}
}

/* nginx-rtmp. ------------------------------------------------------------- */

static void
field(struct text *t, const char *name, struct span value, size_t max)
{
	text_add(t, span_of(t->len > 0 ? "&" : ""));
	text_add(t, span_of(name));
	text_add(t, span_of("="));
	text_escape(t, head(value, max));
}

/* Names of ours, which the arguments of a client shall not overwrite. */
static bool
is_ours(struct span arg)
{
	static const char *const names[] = { "app", "flashver", "swfurl",
		"tcurl", "pageurl", "addr", "clientid", "epoch", "call", "name",
		"type", "start", "duration", "reset", "time", "timestamp" };
	struct span name = span_head(arg, span_find(arg, '='));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

/* As sent; what cannot stand in a form is escaped. */
static void
add_raw(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 32 || c == 127)
			text_printf(t, "%%%02X", c);
		else
			text_add(t, (struct span){ s.p + i, 1 });
	}
}

static void
add_args(struct text *t, struct span args)
{
	args = head(args, NGINX_TEXT);
	while (args.len > 0) {
		size_t n = span_find(args, '&');
		struct span one = span_head(args, n);
		args = span_skip(args, n < args.len ? n + 1 : n);
		if (is_ours(one))
			continue;
		text_add(t, span_of("&"));
		add_raw(t, one);
	}
}

static void
nginx_app(struct text *t, const struct facts *f)
{
	struct text app = { 0 };
	add_app(&app, f);
	field(t, "app", (struct span){ app.p, app.len }, NGINX_TEXT);
	t->broken |= app.broken;
	free(app.p);
}

static void
nginx_session(struct text *t, const struct facts *f)
{
	nginx_app(t, f);
	field(t, "flashver", f->flash_ver, NGINX_VERSION);
	field(t, "swfurl", f->swf_url, NGINX_TEXT);
	field(t, "tcurl", f->tc_url, NGINX_TEXT);
	field(t, "pageurl", f->page_url, NGINX_TEXT);
	field(t, "addr", host_of(f->addr), NGINX_TEXT);
	if (f->event == HOOK_CONNECT)
		text_printf(t, "&epoch=%" PRIu32 "&call=connect",
		    (uint32_t)f->epoch_ms);
	else
		text_printf(t, "&clientid=%" PRIu64, f->client);
}

static void
nginx_stream(struct text *t, const struct facts *f)
{
	field(t, "name", f->stream, NGINX_TEXT);
	if (f->event == HOOK_PUBLISH)
		field(t, "type", f->type, NGINX_TEXT);
	if (f->event == HOOK_PLAY)
		text_printf(t,
		    "&start=%" PRIu32 "&duration=%" PRIu32 "&reset=%d",
		    (uint32_t)f->start_ms, (uint32_t)f->length_ms, f->reset);
	add_args(t, f->args);
}

static void
nginx_body(struct text *t, const struct facts *f)
{
	nginx_session(t, f);
	switch (f->event) {
	case HOOK_CONNECT:
		add_args(t, f->connect_args);
		return;
	case HOOK_DISCONNECT:
		/* nginx-rtmp says app twice there */
		text_add(t, span_of("&call=disconnect"));
		nginx_app(t, f);
		add_args(t, f->connect_args);
		return;
	case HOOK_PUBLISH:
		text_add(t, span_of("&call=publish"));
		break;
	case HOOK_PLAY:
		text_add(t, span_of("&call=play"));
		break;
	case HOOK_PUBLISH_DONE:
		text_add(t, span_of("&call=publish_done"));
		break;
	case HOOK_PLAY_DONE:
		text_add(t, span_of("&call=play_done"));
		break;
	case HOOK_UPDATE:
		text_printf(t,
		    "&call=update_%s&time=%" PRIu64 "&timestamp=%" PRIu32,
		    f->playing ? "play" : "publish", f->seconds,
		    f->timestamp_ms);
		break;
	case HOOK_EVENTS:
		break;
	}
	nginx_stream(t, f);
}

/* JSON. ------------------------------------------------------------------- */

static void
set(json_t *j, const char *name, struct span s)
{
	json_object_set_new(j, name, log_text(s.p, s.len));
}

static void
set_number(json_t *j, const char *name, uint64_t v)
{
	json_object_set_new(j, name, json_integer((json_int_t)v));
}

static void
set_text(json_t *j, const char *name, struct text *t)
{
	set(j, name, (struct span){ t->p, t->len });
	free(t->p);
}

static void
set_id(json_t *j, const char *name, uint64_t id)
{
	char buf[24];
	snprintf(buf, sizeof buf, "%" PRIu64, id);
	json_object_set_new(j, name, json_string(buf));
}

/* SRS. -------------------------------------------------------------------- */

static const char *
srs_action(enum hook_event e)
{
	static const char *const names[HOOK_EVENTS] = { "on_connect",
		"on_publish", "on_play", "on_unpublish", "on_stop", "on_close",
		NULL };
	return names[e];
}

/* "?a=b": of the stream, and of connect. */
static void
srs_param(json_t *j, const struct facts *f)
{
	struct text t = { 0 };
	bool both = f->args.len > 0 && f->connect_args.len > 0;
	if (f->args.len > 0 || f->connect_args.len > 0)
		text_add(&t, span_of("?"));
	text_add(&t, f->args);
	text_add(&t, span_of(both ? "&" : ""));
	text_add(&t, f->connect_args);
	set_text(j, "param", &t);
}

static bool
is_default(struct span vhost)
{
	return span_is(vhost, CONF_DEFAULT_VHOST);
}

/* vhost/app/stream, without the virtual host that is the default. */
static void
srs_stream(json_t *j, const struct facts *f)
{
	static const uint64_t key[2] = { 0x73747265616d, 0x6e616d65 };
	struct text t = { 0 };
	char id[24];
	if (!is_default(f->vhost))
		text_add(&t, f->vhost);
	text_add(&t, span_of("/"));
	add_app(&t, f);
	text_add(&t, span_of("/"));
	text_add(&t, f->stream);
	if (t.p != NULL) {
		uint64_t h = siphash(key, t.p, t.len);
		snprintf(
		    id, sizeof id, "vid-%07" PRIx64, h & UINT64_C(0xfffffff));
		json_object_set_new(j, "stream_id", json_string(id));
	}
	set_text(j, "stream_url", &t);
}

static json_t *
srs_body(const struct facts *f)
{
	json_t *j = json_object();
	struct text app = { 0 };
	set(j, "server_id", f->server);
	set(j, "service_id", f->service);
	json_object_set_new(j, "action", json_string(srs_action(f->event)));
	set_id(j, "client_id", f->client);
	set(j, "ip", host_of(f->addr));
	set(j, "vhost",
	    is_default(f->vhost) ? span_of("__defaultVhost__") : f->vhost);
	add_app(&app, f);
	set_text(j, "app", &app);
	if (f->event == HOOK_DISCONNECT) {
		set_number(j, "send_bytes", f->bytes_out);
		set_number(j, "recv_bytes", f->bytes_in);
		return j;
	}
	set(j, "tcUrl", f->tc_url);
	set(j, "stream", f->stream);
	srs_param(j, f);
	if (f->event == HOOK_CONNECT || f->event == HOOK_PLAY)
		set(j, "pageUrl", f->page_url);
	if (f->event != HOOK_CONNECT)
		srs_stream(j, f);
	return j;
}

/* Ours. ------------------------------------------------------------------- */

static json_t *
json_body(const struct facts *f)
{
	json_t *j = json_object();
	bool of_stream = f->stream.len > 0,
	     ended = f->event == HOOK_PUBLISH_DONE ||
		     f->event == HOOK_PLAY_DONE ||
		     f->event == HOOK_DISCONNECT || f->event == HOOK_UPDATE;
	json_object_set_new(j, "event", json_string(hook_event_name(f->event)));
	set(j, "server", f->server);
	set(j, "service", f->service);
	set_id(j, "client", f->client);
	set(j, "addr", f->addr);
	set(j, "ip", host_of(f->addr));
	set(j, "vhost", f->vhost);
	set(j, "app", f->app);
	set(j, "instance", f->instance);
	if (of_stream) {
		set(j, "stream", f->stream);
		set(j, "args", f->args);
	}
	set(j, "connectArgs", f->connect_args);
	set(j, "tcUrl", f->tc_url);
	set(j, "pageUrl", f->page_url);
	set(j, "swfUrl", f->swf_url);
	set(j, "flashVer", f->flash_ver);
	if (f->event == HOOK_PUBLISH)
		set(j, "type", f->type);
	if (f->event == HOOK_UPDATE)
		json_object_set_new(
		    j, "use", json_string(f->playing ? "play" : "publish"));
	if (ended) {
		set_number(j, "seconds", f->seconds);
		set_number(j, "bytesIn", f->bytes_in);
		set_number(j, "bytesOut", f->bytes_out);
	}
	return j;
}

/* ------------------------------------------------------------------------- */

bool
format_has(enum hook_format f, enum hook_event e)
{
	return f != HOOK_SRS || e != HOOK_UPDATE;
}

static int
dump(json_t *j, struct format_body *body)
{
	body->type = "application/json";
	body->text = json_dumps(j, JSON_COMPACT);
	body->len = body->text != NULL ? strlen(body->text) : 0;
	json_decref(j);
	return body->text != NULL ? 0 : -ENOMEM;
}

int
format_request(
    enum hook_format f, const struct facts *what, struct format_body *body)
{
	*body = (struct format_body){ 0 };
	if (!format_has(f, what->event))
		return -EINVAL;
	if (f == HOOK_SRS)
		return dump(srs_body(what), body);
	if (f == HOOK_JSON)
		return dump(json_body(what), body);
	struct text t = { 0 };
	nginx_body(&t, what);
	body->type = "application/x-www-form-urlencoded";
	if (t.broken) {
		free(t.p);
		return -ENOMEM;
	}
	body->text = t.p;
	body->len = t.len;
	return 0;
}
