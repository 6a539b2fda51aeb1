#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "script/fault.h"
#include "script/guard.h"
#include "script/inst.h"
#include "script/load.h"
#include "script/prelude.h"

/* In the engine's stash. */
#define DISPATCH "dispatch"

struct inst *
inst_of(duk_context *ctx)
{
	return heap_of(ctx)->owner;
}

/* Faults. ------------------------------------------------------------------ */

static void
log_fault(const struct inst *i, const struct fault *f)
{
	struct log_maybe line = { f->at.line != 0, f->at.line };
	LOG(script_error, .vhost = span_of(i->host->vhost),
	    .app = span_of(i->host->app), .instance = span_of(i->name),
	    .file = f->at.file[0] ? f->at.file : NULL, .line = line,
	    .function = f->at.function[0] ? f->at.function : NULL,
	    .called = guard_entry(), .text = f->text);
}

/* What operators see of it without the log. */
static void
tell_master(struct inst *i, const struct fault *f)
{
	json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:i, s:o}", "t", "fault",
	    "inst", log_text(i->name, strlen(i->name)), "called",
	    log_text(guard_entry(), strlen(guard_entry())), "file",
	    log_text(f->at.file, strlen(f->at.file)), "line", (int)f->at.line,
	    "text", log_text(f->text, strlen(f->text)));
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (text != NULL)
		(void)link_send(&i->host->link, text, strlen(text));
	free(text);
	json_decref(j);
}

/* The engine's words for it; the message may be of the script, so both count. */
static bool
is_memory(const struct inst *i, const struct fault *f, uint64_t denied)
{
	return i->heap.denied != denied &&
	       (strstr(f->text, "alloc failed") != NULL ||
		   strstr(f->text, "error in error") != NULL);
}

/* application.onStatus is told, once: what it throws is only logged. */
static void
tell_fault(struct inst *i, const struct fault *f)
{
	char *text = NULL;
	json_t *j = json_pack("{s:o, s:s, s:i}", "text",
	    log_text(f->text, strlen(f->text)), "file", f->at.file, "line",
	    (int)f->at.line);
	if (j != NULL)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (text != NULL)
		(void)inst_message(i, "fault", text, strlen(text));
	free(text);
}

/* The error on top of the stack: log it, pop it. */
static void
report(struct inst *i, uint64_t denied, bool tell)
{
	struct fault f;
	fault_take(i->heap.ctx, &f);
	log_fault(i, &f);
	tell_master(i, &f);
	if (is_memory(i, &f, denied)) {
		i->host->memory = true;
		return;
	}
	if (tell)
		tell_fault(i, &f);
}

void
inst_fault(struct inst *i)
{
	guard_begin(i, INST_TOP);
	report(i, i->heap.denied, true);
	guard_end();
}

/* Calls. ------------------------------------------------------------------- */

static int
call(struct inst *i, int nargs, const char *entry, bool tell)
{
	uint64_t denied = i->heap.denied;
	guard_begin(i, entry);
	int r = duk_pcall(i->heap.ctx, nargs);
	if (r != 0)
		report(i, denied, tell);
	guard_end();
	return r == 0 ? 0 : -1;
}

int
inst_call(struct inst *i, int nargs, const char *entry)
{
	return call(i, nargs, entry, true);
}

struct message {
	const char *kind, *text;
	size_t len;
};

static duk_ret_t
push_message(duk_context *ctx, void *arg)
{
	const struct message *m = arg;
	duk_push_global_stash(ctx);
	duk_get_prop_string(ctx, -1, DISPATCH);
	duk_remove(ctx, -2);
	duk_push_string(ctx, m->kind);
	duk_push_lstring(ctx, m->text, m->len);
	duk_json_decode(ctx, -1);
	return 3;
}

