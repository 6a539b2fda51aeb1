/*
 * natives - what prelude.js gets as `host`: the few things that JavaScript
 * cannot do itself.  Scripts never see this object.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "script/fault.h"
#include "script/guard.h"
#include "script/inst.h"
#include "script/json.h"
#include "script/load.h"
#include "common/proto.h"

/* send(message): to the master, with the name of the instance. */
static duk_ret_t
native_send(duk_context *ctx)
{
	char buf[PROTO_MAX];
	struct inst *i = inst_of(ctx);
	duk_size_t len;
	duk_push_string(ctx, i->name);
	duk_put_prop_string(ctx, 0, "inst");
	const char *text = duk_json_encode(ctx, 0);
	text = text ? duk_get_lstring(ctx, 0, &len) : NULL;
	if (text == NULL)
		return duk_type_error(ctx, "this cannot be sent");
	size_t n = json_ascii(buf, sizeof buf, text, len);
	int r = n == 0 ? -EMSGSIZE : link_send(&i->host->link, buf, n);
	if (r == -EMSGSIZE)
		return duk_range_error(
		    ctx, "what is sent is larger than %d bytes", PROTO_MAX);
	if (r != 0)
		return duk_range_error(
		    ctx, "too many calls: the server does not keep up");
	return 0;
}

/* trace(text): with the place in the script that traces. */
static duk_ret_t
native_trace(duk_context *ctx)
{
	const struct inst *i = inst_of(ctx);
	struct fault_place at;
	duk_size_t len;
	const char *text = duk_require_lstring(ctx, 0, &len);
	fault_where(ctx, &at);
	LOG(script_trace, .vhost = span_of(i->host->vhost),
	    .app = span_of(i->host->app), .instance = span_of(i->name),
	    .file = at.file[0] ? at.file : NULL,
	    .line = { at.line != 0, at.line },
	    .trace = (struct span){ text, len });
	return 0;
}

/* timer(ms, repeat) -> id */
static duk_ret_t
native_timer(duk_context *ctx)
{
	struct inst *i = inst_of(ctx);
	double ms = duk_require_number(ctx, 0);
	uint32_t id = timers_add(&i->timers, clock_now(), isnan(ms) ? 0 : ms,
	    duk_require_boolean(ctx, 1));
	if (id == 0)
		return duk_range_error(ctx, "more than %d timers", TIMERS_MAX);
	duk_push_uint(ctx, id);
	return 1;
}

static duk_ret_t
native_untimer(duk_context *ctx)
{
	timers_drop(&inst_of(ctx)->timers, duk_require_uint(ctx, 0));
	return 0;
}

static duk_ret_t
native_load(duk_context *ctx)
{
	char err[INST_PATH + 128];
	const char *name = duk_require_string(ctx, 0);
	if (load_by_name(inst_of(ctx), name, err, sizeof err) != 0)
		return duk_generic_error(ctx, "load: %s", err);
	duk_push_true(ctx);
	return 1;
}

/* enter(text): what is called next, for the log. */
static duk_ret_t
native_enter(duk_context *ctx)
{
	guard_enter(duk_require_string(ctx, 0));
	return 0;
}

static duk_ret_t
native_gc(duk_context *ctx)
{
	duk_gc(ctx, 0);
	return 0;
}

void
natives_push(duk_context *ctx)
{
	static const duk_function_list_entry list[] = {
		{ "send", native_send, 1 },
		{ "trace", native_trace, 1 },
		{ "timer", native_timer, 2 },
		{ "untimer", native_untimer, 1 },
		{ "load", native_load, 1 },
		{ "enter", native_enter, 1 },
		{ "gc", native_gc, 0 },
		{ NULL, NULL, 0 },
	};
	duk_push_object(ctx);
	duk_put_function_list(ctx, -1, list);
}
