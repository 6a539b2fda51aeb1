#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto.h"
#include "script/serve.h"

/* Numbers of setup, as they make sense. */
enum { HEAP_MIN = 512 * 1024, HEAP_MAX = 1 << 30, CALL_MS_MAX = 3600000 };

/* Answers. ----------------------------------------------------------------- */

static void
answer(struct host *h, const char *kind, const char *inst, const char *text)
{
	json_t *j = json_pack("{s:s}", "t", kind);
	if (j != NULL && inst != NULL)
		json_object_set_new(j, "inst", log_text(inst, strlen(inst)));
	if (j != NULL && text != NULL)
		json_object_set_new(j, "text", log_text(text, strlen(text)));
	char *s = j ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (s != NULL)
		(void)link_send(&h->link, s, strlen(s));
	free(s);
	json_decref(j);
}

static const char *
string(const json_t *m, const char *name)
{
	const char *s = json_string_value(json_object_get(m, name));
	return s ? s : "";
}

/* Instances. --------------------------------------------------------------- */

static void
start(struct host *h, const char *name, const char *text, size_t len)
{
	char err[INST_PATH + 256];
	struct inst *i;
	if (inst_find(h, name) != NULL)
		return;
	if (inst_new(h, name, &i, err, sizeof err) != 0) {
		LOG(script_fault, .vhost = span_of(h->vhost),
		    .app = span_of(h->app), .instance = span_of(name),
		    .text = err);
		answer(h, "failed", name, err);
		return;
	}
	(void)inst_message(i, "start", text, len);
	LOG(script_start, .vhost = span_of(h->vhost), .app = span_of(h->app),
	    .instance = span_of(name), .file = h->file);
	answer(h, "started", name, NULL);
}

static void
stop(struct inst *i, bool force, const char *why, const char *text, size_t len)
{
	struct host *h = i->host;
	bool may = inst_message(i, "stop", text, len);
	if (!may && !force) {
		answer(h, "kept", i->name, NULL);
		return;
	}
	LOG(script_stop, .vhost = span_of(h->vhost), .app = span_of(h->app),
	    .instance = span_of(i->name), .cause = why);
	answer(h, "stopped", i->name, NULL);
	inst_free(i);
}

static void
stop_all(struct host *h)
{
	static const char text[] = "{\"code\":\"Application.Shutdown\"}";
	while (h->insts != NULL)
		stop(h->insts, true, "Application.Shutdown", text,
		    sizeof text - 1);
}

/* Messages. ---------------------------------------------------------------- */

static bool
keep(char *to, size_t len, const json_t *m, const char *name)
{
	const char *s = string(m, name);
	int n = snprintf(to, len, "%s", s);
	return n >= 0 && (size_t)n < len;
}

static int
setup(struct host *h, const json_t *m)
{
	json_int_t heap = json_integer_value(json_object_get(m, "heap_bytes"));
	json_int_t ms = json_integer_value(json_object_get(m, "call_ms"));
	if (h->file[0] != '\0' || heap < HEAP_MIN || heap > HEAP_MAX ||
	    ms < 0 || ms > CALL_MS_MAX ||
	    !keep(h->app, sizeof h->app, m, "app") ||
	    !keep(h->vhost, sizeof h->vhost, m, "vhost") ||
	    !keep(h->file, sizeof h->file, m, "file") ||
	    !keep(h->lib, sizeof h->lib, m, "lib") ||
	    !keep(h->server, sizeof h->server, m, "server") ||
	    !keep(h->name, sizeof h->name, m, "host") || h->file[0] == '\0')
		return PROTO_EXIT_ENGINE;
	h->heap_bytes = (size_t)heap;
	h->call_ms = (uint32_t)ms;
	answer(h, "ready", NULL, NULL);
	return SERVE_ON;
}

/* Kinds that prelude.js knows. */
static bool
is_event(const char *kind)
{
	static const char *const kinds[] = { "connect", "gone", "publish",
		"unpublish", "call", "result", "nc", "nc_result", "ns",
		"relay" };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

static void
pong(struct host *h, const json_t *m)
{
	char text[64];
	json_int_t v = json_integer_value(json_object_get(m, "n"));
	int n = snprintf(
	    text, sizeof text, "{\"t\":\"pong\",\"n\":%lld}", (long long)v);
	(void)link_send(&h->link, text, (size_t)n);
}

static void
mark(struct host *h, const char *kind, json_int_t n)
{
	char text[64];
	int len = snprintf(
	    text, sizeof text, "{\"t\":\"%s\",\"n\":%lld}", kind, (long long)n);
	(void)link_send(&h->link, text, (size_t)len);
}

/* The master knows what the script is at before it is. */
static void
call(struct host *h, struct inst *i, const json_t *m, const char *kind,
    const char *text, size_t len)
{
	json_int_t n = json_integer_value(json_object_get(m, "n"));
	if (n != 0) {
		mark(h, "enter", n);
		(void)link_flush(&h->link);
	}
	(void)inst_message(i, kind, text, len);
	/* a full heap ends the process: it died of this */
	if (n != 0 && !h->memory)
		mark(h, "leave", n);
}

static int
act(struct host *h, const json_t *m, const char *text, size_t len)
{
	const char *kind = string(m, "t"), *name = string(m, "inst");
	struct inst *i = inst_find(h, name);
	if (strcmp(kind, "setup") == 0)
		return setup(h, m);
	if (h->file[0] == '\0')
		return PROTO_EXIT_ENGINE;
	if (strcmp(kind, "quit") == 0) {
		stop_all(h);
		return 0;
	}
	if (strcmp(kind, "ping") == 0)
		pong(h, m);
	else if (strcmp(kind, "start") == 0)
		start(h, name, text, len);
	else if (strcmp(kind, "stop") == 0 && i != NULL)
		stop(i, json_is_true(json_object_get(m, "force")),
		    string(m, "code"), text, len);
	else if (i != NULL && is_event(kind))
		call(h, i, m, kind, text, len);
	return h->memory ? PROTO_EXIT_MEMORY : SERVE_ON;
}

int
serve_message(struct host *h, const char *text, size_t len)
{
	json_error_t e;
	json_t *m = json_loadb(text, len, JSON_ALLOW_NUL, &e);
	if (!json_is_object(m)) {
		json_decref(m);
		return PROTO_EXIT_ENGINE;
	}
	int r = act(h, m, text, len);
	json_decref(m);
	return r;
}

int
serve_time(struct host *h, struct mono now, uint64_t *next)
{
	*next = UINT64_MAX;
	for (struct inst *i = h->insts; i != NULL && !h->memory; i = i->next) {
		inst_timers(i, now);
		uint64_t due = timers_next(&i->timers);
		if (due < *next)
			*next = due;
	}
	return h->memory ? PROTO_EXIT_MEMORY : SERVE_ON;
}

void
serve_fini(struct host *h)
{
	while (h->insts != NULL)
		inst_free(h->insts);
	link_fini(&h->link);
}
