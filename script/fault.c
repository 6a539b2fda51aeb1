#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/fault.h"

enum { LEVELS = 64 };

/* Where the innermost is. ------------------------------------------------- */

static void
keep(duk_context *ctx, const char *name, char *to, size_t len)
{
	duk_get_prop_string(ctx, -1, name);
	snprintf(to, len, "%s", duk_get_string_default(ctx, -1, ""));
	duk_pop(ctx);
}

/* The frame on top of the stack.  False: it is not in a script. */
static bool
frame(duk_context *ctx, struct fault_place *p)
{
	duk_get_prop_string(ctx, -1, "lineNumber");
	p->line = duk_get_uint_default(ctx, -1, 0);
	duk_pop(ctx);
	duk_get_prop_string(ctx, -1, "function");
	bool script = duk_is_ecmascript_function(ctx, -1);
	if (script) {
		keep(ctx, "name", p->function, sizeof p->function);
		keep(ctx, "fileName", p->file, sizeof p->file);
	}
	duk_pop(ctx);
	return script && strcmp(p->file, FAULT_PRELUDE) != 0;
}

/* What the engine calls the code outside functions. */
static void
name_top(struct fault_place *p)
{
	if (strcmp(p->function, "global") == 0)
		p->function[0] = '\0';
}

static duk_ret_t
walk(duk_context *ctx)
{
	struct fault_place *p = duk_require_pointer(ctx, 0);
	for (int level = -2; level >= -LEVELS; level--) {
		duk_inspect_callstack_entry(ctx, level);
		if (!duk_is_object(ctx, -1))
			break;
		if (frame(ctx, p)) {
			name_top(p);
			return 0;
		}
		duk_pop(ctx);
	}
	*p = (struct fault_place){ .line = 0 };
	return 0;
}

/* A call makes the engine note where it is, which a signal interrupts. */
static duk_ret_t
where(duk_context *ctx, void *arg)
{
	duk_push_c_function(ctx, walk, 1);
	duk_push_pointer(ctx, arg);
	duk_call(ctx, 1);
	return 0;
}

void
fault_where(duk_context *ctx, struct fault_place *p)
{
	*p = (struct fault_place){ .line = 0 };
	if (duk_safe_call(ctx, where, p, 0, 1) != 0)
		*p = (struct fault_place){ .line = 0 };
	duk_pop(ctx);
}

/* Stack traces. ----------------------------------------------------------- */

/* "    at name (file:line) flags", up to end. */
static bool
trace_line(const char *s, const char *end, struct fault_place *p)
{
	static const char at[] = "    at ";
	size_t n = sizeof at - 1;
	if ((size_t)(end - s) < n || strncmp(s, at, n) != 0)
		return false;
	s += n;
	const char *open = memchr(s, '(', (size_t)(end - s)), *close = end;
	while (close > s && *close != ')')
		close--;
	const char *colon = close;
	while (colon > s && *colon != ':')
		colon--;
	if (open == NULL || colon <= open ||
	    memmem(close, (size_t)(end - close), "internal", 8))
		return false;
	char *digits;
	unsigned long line = strtoul(colon + 1, &digits, 10);
	if (digits != close)
		return false;
	snprintf(
	    p->file, sizeof p->file, "%.*s", (int)(colon - open - 1), open + 1);
	snprintf(p->function, sizeof p->function, "%.*s",
	    (int)(open > s ? open - s - 1 : 0), s);
	p->line = (uint32_t)line;
	return strcmp(p->file, FAULT_PRELUDE) != 0;
}

bool
fault_trace(const char *stack, struct fault_place *p)
{
	while (stack != NULL && *stack != '\0') {
		const char *end = strchr(stack, '\n');
		if (end == NULL)
			end = stack + strlen(stack);
		if (trace_line(stack, end, p))
			return true;
		stack = *end ? end + 1 : end;
	}
	*p = (struct fault_place){ .line = 0 };
	return false;
}

/* Errors. ----------------------------------------------------------------- */

/* An error of the compiler has no trace, but says where. */
static void
take_place(duk_context *ctx, struct fault_place *p)
{
	keep(ctx, "fileName", p->file, sizeof p->file);
	duk_get_prop_string(ctx, -1, "lineNumber");
	p->line = duk_get_uint_default(ctx, -1, 0);
	duk_pop(ctx);
	if (p->line == 0 || strcmp(p->file, FAULT_PRELUDE) == 0)
		*p = (struct fault_place){ .line = 0 };
}

static duk_ret_t
take(duk_context *ctx, void *arg)
{
	struct fault *f = arg;
	if (duk_is_error(ctx, -1)) {
		duk_get_prop_string(ctx, -1, "stack");
		bool found =
		    fault_trace(duk_get_string_default(ctx, -1, ""), &f->at);
		duk_pop(ctx);
		if (!found)
			take_place(ctx, &f->at);
		name_top(&f->at);
	}
	snprintf(f->text, sizeof f->text, "%s", duk_safe_to_string(ctx, -1));
	return 0;
}

void
fault_take(duk_context *ctx, struct fault *f)
{
	*f = (struct fault){ .text = "" };
	if (duk_safe_call(ctx, take, f, 1, 1) != 0 && f->text[0] == '\0')
		snprintf(f->text, sizeof f->text,
		    "an error that cannot be described");
	duk_pop(ctx);
}