bool
inst_message(struct inst *i, const char *kind, const char *text, size_t len)
{
	duk_context *ctx = i->heap.ctx;
	struct message m = { kind, text, len };
	bool told = strcmp(kind, "fault") != 0, answer = true;
	uint64_t denied = i->heap.denied;
	guard_begin(i, kind);
	if (duk_safe_call(ctx, push_message, &m, 0, 3) != 0) {
		duk_pop_2(ctx); /* the error is the first of three */
		report(i, denied, false);
	} else if (call(i, 2, kind, told) == 0) {
		answer = duk_get_boolean_default(ctx, -1, 1);
		duk_pop(ctx);
	}
	guard_end();
	return answer;
}

void
inst_timers(struct inst *i, struct mono now)
{
	uint32_t id;
	char text[32];
	while (!i->host->memory && (id = timers_take(&i->timers, now)) != 0) {
		int n = snprintf(text, sizeof text, "{\"id\":%u}", id);
		(void)inst_message(i, "timer", text, (size_t)n);
	}
}

/* Life. -------------------------------------------------------------------- */

static void
put_config(duk_context *ctx, const struct inst *i)
{
	duk_push_object(ctx);
	duk_push_sprintf(ctx, "%s/%s", i->host->app, i->name);
	duk_put_prop_string(ctx, -2, "name");
	duk_push_string(ctx, i->host->server);
	duk_put_prop_string(ctx, -2, "server");
	duk_push_string(ctx, i->host->name);
	duk_put_prop_string(ctx, -2, "host");
}

/* prelude(natives, config, global) -> the function that takes messages. */
static duk_ret_t
set_up(duk_context *ctx, void *arg)
{
	const struct inst *i = arg;
	/* coroutines and the engine's own doors are nothing for scripts */
	duk_push_global_object(ctx);
	duk_del_prop_string(ctx, -1, "Duktape");
	duk_pop(ctx);
	duk_push_global_stash(ctx);
	duk_push_lstring(ctx, prelude_text, prelude_len);
	duk_push_string(ctx, FAULT_PRELUDE);
	duk_compile(ctx, DUK_COMPILE_EVAL);
	duk_call(ctx, 0);
	natives_push(ctx);
	put_config(ctx, i);
	duk_push_global_object(ctx);
	duk_call(ctx, 3);
	duk_put_prop_string(ctx, -2, DISPATCH);
	return 0;
}

static int
open_engine(struct inst *i, char *err, size_t errlen)
{
	if (heap_open(&i->heap, i->host->heap_bytes, i) != 0 ||
	    duk_safe_call(i->heap.ctx, set_up, i, 0, 1) != 0) {
		snprintf(err, errlen,
		    "%zu bytes of memory are not enough for a script: %s",
		    i->host->heap_bytes,
		    i->heap.ctx ? duk_safe_to_string(i->heap.ctx, -1) : "");
		return -ENOMEM;
	}
	duk_pop(i->heap.ctx);
	return 0;
}

int
inst_new(struct host *h, const char *name, struct inst **made, char *err,
    size_t errlen)
{
	struct inst *i = calloc(1, sizeof *i);
	if (i == NULL || strlen(name) >= sizeof i->name) {
		free(i);
		snprintf(err, errlen, "no memory, or too long a name");
		return -ENOMEM;
	}
	i->host = h;
	strcpy(i->name, name);
	int r = open_engine(i, err, errlen);
	if (r == 0) {
		guard_begin(i, INST_TOP);
		r = load_file(i, h->file, err, errlen);
		guard_end();
	}
	if (r != 0) {
		heap_close(&i->heap);
		free(i);
		return r;
	}
	i->next = h->insts;
	h->insts = i;
	*made = i;
	return 0;
}

void
inst_free(struct inst *i)
{
	struct inst **p = &i->host->insts;
	while (*p != i)
		p = &(*p)->next;
	*p = i->next;
	heap_close(&i->heap);
	timers_fini(&i->timers);
	free(i);
}

struct inst *
inst_find(const struct host *h, const char *name)
{
	for (struct inst *i = h->insts; i != NULL; i = i->next)
		if (strcmp(i->name, name) == 0)
			return i;
	return NULL;
}
